package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// maxBackoff bounds the wait between attempts while a provider is away: an agent must not sleep for long after the
// outage is over.
const maxBackoff = time.Minute

// refreshDue reports whether a refresh should be tried now.
func (a *account) refreshDue(now time.Time) bool {
	next := a.nextRefresh()
	return !next.IsZero() && !now.Before(next)
}

// nextRefresh returns when the next attempt is due, or zero when none is planned. Pure arithmetic over the state.
func (a *account) nextRefresh() time.Time {
	if a.GrantDead || a.Disconnecting {
		return time.Time{}
	}
	if a.Credential.Generation == 0 {
		return a.firstMint()
	}
	due := a.lifetimes().DueAt(a.id)
	if a.Forced || a.reportedDead() {
		due = a.Credential.IssuedAt // long ago: at once
	}
	if due.IsZero() {
		return time.Time{}
	}
	return latest(due, a.NotBefore)
}

// firstMint returns when the first token of an account is due that needs nobody's consent: at once.
func (a *account) firstMint() time.Time {
	if !a.Policy.Minted {
		return time.Time{}
	}
	return latest(a.Since, a.NotBefore)
}

// lifetimes returns how long the grant can go on.
func (a *account) lifetimes() credential.Lifetimes {
	return lifetimesOf(a.Credential, a.Policy, a.RefreshFixed)
}

func lifetimesOf(c activities.Facts, p activities.Policy, fixed bool) credential.Lifetimes {
	return credential.Lifetimes{
		Issued: c.IssuedAt, Expires: c.ExpiresAt, RefreshExpires: c.RefreshExpiresAt, RefreshIdle: p.RefreshIdle,
		Fixed: fixed, Refreshable: c.Refreshable, Minted: p.Minted,
	}
}

func (a *account) reportedDead() bool {
	return a.Reported > 0 && a.Reported >= a.Credential.Generation
}

// refresh makes one attempt, notes how it ended, and tells the connector what concerns others.
func (a *account) refresh(ctx workflow.Context) error {
	began, tried := workflow.Now(ctx), a.Hold.Held || a.Hold.Try
	result, err := a.attempt(ctx)
	if err != nil {
		return err
	}
	a.attempts++
	switch failure := result.Failure; {
	case failure == nil:
		a.refreshed(ctx, result)
	case failure.Code == activities.CodePaused:
		a.pause(ctx, *failure)
		return nil
	default:
		a.fail(ctx, *failure)
	}
	return a.tellConnector(ctx, began, tried, result.Failure)
}

func (a *account) refreshed(ctx workflow.Context, result activities.RefreshResult) {
	if result.Credential.Generation > a.Credential.Generation {
		a.Refreshes++
		a.LastRefresh = workflow.Now(ctx)
	}
	a.renew(ctx, *result.Credential)
}

func (a *account) attempt(ctx workflow.Context) (activities.RefreshResult, error) {
	in := activities.RefreshInput{
		Account: a.id, Generation: a.Credential.Generation, Opened: a.Hold.Opened, Try: a.Hold.Try,
		Refusal: a.Refusal, Marks: a.Marks,
	}
	requesting := a.tokenActivity(ctx, fmt.Sprintf("refresh generation %d", in.Generation))
	a.Hold.Try, a.Hold.Spread = false, false
	var result activities.RefreshResult
	err := workflow.ExecuteActivity(requesting, (*activities.Account).RefreshToken, in).Get(ctx, &result)
	if err != nil {
		return a.attemptError(ctx, err)
	}
	if a.Marks = (activities.Marks{}); result.Failure != nil {
		a.Marks = result.Failure.Marks
	}
	if result.Sealed == nil {
		return result, nil
	}
	var facts activities.Facts
	err = workflow.ExecuteActivity(accountActivity(ctx, "store sealed tokens"), (*activities.Account).StoreTokens,
		activities.StoreInput{Account: a.id, Generation: in.Generation, Sealed: result.Sealed}).Get(ctx, &facts)
	if err != nil {
		return a.attemptError(ctx, err)
	}
	return activities.RefreshResult{Credential: &facts}, nil
}

// attemptError turns the error of an Activity that gave no result into a failure. Only a cancelled Workflow gets the error
// itself.
func (a *account) attemptError(ctx workflow.Context, err error) (activities.RefreshResult, error) {
	if ctx.Err() != nil {
		return activities.RefreshResult{}, err
	}
	if failure, ok := a.unserved(ctx, err); ok {
		return activities.RefreshResult{Failure: &failure}, nil
	}
	return activities.RefreshResult{Failure: &activities.Failure{
		Kind: credential.Misconfigured, Code: errorType(err), Message: rootMessage(err),
	}}, nil
}

