package workflows

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

const (
	bugsChannel    = "C0BUGREPORTS"
	supportChannel = "C0SUPPORT"
	bugTriage      = "acme/bug-reports"
)

var acmeGitHub = credential.AccountID{Organization: "acme", User: "triage", Connector: "github"}

// epoch is when the simulated time of these tests begins.
var epoch = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// desk is the world of a Triage over all of its runs: Slack, the configuration, accounts, and what Temporal knows of the
// Reports that were started. Activities and mocks call it from goroutines of their own.
type desk struct {
	mu           sync.Mutex
	posted       map[string][]string                 // :: channel -> ts of what may be a report, in order
	noise        map[string]bool                     // :: key -> no report could be made of it
	marked       map[string]bool                     // :: key -> somebody marked it before it was read
	text         map[string]string                   // :: key -> what a poll brings along
	namesNoMarks bool                                // polls are of an older worker
	hidden       string                              // ts before which Slack hides messages
	leftOut      *activities.LeftOut                 // what a poll says is too old
	behind       func(activities.PollInput) []string // ts of old messages that somebody marked
	onBadStart   func()                              // is told of a start that fails
	refused      map[string]bool                     // :: channel -> Slack refuses it
	down         map[credential.AccountID]bool       // accounts that need a person
	badStarts    map[string]int                      // :: key -> how many of its starts fail
	offered      map[string]int                      // :: key -> how often a Report of it was to begin
	inputs       map[string]ReportInput              // :: key -> what the Report got
	pollTakes    time.Duration
	polls        []activities.PollInput          // in the order they came
	asked        []credential.AccountID          // that were told who waits, in order
	notices      []activities.TriageNotice       // in order
	open         int64                           // Reports under way, as visibility counts them
	stuck        *activities.StuckReport         // the oldest of them that is
	failing      map[string]time.Time            // :: channel -> its polls fail since
	cut          func() int                      // how many messages a window takes
	plan         func() (activities.Plan, error) // what the configuration says
	wake         func(credential.AccountID)      // tells the Workflow that an account works
}

func newDesk(channels ...string) *desk {
	d := &desk{
		posted: map[string][]string{}, refused: map[string]bool{}, down: map[credential.AccountID]bool{},
		badStarts: map[string]int{}, offered: map[string]int{}, inputs: map[string]ReportInput{},
		cut: func() int { return 500 }, wake: func(credential.AccountID) {},
		pollTakes: 30 * time.Second,
		behind:    func(activities.PollInput) []string { return nil },
		noise:     map[string]bool{}, onBadStart: func() {}, failing: map[string]time.Time{},
	}
	plan := activities.Plan{Triage: bugTriage, Slack: acmeSlack, GitHub: acmeGitHub, PollInterval: 30 * time.Second, Lookback: time.Hour}
	for _, channel := range channels {
		plan.Routes = append(plan.Routes, triage.Route{Channel: channel, Repository: "acme/app"})
	}
	d.plan = func() (activities.Plan, error) { return plan, nil }
	return d
}

func keyOf(channel, ts string) string { return "T1/" + channel + "/" + ts }

// post puts n messages into a channel, a microsecond apart.
func (d *desk) post(channel string, at time.Time, n int) (keys []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range n {
		ts := triage.TimestampOf(at.Add(time.Duration(i) * time.Microsecond))
		d.posted[channel] = append(d.posted[channel], ts)
		keys = append(keys, keyOf(channel, ts))
	}
	return keys
}

func (d *desk) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func unavailableError(account credential.AccountID) error {
	return temporal.NewNonRetryableApplicationError("account "+account.String()+" needs a person", activities.ErrTypeAccountUnavailable, nil,
		activities.Unavailable{Account: account, Generation: 1, Status: credential.ReauthorizationRequired})
}

// poll answers as activities.Slack.Poll does, but for an idle channel: an empty window ends the wait of one poll.
func (d *desk) poll(_ context.Context, in activities.PollInput) (activities.Window, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.polls = append(d.polls, in)
	if old := d.behind(in); len(old) > 0 {
		return activities.Window{Team: "T1", Messages: old, Marked: old, Watermark: in.After, Overlap: in.Overlap}, nil
	}
	switch {
	case d.down[in.Account]:
		return activities.Window{}, unavailableError(in.Account)
	case d.refused[in.Channel]:
		return activities.Window{}, temporal.NewNonRetryableApplicationError("reading channel "+in.Channel+": not_in_channel; invite the bot",
			activities.ErrTypeRejected, nil)
	case !d.failing[in.Channel].IsZero():
		return activities.Window{}, temporal.NewNonRetryableApplicationError("reading channel "+in.Channel+": HTTP 503",
			activities.ErrTypePollsFail, nil, activities.PollTrouble{FailingSince: d.failing[in.Channel]})
	}
	window := activities.Window{Team: "T1", Watermark: in.After, Overlap: in.Overlap, Recovered: !in.Told.IsZero(), LeftOut: d.leftOut}
	if in.BackTo != "" && !d.namesNoMarks {
		window.Marked = []string{}
	}
	limit := d.cut()
	for _, ts := range d.posted[in.Channel] {
		if ts <= in.After || len(window.Messages) == limit {
			continue
		}
		window.Watermark, window.Hidden, window.Overlap = ts, d.hidden, activities.Overlap{From: in.After, Seen: []string{ts}}
		if !d.noise[keyOf(in.Channel, ts)] {
			window.Messages = append(window.Messages, ts)
		}
		if d.marked[keyOf(in.Channel, ts)] {
			window.Marked = append(window.Marked, ts)
		}
		if text, ok := d.text[keyOf(in.Channel, ts)]; ok {
			window.Contents = append(window.Contents, triage.Message{Key: triage.Key{Team: "T1", Channel: in.Channel, TS: ts}, Text: text})
		}
	}
	return window, nil
}

