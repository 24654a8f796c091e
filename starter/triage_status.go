package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

// maxReportsAsked bounds how many open Reports are asked whether they are parked.
const maxReportsAsked = 200

// pollActivity is the type of the Activity that reads a channel.
const pollActivity = "Poll"

const (
	stateNotRunning = "not running"
	stateNoWorker   = "no worker"
)

// triageReport is everything an operator wants to know of one triage.
type triageReport struct {
	Triage string `json:"triage"`
	// State is polling, paused, waiting or misconfigured, as the triage says; "not running" and "no worker" where it
	// cannot say.
	State string `json:"state"`
	// Trouble says why it is misconfigured.
	Trouble  string                   `json:"trouble,omitempty"`
	Waiting  []activities.Unavailable `json:"waiting,omitempty"`
	Channels []channelReport          `json:"channels,omitempty"`
	Reports  reportCounts             `json:"reports"`
}

// channelReport says when a channel was last read, which is more than that somebody tries to.
type channelReport struct {
	Channel    string `json:"channel"`
	Repository string `json:"repository"`
	// LastPoll is when Slack last answered, with something new or without; absent when that is not known.
	LastPoll time.Time `json:"last_successful_poll,omitzero"`
	NextPoll time.Time `json:"next_poll,omitzero"`
	// Attempts counts the polls since the last one that brought something.
	Attempts  int32  `json:"attempts"`
	Messages  int    `json:"messages"`
	Watermark string `json:"watermark"`
	Trouble   string `json:"trouble,omitempty"`
}

type reportCounts struct {
	Running int64 `json:"running"`
	Done    int64 `json:"done"`
	Failed  int64 `json:"failed"`
	// Parked and Waiting are of the first reports under way only; no more than maxReportsAsked are asked.
	Parked  []parkedReport `json:"parked,omitempty"`
	Waiting []waitedFor    `json:"waiting,omitempty"`
}

// waitedFor is an account that reports wait for.
type waitedFor struct {
	Account credential.AccountID `json:"account"`
	Status  credential.Status    `json:"status"`
	Reports int                  `json:"reports"`
}

// parkedReport is a Report that a provider refuses for good; it waits for a person.
type parkedReport struct {
	Report string `json:"report"`
	Reason string `json:"reason"`
}

type triageReports struct {
	Triages []triageReport `json:"triages"`
}

func newTriageStatus(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show what triages do, and when they last worked",
		Long: `Show one triage or all: what it does, which accounts it waits for, when each channel was last read, and how many
reports are under way, done, or parked because a provider refuses them.

A parked report waits for a person; after mending the cause, send it on its way with:
  temporal workflow signal --workflow-id report/TEAM/CHANNEL/TS --name retry`,
		Example: `  tokenkeeper triage status
  tokenkeeper triage status acme/bug-reports --json`,
		ValidArgsFunction: c.completeTriage,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return oneTriage(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.triageStatus(cmd.Context(), args) },
	}
}

func (c *cli) triageStatus(ctx context.Context, names []string) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		var err error
		if len(names) == 0 {
			if names, err = knownTriages(ctx, a); err != nil {
				return err
			}
		}
		reports := make([]triageReport, len(names))
		err = each(ctx, len(names), func(ctx context.Context, i int) (err error) {
			reports[i], err = c.inspect(ctx, a, names[i])
			return err
		})
		if err != nil {
			return err
		}
		if err := c.print(triageReports{Triages: reports}, func(w io.Writer) { tellTriages(w, time.Now(), reports) }); err != nil {
			return err
		}
		if len(reports) == 1 && reports[0].State == stateNotRunning {
			return notRunning(names[0])
		}
		return nil
	})
}