// renew takes over a credential that is in the vault, and forgets the trouble of the one before.
func (a *account) renew(ctx workflow.Context, facts activities.Facts) {
	if facts.Generation > a.Credential.Generation {
		a.RefreshFixed = a.fixedAfter(facts)
	}
	if facts.Generation == a.Credential.Generation || facts.Generation > a.Reported {
		a.Reported = 0 // checked and alive, or newer than what died
	}
	if facts.Generation > a.Credential.Generation {
		a.Looks.Note = "" // it spoke of an older one
	}
	a.Credential = facts
	a.Failures, a.Unread, a.NotBefore, a.GrantDead, a.Forced, a.Refusal = 0, 0, time.Time{}, false, false, nil
	a.Hold.Held, a.Hold.Try, a.Hold.Spread = false, false, false
	a.Marks.Ended = 0 // the wait that NotBefore imposed is gone, so an earlier attempt may still be under way
	a.enter(ctx, credential.Active, "")
	a.setDeadline(workflow.Now(ctx))
}

// fixedAfter returns whether the refresh token's life is fixed, judging by the last refresh: it is, where that did not put
// off the end of the refresh token.
func (a *account) fixedAfter(next activities.Facts) bool {
	if a.Credential.RefreshExpiresAt.IsZero() || next.RefreshExpiresAt.IsZero() {
		return a.RefreshFixed // it does not say
	}
	return !a.lifetimes().Extends(lifetimesOf(next, a.Policy, a.RefreshFixed))
}

// fail turns a failure into a state. While the access token is good, trouble is only a warning (degraded). A refresh that
// was asked for stays asked for: where the fate of the refresh token is unknown, finding out must not wait until the access
// token is nearly over.
func (a *account) fail(ctx workflow.Context, f activities.Failure) {
	a.Failures++
	a.Hold.Held, a.Unsure = false, f.Code == activities.CodeUnsure
	if f.Refusal != nil {
		a.Refusal = f.Refusal
	}
	now := workflow.Now(ctx)
	switch f.Kind {
	case credential.DeadGrant:
		if a.unread() && !a.GrantDead {
			a.Telling.Again = now // people were told to look for something else
		}
		a.GrantDead, a.Forced, a.Lost = true, false, f.Code == activities.CodeOutcomeUnknown
		a.enterUnlessServing(ctx, credential.ReauthorizationRequired, f.Message)
	case credential.DeadClient, credential.Misconfigured:
		a.NotBefore = now.Add(maxBackoff)
		a.enterUnlessServing(ctx, credential.ClientMisconfigured, f.Message)
	default: // throttled, transient, ambiguous, malformed, or a kind that this version does not know: later again
		if f.Kind == credential.Malformed {
			a.countUnread(ctx)
		}
		a.NotBefore = now.Add(backoff(a.Failures, f.RetryAfter, a.id.Jitter()))
		a.enter(ctx, a.troubled(), f.Message)
	}
}

// backoff returns what the provider asked for, or doubles from one second, with up to half as much again of jitter.
func backoff(failures int, asked time.Duration, jitter float64) time.Duration {
	if asked > 0 {
		return asked
	}
	wait := time.Second << min(failures-1, 6)
	return min(wait, maxBackoff) + time.Duration(jitter*float64(min(wait, maxBackoff))/2)
}

// enterUnlessServing enters a status in which calls are refused. While the access token is good it enters degraded in its
// place, with the same reason.
func (a *account) enterUnlessServing(ctx workflow.Context, status credential.Status, reason string) {
	if a.serving(workflow.Now(ctx)) {
		a.enter(ctx, credential.Degraded, reason)
		return
	}
	a.enter(ctx, status, reason)
}

// serving reports whether there is an access token that has not expired and that no caller saw die.
func (a *account) serving(now time.Time) bool {
	c := a.Credential
	return c.Generation > 0 && !a.reportedDead() && (c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt))
}

// expired reports whether an access token that cannot be replaced now, and that was served as degraded, has expired or was
// seen dead by a caller.
func (a *account) expired(now time.Time) bool {
	return (a.GrantDead || a.Hold.Held) && a.Status == credential.Degraded && !a.serving(now)
}

func (a *account) expire(ctx workflow.Context) {
	status := credential.ReauthorizationRequired
	if a.Hold.Held {
		status = credential.ClientMisconfigured
	}
	a.enter(ctx, status, a.Reason)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
