package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// AccountInput starts a ConnectedAccount: {"account":"acme/triage/slack"}.
type AccountInput struct {
	Account credential.AccountID `json:"account"`
	// State is carried over Continue-As-New; leave it out.
	State *AccountState `json:"state,omitempty"`
}

// AccountState is all that an account remembers.
type AccountState struct {
	Status   credential.Status `json:"status"`
	Reason   string            `json:"reason,omitempty"`
	Since    time.Time         `json:"since"`
	Provider string            `json:"provider"`
	// Credential is what the vault holds, as far as it may be known here. Generation 0: nothing.
	Credential  activities.Facts `json:"credential"`
	LastRefresh time.Time        `json:"last_refresh,omitzero"`
	Refreshes   int              `json:"refreshes"`
	Failures    int              `json:"failures,omitempty"`
	// Unread counts the answers since the last token that nobody could read; see [account.countUnread].
	Unread int `json:"unread,omitempty"`
	// Unsure: the last attempt failed by [activities.CodeUnsure].
	Unsure bool `json:"unsure,omitempty"`
	// NotBefore is the earliest next attempt after a failed one.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Refusal is what the provider said of the generation at hand while the vault could not say whether there is a newer one.
	Refusal *activities.Failure `json:"refusal,omitempty"`
	// Marks say what is known of the presentations that the vault has on record.
	Marks activities.Marks `json:"marks,omitzero"`
	// GrantDead says that the grant must not be presented again.
	GrantDead bool `json:"grant_dead,omitempty"`
	// Lost: it is dead because nobody knows what became of a presentation, and not because the provider said so.
	Lost bool `json:"lost,omitempty"`
	// Reported is the highest generation that a caller saw die.
	Reported credential.Generation `json:"reported,omitempty"`
	// Forced is a refresh that somebody asked for without one having died.
	Forced bool `json:"forced,omitempty"`
	// Noticed says that people were told of the trouble there is now.
	Noticed bool    `json:"noticed,omitempty"`
	Telling Telling `json:"telling,omitzero"`
	// Adoptions are authorizations not looked at yet.
	Adoptions []string `json:"adoptions,omitempty"`
	// Accepts says whose tokens somebody wants as they are :: authorization -> subject.
	Accepts map[string]credential.Subject `json:"accepts,omitempty"`
	// Quarantine is the newest consent that does not fit; Strays are older ones that are to be destroyed, before [changeGivesBack].
	Quarantine *credential.Quarantine `json:"quarantine,omitempty"`
	Strays     []string               `json:"strays,omitempty"`
	// Replaced are grants that the account had before, or that were in quarantine, and that are to be revoked.
	Replaced      []credential.Replaced `json:"replaced,omitempty"`
	Waiting       []string              `json:"waiting,omitempty"` // Workflow ids, each once, in the order they came
	Waits         []int64               `json:"waits,omitempty"`   // since when each of them waits; see [wait]
	Told          []round               `json:"told,omitempty"`    // who went on a moment ago
	Disconnecting bool                  `json:"disconnecting,omitempty"`
	// Force: the disconnect does not wait for the provider. Unrevoked is why that had not revoked the grant.
	Force     bool   `json:"force,omitempty"`
	Unrevoked string `json:"unrevoked,omitempty"`
	Warning   string `json:"warning,omitempty"`
	// Policy is how the account is looked after.
	Policy activities.Policy `json:"policy"`
	// RefreshFixed says that a refresh does not give the refresh token a longer life: by the provider's facts, and then by
	// what the last refresh brought.
	RefreshFixed bool     `json:"refresh_fixed,omitempty"`
	Deadline     Deadline `json:"deadline,omitzero"`
	Looks        Looks    `json:"looks,omitzero"`
	Hold         Hold     `json:"hold,omitzero"`
}

// account is the machinery around the state. It is one actor: handlers only note what was asked and wait; everything
// that changes the grant happens in run, one thing after the other.
type account struct {
	AccountState
	id       credential.AccountID
	attempts int               // ended attempts of this run; handlers wait for it to move
	looks    int               // ended looks at the token in this run that somebody asked for; handlers wait for it to move
	looking  bool              // one of those is under way
	watch    *watch            // nil while nothing looks at the token by itself
	errand   *errand           // nil while there is nothing to revoke
	heard    time.Time         // when a watch ended without a finding
	verdicts map[string]error  // :: authorization -> how its adoption ended
	stirred  bool              // a message changed when the next step is due, so that wait has to compute it again
	untaken  int               // attempts to disconnect in this run that no worker took; handlers wait for it to move
	draining bool              // about to continue as new: handlers answer with what is known
	log      workflowLogger    // replay-aware
	shown    map[string]string // :: what the Web UI and the search attributes show now
}

