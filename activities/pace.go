package activities

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/credential"
)

// Pace keeps what each account creates at GitHub, issues and comments alike, below GitHub's secondary limits: 80 requests a
// minute and 500 an hour for each credential. GitHub refuses whoever exceeds them, and may ban a client that goes on.
//
// Each worker takes an equal share of the limits; the Temporal server knows how many workers are on the task queue. A new
// worker is noticed within seconds, a dead one within a minute and a half. Should too much go out meanwhile, GitHub refuses
// it, and nothing goes out here for as long as it asks. So the limits need no coordinator. A rate-limited task queue would
// be exact over all workers too, but it knows no hourly limit, has to be polled for each account, and strands the work of an
// account that nobody polls for; a count in a Workflow would cost five events of history for each issue.
//
// A nil Pace holds nothing back.
type Pace struct {
	// Workers counts the workers that share the limits; nil means that this is the only one.
	Workers func(context.Context) (int, error)
	// Since is when this process began; zero for long ago. What its predecessor created is not known, so a new process
	// begins with a small burst.
	Since time.Time
	// Hourly is how much an account may create in an hour, 0 for any number; nil means [CreatesPerHour].
	Hourly func(credential.AccountID) int

	counting sync.Mutex // held while the workers are counted; guards counted
	counted  time.Time

	mu       sync.Mutex // guards everything below
	workers  int        // 0 before the first count; written under both locks
	accounts map[credential.AccountID]*paced
}

// limit allows a burst at once, and after that one request every Every. In any period at most the burst and what falls due
// in it goes out.
type limit struct {
	Burst int
	// Start is how much of the burst a new process has, because its predecessor may have used the rest.
	Start int
	Every time.Duration
}

// limits returns the limits that all have to be kept, that of the minute first. In any minute 15 + 60 requests go out, a
// second apart as GitHub asks for when there are many, and 5 more for a worker that starts. In any hour it is 125 + 303, and
// 12 more for each of six starts; the configuration may scale the hour's.
func (p *Pace) limits(account credential.AccountID) []limit {
	hourly := CreatesPerHour
	if p.Hourly != nil {
		hourly = p.Hourly(account)
	}
	if hourly <= 0 {
		return nil
	}
	burst, start := max(hourly/4, 1), hourly/40
	return []limit{
		{Burst: 15, Start: 5, Every: time.Second},
		{Burst: burst, Start: start, Every: time.Hour / time.Duration(max(hourly-burst-6*start, 1))},
	}
}

const (
	// CreatesPerHour is GitHub's limit for one credential.
	CreatesPerHour = 500
	// maxTurnWait is how long an Activity waits for its turn while it runs, and keeps its turn. Beyond that it fails, and
	// takes another turn when it is retried.
	maxTurnWait = time.Minute
	// recount is how often the workers are counted.
	recount = 10 * time.Second
	// countPatience bounds the count. Without an answer the last count holds.
	countPatience = 2 * time.Second
)

// paced is what one account has used up.
type paced struct {
	free    [2]time.Time // :: limit, in the order of [Pace.limits] → when it would be unused again
	rest    time.Time    // until when the provider asked to wait
	refused time.Time    // when it asked last
	away    []time.Time  // when those that were sent away will come back, here or to another worker
}

// turn waits until the account may make another request. Where that is longer than a minute it fails with
// [ErrTypeRateLimited] and the time to come back.
func (p *Pace) turn(ctx context.Context, account credential.AccountID, doing string) error {
	if p == nil {
		return nil
	}
	wait, taken := p.take(account, p.share(ctx), maxTurnWait)
	if !taken {
		return again(ErrTypeRateLimited, doing+": "+account.String()+" has created as much as GitHub allows in a minute or an hour", wait)
	}
	return p.sit(ctx, account, doing, wait)
}

// another waits for the turn of one more request of the same Activity, however far off it is: retried later, the Activity
// would begin with the request that it has made already. Only where ctx ends before the turn does the request go out too
// early.
func (p *Pace) another(ctx context.Context, account credential.AccountID, doing string) error {
	if p == nil {
		return nil
	}
	wait, _ := p.take(account, p.share(ctx), math.MaxInt64)
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, max(time.Until(end)-maxTurnWait, 0))
	}
	return p.sit(ctx, account, doing, wait)
}