// run is one run of a Triage at the desk.
type run struct {
	*desk
	env  *testsuite.TestWorkflowEnvironment
	over bool // what still comes from its children and Signals counts no more, as with [execute]
}

// newRun begins a run at a time. Its polls take the interval of the plan, its Reports no time.
func (d *desk) newRun(at time.Time) *run {
	r := d.newRunWith(at, Report)
	r.env.OnWorkflow(Report, mock.Anything, mock.Anything).Return(
		func(_ workflow.Context, in ReportInput) (ReportResult, error) { return ReportResult{}, r.begin(in) })
	return r
}

// newRunWith is newRun with another Report.
func (d *desk) newRunWith(at time.Time, report func(workflow.Context, ReportInput) (ReportResult, error)) *run {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	r := &run{desk: d, env: suite.NewTestWorkflowEnvironment()}
	r.env.SetStartTime(at)
	r.env.SetStartWorkflowOptions(startOptions(TriageWorkflowID(bugTriage)))
	r.env.SetDetachedChildWait(false)
	r.env.RegisterWorkflowWithOptions(report, workflow.RegisterOptions{Name: ReportType})
	var slack *activities.Slack
	var configuration *activities.Triage
	r.env.OnActivity(slack.Poll, mock.Anything, mock.Anything).After(d.pollTakes).Return(d.poll)
	r.env.OnActivity(configuration.Plan, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.PlanInput) (activities.Plan, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.plan()
		})
	r.env.OnActivity(configuration.NotifyTriage, mock.Anything, mock.Anything).Return(func(_ context.Context, n activities.TriageNotice) error {
		d.set(func() { d.notices = append(d.notices, n) })
		return nil
	})
	r.env.OnActivity(configuration.WatchBacklog, mock.Anything, mock.Anything).After(activities.BacklogEvery).Return(
		func(_ context.Context, in activities.WatchBacklogInput) (activities.BacklogNews, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			news := activities.BacklogNews{Backlog: in.Backlog}
			for _, event := range []activities.TriageEvent{news.Backlog.Count(d.open, r.env.Now()), news.Backlog.Find(d.stuck)} {
				if event != "" {
					news.Events = append(news.Events, event)
				}
			}
			return news, nil
		})
	r.env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, SignalValidate, mock.Anything).Return(nil)
	r.env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, SignalAwait, mock.Anything).Return(
		func(_, id, _, _ string, _ any) error { return r.await(id) })
	d.set(func() {
		d.wake = func(account credential.AccountID) {
			r.env.SignalWorkflow(SignalAccountActive, AccountActive{Account: account})
		}
	})
	return r
}

// begin starts a Report. Temporal refuses a second one of the same id, whichever run asks for it.
func (r *run) begin(in ReportInput) error {
	d := r.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.over {
		return nil
	}
	if d.badStarts[in.Report] > 0 {
		d.badStarts[in.Report]--
		d.onBadStart()
		return testsuite.ErrMockStartChildWorkflowFailed
	}
	d.offered[in.Report]++
	if _, taken := d.inputs[in.Report]; !taken {
		d.inputs[in.Report] = in
	}
	return nil
}

// await is what the Workflow of an account does with SignalAwait.
func (r *run) await(id string) error {
	account, ok := AccountOfWorkflow(id)
	if !ok {
		return errors.New("no account: " + id)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return nil
	}
	r.asked = append(r.asked, account)
	if !r.down[account] {
		r.wake(account)
	}
	return nil
}

// mend has an account work again, and tells those who wait.
func (r *run) mend(account credential.AccountID) {
	r.set(func() { delete(r.down, account) })
	r.wake(account)
}

func (r *run) after(d time.Duration, f func()) { r.env.RegisterDelayedCallback(f, d) }

func (r *run) signal(name string) { r.env.SignalWorkflow(name, nil) }

func (r *run) status(t *testing.T) TriageStatus {
	t.Helper()
	value, err := r.env.QueryWorkflow(QueryStatus)
	require.NoError(t, err)
	var status TriageStatus
	require.NoError(t, value.Get(&status))
	return status
}

// triage runs the Triage until it is cancelled or continues as new.
func (r *run) triage(in TriageInput) {
	execute(r.env, Triage, in)
	r.set(func() { r.over = true })
}

// next returns the input of the run after this one, or nil when there is none.
func (r *run) next(t *testing.T) *TriageInput {
	t.Helper()
	again, ok := errors.AsType[*workflow.ContinueAsNewError](r.env.GetWorkflowError())
	if !ok {
		return nil
	}
	var in TriageInput
	require.NoError(t, defaultConverter.FromPayloads(again.Input, &in))
	return &in
}

// requireStarted requires that each of the keys was handed over once, and nothing else was.
func (d *desk) requireStarted(t *testing.T, keys []string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	want := map[string]int{}
	for _, key := range keys {
		want[key] = 1
	}
	assert.Equal(t, want, d.offered)
}

func channelOf(t *testing.T, channels []ChannelState, id string) ChannelState {
	t.Helper()
	i := slices.IndexFunc(channels, func(c ChannelState) bool { return c.Channel == id })
	require.GreaterOrEqual(t, i, 0)
	return channels[i]
}