const nobodyConsented = "nobody has consented yet"

type workflowLogger interface {
	Info(msg string, keyvals ...any)
	Warn(msg string, keyvals ...any)
}

// ConnectedAccount owns the credential of one account for as long as the account exists. It never fails: each kind of
// trouble is a state in which it waits. It ends when it was disconnected.
func ConnectedAccount(ctx workflow.Context, in AccountInput) (AccountStatus, error) {
	if in.Account.IsZero() {
		return AccountStatus{}, temporal.NewNonRetryableApplicationError(
			`account: missing; start it with --input '{"account":"acme/triage/slack"}'`, activities.ErrTypeNotConfigured, nil)
	}
	if err := runsAs(ctx, AccountWorkflowID(in.Account), "an account has one owner"); err != nil {
		return AccountStatus{}, err
	}
	a := newAccount(ctx, in)
	if err := a.setup(ctx); err != nil {
		return AccountStatus{}, err
	}
	return a.run(ctx)
}

func newAccount(ctx workflow.Context, in AccountInput) *account {
	a := &account{id: in.Account, verdicts: map[string]error{}, shown: map[string]string{}, log: workflow.GetLogger(ctx)}
	if in.State != nil {
		a.AccountState = *in.State
		a.Waits = append(a.Waits, make([]int64, max(0, len(a.Waiting)-len(a.Waits)))...) // the state of a version before Waits has none
	} else {
		a.AccountState = AccountState{Status: credential.Pending, Reason: nobodyConsented, Since: workflow.Now(ctx)}
	}
	return a
}

// run does what is due, shows the state, and waits for what comes next.
func (a *account) run(ctx workflow.Context) (AccountStatus, error) {
	for {
		if a.Provider == "" {
			if err := a.describe(ctx); err != nil {
				return a.status(ctx), err
			}
		}
		acted, err := a.step(ctx)
		if err != nil {
			return a.status(ctx), err
		}
		if err := a.publish(ctx); err != nil {
			return a.status(ctx), err
		}
		switch {
		case a.Status == credential.Disconnected:
			return a.finish(ctx)
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested() && !a.awaited():
			return a.status(ctx), a.continueAsNew(ctx)
		}
		if acted {
			continue
		}
		a.keepWatch(ctx)
		a.keepRevoking(ctx)
		if err := a.wait(ctx); err != nil {
			return a.status(ctx), err
		}
	}
}

// step does the most urgent thing that is due, and only that one. A disconnect comes first, because an account that ends
// needs no token; then a consent, because a person waits for the verdict and it can replace whatever a refresh would bring.
// acted is false where nothing was due.
func (a *account) step(ctx workflow.Context) (acted bool, err error) {
	now := workflow.Now(ctx)
	switch {
	case a.Disconnecting:
		return true, a.disconnect(ctx)
	case len(a.Adoptions) > 0:
		return true, a.adopt(ctx)
	case a.overslept(ctx, now):
		return true, a.spread(ctx)
	case a.refreshDue(now):
		return true, a.refresh(ctx)
	case a.expired(now):
		a.expire(ctx)
		return true, nil
	case a.watch.ready():
		return true, a.hear(ctx)
	case a.errand.ready():
		return true, a.returned(ctx)
	case a.Looks.Asked:
		return true, a.look(ctx)
	case a.noticeDue(now):
		return true, a.notify(ctx)
	case a.warningDue(now):
		return true, a.warnOfDeadline(ctx)
	case a.wakeDue(now):
		return true, a.wake(ctx)
	case a.discardDue(now):
		return true, a.discard(ctx)
	}
	return false, nil
}

// awaited reports whether a person waits for the outcome of the next step. Such a step is finished in this run:
// Continue-As-New cuts off the Updates that wait for it. A disconnect that no worker takes is the exception, because it may
// last for longer than one history can hold.
func (a *account) awaited() bool {
	return a.Disconnecting && a.untaken == 0 || len(a.Adoptions) > 0
}

// busy reports whether step has something to do at once.
func (a *account) busy(now time.Time) bool {
	return a.Disconnecting || len(a.Adoptions) > 0 || a.refreshDue(now) || a.expired(now) || a.watch.ready() || a.errand.ready() ||
		a.Looks.Asked || a.noticeDue(now) || a.warningDue(now) || a.wakeDue(now) || a.discardDue(now)
}

