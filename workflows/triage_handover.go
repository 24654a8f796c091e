package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

// maxStarted bounds the children of one run: the server allows 2,000 open ones.
const maxStarted = 1000

// handOver starts a Report for each message of a window, in order, and then moves the watermark. A window that is too
// much for this run is left for the next one, which reads it again.
func (t *triager) handOver(ctx workflow.Context, c *ChannelState, window activities.Window) error {
	if t.started > 0 && t.started+len(window.Messages) > maxStarted {
		t.ending = true
		return nil
	}
	t.started += len(window.Messages)
	// A Report lives longer than the run that started it. Under ctx, the end of the pollers would cancel all of them.
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	children := make([]workflow.ChildWorkflowFuture, len(window.Messages))
	for i, ts := range window.Messages {
		key := triage.Key{Team: window.Team, Channel: c.Channel, TS: ts}
		children[i] = workflow.ExecuteChildWorkflow(reportOptions(ctx, key), Report, ReportInput{
			Report: key.String(), Triage: t.name, New: c.isNew(ctx, ts), Message: window.Content(ts), Claims: true, Polled: true,
		})
	}
	var failed error
	for _, child := range children {
		err := child.GetChildWorkflowExecution().Get(ctx, nil)
		switch {
		case err == nil:
			c.Reports++
		case temporal.IsWorkflowExecutionAlreadyStartedError(err), isAlreadyStarted(err):
			// A Report with this id runs or ran: the message is taken care of.
		default:
			failed = fmt.Errorf("starting a Report of channel %s: %w", c.Channel, err)
		}
	}
	if failed != nil {
		return failed
	}
	if window.Hidden > c.Watermark {
		c.Hidden = &Gap{After: c.Watermark, Before: window.Hidden}
	}
	if window.LeftOut != nil {
		c.LeftOut = window.LeftOut
	}
	moved := window.Watermark > c.Watermark // a reaction on an old message, or one that comes late, brings a window that does not
	c.Watermark, c.Overlap = window.Watermark, window.Overlap
	c.take(window.Messages, triage.ReactionsCountFor(t.rules(c.Channel)), workflow.Now(ctx))
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

// isNew reports whether nobody can have handed a message over before.
func (c *ChannelState) isNew(ctx workflow.Context, ts string) bool {
	return ts >= triage.TimestampOf(c.Since) && ts > c.Watermark && !WasReset(ctx)
}

func isAlreadyStarted(err error) bool {
	_, ok := errors.AsType[*temporal.ChildWorkflowExecutionAlreadyStartedError](err)
	return ok
}

func reportOptions(ctx workflow.Context, key triage.Key) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            ReportWorkflowID(key.String()),
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         key.String(),
	})
}
