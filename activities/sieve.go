package activities

import (
	"context"
	"sync"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

// Sieve is a worker interceptor that tells a poisoned message from an outage. Both look alike from one attempt: the
// provider answers 500, or does not answer. But an outage meets everybody, and a message that nobody's server can digest
// fails while others pass. An attempt that failed at what another report was granted since the attempt before is a
// strike, and the fifth in a row is the last. While the provider is away nobody passes, and nobody is struck, for however
// long that takes. While it answers some and not others, nobody is struck either: that bad luck follows one message for six
// attempts is nothing rare where half of all calls fail.
//
// What it knows is of this process; every worker finds out for itself.
type Sieve struct {
	interceptor.WorkerInterceptorBase

	mu      sync.Mutex
	places  map[string]*place   // guarded by mu; :: what is asked for, and where → how that goes
	failing map[string]*failing // guarded by mu; :: Workflow id and Activity → how often it failed
}

// place is what is asked for somewhere.
type place struct {
	passed int // how often it was granted
	// last are the last calls, without those of messages that failed so often that the fault may be theirs.
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
	// maxLast is how many calls say how a place is, and a tenth of them may fail where all is well: at that rate one message in
	// a million fails six times in a row.
	maxLast = 50
	unwell  = 0.1
	// maxFailing bounds the memory. Beyond it all is forgotten: who is poisoned will be struck again.
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

// judge books how a call went, and returns what becomes of its error.
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

// well reports whether hardly anybody else fails there.
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
