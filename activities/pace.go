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
// minute and 500 an hour for each credential. Whoever asks for more is refused, and a client that goes on asking may be
// banned.
//
// A worker takes its share of the limits: one part of as many as there are workers on the task queue, which the Temporal
// server knows. A worker that joins is noticed within seconds, one that died within a minute and a half; what goes out too
// fast GitHub refuses, and then nothing goes out here for as long as it asks. So the limits need no coordinator: a task queue
// with a rate would be exact over all workers too, but knows no limit of the hour, has to be polled for each account, and
// strands the work of one that nobody polls for; a count in a Workflow would cost each issue five events of history.
//
// Nil keeps nothing back.
type Pace struct {
	// Workers counts the workers that share the limits; nil means that this is the only one.
	Workers func(context.Context) (int, error)
	// Since is when this process began; zero for long ago. What the one before it created, nobody remembers.
	Since time.Time
	// Hourly is how much an account may create in an hour, 0 for any number; nil means [CreatesPerHour].
	Hourly func(credential.AccountID) int

	counting sync.Mutex // held while the workers are counted; guards counted
	counted  time.Time

	mu       sync.Mutex // guards everything below
	workers  int        // 0 before the first count; written under both locks
	accounts map[credential.AccountID]*paced
}

// limit lets a burst pass at once, and then one request each time: in any stretch of time at most the burst and what falls
// due in it.
type limit struct {
	Burst int
	// Start is what is left of the burst when a process begins: the one before it may have used it up.
	Start int
	Every time.Duration
}

// limits are kept all, the minute's first. In any minute 15 + 60 requests go out, with the second between two writes that
// GitHub asks for when there are many, and 5 more for a worker that starts. In any hour it is 125 + 303, and 12 more for
// each of six starts, or as much more or less as the configuration says.
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
	// maxTurnWait is how long an Activity waits for its turn inside. It keeps its turn, where one that comes back would not.
	maxTurnWait = time.Minute
	// recount is how often the workers are counted.
	recount = 10 * time.Second
	// countPatience bounds the count: without one the last one holds.
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

// another waits for the turn of one more request of the same Activity, however far off it is: sent away, the Activity would
// begin with the request that it has made already. Only where ctx ends before does the request go out too early.
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

// sit waits for a turn that is taken.
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

// take reserves the next turn, unless it is farther off than patience: then wait is when to ask again.
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
		back := a.next(now, limits, len(a.away)+1) // they come before who asks now
		a.away = append(a.away, back)
		return back.Sub(now), false
	}
	for i, l := range limits {
		a.free[i] = later(a.free[i], at).Add(l.Every)
	}
	return at.Sub(now), true
}

// next returns when a request may go out that so many others come before.
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

// begun returns when the limit of a process that began at a time would be unused, if it created nothing.
func (l limit) begun(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.Add(time.Duration(l.Burst-l.Start) * l.Every)
}

// heard notes how a request of an account failed, and returns the error. Where the provider asked to wait, nothing else of the
// account goes out until then; after that there is no burst within a minute, because the limits are narrower than was thought.
// Which of them a refusal was about the provider does not say: one more within the hour is taken for the hour's.
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

// share returns how many workers there are. Who comes while they are counted waits for that count.
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

// count returns what was known where there is no answer.
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
