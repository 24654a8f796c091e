package workflows

import (
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

// maxStarted bounds the children of one run: the server allows 2,000 open ones.
const maxStarted = 1000

// handOver starts a Report for each message of a window, in order, and then moves the watermark. Where the window would
// exceed maxStarted it ends the run instead, and the next run reads the window again.
func (t *triager) handOver(ctx workflow.Context, c *ChannelState, window activities.Window) error {
	if t.started > 0 && t.started+len(window.Messages) > maxStarted {
		t.ending = true
		return nil
	}
	t.started += len(window.Messages)
	// A Report lives longer than the run that started it. Under ctx, the end of the pollers would cancel all of them.
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	marked, err := t.start(ctx, c, window)
	if err != nil {
		return err
	}
	if window.Hidden > c.Watermark {
		c.Hidden = &Gap{After: c.Watermark, Before: window.Hidden}
	}
	if window.LeftOut != nil {
		c.LeftOut = window.LeftOut
	}
	moved := window.Watermark > c.Watermark // it does not where the window is only about an old message: one with a new reaction, or one that Slack showed late
	c.Watermark, c.Overlap = window.Watermark, window.Overlap
	c.take(marked, triage.ReactionsCountFor(t.rules(c.Channel)), workflow.Now(ctx))
	if len(window.Messages) > 0 {
		if moved {
			t.weighLag(ctx, c, workflow.Now(ctx).Sub(triage.Key{TS: window.Watermark}.Time()))
		}
		if t.counts {
			t.weighBacklog(ctx)
		}
	}
	return nil
}

// start begins a Report for each message, and returns the messages whose mark has reached a Report.
func (t *triager) start(ctx workflow.Context, c *ChannelState, window activities.Window) (marked []string, failed error) {
	children := make([]workflow.ChildWorkflowFuture, len(window.Messages))
	for i, ts := range window.Messages {
		key := triage.Key{Team: window.Team, Channel: c.Channel, TS: ts}
		children[i] = workflow.ExecuteChildWorkflow(reportOptions(ctx, key, c.isMarkedLate(window, ts)), Report, ReportInput{
			Report: key.String(), Triage: t.name, New: c.isNew(ctx, ts), Message: window.Content(ts), Claims: true, Polled: true,
		})
	}
	for i, child := range children {
		ts := window.Messages[i]
		err := child.GetChildWorkflowExecution().Get(ctx, nil)
		told := err == nil
		switch {
		case err == nil:
			c.Reports++
		case !temporal.IsWorkflowExecutionAlreadyStartedError(err) && !isAlreadyStarted(err):
			failed = fmt.Errorf("starting a Report of channel %s: %w", c.Channel, err)
		case c.isMarkedLate(window, ts): // it runs, and may be past its look at the message, or end at this moment
			id := ReportWorkflowID(triage.Key{Team: window.Team, Channel: c.Channel, TS: ts}.String())
			told = workflow.SignalExternalWorkflow(ctx, id, "", SignalMarked, nil).Get(ctx, nil) == nil
		default:
			// A Report with this id runs or ran: the message is taken care of. A mark on it comes with the next poll.
		}
		if window.Marked == nil || told && slices.Contains(window.Marked, ts) {
			marked = append(marked, ts)
		}
	}
	return marked, failed
}

// isMarkedLate reports whether a message was read before and counts only now, because of a reaction. A Report of it may have
// ended without an issue.
func (c *ChannelState) isMarkedLate(window activities.Window, ts string) bool {
	return ts <= c.Watermark && slices.Contains(window.Marked, ts)
}

// isNew reports whether no run can have started a Report for the message before.
func (c *ChannelState) isNew(ctx workflow.Context, ts string) bool {
	return ts >= triage.TimestampOf(c.Since) && ts > c.Watermark && !WasReset(ctx)
}

func isAlreadyStarted(err error) bool {
	_, ok := errors.AsType[*temporal.ChildWorkflowExecutionAlreadyStartedError](err)
	return ok
}

func reportOptions(ctx workflow.Context, key triage.Key, again bool) workflow.Context {
	reuse := enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	if again {
		reuse = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	}
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            ReportWorkflowID(key.String()),
		WorkflowIDReusePolicy: reuse,
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         key.String(),
	})
}
