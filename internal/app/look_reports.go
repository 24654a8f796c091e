package app

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflow/v1"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/gateway"
	"tokenkeeper/workflows"
)

// countReports counts the Reports of a triage; of those that somebody started by hand, the ones under way. Those under way are asked how
// they are, each for no longer than patience, and all together for three times as long, or for half of the time that ctx leaves:
// somebody waits for the answer.
func (a *App) countReports(ctx context.Context, name string, patience time.Duration) (gateway.ReportsView, error) {
	var counts gateway.ReportsView
	var err error
	for status, into := range map[string]*int64{
		"= 'Running'": &counts.Running, "= 'Completed'": &counts.Done, "NOT IN ('Running', 'Completed')": &counts.Failed,
	} {
		if *into, err = a.Count(ctx, startedBy(name)+status); err != nil {
			return counts, err
		}
	}
	limit := 3 * patience
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(end)/2)
	}
	reports, unheard, err := a.askReports(ctx, name, patience, limit)
	counts.Unheard = unheard
	for _, report := range reports {
		if report.byHand {
			counts.Running++
		}
		a.addReport(&counts, name, report, time.Now())
	}
	return counts, err
}

// startedBy is the beginning of a visibility query for the Reports that a triage started; their status follows.
func startedBy(name string) string {
	return fmt.Sprintf("WorkflowType = '%s' AND ParentWorkflowId = '%s' AND ExecutionStatus ", workflows.ReportType, workflows.TriageWorkflowID(name))
}

// underWay is a visibility query for the open Reports that a triage started, and for those that somebody started by hand, of which
// only they themselves can say whose they are.
func underWay(name string) string {
	return fmt.Sprintf("WorkflowType = '%s' AND (ParentWorkflowId = '%s' OR ParentWorkflowId IS NULL) AND ExecutionStatus = 'Running'",
		workflows.ReportType, workflows.TriageWorkflowID(name))
}

// OpenReports implements [activities.OpenReports]. Reports that wait for an answer are none: people may take their time, and a
// backlog of them says nothing of the work.
func (a *App) OpenReports(ctx context.Context, name string) (int64, error) {
	open, err := a.Count(ctx, startedBy(name)+"= 'Running'")
	t, _ := a.Config().Triage(name)
	asks := slices.ContainsFunc(t.Routes, func(r config.Route) bool { return r.Mode == config.ModePropose })
	if err != nil || open == 0 || !asks {
		return open, err
	}
	reports, _, err := a.askReports(ctx, name, openReportPatience, openReportsLimit)
	for _, report := range reports {
		if report.Step == workflows.StepAnswer && !report.byHand {
			open--
		}
	}
	return open, err
}

const (
	// openReportPatience is how long one is asked how it is.
	openReportPatience = 2 * time.Second
	// openReportsLimit is how long all are asked. Who did not answer counts as open.
	openReportsLimit = 20 * time.Second
)

// ParkedReports returns every Report of a triage that no attempt of ours can help. Each is asked for no longer than patience.
func (a *App) ParkedReports(ctx context.Context, name string, patience time.Duration) ([]gateway.ParkedReport, error) {
	reports, _, err := a.askReports(ctx, name, patience, math.MaxInt64)
	var parked []gateway.ParkedReport
	for _, report := range reports {
		if why := a.whyParked(name, report.ReportStatus); why != "" {
			parked = append(parked, gateway.ParkedReport{Report: report.Report, Reason: why})
		}
	}
	return parked, err
}

// whyParked returns why no attempt of ours can help a report, "" where one can: it is parked, or waits for an account that its
// triage does not use any more, so that nobody mends that. One that is tried again goes over to those of the configuration.
func (a *App) whyParked(name string, report workflows.ReportStatus) string {
	if report.Parked != "" {
		return report.Parked
	}
	t, known := a.Config().Triage(name)
	for _, down := range report.Waiting {
		if known && !slices.Contains(t.Accounts(), down.Account) {
			return fmt.Sprintf("it waits for account %s, which is %s, and which triage %s does not use any more", down.Account, down.Status, name)
		}
	}
	return ""
}

