package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// Hold is what an account knows of the pauses of its connector.
type Hold struct {
	// Held: the provider refuses the app, so the account waits until its connector tells it to go on.
	Held bool `json:"held,omitempty"`
	// Shown is Held as the search attribute has it.
	Shown bool `json:"shown,omitempty"`
	// Opened is the highest episode of the connector (see [ConnectorState]) that the account was told is over.
	Opened int `json:"opened,omitempty"`
	// Try: it shall send a request although the app is refused.
	Try bool `json:"try,omitempty"`
	// Spread: NotBefore is not the backoff after a failure. It only keeps the accounts of the connector apart, so an account
	// whose token is needed now may ignore it; see [account.hurry].
	Spread bool `json:"spread,omitempty"`
}

const (
	// holdCheck is when a held account asks by itself, in case the news was lost; up to twice that by its jitter.
	holdCheck = time.Hour
	// pauseSpread bounds the time over which accounts come back after a pause that the provider asked for.
	pauseSpread = 2 * time.Minute
)

// hearConnector takes the news of the connector.
func (a *account) hearConnector(now time.Time, n ConnectorNews) {
	a.stirred = true
	switch {
	case n.Try: // it may come while an attempt is under way that will be refused
		a.tryAnyway()
		return
	case a.Hold.Held:
		a.Hold.Held, a.Hold.Spread = false, true
		a.NotBefore = now.Add(time.Duration(a.id.Jitter() * float64(n.Spread)))
		a.hurry()
	}
	a.Hold.Opened = max(a.Hold.Opened, n.Episode)
}

// tryAnyway has the account send its next request although the app is refused; at once, if it waits for that.
func (a *account) tryAnyway() {
	a.Hold.Try = true
	if a.Hold.Held {
		a.NotBefore = time.Time{}
	}
}

// hurry ends a wait that only keeps accounts apart, because somebody needs a token.
func (a *account) hurry() {
	if a.Hold.Spread && (a.Forced || a.reportedDead()) {
		a.NotBefore, a.Hold.Spread = time.Time{}, false
	}
}

// tellConnector reports to the connector's Workflow a failure that the connector's other accounts would meet too: a refused
// app, or a limit. began is when the attempt began. tried says that the attempt was made although the app counted as
// refused; then the connector is told as well when the provider accepts the app.
func (a *account) tellConnector(ctx workflow.Context, began time.Time, tried bool, failure *activities.Failure) error {
	report := ConnectorReport{Account: a.id, Began: began}
	switch {
	case failure == nil || failure.Kind == credential.DeadGrant: // a provider that judges the grant has accepted the app before
		if !tried {
			return nil
		}
	case failure.Shared && failure.Kind == credential.DeadClient:
		report.Kind, report.Reason = credential.DeadClient, failure.Message
	case failure.Shared:
		report.Kind, report.Reason, report.RetryAfter = credential.Throttled, failure.Message, failure.RetryAfter
	default:
		return nil
	}
	owner := ConnectorWorkflowID(workflow.GetInfo(ctx).TaskQueueName, a.id.Connector)
	err := workflow.SignalExternalWorkflow(ctx, owner, "", SignalReport, report).Get(ctx, nil)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil: // nobody would tell it to go on, so it tries by itself
		a.log.Warn("the connector has no Workflow; a worker that starts begins one", "account", a.id.String(), "workflow", owner, "error", err)
	case report.Kind == credential.DeadClient:
		a.hold(ctx)
	}
	return nil
}

// hold has the account wait until its connector tells it to go on. Where the connector has asked it meanwhile to try, it
// tries at once.
func (a *account) hold(ctx workflow.Context) {
	a.Hold.Held, a.NotBefore = true, time.Time{}
	if !a.Hold.Try {
		a.NotBefore = workflow.Now(ctx).Add(holdCheck + time.Duration(a.id.Jitter()*float64(holdCheck)))
	}
}

// pause takes over a pause of the connector: the attempt sent nothing, because another account met a refused app or a limit.
func (a *account) pause(ctx workflow.Context, f activities.Failure) {
	if f.Kind == credential.DeadClient {
		a.hold(ctx)
		a.enterUnlessServing(ctx, credential.ClientMisconfigured, f.Message)
		return
	}
	a.Hold.Held = false
	// All come back after the same moment, so each waits for its share of a time as long as the pause.
	a.NotBefore = workflow.Now(ctx).Add(f.RetryAfter + time.Duration(a.id.Jitter()*float64(min(f.RetryAfter, pauseSpread))))
	a.enter(ctx, a.troubled(), f.Message)
}

// troubled returns the state of an account that waits for something that passes.
func (a *account) troubled() credential.Status {
	if a.Credential.Generation == 0 {
		return credential.Pending // there is nothing yet that could be worse than it was
	}
	return credential.Degraded
}

// heldBy returns the name of the connector that the account waits for, or "".
func (a *account) heldBy() string {
	if !a.Hold.Held {
		return ""
	}
	return a.id.Connector
}