// wait sleeps until the next thing is due by the clock or a message brings something to do.
func (a *account) wait(ctx workflow.Context) error {
	a.stirred = false
	wake := func() bool {
		return a.stirred || a.busy(workflow.Now(ctx)) || a.shown[shownStatus] != string(a.Status) ||
			workflow.GetInfo(ctx).GetContinueAsNewSuggested()
	}
	if wake() {
		return nil
	}
	next, what := a.nextDue(workflow.Now(ctx))
	if next.IsZero() {
		return workflow.Await(ctx, wake)
	}
	// The SDK leaves the timer of an Await running that ended early; cancelling its context ends it.
	timed, stop := workflow.WithCancel(ctx)
	defer stop()
	_, err := workflow.AwaitWithOptions(timed, workflow.AwaitOptions{
		Timeout:      max(next.Sub(workflow.Now(ctx)), time.Millisecond),
		TimerOptions: workflow.TimerOptions{Summary: what},
	}, wake)
	return err
}

// nextDue returns when the clock alone brings something to do, and what.
func (a *account) nextDue(now time.Time) (time.Time, string) {
	next, what := a.nextOfGrant(now)
	if q := a.Quarantine; q != nil && (next.IsZero() || q.Until.Before(next)) {
		next, what = q.Until, "quarantine ends"
	}
	if at := a.noticeAt(); at.After(now) && (next.IsZero() || at.Before(next)) {
		return at, "tell people"
	}
	return next, what
}

func (a *account) nextOfGrant(now time.Time) (time.Time, string) {
	if a.GrantDead {
		if a.Status == credential.Degraded {
			return a.Credential.ExpiresAt, "access token ends"
		}
		return time.Time{}, ""
	}
	next, what := a.nextRefresh(), "refresh"
	if end := a.Credential.ExpiresAt; a.Hold.Held && a.Status == credential.Degraded && !end.IsZero() && end.Before(next) {
		next, what = end, "access token ends"
	}
	if warning := a.nextWarning(now); next.IsZero() || !warning.IsZero() && warning.Before(next) {
		next, what = warning, "warn of the deadline"
	}
	return next, what
}

// accountActivity sets the options of an Activity that is retried until it succeeds, or fails in a way that no other attempt
// would mend.
func accountActivity(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		// Longer than a token request (10 s unless configured) and the writes around it, so that no second attempt
		// begins while the first may still be talking.
		StartToCloseTimeout: accountActivityTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		Summary:             summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
	})
}

const accountActivityTimeout = 45 * time.Second

// enter moves to a status. Since is set only where the status changes, so that it keeps the moment at which the trouble
// began when the reason is worded anew.
func (a *account) enter(ctx workflow.Context, status credential.Status, reason string) {
	if a.Status != status {
		a.log.Info("account changes state", "account", a.id.String(), "from", a.Status, "to", status, "reason", reason)
		a.Since = workflow.Now(ctx)
	}
	a.Status, a.Reason = status, reason
}

// finish answers the Updates under way, and signals every Workflow that waits for the account although it has no token for
// them: they ask again, and find the account's next owner, if there is one.
func (a *account) finish(ctx workflow.Context) (AccountStatus, error) {
	a.draining = true
	err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
	for a.drain(ctx); err == nil && len(a.Waiting) > 0; a.drain(ctx) {
		err = a.wake(ctx)
	}
	return a.status(ctx), err
}

// continueAsNew begins a fresh history with the whole state. Before that the handlers under way answer, and the Signals that
// have arrived are taken, so that neither is lost.
func (a *account) continueAsNew(ctx workflow.Context) error {
	a.draining = true
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return err
	}
	a.drain(ctx)
	a.forgetTold(workflow.Now(ctx))
	state := a.AccountState
	if dropped := state.fit(); dropped > 0 {
		a.log.Warn("more Workflows wait than can be remembered; these ask again within the hour", "account", a.id.String(), "workflows", dropped)
	}
	return workflow.NewContinueAsNewError(ctx, ConnectedAccount, AccountInput{Account: a.id, State: &state})
}

func (a *account) status(workflow.Context) AccountStatus {
	return AccountStatus{
		Account: a.id, Provider: a.Provider, Status: a.Status, Reason: a.Reason, Since: a.Since,
		Generation: a.Credential.Generation, Subject: a.Credential.Subject, Display: a.Credential.Display,
		Scopes: a.Credential.Scopes, ExpiresAt: a.Credential.ExpiresAt, RefreshExpiresAt: a.lifetimes().RefreshEnds(),
		ConsentBy: a.Deadline.At, LastValidated: a.Looks.Alive, ValidationNote: a.Looks.Note,
		LastRefresh: a.LastRefresh, NextRefresh: a.nextRefresh(), Refreshes: a.Refreshes, Failures: a.Failures,
		Waiting: len(a.Waiting), HeldBy: a.heldBy(), Quarantine: a.Quarantine, Replaced: a.Replaced,
		Disconnecting: a.Disconnecting && a.Status != credential.Disconnected, Unrevoked: a.Unrevoked, Warning: a.Warning,
	}
}
