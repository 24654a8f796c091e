package workflows

import (
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// onDisconnect waits until the grant is revoked and destroyed, or until that turned out to be impossible.
func (a *account) onDisconnect(ctx workflow.Context, r DisconnectRequest) (AccountStatus, error) {
	a.leave(r)
	before := a.untaken
	err := workflow.Await(ctx, func() bool {
		return !a.Disconnecting || a.Status == credential.Disconnected || a.untaken > before || a.draining
	})
	return a.status(ctx), err
}

// leave notes that somebody wants the account to end. Force, once asked for, stays.
func (a *account) leave(r DisconnectRequest) {
	a.Disconnecting, a.Force = true, a.Force || r.Force
}

// disconnect ends the account, or says what is in the way.
func (a *account) disconnect(ctx workflow.Context) error {
	status, reason := a.Status, a.Reason
	a.enterUnlessServing(ctx, status, "being disconnected; the provider has not taken the revocation yet")
	if err := a.publish(ctx); err != nil {
		return err
	}
	if err := a.emptyQuarantine(ctx); err != nil {
		return err
	}
	err := a.revokeReplaced(ctx)
	if err == nil {
		err = a.revoke(ctx)
	}
	if ctx.Err() != nil {
		return err
	}
	if failure, ok := a.unserved(ctx, err); ok { // asked for still, and tried again
		a.untaken++
		a.enter(ctx, status, reason)
		a.warn("disconnecting waits: " + failure.Message)
		return nil
	}
	if err != nil {
		a.Disconnecting, a.Force = false, false
		a.enter(ctx, status, reason)
		a.warn("disconnecting failed: " + rootMessage(err))
		return nil
	}
	reason = "disconnected on request"
	switch {
	case a.Unrevoked != "" && !a.Force:
		reason += ", and the grant may live on at the provider: " + a.Unrevoked
	case a.Unrevoked != "":
		reason = "disconnected by force, and the provider has not revoked the grant: " + a.Unrevoked
	}
	if err := a.tellEnd(ctx, reason); err != nil {
		return err
	}
	a.Credential, a.Replaced = activities.Facts{}, nil
	a.enter(ctx, credential.Disconnected, reason)
	return nil
}

// revoke has the grant revoked and destroyed. It waits for a provider that is away until somebody forces the end.
func (a *account) revoke(ctx workflow.Context) error {
	const what = "revoke and destroy the grant"
	in := activities.AccountInput{Account: a.id, Refused: a.GrantDead && !a.Lost, Marks: a.Marks}
	options := workflow.GetActivityOptions(a.tokenActivity(ctx, what))
	options.RetryPolicy.MaximumInterval = maxRevokeInterval
	var ended activities.Disconnected
	forced, err := a.untilForced(workflow.WithActivityOptions(ctx, options), (*activities.Account).Disconnect, in, &ended)
	if !forced {
		a.leaveBehind(ended.Unrevoked)
		return err
	}
	err = a.inTurn(ctx, what, (*activities.Account).ForceDisconnect, in, &ended)
	a.leaveBehind(ended.Unrevoked)
	return err
}

// untilForced runs an Activity that needs the provider, unless or until somebody forces the disconnect. forced is true where
// somebody did: the Activity is cancelled then, and its last attempt may still be under way.
func (a *account) untilForced(ctx workflow.Context, activity, in, out any) (forced bool, err error) {
	if a.Force {
		return true, nil
	}
	patient, stop := workflow.WithCancel(ctx)
	defer stop()
	done := workflow.ExecuteActivity(patient, activity, in)
	if err := workflow.Await(ctx, func() bool { return done.IsReady() || a.Force }); err != nil {
		return false, err
	}
	if !done.IsReady() {
		return true, nil
	}
	err = done.Get(ctx, out)
	return err != nil && a.Force, err
}

// leaveBehind adds a reason why the provider has not revoked something that is destroyed here; "" adds nothing.
func (a *account) leaveBehind(reason string) {
	if a.Unrevoked != "" && reason != "" {
		reason = a.Unrevoked + "; " + reason
	}
	if reason != "" {
		a.Unrevoked = reason
	}
}