// knownTriages returns the triages of the configuration and those that run without being in it.
func knownTriages(ctx context.Context, a *app.App) ([]string, error) {
	names := triageNames(a)
	running, err := executions(ctx, a, "WorkflowType = '"+workflows.TriageType+"' AND ExecutionStatus = 'Running'", 0)
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

// inspect asks the triage, Temporal about its pending polls, and visibility about its reports.
func (c *cli) inspect(ctx context.Context, a *app.App, name string) (triageReport, error) {
	report := triageReport{Triage: name}
	id := workflows.TriageWorkflowID(name)
	description, err := a.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if isNotFound(err) || err == nil && description.GetWorkflowExecutionInfo().GetCloseTime() != nil {
		report.State = stateNotRunning
		return report, nil
	}
	if err != nil {
		return report, fmt.Errorf("looking at triage %s: %w", name, err)
	}
	if report.Reports, err = c.countReports(ctx, a, id); err != nil {
		return report, err
	}
	asking, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	status, err := a.Workflows.TriageStatus(asking, name)
	if err != nil && ctx.Err() == nil && unanswered(err) {
		report.State = stateNoWorker
		return report, nil
	}
	if err != nil {
		return report, err
	}
	report.State, report.Trouble, report.Waiting = status.State, status.Trouble, status.Waiting
	report.Channels = channelReports(status, description.GetPendingActivities())
	return report, nil
}

// channelReports joins what the triage knows of its channels with what Temporal knows of the polls under way.
func channelReports(status workflows.TriageStatus, pending []*workflow.PendingActivityInfo) []channelReport {
	reports := make([]channelReport, len(status.Channels))
	for i, channel := range status.Channels {
		reports[i] = channelReport{
			Channel: channel.Channel, Messages: channel.Reports, Watermark: channel.Watermark, Trouble: channel.Trouble,
			LastPoll: channel.LastWindow, Repository: repositoryOf(status.Plan, channel.Channel),
		}
		if poll := pollOf(channel.Channel, len(status.Channels), pending); poll != nil {
			reports[i].add(poll)
		}
	}
	return reports
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

// add takes over what a pending poll says. Its last attempt worked if it ended with nothing new.
func (r *channelReport) add(poll *workflow.PendingActivityInfo) {
	r.Attempts = poll.GetAttempt()
	if next := poll.GetNextAttemptScheduleTime(); next != nil {
		r.NextPoll = next.AsTime()
	}
	kind, message := lastFailure(poll)
	switch kind {
	case "":
	case activities.ErrTypeNothingNew:
		r.LastPoll = poll.GetLastAttemptCompleteTime().AsTime()
	default:
		r.Trouble = message
	}
}

// countReports counts the Reports that a triage started.
func (c *cli) countReports(ctx context.Context, a *app.App, triageID string) (reportCounts, error) {
	children := fmt.Sprintf("WorkflowType = '%s' AND ParentWorkflowId = '%s' AND ExecutionStatus ", workflows.ReportType, triageID)
	var counts reportCounts
	var err error
	for status, into := range map[string]*int64{
		"= 'Running'": &counts.Running, "= 'Completed'": &counts.Done, "NOT IN ('Running', 'Completed')": &counts.Failed,
	} {
		if *into, err = count(ctx, a, children+status); err != nil {
			return counts, err
		}
	}
	if counts.Running > 0 {
		err = c.askReports(ctx, a, children+"= 'Running'", &counts)
	}
	return counts, err
}

// askReports asks the open Reports which of them wait, and for what. Visibility cannot tell.
func (c *cli) askReports(ctx context.Context, a *app.App, open string, counts *reportCounts) error {
	running, err := executions(ctx, a, open, maxReportsAsked)
	if err != nil {
		return err
	}
	reports := make([]workflows.ReportStatus, len(running))
	asking, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err = each(asking, len(running), func(ctx context.Context, i int) error {
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
		counts.add(report)
	}
	return err
}

func (r *reportCounts) add(report workflows.ReportStatus) {
	if report.Parked != "" {
		r.Parked = append(r.Parked, parkedReport{Report: report.Report, Reason: report.Parked})
	}
	for _, down := range report.Waiting {
		i := slices.IndexFunc(r.Waiting, func(known waitedFor) bool { return known.Account == down.Account })
		if i < 0 {
			i = len(r.Waiting)
			r.Waiting = append(r.Waiting, waitedFor{Account: down.Account, Status: down.Status})
		}
		r.Waiting[i].Reports++
	}
}

func tellTriages(w io.Writer, now time.Time, reports []triageReport) {
	if len(reports) == 0 {
		fmt.Fprintln(w, "no triages; add one under triages: in the configuration")
	}
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(w)
		}
		tellTriage(w, now, r)
	}
}

func tellTriage(w io.Writer, now time.Time, r triageReport) {
	fmt.Fprintf(w, "%s: %s\n", r.Triage, r.State)
	switch r.State {
	case stateNotRunning:
		fmt.Fprintf(w, "  fix: tokenkeeper triage start %s\n", r.Triage)
		return
	case stateNoWorker:
		fmt.Fprintln(w, "  no worker answers, so nothing is read or filed now; fix: make run")
	}
	if r.Trouble != "" {
		fmt.Fprintf(w, "  %s\n    fix: correct tokenkeeper.yaml and restart the worker; nothing is lost meanwhile\n", printable(r.Trouble))
	}
	for _, down := range r.Waiting {
		fmt.Fprintf(w, "  waits for account %s, which is %s\n", down.Account, down.Status)
		tellRemedy(w, down.Account, down.Status)
	}
	tellChannels(w, now, r.Channels)
	fmt.Fprintf(w, "reports: %d under way, %d done, %d failed, %d parked\n",
		r.Reports.Running, r.Reports.Done, r.Reports.Failed, len(r.Reports.Parked))
	for _, down := range r.Reports.Waiting {
		fmt.Fprintf(w, "  %d wait for account %s, which is %s\n", down.Reports, down.Account, down.Status)
		tellRemedy(w, down.Account, down.Status)
	}
	for _, p := range r.Reports.Parked {
		fmt.Fprintf(w, "  parked %s: %s\n", p.Report, printable(p.Reason))
	}
}

func tellRemedy(w io.Writer, account credential.AccountID, status credential.Status) {
	if fix := app.Remedy(account, status); fix != "" {
		fmt.Fprintf(w, "    fix: %s\n", fix)
	}
}

func tellChannels(w io.Writer, now time.Time, channels []channelReport) {
	if len(channels) == 0 {
		return
	}
	rows := make([][]string, len(channels))
	for i, ch := range channels {
		rows[i] = []string{
			ch.Channel, ch.Repository, relative(now, ch.LastPoll), relative(now, ch.NextPoll), positive(int(ch.Attempts)),
			positive(ch.Messages), relative(now, triage.Key{TS: ch.Watermark}.Time()), ch.Trouble,
		}
	}
	table(w, []string{"CHANNEL", "REPOSITORY", "LAST READ", "NEXT", "ATTEMPTS", "MESSAGES", "READ UP TO", "TROUBLE"}, rows)
}
