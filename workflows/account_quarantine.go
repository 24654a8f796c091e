package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

const (
	// changeGivesBack: before it, the provider was asked to revoke what had been in quarantine while the account did nothing else,
	// and after discardAttempts attempts the tokens were destroyed unrevoked.
	changeGivesBack = "gives back"
	discardAttempts = 4
	// rejectPatience is how long whoever rejects waits for the provider.
	rejectPatience = 20 * time.Second
)

// refused returns the verdict on an authorization that was not adopted. Where the Activity put it in quarantine, the account
// remembers that, and the verdict says so.
func (a *account) refused(ctx workflow.Context, err error) error {
	q, kept := activities.QuarantineOf(err)
	if !kept {
		return temporal.NewNonRetryableApplicationError(rootMessage(err), errorType(err), nil)
	}
	a.endQuarantine(ctx, q.Authorization)
	a.Quarantine = &q
	return temporal.NewNonRetryableApplicationError(rootMessage(err), errorType(err), nil, q)
}

// refuseStray refuses an authorization that was in quarantine and is void by now. Its tokens may still be in the vault until
// they are revoked.
func (a *account) refuseStray(id string) {
	a.Adoptions = slices.DeleteFunc(a.Adoptions, func(queued string) bool { return queued == id })
	delete(a.Accepts, id)
	const reason = "it was in quarantine and is void: a later consent took its place, or somebody rejected it; consent again"
	a.verdicts[id] = temporal.NewNonRetryableApplicationError(reason, activities.ErrTypeAuthorizationRejected, nil)
	a.warn("authorization refused: " + reason)
}

// endQuarantine has what is in quarantine revoked and destroyed, unless it is the authorization named by except.
func (a *account) endQuarantine(ctx workflow.Context, except string) {
	q := a.Quarantine
	a.Quarantine = nil
	switch {
	case q == nil || q.Authorization == except || a.isVoid(q.Authorization):
	case workflow.GetVersion(ctx, changeGivesBack, workflow.DefaultVersion, 1) == workflow.DefaultVersion:
		a.Strays = append(a.Strays, q.Authorization)
	default:
		a.Replaced = append(a.Replaced, credential.Replaced{Authorization: q.Authorization, Holder: q.Got, Since: q.Since})
	}
}

// isVoid reports whether an authorization was in quarantine, and is about to be revoked.
func (a *account) isVoid(id string) bool {
	return slices.Contains(a.Strays, id) ||
		slices.ContainsFunc(a.Replaced, func(r credential.Replaced) bool { return r.Authorization == id })
}

// emptyQuarantine empties the quarantine before a disconnect.
func (a *account) emptyQuarantine(ctx workflow.Context) error {
	a.endQuarantine(ctx, "")
	for len(a.Strays) > 0 {
		if err := a.discard(ctx); err != nil {
			return err
		}
	}
	return nil
}

// onReject has what is in quarantine revoked and destroyed because an operator says so, and waits for a moment until it is.
func (a *account) onReject(ctx workflow.Context, r RejectRequest) (AccountStatus, error) {
	if q := a.Quarantine; q != nil && q.Authorization == r.Authorization {
		a.endQuarantine(ctx, "")
		a.Warning = ""
		a.stirred = true
	}
	gone := func() bool { return !a.isVoid(r.Authorization) || a.draining }
	if gone() {
		return a.status(ctx), nil
	}
	if workflow.GetVersion(ctx, changeGivesBack, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		err := workflow.Await(ctx, gone)
		return a.status(ctx), err
	}
	timed, stop := workflow.WithCancel(ctx)
	defer stop()
	_, err := workflow.AwaitWithTimeout(timed, rejectPatience, gone)
	return a.status(ctx), err
}

func (a *account) discardDue(now time.Time) bool {
	return len(a.Strays) > 0 || a.Quarantine != nil && !now.Before(a.Quarantine.Until)
}

// discard ends a quarantine whose time is over. What stands in Strays, in a history from before [changeGivesBack], is
// destroyed here as it was then.
func (a *account) discard(ctx workflow.Context) error {
	if len(a.Strays) == 0 {
		a.endQuarantine(ctx, "")
	}
	if len(a.Strays) == 0 {
		return nil
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
		a.log.Warn("what was in quarantine is not destroyed yet", "account", a.id.String(), "error", err)
	}
	a.Strays = a.Strays[1:]
	return nil
}
