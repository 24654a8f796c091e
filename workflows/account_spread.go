package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

const (
	// oversleptAfter is how late an account has to be for it to suspect that all others are late as well.
	oversleptAfter = 30 * time.Second
	// spreadWindow is the time over which accounts spread themselves that were late together, or longer, where the rate of
	// their connector does not get through all of them in it: 10,000 of them are 17 requests a second.
	spreadWindow = 10 * time.Minute

	// changeSpread: before it, late accounts refreshed at once. Version 1 spreads them over spreadWindow, version 2 (spreadByRound)
	// over the connector's round where that is longer.
	changeSpread  = "spread after an outage"
	spreadByRound = 2

	oversleptReason = "the access token ended while nothing ran; it is replaced in its turn, or at once when somebody needs it"
)

// overslept reports whether the next attempt was due a while ago by the clock alone, and nobody waits for it. After an
// outage of Temporal or of all workers this holds for all accounts at once.
func (a *account) overslept(ctx workflow.Context, now time.Time) bool {
	if a.Credential.Generation == 0 || a.Forced || a.reportedDead() || a.Hold != (Hold{Opened: a.Hold.Opened}) || !a.refreshDue(now) {
		return false
	}
	return now.Sub(a.nextRefresh()) > oversleptAfter &&
		workflow.GetVersion(ctx, changeSpread, workflow.DefaultVersion, spreadByRound) != workflow.DefaultVersion
}

// spread puts the attempt off by the account's share of a window. Without a good access token the account does not say that
// it works; whoever needs one ends the wait, see [account.hurry].
func (a *account) spread(ctx workflow.Context) error {
	var round time.Duration
	if workflow.GetVersion(ctx, changeSpread, workflow.DefaultVersion, spreadByRound) >= spreadByRound {
		round = a.round(ctx)
	}
	if ctx.Err() != nil || a.needed() { // by now
		return ctx.Err()
	}
	now := workflow.Now(ctx)
	a.NotBefore, a.Hold.Spread = now.Add(spreadOver(a.id, a.Credential.IssuedAt, a.Credential.ExpiresAt, now, round)), true
	if a.Status == credential.Active && !a.serving(now) {
		a.enter(ctx, credential.Degraded, oversleptReason)
	}
	return nil
}

// round returns how long the connector's rate takes for one request of each of its accounts, 0 where nobody knows.
func (a *account) round(ctx workflow.Context) (round time.Duration) {
	options := workflow.GetActivityOptions(accountActivity(ctx, "how many accounts share the rate"))
	options.RetryPolicy = &temporal.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: 3}
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), (*activities.Account).Round,
		activities.AccountInput{Account: a.id}).Get(ctx, &round)
	if err != nil {
		a.log.Warn("spreading over the usual time: the accounts were not counted", "account", a.id.String(), "error", err)
		return 0
	}
	return round
}

// spreadOver returns how long an overslept account waits: its share of spreadWindow. The window is shorter where the access
// token is still good, so that it is replaced before it ends, and for a short-lived token, so that at most a quarter of its
// lifetime is lost. It is never shorter than the round, in which the connector's rate lets each account through once.
func spreadOver(account credential.AccountID, issued, expires, now time.Time, round time.Duration) time.Duration {
	window := spreadWindow
	if lifetime := expires.Sub(issued); lifetime > 0 {
		window = min(window, lifetime/4)
	}
	if left := expires.Sub(now); left > 0 {
		window = min(window, left)
	}
	return time.Duration(account.Jitter() * float64(max(window, round)))
}