// StuckReport implements [activities.OpenReports].
func (a *App) StuckReport(ctx context.Context, name string, before time.Time) (stuck *activities.StuckReport, known bool, err error) {
	old, err := a.Executions(ctx, underWay(name)+fmt.Sprintf(" AND StartTime < '%s'", before.UTC().Format(time.RFC3339)), 0)
	if err != nil {
		return nil, false, err
	}
	slices.SortStableFunc(old, func(x, y *workflow.WorkflowExecutionInfo) int {
		return x.GetStartTime().AsTime().Compare(y.GetStartTime().AsTime())
	})
	heard, unheard, err := a.askThese(ctx, name, old, openReportPatience, openReportsLimit)
	for i, report := range heard {
		switch {
		case report == nil, report.Parked != "", report.Step == workflows.StepAnswer, len(report.Waiting) > 0:
		case stuck == nil:
			stuck = &activities.StuckReport{Report: report.Report, Step: report.Step, Began: old[i].GetStartTime().AsTime()}
		default:
			stuck.Others++
		}
	}
	return stuck, stuck != nil || unheard == 0, err
}

// askReports asks the open Reports of a triage how they are: visibility cannot tell. Each is asked for no longer than patience,
// and all together for no longer than limit. unheard counts those that did not answer by then; nothing is known of them. Those
// that ended meanwhile are in neither.
func (a *App) askReports(ctx context.Context, name string, patience, limit time.Duration) (reports []heardReport, unheard int64, err error) {
	running, err := a.Executions(ctx, underWay(name), 0)
	if err != nil {
		return nil, 0, err
	}
	heard, unheard, err := a.askThese(ctx, name, running, patience, limit)
	for _, report := range heard {
		if report != nil {
			reports = append(reports, *report)
		}
	}
	return reports, unheard, err
}

// heardReport is what a Report said of itself.
type heardReport struct {
	workflows.ReportStatus

	byHand bool // no triage started it
}

// askThese is askReports of some. It returns what each said, nil for nothing, and for one that is another triage's.
func (a *App) askThese(
	ctx context.Context, name string, running []*workflow.WorkflowExecutionInfo, patience, limit time.Duration,
) (heard []*heardReport, unheard int64, err error) {
	end := time.Now().Add(limit)
	heard = make([]*heardReport, len(running))
	var silent atomic.Int64
	err = Each(ctx, len(running), func(ctx context.Context, i int) error {
		asking, cancel := context.WithTimeout(ctx, min(patience, time.Until(end)))
		defer cancel()
		status, err := a.Workflows.ReportStatus(asking, running[i].GetExecution().GetWorkflowId())
		byHand := running[i].GetParentExecution().GetWorkflowId() == ""
		switch {
		case byHand && err == nil && status.Triage != name:
		case err == nil:
			heard[i] = &heardReport{ReportStatus: status, byHand: byHand}
		case Unanswered(err):
			silent.Add(1)
		}
		return ctx.Err()
	})
	return heard, silent.Load(), err
}

// slow is how long a report may be at one step before somebody should look, although it still tries by itself.
const slow = 15 * time.Minute

func (a *App) addReport(counts *gateway.ReportsView, name string, report heardReport, now time.Time) {
	if why := a.whyParked(name, report.ReportStatus); why != "" {
		counts.Parked = append(counts.Parked, gateway.ParkedReport{Report: report.Report, Reason: why})
		return
	}
	switch {
	case report.Step == workflows.StepAnswer: // people may take their time
		counts.Asking++
	case len(report.Waiting) == 0 && !report.Since.IsZero() && now.Sub(report.Since) > slow:
		counts.Slow = append(counts.Slow, gateway.SlowReport{Report: report.Report, Step: report.Step, Since: report.Since})
	}
	for _, down := range report.Waiting {
		i := slices.IndexFunc(counts.Waiting, func(known gateway.WaitedFor) bool { return known.Account == down.Account })
		if i < 0 {
			i = len(counts.Waiting)
			counts.Waiting = append(counts.Waiting, gateway.WaitedFor{Account: down.Account, Status: down.Status})
		}
		counts.Waiting[i].Reports++
	}
}
