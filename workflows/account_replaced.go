package workflows

import (
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// errand is the revocation, in the background, of a grant that was replaced by another subject's or was in quarantine. It is
// one Activity that is retried for as long as the provider takes, and adds nothing to the history meanwhile.
type errand struct {
	grant credential.Replaced
	done  workflow.Future
	stop  workflow.CancelFunc
}

// ready reports whether the errand is over.
func (e *errand) ready() bool { return e != nil && e.done.IsReady() }

// end cancels an errand that is under way. Its last attempt may go on.
func (e *errand) end() {
	if e != nil {
		e.stop()
	}
}

// keepRevoking starts an errand where there is a grant to revoke and none is under way.
func (a *account) keepRevoking(ctx workflow.Context) {
	if a.errand != nil || len(a.Replaced) == 0 || a.Disconnecting {
		return
	}
	options := a.revokes(ctx)
	options.ScheduleToStartTimeout = 0 // nobody waits for it, so it may stay in the queue until a worker has the connector
	revoking, stop := workflow.WithCancel(workflow.WithActivityOptions(ctx, options))
	a.errand = &errand{grant: a.Replaced[0], stop: stop, done: workflow.ExecuteActivity(revoking, (*activities.Account).Discard,
		activities.DiscardInput{Account: a.id, Authorization: a.Replaced[0].Authorization})}
}

// revokes returns the options of a revocation that is tried until the provider has answered.
func (a *account) revokes(ctx workflow.Context) workflow.ActivityOptions {
	options := workflow.GetActivityOptions(a.tokenActivity(ctx, "revoke a grant that is not in use"))
	options.RetryPolicy.MaximumInterval = maxRevokeInterval
	return options
}

// returned takes the result of an errand that is over. keepRevoking starts the next one.
func (a *account) returned(ctx workflow.Context) error {
	done := a.errand
	a.errand = nil
	var ended activities.Discarded
	if err := done.done.Get(ctx, &ended); err != nil {
		if ctx.Err() == nil { // its own failures are all retried, so somebody ended the Activity at the Temporal server
			a.log.Warn("a revocation ended without an answer of the provider", "account", a.id.String(), "subject", done.grant.Holder.Subject, "error", err)
			return nil
		}
		return err
	}
	a.forget(done.grant)
	if ended.Unrevoked != "" {
		a.warn(livesOn(done.grant, ended) + "; its tokens are destroyed here: remove the app's access there")
	}
	return nil
}

func livesOn(grant credential.Replaced, ended activities.Discarded) string {
	return "the provider has not revoked " + grant.String() + ": " + ended.Unrevoked
}

func (a *account) forget(grant credential.Replaced) {
	for i, r := range a.Replaced {
		if r.Authorization == grant.Authorization {
			a.Replaced = append(a.Replaced[:i:i], a.Replaced[i+1:]...)
			return
		}
	}
}

// revokeReplaced revokes, before a disconnect, the grants that were replaced or in quarantine, and waits for the provider.
// Where somebody forces the disconnect it stops: ForceDisconnect then destroys them as well. Its error says what a person
// has to mend first.
func (a *account) revokeReplaced(ctx workflow.Context) error {
	a.errand.end()
	a.errand = nil
	for len(a.Replaced) > 0 {
		grant := a.Replaced[0]
		var ended activities.Discarded
		forced, err := a.untilForced(workflow.WithActivityOptions(ctx, a.revokes(ctx)), (*activities.Account).Discard,
			activities.DiscardInput{Account: a.id, Authorization: grant.Authorization, Awaited: true}, &ended)
		if forced || err != nil {
			return err
		}
		a.forget(grant)
		if ended.Unrevoked != "" {
			a.leaveBehind(livesOn(grant, ended))
		}
	}
	return nil
}
