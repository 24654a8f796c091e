package app

import (
	"context"
	"fmt"
	"time"

	"tokenkeeper/gateway"
	"tokenkeeper/workflows"
)

const (
	// lostNotice is for how long it is told that a notice was given up.
	lostNotice = 24 * time.Hour
	// maxLateNotices bounds how many are looked through for the oldest.
	maxLateNotices = 1000
)

// LookAtNotices returns what of the notices to people does not arrive: those that are under way for longer than late, and those
// that were given up in the last day.
func (a *App) LookAtNotices(ctx context.Context, late time.Duration) (gateway.NoticesView, error) {
	now, view := time.Now(), gateway.NoticesView{}
	all := fmt.Sprintf("WorkflowType = '%s' AND TaskQueue = '%s' AND ", workflows.NoticeType, a.Config().Temporal.TaskQueue)
	underWay := all + "ExecutionStatus = 'Running'"
	overdue := underWay + " AND StartTime < '" + now.Add(-late).UTC().Format(time.RFC3339Nano) + "'"
	lost := all + "ExecutionStatus = 'Failed' AND CloseTime > '" + now.Add(-lostNotice).UTC().Format(time.RFC3339Nano) + "'"
	for query, into := range map[string]*int64{underWay: &view.UnderWay, overdue: &view.Late, lost: &view.Lost} {
		var err error
		if *into, err = a.Count(ctx, query); err != nil {
			return view, err
		}
	}
	if view.Late == 0 {
		return view, nil
	}
	listed, err := a.Executions(ctx, overdue, maxLateNotices)
	if err != nil {
		return view, err
	}
	var oldest string
	for _, info := range listed {
		if began := info.GetStartTime().AsTime(); view.Oldest.IsZero() || began.Before(view.Oldest) {
			view.Oldest, oldest = began, info.GetExecution().GetWorkflowId()
		}
	}
	view.Trouble = a.noticeTrouble(ctx, oldest)
	return view, nil
}

// noticeTrouble returns what a target of a notice answered last, "" where none did or nobody knows.
func (a *App) noticeTrouble(ctx context.Context, id string) string {
	description, err := a.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil { // it arrived meanwhile, or the next look tells
		return ""
	}
	for _, pending := range description.GetPendingActivities() {
		if text := pending.GetLastFailure().GetMessage(); text != "" {
			return text
		}
	}
	return ""
}

// checkDelivery looks whether what people are to know reaches them.
func (a *App) checkDelivery(ctx context.Context) Finding {
	view, err := a.LookAtNotices(ctx, gateway.LateNotice)
	if err != nil {
		return Finding{Subject: "notices under way", Problem: err.Error()}
	}
	return deliveryFinding(view)
}

func deliveryFinding(view gateway.NoticesView) Finding {
	f := Finding{Subject: "notices under way", OK: view.Late+view.Lost == 0, Problem: view.Problem()}
	if !f.OK {
		f.Fix = "mend the target, and try it: tokenkeeper notices test; each notice, and what became of it: temporal workflow list --query " +
			`'WorkflowType="` + workflows.NoticeType + `" AND ExecutionStatus IN ("Running", "Failed")'`
	}
	return f
}
