package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// Deadline is when a grant ends that nothing but a person's consent can replace. The account stays active until then:
// nothing is wrong, no call is refused, and the date stands in its status. What happens at the deadline is an attempt that
// fails, like any other dead grant.
type Deadline struct {
	At time.Time `json:"at"` // zero: there is none
	// Known is when the account came to know it.
	Known time.Time `json:"known"`
	// Told is how long before the deadline people were told of it the last time; 0 for never. Nanoseconds.
	Told time.Duration `json:"told,omitempty"`
}

// setDeadline takes over the deadline of the present credential. A server that answers with the seconds that are left gives
// a time that differs a little with each answer: within 5 % of the time from when it was known to the deadline it is the
// same deadline still, and people are not warned of it anew.
func (a *account) setDeadline(now time.Time) {
	at := a.lifetimes().ConsentBy()
	before := a.Deadline
	if !at.IsZero() && !before.At.IsZero() && at.Sub(before.At).Abs() <= before.At.Sub(before.Known)/20 {
		a.Deadline.At = at
		return
	}
	a.Deadline = Deadline{}
	if !at.IsZero() {
		a.Deadline = Deadline{At: at, Known: now}
	}
}

// nextWarning returns when people have to hear of the deadline, or zero.
func (a *account) nextWarning(now time.Time) time.Time {
	if a.GrantDead || a.Disconnecting || a.Status.NeedsPerson() || !now.Before(a.Deadline.At) {
		return time.Time{} // they hear of the trouble itself
	}
	at, _ := credential.NextWarning(a.Deadline.Known, a.Deadline.At, now, a.Deadline.Told)
	return at
}

func (a *account) warningDue(now time.Time) bool {
	at := a.nextWarning(now)
	return !at.IsZero() && !now.Before(at)
}

func (a *account) warnOfDeadline(ctx workflow.Context) error {
	_, a.Deadline.Told = credential.NextWarning(a.Deadline.Known, a.Deadline.At, workflow.Now(ctx), a.Deadline.Told)
	_, err := a.tell(ctx, activities.NoticeDeadline, fmt.Sprintf("deadline/%d/%d", a.Deadline.Known.UnixNano(), a.Deadline.Told))
	return err
}

// begin forgets what was learnt of the grant before, because a person's consent has begun a new one.
func (a *account) begin(ctx workflow.Context) {
	a.RefreshFixed = a.Policy.RefreshFixed
	a.Looks.Doubted = 0
	a.setDeadline(workflow.Now(ctx))
}