// sit waits until a reserved turn has come, and fails where the provider meanwhile asked the account to wait.
func (p *Pace) sit(ctx context.Context, account credential.AccountID, doing string, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
	}
	if rest := p.rest(account); rest > 0 { // another request was refused meanwhile
		return again(ErrTypeRateLimited, doing+": the provider's rate limit", rest)
	}
	return nil
}

// take reserves the next turn and returns how long to wait for it. Where that is longer than patience it reserves none: wait
// is then when to ask again.
func (p *Pace) take(account credential.AccountID, workers int, patience time.Duration) (wait time.Duration, taken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, limits, a := time.Now(), p.limits(account), p.of(account)
	for i := range limits {
		limits[i] = limits[i].shared(workers)
		a.free[i] = later(a.free[i], limits[i].begun(p.Since))
	}
	at := a.next(now, limits, 0)
	if at.Sub(now) > patience {
		a.away = slices.DeleteFunc(a.away, func(back time.Time) bool { return !back.After(now) })
		back := a.next(now, limits, len(a.away)+1) // the ones sent away before this one go first
		a.away = append(a.away, back)
		return back.Sub(now), false
	}
	for i, l := range limits {
		a.free[i] = later(a.free[i], at).Add(l.Every)
	}
	return at.Sub(now), true
}

// next returns when a request may go out, if others go out before it.
func (a *paced) next(now time.Time, limits []limit, others int) time.Time {
	at := later(now, a.rest)
	for i, l := range limits {
		at = later(at, a.free[i].Add(time.Duration(others-l.Burst+1)*l.Every))
	}
	return at
}

// shared is the part of a limit that one of so many workers has.
func (l limit) shared(workers int) limit {
	return limit{Burst: max(l.Burst/workers, 1), Start: max(l.Start/workers, min(l.Start, 1)), Every: l.Every * time.Duration(workers)}
}

// begun returns when the limit of a process that began at a time would be unused again, had it created nothing.
func (l limit) begun(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.Add(time.Duration(l.Burst-l.Start) * l.Every)
}

// heard notes how a request of an account failed, and returns the error. Where the provider asked to wait, nothing of the
// account goes out until then; after that there is no burst for a while, because the limits are narrower than was thought.
// The provider does not say which limit was exceeded: a second refusal within an hour is taken for the hour's.
func (p *Pace) heard(account credential.AccountID, err error) error {
	wait, limited := limitedFor(err)
	if p == nil || !limited {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a, now, limits := p.of(account), time.Now(), p.limits(account)
	if now.Before(a.rest) { // it was on its way when another one was refused
		a.rest = later(a.rest, now.Add(wait))
		return err
	}
	if now.Sub(a.refused) > time.Hour {
		limits = limits[:min(len(limits), 1)]
	}
	a.rest, a.refused = now.Add(wait), now
	for i, l := range limits {
		l = l.shared(max(p.workers, 1))
		a.free[i] = later(a.free[i], a.rest.Add(time.Duration(l.Burst-1)*l.Every))
	}
	return err
}

// rest returns for how long the provider asked an account to wait.
func (p *Pace) rest(account credential.AccountID) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.of(account).rest)
}

func (p *Pace) of(account credential.AccountID) *paced {
	a, ok := p.accounts[account]
	if !ok {
		a = &paced{}
		if p.accounts == nil {
			p.accounts = map[credential.AccountID]*paced{}
		}
		p.accounts[account] = a
	}
	return a
}

// share returns among how many workers the limits are shared. Calls during a count wait for its result.
func (p *Pace) share(ctx context.Context) int {
	if p.Workers == nil {
		return 1
	}
	p.counting.Lock()
	defer p.counting.Unlock()
	if p.counted.IsZero() || time.Since(p.counted) > recount {
		workers := p.count(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.workers, p.counted = workers, time.Now()
	}
	return p.workers
}

// count returns the number of workers, and the last known one where there is no answer.
func (p *Pace) count(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, countPatience)
	defer cancel()
	n, err := p.Workers(ctx)
	if err != nil || n < 1 {
		return max(p.workers, 1)
	}
	return n
}

// limitedFor returns how long a provider asked to wait, and whether err is about that.
func limitedFor(err error) (wait time.Duration, limited bool) {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || app.Type() != ErrTypeRateLimited {
		return 0, false
	}
	return app.NextRetryDelay(), true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
