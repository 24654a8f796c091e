package workflows

import (
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
)

// DigestInput starts a Digest: {"connector":"slack"}.
type DigestInput struct {
	Connector string `json:"connector"`
	// State is carried over Continue-As-New; leave it out.
	State *DigestState `json:"state,omitempty"`
}

// DigestState is all that a Digest remembers.
type DigestState struct {
	// Ready are to be told now, each as it is.
	Ready []NoticeInput `json:"ready,omitempty"`
	// Held are told together when the window ends. :: [activities.Announcement.Kind] → digest
	Held map[string]activities.Digest `json:"held,omitempty"`
	// Singly counts the notices that were told one by one since the Digest began.
	Singly int `json:"singly,omitempty"`
	// Ends is when the window ends, and Window how long it is. Nanoseconds.
	Ends   time.Time     `json:"ends,omitzero"`
	Window time.Duration `json:"window,omitempty"`
	// Seen are the ids of the announcements taken, because the Activity that sends one may send it twice.
	Seen map[string]bool `json:"seen,omitempty"`
}

const (
	// toldSingly is how many notices are told one by one before others are gathered: what one person disconnects is no more
	// than that.
	toldSingly = 3
	// firstWindow is how long the following notices are gathered. While they keep coming, each window is twice as long as
	// the last, up to maxWindow: after an app was uninstalled, its accounts notice only when they are next used or looked
	// at.
	firstWindow = time.Minute
	maxWindow   = 10 * time.Minute
	// maxSeen bounds what is remembered against repetition.
	maxSeen = 5000
)

// Digest passes on the notices of the accounts of one connector: the first few at once and as they are, the others together, a
// window at a time. It begins with a notice, and ends with a window in which there was none to be gathered.
func Digest(ctx workflow.Context, in DigestInput) error {
	d := &digest{connector: in.Connector, DigestState: DigestState{Window: firstWindow, Ends: workflow.Now(ctx).Add(firstWindow)}}
	if in.State != nil {
		d.DigestState = *in.State
	}
	if d.Seen == nil {
		d.Seen = map[string]bool{}
	}
	if d.Held == nil {
		d.Held = map[string]activities.Digest{}
	}
	return d.run(ctx)
}

// digest is the machinery around the state.
type digest struct {
	DigestState

	connector string
}

func (d *digest) run(ctx workflow.Context) error {
	for {
		d.drain(ctx)
		d.tellReady(ctx)
		now := workflow.Now(ctx)
		if !now.Before(d.Ends) {
			if len(d.Held) == 0 && !d.news(ctx) {
				return nil
			}
			d.close(ctx)
			continue
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			d.drain(ctx)
			state := d.DigestState
			return workflow.NewContinueAsNewError(ctx, Digest, DigestInput{Connector: d.connector, State: &state})
		}
		wake := func() bool { return d.news(ctx) || workflow.GetInfo(ctx).GetContinueAsNewSuggested() }
		if err := sleepUntil(ctx, d.Ends.Sub(now), wake, "gather the notices of connector "+d.connector); err != nil {
			d.drain(ctx)
			d.close(ctx) // the digest was cancelled; what it holds is told all the same
			d.tellReady(ctx)
			return err
		}
	}
}

// news reports whether a notice has come.
func (d *digest) news(ctx workflow.Context) bool {
	return workflow.GetSignalChannel(ctx, SignalNotice).Len() > 0
}

// drain takes every notice that has come.
func (d *digest) drain(ctx workflow.Context) {
	misread := func(name string, err error) {
		workflow.GetLogger(ctx).Warn("Signal refused", "signal", name, "connector", d.connector, "error", err)
	}
	takeAll(ctx, misread, SignalNotice, d.take)
}

// take decides what becomes of a notice.
func (d *digest) take(n NoticeInput) {
	if d.Seen[n.Announcement.ID] {
		return
	}
	if len(d.Seen) < maxSeen {
		d.Seen[n.Announcement.ID] = true
	}
	if d.Singly < toldSingly {
		d.Singly++
		d.Ready = append(d.Ready, n)
		return
	}
	kind := n.Announcement.Kind()
	gathered := d.Held[kind]
	gathered.Add(n.Announcement, n.Targets)
	d.Held[kind] = gathered
}

// changeTroubleFirst: before it, the kinds of a window were told in the order of their names, which put recovery before trouble.
const changeTroubleFirst = "trouble first"

// close ends a window. What was gathered becomes ready, a kind at a time, with recoveries last; the next window is longer.
func (d *digest) close(ctx workflow.Context) {
	now, kinds := workflow.Now(ctx), workflow.DeterministicKeys(d.Held)
	recovers := func(kind string) bool { return d.Held[kind].Sum.Recovery }
	if len(kinds) > 1 && slices.ContainsFunc(kinds, recovers) &&
		workflow.GetVersion(ctx, changeTroubleFirst, workflow.DefaultVersion, 1) == 1 {
		kinds = slices.Concat(slices.DeleteFunc(slices.Clone(kinds), recovers), slices.DeleteFunc(kinds, func(kind string) bool { return !recovers(kind) }))
	}
	for _, kind := range kinds {
		gathered := d.Held[kind]
		d.Ready = append(d.Ready, NoticeInput{Announcement: gathered.Announce(now), Targets: gathered.Targets})
	}
	clear(d.Held)
	d.Window = min(2*d.Window, maxWindow)
	d.Ends = now.Add(d.Window)
}

// tellReady starts a Notice Workflow for each announcement that is ready. It is abandoned to itself: how the delivery ends
// is not the digest's concern. One that was started before is not started again.
func (d *digest) tellReady(ctx workflow.Context) {
	ctx, _ = workflow.NewDisconnectedContext(ctx) // or whoever cancels the digest would cancel its notices
	for ; len(d.Ready) > 0; d.Ready = d.Ready[1:] {
		n := d.Ready[0]
		delivery := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID: NoticeWorkflowID(n.Announcement.ID), WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON, StaticSummary: n.Announcement.Text,
		}), NoticeType, n)
		err := delivery.GetChildWorkflowExecution().Get(ctx, nil)
		if err != nil && !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			workflow.GetLogger(ctx).Error("a notice is not told", "notice", n.Announcement.ID, "error", err)
		}
	}
}
