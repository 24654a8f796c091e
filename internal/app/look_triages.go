package app

import (
	"cmp"
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
	"tokenkeeper/gateway"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

// The types of the Activities that read a channel, and that watch threads and issues.
const (
	pollActivity  = "Poll"
	watchActivity = "WatchThreads"
)

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
		view.Accounts = t.Accounts()
	}
	id := workflows.TriageWorkflowID(name)
	description, err := a.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if workflows.IsNotFound(err) || err == nil && description.GetWorkflowExecutionInfo().GetCloseTime() != nil {
		view.State = gateway.TriageNotRunning
		return view, nil
	}
	if err != nil {
		return view, fmt.Errorf("looking at triage %s: %w", name, err)
	}
	view.WebUI = a.webUI(id)
	if view.Model, err = a.lookAtModel(ctx); err != nil {
		a.Log.WarnContext(ctx, "what the model costs is not known", "error", err) // and no reason to see nothing of the rest
	}
	if view.Reports, err = a.countReports(ctx, name, patience); err != nil {
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
	a.addStatus(&view, status, description.GetPendingActivities())
	return view, nil
}

// addStatus adds what a triage says of itself, and what Temporal says about its polls.
func (a *App) addStatus(view *gateway.TriageView, status workflows.TriageStatus, pending []*workflow.PendingActivityInfo) {
	view.State, view.Trouble, view.Waiting = status.State, status.Trouble, status.Waiting
	if view.Reports.Running > 0 {
		view.Backlog = status.Backlog
	}
	view.Watch = watchView(pending)
	view.Channels = channelViews(status, pending)
	for _, channel := range view.Channels {
		if channel.LastPoll.After(view.Worked) {
			view.Worked = channel.LastPoll
		}
	}
	plan, err := a.Plan(view.Triage)
	view.Outdated = err == nil && status.State != workflows.TriageMisconfigured && !samePlan(plan, status.Plan)
}

// channelViews joins what the triage knows about its channels with what Temporal knows about the polls under way.
func channelViews(status workflows.TriageStatus, pending []*workflow.PendingActivityInfo) []gateway.ChannelView {
	views := make([]gateway.ChannelView, len(status.Channels))
	for i, channel := range status.Channels {
		views[i] = gateway.ChannelView{
			Channel: channel.Channel, Messages: channel.Reports, Watermark: channel.Watermark, Trouble: channel.Trouble,
			LastPoll: later(channel.LastWindow, channel.LastRead), FailingSince: channel.FailingSince,
			Note: notes(hiddenNote(channel.Hidden), leftOutNote(channel.LeftOut)),
		}
		views[i].Repository, views[i].Mode = destination(status.Plan, channel.Channel)
		if poll := pollOf(channel.Channel, len(status.Channels), pending); poll != nil {
			addPoll(&views[i], poll)
		}
	}
	return views
}

// hiddenNote says which part of a channel can no longer be read.
func hiddenNote(gap *workflows.Gap) string {
	if gap == nil {
		return ""
	}
	return "what was posted between " + dateOf(gap.After) + " and " + dateOf(gap.Before) + " could not be read: Slack's free plan hides it after 90 days"
}

// leftOutNote says which part of a channel was too old to be taken.
func leftOutNote(left *activities.LeftOut) string {
	if left == nil {
		return ""
	}
	count := fmt.Sprintf("%d messages that may have been reports are", left.Messages)
	switch {
	case left.More:
		count = "at least " + count
	case left.Messages == 1:
		count = "one message that may have been a report is"
	}
	return count + " left out, posted between " + dateOf(left.After) + " and " + dateOf(left.Upto) + ": too old by `since` when the channel was read"
}

func dateOf(ts string) string { return triage.Key{TS: ts}.Time().UTC().Format(time.DateOnly) }

func notes(some ...string) string {
	return strings.Join(slices.DeleteFunc(some, func(s string) bool { return s == "" }), "; ")
}

// destination returns where the reports of a channel go, and how.
func destination(plan activities.Plan, channel string) (repositories, mode string) {
	var places []string
	plan.Routes = slices.DeleteFunc(slices.Clone(plan.Routes), func(r triage.Route) bool { return r.Channel != channel })
	for i, route := range plan.Routes {
		if now := modeOf(route); i == 0 || mode == now {
			mode = now
		} else {
			mode = gateway.ModeMixed
		}
	}
	for _, at := range plan.Places() {
		places = append(places, at.String())
	}
	return strings.Join(places, ", "), mode
}

func modeOf(route triage.Route) string {
	switch {
	case route.DryRun:
		return gateway.ModeDryRun
	case route.Propose != nil:
		return gateway.ModeAsk
	}
	return ""
}

// watchView returns what is wrong with the watch over threads and issues, nil for nothing.
func watchView(pending []*workflow.PendingActivityInfo) *gateway.WatchView {
	for _, p := range pending {
		if p.GetActivityType().GetName() != watchActivity {
			continue
		}
		kind, message := lastFailure(p)
		if message == "" || kind == activities.ErrTypeNothingNew {
			continue
		}
		if kind == "" { // what Temporal says of an attempt that said nothing itself
			message = "a watch does not end, or its worker died: " + message
		}
		var heard activities.ThreadsWatched
		_ = converter.GetDefaultDataConverter().FromPayloads(p.GetHeartbeatDetails(), &heard) // else nobody knows since when
		return &gateway.WatchView{Trouble: message, FailingSince: heard.FailingSince}
	}
	return nil
}

// pollOf returns the poll of a channel. Temporal does not show the input of a pending Activity, but every failure of a
// poll names its channel, and "nothing new" is such a failure. Where a worker died its heartbeat says it.
func pollOf(channel string, channels int, pending []*workflow.PendingActivityInfo) *workflow.PendingActivityInfo {
	for _, p := range pending {
		if p.GetActivityType().GetName() != pollActivity {
			continue
		}
		_, message := lastFailure(p)
		if slices.Contains(strings.FieldsFunc(message, notOfChannelID), channel) || heardOf(p).Channel == channel || channels == 1 {
			return p
		}
	}
	return nil
}

func notOfChannelID(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }

// heardOf returns what the attempts of a poll said of themselves, the zero value where they said nothing.
func heardOf(poll *workflow.PendingActivityInfo) (heard activities.PollTrouble) {
	if converter.GetDefaultDataConverter().FromPayloads(poll.GetHeartbeatDetails(), &heard) != nil {
		return activities.PollTrouble{}
	}
	return heard
}

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

// addPoll adds what a pending poll says. Its last attempt worked if it ended with nothing new.
func addPoll(view *gateway.ChannelView, poll *workflow.PendingActivityInfo) {
	view.Attempts = poll.GetAttempt()
	if next := poll.GetNextAttemptScheduleTime(); next != nil {
		view.NextPoll = next.AsTime()
	}
	kind, message := lastFailure(poll)
	if kind == activities.ErrTypeNothingNew {
		view.LastPoll = poll.GetLastAttemptCompleteTime().AsTime()
		return
	}
	heard := heardOf(poll)
	if !heard.FailingSince.IsZero() {
		view.FailingSince, view.Patience = heard.FailingSince, heard.Patience
	}
	view.LastPoll = later(view.LastPoll, heard.ReadAt)
	switch {
	case kind == "" && message != "": // Temporal's own word, that a worker did not come back
		view.Trouble = "the worker that read it died or hung: " + message
	case kind != activities.ErrTypeOutOfTurn || !heard.FailingSince.IsZero():
		view.Trouble = cmp.Or(message, view.Trouble)
	}
}
