package workflows

import (
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

const (
	// resubscribe is how often a waiting Workflow asks again, in case the account's Workflow was replaced.
	resubscribe = time.Hour
	// unownedRetry is how soon a waiting Workflow asks again when the account has no running Workflow. It doubles up to
	// maxUnownedRetry: each time adds ten events, and a history ends at 51,200, so a wait may last for three months.
	unownedRetry    = time.Minute
	maxUnownedRetry = 30 * time.Minute
)

// Gate lets the steps of one Workflow wait for accounts that need a person. Where several steps wait for the same
// account, the account is asked once. It receives the Signal [SignalAccountActive] of its Workflow. Make one with
// [NewGate].
type Gate struct {
	waiting map[credential.AccountID]*vigil
	// hurried reports whether a wait should end although the account has not answered; nil means never.
	hurried func() bool
	// changed is called when a wait begins; may be nil.
	changed func(workflow.Context)
	last    time.Time // when the last wait began
}

// vigil is the wait for one account.
type vigil struct {
	over   bool
	since  time.Time // no two of a Workflow have the same
	status credential.Status
}

// NewGate returns the gate of a Workflow. A Workflow can only have one, because it receives the Signals for all.
func NewGate(ctx workflow.Context) *Gate {
	g := &Gate{waiting: map[credential.AccountID]*vigil{}}
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var news AccountActive
			if !workflow.GetSignalChannel(ctx, SignalAccountActive).Receive(ctx, &news) || ctx.Err() != nil {
				return
			}
			g.open(news.Account)
		}
	})
	return g
}

// Do runs an Activity that needs an account. When the account needs a person, Do waits until it works, for as long as that
// takes, and runs the Activity again, with again true. Any other error is returned.
func (g *Gate) Do(ctx workflow.Context, run func(again bool) error) error {
	for again := false; ; again = true {
		err := run(again)
		down, ok := unavailable(err)
		if !ok {
			return err
		}
		if err := g.await(ctx, down); err != nil {
			return err
		}
	}
}

// await waits until the account works.
func (g *Gate) await(ctx workflow.Context, down activities.Unavailable) error {
	v, asked := g.waiting[down.Account]
	if !asked {
		v = &vigil{since: g.begin(ctx)}
		g.waiting[down.Account] = v
	}
	v.status = down.Status
	if g.changed != nil {
		g.changed(ctx)
	}
	if asked {
		return workflow.Await(ctx, func() bool { return v.over })
	}
	defer g.open(down.Account) // where this step is cancelled, the next one that meets the account asks again
	over := func() bool { return v.over || g.hurried != nil && g.hurried() }
	for unowned := unownedRetry; !over(); unowned = min(2*unowned, maxUnownedRetry) {
		pause := unowned
		if g.ask(ctx, down.Account, v.since) == nil {
			pause = resubscribe
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := sleepUntil(ctx, pause, over, "account "+down.Account.String()); err != nil {
			return err
		}
	}
	return nil
}

// begin returns the time of a new wait, later than that of every wait before.
func (g *Gate) begin(ctx workflow.Context) time.Time {
	now := workflow.Now(ctx)
	if !now.After(g.last) {
		now = g.last.Add(time.Nanosecond)
	}
	g.last = now
	return now
}

// ask tells the account's Workflow that this one waits.
func (g *Gate) ask(ctx workflow.Context, account credential.AccountID, since time.Time) error {
	return workflow.SignalExternalWorkflow(ctx, AccountWorkflowID(account), "", SignalAwait,
		Waiter{WorkflowID: workflow.GetInfo(ctx).WorkflowExecution.ID, Since: since}).Get(ctx, nil)
}

func (g *Gate) open(account credential.AccountID) {
	if v, ok := g.waiting[account]; ok {
		v.over = true
		delete(g.waiting, account)
	}
}

// Closed returns the accounts that are waited for, in order.
func (g *Gate) Closed() []activities.Unavailable {
	var out []activities.Unavailable
	for _, account := range workflow.DeterministicKeysFunc(g.waiting, byName) {
		out = append(out, activities.Unavailable{Account: account, Status: g.waiting[account].status})
	}
	return out
}

func byName(a, b credential.AccountID) int { return strings.Compare(a.String(), b.String()) }

// sleepUntil waits for the condition, at most d, and cancels its timer.
func sleepUntil(ctx workflow.Context, d time.Duration, condition func() bool, summary string) error {
	if condition() {
		return nil
	}
	timed, stop := workflow.WithCancel(ctx)
	defer stop()
	_, err := workflow.AwaitWithOptions(timed, workflow.AwaitOptions{
		Timeout: d, TimerOptions: workflow.TimerOptions{Summary: summary},
	}, condition)
	return err
}
