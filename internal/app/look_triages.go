package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/gateway"
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

// LookAtTriage asks the triage, Temporal about its pending polls, and visibility about its reports. Workflows are asked for
// no longer than patience.
func (a *App) LookAtTriage(ctx context.Context, name string, patience time.Duration) (gateway.TriageView, error) {
	view := gateway.TriageView{Triage: name}
	id := workflows.TriageWorkflowID(name)
	description, err := a.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if isNotFound(err) || err == nil && description.GetWorkflowExecutionInfo().GetCloseTime() != nil {
		view.State = gateway.TriageNotRunning
		return view, nil
	}
	if err != nil {
		return view, fmt.Errorf("looking at triage %s: %w", name, err)
	}
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
	view.Channels = channelViews(status, description.GetPendingActivities())
	return view, nil
}

// channelViews joins what the triage knows of its channels with what Temporal knows of the polls under way.
func channelViews(status workflows.TriageStatus, pending []*workflow.PendingActivityInfo) []gateway.ChannelView {
	views := make([]gateway.ChannelView, len(status.Channels))
	for i, channel := range status.Channels {
		views[i] = gateway.ChannelView{
			Channel: channel.Channel, Messages: channel.Reports, Watermark: channel.Watermark, Trouble: channel.Trouble,
			LastPoll: channel.LastWindow, Repository: repositoryOf(status.Plan, channel.Channel),
		}
		if poll := pollOf(channel.Channel, len(status.Channels), pending); poll != nil {
			addPoll(&views[i], poll)
		}
	}
	return views
}

func repositoryOf(plan activities.Plan, channel string) string {
	for _, route := range plan.Routes {
		if route.Channel == channel {
			return route.Repository
		}
	}
	return ""
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
	case "":
	case activities.ErrTypeNothingNew:
		view.LastPoll = poll.GetLastAttemptCompleteTime().AsTime()
	default:
		view.Trouble = message
	}
}

// countReports counts the Reports that a triage started.
func (a *App) countReports(ctx context.Context, triageID string, patience time.Duration) (gateway.ReportsView, error) {
	children := fmt.Sprintf("WorkflowType = '%s' AND ParentWorkflowId = '%s' AND ExecutionStatus ", workflows.ReportType, triageID)
	var counts gateway.ReportsView
	var err error
	for status, into := range map[string]*int64{
		"= 'Running'": &counts.Running, "= 'Completed'": &counts.Done, "NOT IN ('Running', 'Completed')": &counts.Failed,
	} {
		if *into, err = a.Count(ctx, children+status); err != nil {
			return counts, err
		}
	}
	if counts.Running > 0 {
		err = a.askReports(ctx, children+"= 'Running'", &counts, patience)
	}
	return counts, err
}

// askReports asks the open Reports which of them wait, and for what. Visibility cannot tell.
func (a *App) askReports(ctx context.Context, open string, counts *gateway.ReportsView, patience time.Duration) error {
	running, err := a.Executions(ctx, open, maxReportsAsked)
	if err != nil {
		return err
	}
	reports := make([]workflows.ReportStatus, len(running))
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = Each(asking, len(running), func(ctx context.Context, i int) error {
		answer, err := a.Temporal.QueryWorkflow(ctx, running[i].GetExecution().GetWorkflowId(), "", workflows.QueryStatus)
		if err == nil {
			err = answer.Get(&reports[i])
		}
		if err != nil {
			reports[i] = workflows.ReportStatus{} // it ended meanwhile, or no worker speaks for it: nothing is known of it
		}
		return nil
	})
	for _, report := range reports {
		addReport(counts, report)
	}
	return err
}

func addReport(counts *gateway.ReportsView, report workflows.ReportStatus) {
	if report.Parked != "" {
		counts.Parked = append(counts.Parked, gateway.ParkedReport{Report: report.Report, Reason: report.Parked})
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
