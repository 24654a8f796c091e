package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
)

// discardAttempts bounds how often a provider is asked to take tokens back that are of no use to anybody: meanwhile the
// account does nothing else.
const discardAttempts = 4

// refused returns the verdict on an authorization that was not adopted, and keeps in mind what is in quarantine.
func (a *account) refused(err error) error {
	q, kept := activities.QuarantineOf(err)
	if !kept {
		return temporal.NewNonRetryableApplicationError(rootMessage(err), errorType(err), nil)
	}
	a.endQuarantine(q.Authorization)
	a.Quarantine = &q
	return temporal.NewNonRetryableApplicationError(rootMessage(err), errorType(err), nil, q)
}

// refuseStray judges an authorization that was in quarantine and is void, although its tokens may still be in the vault.
func (a *account) refuseStray(id string) {
	a.Adoptions = slices.DeleteFunc(a.Adoptions, func(queued string) bool { return queued == id })
	delete(a.Accepts, id)
	const reason = "it was in quarantine and is void: a later consent took its place, or somebody rejected it; consent again"
	a.verdicts[id] = temporal.NewNonRetryableApplicationError(reason, activities.ErrTypeAuthorizationRejected, nil)
	a.warn("authorization refused: " + reason)
}

// endQuarantine has what is in quarantine destroyed, unless it is the one named.
func (a *account) endQuarantine(except string) {
	if q := a.Quarantine; q != nil && q.Authorization != except {
		a.Strays = append(a.Strays, q.Authorization)
	}
	a.Quarantine = nil
}

// emptyQuarantine destroys what is in quarantine at once, because the account leaves.
func (a *account) emptyQuarantine(ctx workflow.Context) error {
	a.endQuarantine("")
	for len(a.Strays) > 0 {
		if err := a.discard(ctx); err != nil {
			return err
		}
	}
	return nil
}

// onReject has what is in quarantine destroyed because an operator says so, and waits for it.
func (a *account) onReject(ctx workflow.Context, r RejectRequest) (AccountStatus, error) {
	if q := a.Quarantine; q != nil && q.Authorization == r.Authorization {
		a.endQuarantine("")
		a.Warning = ""
	}
	err := workflow.Await(ctx, func() bool { return !slices.Contains(a.Strays, r.Authorization) || a.draining })
	return a.status(ctx), err
}

func (a *account) discardDue(now time.Time) bool {
	return len(a.Strays) > 0 || a.Quarantine != nil && !now.Before(a.Quarantine.Until)
}

// discard destroys what nobody has accepted in time. The provider is to take it back, but it does not have to, and is not
// asked when the account is disconnected by force.
func (a *account) discard(ctx workflow.Context) error {
	if len(a.Strays) == 0 {
		a.endQuarantine("")
	}
	in := activities.DiscardInput{Account: a.id, Authorization: a.Strays[0]}
	const what = "destroy what was in quarantine"
	options := workflow.GetActivityOptions(a.tokenActivity(ctx, what))
	options.RetryPolicy.MaximumAttempts = discardAttempts
	forced, err := a.untilForced(workflow.WithActivityOptions(ctx, options), (*activities.Account).Discard, in, nil)
	if forced {
		a.leaveBehind("a consent in quarantine was destroyed as well")
	}
	if (forced || err != nil) && ctx.Err() == nil {
		a.log.Warn("the provider does not take back what was in quarantine", "account", a.id.String(), "error", err)
		in.Unrevoked = true
		err = workflow.ExecuteActivity(accountActivity(ctx, what), (*activities.Account).Discard, in).Get(ctx, nil)
	}
	if ctx.Err() != nil {
		return err
	}
	if err != nil {
		// The vault deletes it by itself when it expires.
		a.log.Warn("what was in quarantine is not destroyed yet", "account", a.id.String(), "error", err)
	}
	a.Strays = a.Strays[1:]
	return nil
}
