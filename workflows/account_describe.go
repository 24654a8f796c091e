package workflows

import (
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// describe reads what the configuration and the vault hold of the account. The worker that is asked may lack the connector,
// because it was just added or has been removed. The account then shows client_misconfigured, and waits for a worker that
// has the connector, or for a disconnect.
func (a *account) describe(ctx workflow.Context) error {
	d, err := a.readVault(ctx, false).get(ctx)
	if errorType(err) == activities.ErrTypeNotConfigured && ctx.Err() == nil {
		a.enter(ctx, credential.ClientMisconfigured, rootMessage(err))
		if err := a.publish(ctx); err != nil {
			return err
		}
		patient, stop := workflow.WithCancel(ctx)
		defer stop()
		waiting := a.readVault(patient, true)
		if err := workflow.Await(ctx, func() bool { return waiting.IsReady() || a.Disconnecting }); err != nil {
			return err
		}
		if !waiting.IsReady() {
			return nil
		}
		d, err = waiting.get(ctx)
	}
	if err != nil {
		return err
	}
	a.described(ctx, d)
	return nil
}

// reading is an Activity Describe that may still be under way.
type reading struct{ workflow.Future }

func (r reading) get(ctx workflow.Context) (d activities.Description, err error) {
	err = r.Get(ctx, &d)
	return d, err
}

func (a *account) readVault(ctx workflow.Context, await bool) reading {
	return reading{workflow.ExecuteActivity(accountActivity(ctx, "read the vault"), (*activities.Account).Describe,
		activities.DescribeInput{Account: a.id, Await: await})}
}

// described takes over what was read.
func (a *account) described(ctx workflow.Context, d activities.Description) {
	a.Provider, a.Policy, a.RefreshFixed, a.Replaced = d.Provider, d.Policy, d.Policy.RefreshFixed, d.Replaced
	switch {
	case d.Credential != nil:
		a.Credential = *d.Credential
		a.enter(ctx, credential.Active, "")
		a.setDeadline(workflow.Now(ctx))
	case a.Policy.Minted:
		a.enter(ctx, credential.Pending, "its first token is on the way; nobody has to consent")
	case a.Status != credential.Pending:
		a.enter(ctx, credential.Pending, nobodyConsented)
	}
}
