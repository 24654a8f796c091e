package activities

import (
	"context"
	"sync"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

// Sieve is a worker interceptor that tells a poisoned message from an outage. A single attempt cannot: in both cases the
// provider answers 500, or not at all. But an outage meets every message, while a message that the server cannot digest
// fails where others pass. So an attempt that failed, at a place where others passed since the last attempt, is a strike;
// the fifth in a row makes the message poisoned. While the provider is away nothing passes, and nothing is struck, for
// however long that takes. Nor is anything struck while the provider answers some calls and not others: where half of all
// calls fail, six failures of one message in a row are nothing rare.
//
// It knows of its own process only; every worker finds out for itself.
type Sieve struct {
	interceptor.WorkerInterceptorBase

	mu      sync.Mutex
	places  map[string]*place   // guarded by mu; :: what is asked for, and where → how that goes
	failing map[string]*failing // guarded by mu; :: Workflow id and Activity → how often it failed
}

// place is how one kind of call goes at one place: a repository, or a channel.
type place struct {
	passed int // how often it was granted
	// last are the last calls, without those of messages that failed more than maxStrikes times, whose fault it may be.
	last []outcome
}

// outcome is how one call went.
type outcome struct {
	who    string
	failed bool
}

// failing is a call that failed and will be tried again.
type failing struct {
	times   int // how often, one after the other
	passed  int // how often others had passed when it failed last
	strikes int
}

const (
	maxStrikes = 5
	// maxLast is how many calls tell how a place is doing. It is well where at most a tenth of them failed (unwell): at that
	// rate one message in a million fails six times in a row.
	maxLast = 50
	unwell  = 0.1
	// maxFailing bounds the memory. Beyond it everything is forgotten; a poisoned message is struck again.
	maxFailing = 10_000
)

// sieved is an input that says where its call goes: a success there says nothing of another repository or channel.
type sieved interface{ place() string }

// InterceptActivity implements [interceptor.WorkerInterceptor].
func (s *Sieve) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &sieve{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, all: s}
}

type sieve struct {
	interceptor.ActivityInboundInterceptorBase

	all *Sieve
}

// ExecuteActivity implements [interceptor.ActivityInboundInterceptor].
func (s *sieve) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	out, err := s.Next.ExecuteActivity(ctx, in)
	if len(in.Args) != 1 {
		return out, err
	}
	to, ok := in.Args[0].(sieved)
	if !ok {
		return out, err
	}
	info := activity.GetInfo(ctx)
	who := info.WorkflowExecution.ID + " " + info.ActivityType.Name
	return out, s.all.judge(who, info.ActivityType.Name+" "+to.place(), err)
}

// judge records how a call went, and returns its error, or the verdict that the message is poisoned.
func (s *Sieve) judge(who, what string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places == nil || len(s.failing) > maxFailing {
		s.places, s.failing = map[string]*place{}, map[string]*failing{}
	}
	at, known := s.places[what]
	if !known {
		at = &place{}
		s.places[what] = at
	}
	switch errorType(err) {
	case "":
		at.passed++
		at.add(outcome{who: who})
		delete(s.failing, who)
		return nil
	case ErrTypeProviderUnavailable, ErrTypeInterrupted:
	default:
		return err // it names its own cure
	}
	f, known := s.failing[who]
	if !known {
		f = &failing{passed: at.passed}
		s.failing[who] = f
	}
	if f.times++; f.times <= maxStrikes { // one that is poisoned fails for ever, and says nothing of the place
		at.add(outcome{who: who, failed: true})
	}
	switch {
	case !at.well(who):
		f.strikes = 0 // those of before may have been of the same trouble
	case at.passed > f.passed:
		f.strikes++
	}
	f.passed = at.passed
	if f.strikes < maxStrikes {
		return err
	}
	delete(s.failing, who)
	return poisoned("%s; it failed %d times while others passed, so it is this message", message(err), maxStrikes)
}

func (p *place) add(o outcome) {
	p.last = append(p.last, o)
	p.last = p.last[max(len(p.last)-maxLast, 0):]
}

// well reports whether hardly any call of others fails there.
func (p *place) well(but string) bool {
	failed, all := 0, 0
	for _, o := range p.last {
		if o.who == but {
			continue
		}
		if all++; o.failed {
			failed++
		}
	}
	return float64(failed) <= unwell*float64(all)
}

func (in CreateIssueInput) place() string { return in.Account.String() + " " + repository(in.Issue) }
func (in ReplyInput) place() string       { return in.Account.String() + " " + in.Report.Channel }
func (in ReactInput) place() string       { return in.Account.String() + " " + in.Report.Channel }
func (in ReadInput) place() string        { return in.Triage + " " + in.Report.Channel }
