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
// long that takes.
//
// What it knows is of this process; every worker finds out for itself.
type Sieve struct {
	interceptor.WorkerInterceptorBase

	mu      sync.Mutex
	passed  map[string]int      // guarded by mu; :: what was asked for, and where → how often it was granted
	failing map[string]*failing // guarded by mu; :: Workflow id and Activity → how often it failed
}

// failing is a call that failed and will be tried again.
type failing struct {
	passed  int // how often others had passed when it failed last
	strikes int
}

const (
	maxStrikes = 5
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
	if s.passed == nil || len(s.failing) > maxFailing {
		s.passed, s.failing = map[string]int{}, map[string]*failing{}
	}
	switch errorType(err) {
	case "":
		s.passed[what]++
		delete(s.failing, who)
		return nil
	case ErrTypeProviderUnavailable, ErrTypeInterrupted:
	default:
		return err // it names its own cure
	}
	f, known := s.failing[who]
	if !known {
		f = &failing{passed: s.passed[what]}
		s.failing[who] = f
	}
	if s.passed[what] > f.passed {
		f.strikes++
	}
	f.passed = s.passed[what]
	if f.strikes < maxStrikes {
		return err
	}
	delete(s.failing, who)
	return poisoned("%s; it failed %d times while others passed, so it is this message", message(err), maxStrikes)
}

func (in CreateIssueInput) place() string { return in.Account.String() + " " + repository(in.Issue) }
func (in ReplyInput) place() string       { return in.Account.String() + " " + in.Report.Channel }
func (in ReactInput) place() string       { return in.Account.String() + " " + in.Report.Channel }
func (in ReadInput) place() string        { return in.Triage + " " + in.Report.Channel }
