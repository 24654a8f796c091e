package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/credential"
)

const (
	// oversleptAfter is how late an account has to be for it to suspect that all others are late as well.
	oversleptAfter = 30 * time.Second
	// spreadWindow is the time over which accounts spread themselves that were late together: 10,000 of them are 17
	// requests a second.
	spreadWindow = 10 * time.Minute

	oversleptReason = "the access token ended while nothing ran; it is replaced in its turn, or at once when somebody needs it"
)

// overslept reports whether the next attempt was due by the clock some time ago and nobody waits for it. After an outage of
// Temporal or of all workers that is so for all accounts.
func (a *account) overslept(ctx workflow.Context, now time.Time) bool {
	if a.Credential.Generation == 0 || a.Forced || a.reportedDead() || a.Hold != (Hold{Opened: a.Hold.Opened}) || !a.refreshDue(now) {
		return false
	}
	return now.Sub(a.nextRefresh()) > oversleptAfter &&
		workflow.GetVersion(ctx, "spread after an outage", workflow.DefaultVersion, 1) != workflow.DefaultVersion
}

// spread puts the attempt off by the account's share of a window. Without a good access token the account does not say that
// it works; whoever needs one ends the wait, see [account.hurry].
func (a *account) spread(ctx workflow.Context) {
	now := workflow.Now(ctx)
	a.NotBefore, a.Hold.Spread = now.Add(spreadOver(a.id, a.Credential.IssuedAt, a.Credential.ExpiresAt, now)), true
	if a.Status == credential.Active && !a.serving(now) {
		a.enter(ctx, credential.Degraded, oversleptReason)
	}
}

// spreadOver returns how long an account waits that was late with all others. A good access token is renewed before it
// ends; a short-lived one does not lose more than a quarter of its lifetime.
func spreadOver(account credential.AccountID, issued, expires, now time.Time) time.Duration {
	window := spreadWindow
	if lifetime := expires.Sub(issued); lifetime > 0 {
		window = min(window, lifetime/4)
	}
	if left := expires.Sub(now); left > 0 {
		window = min(window, left)
	}
	return time.Duration(account.Jitter() * float64(window))
}
