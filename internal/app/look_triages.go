package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

// maxReportsAsked bounds how many open Reports are asked whether they are parked.
const maxReportsAsked = 200

// pollActivity is the type of the Activity that reads a channel.
const pollActivity = "Poll"

// KnownTriages returns the triages of the configuration and those that run without being in it.
func (a *App) KnownTriages(ctx context.Context) ([]string, error) {
	names := a.ConfiguredTriages()
	running, err := a.Executions(ctx, "WorkflowType = '"+workflows.TriageType+"' AND ExecutionStatus = 'Running'", 0)
	if err != nil {
		return nil, err
	}
	for _, info := range running {
		name, ok := strings.CutPrefix(info.GetExecution().GetWorkflowId(), workflows.TriageWorkflowID(""))
		if ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// LookAtTriages looks at those named, at all that [App.KnownTriages] knows when none is.
func (a *App) LookAtTriages(ctx context.Context, patience time.Duration, names ...string) ([]gateway.TriageView, error) {
	if len(names) == 0 {
		var err error
		if names, err = a.KnownTriages(ctx); err != nil {
			return nil, err
		}
	}
	views := make([]gateway.TriageView, len(names))
	err := Each(ctx, len(names), func(ctx context.Context, i int) (err error) {
		views[i], err = a.LookAtTriage(ctx, names[i], patience)
		return err
	})
	return views, err
}

// LookAtTriage asks the triage, Temporal about its pending polls, and visibility about its reports. Workflows are asked for
// no longer than patience.
func (a *App) LookAtTriage(ctx context.Context, name string, patience time.Duration) (gateway.TriageView, error) {
	view := gateway.TriageView{Triage: name}
	if t, ok := a.Config().Triage(name); ok {
		view.Accounts = []credential.AccountID{t.Slack, t.GitHub}
	}
	id := workflows.TriageWorkflowID(name)
	description, err := a.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if isNotFound(err) || err == nil && description.GetWorkflowExecutionInfo().GetCloseTime() != nil {
		view.State = gateway.TriageNotRunning
		return view, nil
	}
	if err != nil {
		return view, fmt.Errorf("looking at triage %s: %w", name, err)
	}
	view.WebUI = a.webUI(id)
	if view.Reports, err = a.countReports(ctx, id, patience); err != nil {
		return view, err
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	status, err := a.Workflows.TriageStatus(asking, name)
	if err != nil && ctx.Err() == nil && Unanswered(err) {
		view.State = gateway.TriageNoWorker
		return view, nil
	}
	if err != nil {
		return view, err
	}
	view.State, view.Trouble, view.Waiting = status.State, status.Trouble, status.Waiting
	if view.Reports.Running > 0 {
		view.Backlog = status.Backlog
	}
	view.Channels = channelViews(status, description.GetPendingActivities())
	for _, channel := range view.Channels {
		if channel.LastPoll.After(view.Worked) {
			view.Worked = channel.LastPoll
		}
	}
	return view, nil
}

// channelViews joins what the triage knows of its channels with what Temporal knows of the polls under way.
func channelViews(status workflows.TriageStatus, pending []*workflow.PendingActivityInfo) []gateway.ChannelView {
	views := make([]gateway.ChannelView, len(status.Channels))
	for i, channel := range status.Channels {
		views[i] = gateway.ChannelView{
			Channel: channel.Channel, Messages: channel.Reports, Watermark: channel.Watermark, Trouble: channel.Trouble,
			LastPoll: channel.LastWindow, FailingSince: channel.FailingSince, Repository: repositoriesOf(status.Plan, channel.Channel),
			Note: hiddenNote(channel.Hidden),
		}
		if poll := pollOf(channel.Channel, len(status.Channels), pending); poll != nil {
			addPoll(&views[i], poll)
		}
	}
	return views
}

// hiddenNote says what of a channel nobody can read any more.
func hiddenNote(gap *workflows.Gap) string {
	if gap == nil {
		return ""
	}
	date := func(ts string) string { return triage.Key{TS: ts}.Time().UTC().Format(time.DateOnly) }
	return "what was posted between " + date(gap.After) + " and " + date(gap.Before) + " could not be read: Slack's free plan hides it after 90 days"
}

// repositoriesOf lists where the reports of a channel go.
func repositoriesOf(plan activities.Plan, channel string) string {
	plan.Routes = slices.DeleteFunc(slices.Clone(plan.Routes), func(r triage.Route) bool { return r.Channel != channel })
	return strings.Join(plan.Repositories(), ", ")
}

// pollOf returns the poll of a channel. Temporal does not show the input of a pending Activity, but every failure of a
// poll names its channel, and "nothing new" is such a failure.
func pollOf(channel string, channels int, pending []*workflow.PendingActivityInfo) *workflow.PendingActivityInfo {
	for _, p := range pending {
		if p.GetActivityType().GetName() != pollActivity {
			continue
		}
		_, message := lastFailure(p)
		if slices.Contains(strings.FieldsFunc(message, notOfChannelID), channel) || channels == 1 {
			return p
		}
	}
	return nil
}

func notOfChannelID(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }

// lastFailure returns type and message of how the last attempt ended.
func lastFailure(p *workflow.PendingActivityInfo) (kind, message string) {
	if p.GetLastFailure() == nil {
		return "", ""
	}
	// The converter also reads failures whose message and stack were moved into a payload.
	err := temporal.GetDefaultFailureConverter().FailureToError(p.GetLastFailure())
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return failed.Type(), failed.Message()
	}
	return "", err.Error()
}

// addPoll takes over what a pending poll says. Its last attempt worked if it ended with nothing new.
func addPoll(view *gateway.ChannelView, poll *workflow.PendingActivityInfo) {
	view.Attempts = poll.GetAttempt()
	if next := poll.GetNextAttemptScheduleTime(); next != nil {
		view.NextPoll = next.AsTime()
	}
	kind, message := lastFailure(poll)
	switch kind {
	case "", activities.ErrTypeOutOfTurn:
	case activities.ErrTypeNothingNew:
		view.LastPoll = poll.GetLastAttemptCompleteTime().AsTime()
		return
	default:
		view.Trouble = message
	}
	var heard activities.PollTrouble
	if converter.GetDefaultDataConverter().FromPayloads(poll.GetHeartbeatDetails(), &heard) != nil {
		return
	}
	if !heard.FailingSince.IsZero() {
		view.FailingSince = heard.FailingSince
	}
	if heard.ReadAt.After(view.LastPoll) {
		view.LastPoll = heard.ReadAt
	}
}

// countReports counts the Reports that a triage started.
func (a *App) countReports(ctx context.Context, triageID string, patience time.Duration) (gateway.ReportsView, error) {
	var counts gateway.ReportsView
	var err error
	for status, into := range map[string]*int64{
		"= 'Running'": &counts.Running, "= 'Completed'": &counts.Done, "NOT IN ('Running', 'Completed')": &counts.Failed,
	} {
		if *into, err = a.Count(ctx, reportsOf(triageID)+status); err != nil {
			return counts, err
		}
	}
	if counts.Running == 0 {
		return counts, nil
	}
	reports, err := a.askReports(ctx, triageID, maxReportsAsked, patience)
	for _, report := range reports {
		addReport(&counts, report, time.Now())
	}
	return counts, err
}

// reportsOf is the beginning of a visibility query for the Reports that a triage started; their status follows.
func reportsOf(triageID string) string {
	return fmt.Sprintf("WorkflowType = '%s' AND ParentWorkflowId = '%s' AND ExecutionStatus ", workflows.ReportType, triageID)
}

// OpenReports implements [activities.OpenReports].
func (a *App) OpenReports(ctx context.Context, name string) (int64, error) {
	return a.Count(ctx, reportsOf(workflows.TriageWorkflowID(name))+"= 'Running'")
}

// ParkedReports returns every Report of a triage that is parked. Each is asked for no longer than patience.
func (a *App) ParkedReports(ctx context.Context, name string, patience time.Duration) ([]gateway.ParkedReport, error) {
	reports, err := a.askReports(ctx, workflows.TriageWorkflowID(name), 0, patience)
	var parked []gateway.ParkedReport
	for _, report := range reports {
		if report.Parked != "" {
			parked = append(parked, gateway.ParkedReport{Report: report.Report, Reason: report.Parked})
		}
	}
	return parked, err
}

// askReports asks the open Reports of a triage, at most limit of them unless it is 0, how they are. Visibility cannot tell.
func (a *App) askReports(ctx context.Context, triageID string, limit int, patience time.Duration) ([]workflows.ReportStatus, error) {
	running, err := a.Executions(ctx, reportsOf(triageID)+"= 'Running'", limit)
	if err != nil {
		return nil, err
	}
	reports := make([]workflows.ReportStatus, len(running))
	err = Each(ctx, len(running), func(ctx context.Context, i int) error {
		asking, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		status, err := a.Workflows.ReportStatus(asking, running[i].GetExecution().GetWorkflowId())
		if err == nil { // else it ended meanwhile, or no worker speaks for it: nothing is known of it
			reports[i] = status
		}
		return ctx.Err()
	})
	return reports, err
}

// slow is how long a report may be at one step before somebody should look, although it still tries by itself.
const slow = 15 * time.Minute

func addReport(counts *gateway.ReportsView, report workflows.ReportStatus, now time.Time) {
	switch {
	case report.Parked != "":
		counts.Parked = append(counts.Parked, gateway.ParkedReport{Report: report.Report, Reason: report.Parked})
	case report.Step == workflows.StepAnswer: // people may take their time
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
