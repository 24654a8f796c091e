package workflows

import (
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// disconnect ends the account, or says what is in the way.
func (a *account) disconnect(ctx workflow.Context) error {
	status, reason := a.Status, a.Reason
	a.enterUnlessServing(ctx, status, "being disconnected; the provider has not taken the revocation yet")
	if err := a.publish(ctx); err != nil {
		return err
	}
	err := a.revoke(ctx)
	if ctx.Err() != nil {
		return err
	}
	if err != nil {
		a.Disconnecting, a.Force = false, false
		a.enter(ctx, status, reason)
		a.warn("disconnecting failed: " + rootMessage(err))
		return nil
	}
	reason = "disconnected on request"
	if a.Unrevoked != "" {
		reason = "disconnected by force, and the provider has not revoked the grant: " + a.Unrevoked
	}
	a.Credential = activities.Facts{}
	a.enter(ctx, credential.Disconnected, reason)
	return nil
}

// revoke has the grant revoked and destroyed, and waits for a provider that is away until somebody forces the end.
func (a *account) revoke(ctx workflow.Context) error {
	options := workflow.GetActivityOptions(accountActivity(ctx, "revoke and destroy the grant"))
	options.RetryPolicy.MaximumInterval = maxRevokeInterval
	ctx = workflow.WithActivityOptions(ctx, options)
	if !a.Force {
		patient, stop := workflow.WithCancel(ctx)
		defer stop()
		revoked := workflow.ExecuteActivity(patient, (*activities.Account).Disconnect, activities.AccountInput{Account: a.id})
		if err := workflow.Await(ctx, func() bool { return revoked.IsReady() || a.Force }); err != nil {
			return err
		}
		if !a.Force {
			return revoked.Get(ctx, nil)
		}
		stop() // what it still does is done once more below, and no harm
	}
	var ended activities.ForcedDisconnect
	err := workflow.ExecuteActivity(ctx, (*activities.Account).ForceDisconnect, activities.AccountInput{Account: a.id}).Get(ctx, &ended)
	a.Unrevoked = ended.Unrevoked
	return err
}
