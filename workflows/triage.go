package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

const (
	// pollTimeout bounds one poll with all its pages.
	pollTimeout = 5 * time.Minute
	// heartbeatTimeout is how long a killed worker goes unnoticed.
	heartbeatTimeout = 10 * time.Second
	// refusedPause is how long a channel rests that Slack refuses for good (bot not invited, archived): a person has to
	// act, and nobody tells us when.
	refusedPause = 5 * time.Minute
	// maxStarted bounds the children of one run: the server allows 2,000 open ones.
	maxStarted = 1000
)

// TriageInput starts a Triage: {"triage":"acme/bug-reports"}.
type TriageInput struct {
	Triage string `json:"triage"`
	// State is carried over Continue-As-New; leave it out.
	State *TriageState `json:"state,omitempty"`
}

// TriageState is all that a triage remembers.
type TriageState struct {
	Paused   bool           `json:"paused,omitempty"`
	Channels []ChannelState `json:"channels,omitempty"`
	Backlog  Backlog        `json:"backlog,omitzero"`
	// Threads is how far the threads and issues of the reports were watched.
	Threads activities.ThreadsWatched `json:"threads,omitzero"`
}

// ChannelState is how far one channel is.
type ChannelState struct {
	Channel string `json:"channel"`
	// Since is when this triage began to watch the channel. Messages from before may have been filed in an earlier life
	// of it.
	Since time.Time `json:"since"`
	// Watermark is the ts up to which every message was handed to a Report. Overlap is what was seen of the last of them.
	Watermark string             `json:"watermark"`
	Overlap   activities.Overlap `json:"overlap,omitzero"`
	Reports   int                `json:"reports"` // messages handed over
	// BackTo and Taken are of a channel where a reaction makes a message count: how far it is looked back for them, a ts,
	// exclusive, and what was handed over since then.
	BackTo string   `json:"back_to,omitempty"`
	Taken  []string `json:"taken,omitempty"` // ts
	// Hidden is what could not be read any more because Slack's free plan hides it; nil for nothing.
	Hidden *Gap `json:"hidden,omitempty"`
	// LastWindow is when a poll last brought something.
	LastWindow time.Time `json:"last_window,omitzero"`
	// LastRead is when Slack last answered before the polls failed that people were told of.
	LastRead time.Time `json:"last_read,omitzero"`
	Trouble  string    `json:"trouble,omitempty"`
	// FailingSince is since when the channel cannot be read, once people were told.
	FailingSince time.Time `json:"failing_since,omitzero"`
	// Lag is how long the last window took from its newest message to its hand-over; Behind counts the windows of which
	// each took longer than the one before.
	Lag    time.Duration `json:"lag,omitempty"` // nanoseconds
	Behind int           `json:"behind,omitempty"`
}

// Gap is a part of a channel's history, from one ts to another.
type Gap struct {
	After  string `json:"after"`
	Before string `json:"before"`
}

// What a triage does.
const (
	TriagePolling = "polling"
	TriagePaused  = "paused"  // an operator asked for it
	TriageWaiting = "waiting" // for an account that needs a person
	// TriageMisconfigured is a triage that has begun and that the configuration does not know any more.
	TriageMisconfigured = "misconfigured"
)

// TriageStatus answers Query `status`.
type TriageStatus struct {
	Triage string `json:"triage"`
	State  string `json:"state"` // [TriagePolling], [TriagePaused], [TriageWaiting] or [TriageMisconfigured]
	// Trouble says why it is misconfigured.
	Trouble string                   `json:"trouble,omitempty"`
	Waiting []activities.Unavailable `json:"waiting,omitempty"`
	// Backlog says since when the reports under way only become more.
	Backlog  string          `json:"backlog,omitempty"`
	Plan     activities.Plan `json:"plan"`
	Channels []ChannelState  `json:"channels"`
}

// triager is the machinery of a Triage.
type triager struct {
	TriageState
	name    string
	plan    activities.Plan
	gate    *Gate
	trouble string // why there is no plan
	started int    // children of this run
	ending  bool   // pollers stop: the run is about to continue as new
	running int    // pollers that have not stopped
}

// Triage polls the channels of one triage and starts a Report for each message that may be one. It ends only when it is
// cancelled, or when the configuration does not know it from the first.
func Triage(ctx workflow.Context, in TriageInput) error {
	if in.Triage == "" {
		return badInput(`triage: missing; start it with --input '{"triage":"acme/bug-reports"}'`)
	}
	if err := runsAs(ctx, TriageWorkflowID(in.Triage), "a channel is read once"); err != nil {
		return err
	}
	t := &triager{name: in.Triage, gate: NewGate(ctx)}
	t.gate.changed = t.show
	if in.State != nil {
		t.TriageState = *in.State
	}
	if err := t.setup(ctx); err != nil {
		return err
	}
	if err := t.readPlan(ctx, in.State != nil); err != nil {
		return err
	}
	if in.State == nil && workflow.GetVersion(ctx, changeValidateAtStart, workflow.DefaultVersion, 1) == 1 {
		t.validateAccounts(ctx)
	}
	return t.run(ctx)
}

// changeValidateAtStart: triages began without asking their accounts to validate.
const changeValidateAtStart = "triage-validates-accounts"

// validateAccounts has both accounts look at their tokens before there is work, so that one which died meanwhile is
// replaced, or told of, before the first report needs it. An account without a Workflow shows with the first poll.
func (t *triager) validateAccounts(ctx workflow.Context) {
	for _, account := range []credential.AccountID{t.plan.Slack, t.plan.GitHub} {
		if err := workflow.SignalExternalWorkflow(ctx, AccountWorkflowID(account), "", SignalValidate, nil).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Info("an account was not asked to validate its token", "account", account.String(), "error", err)
		}
	}
}

func (t *triager) setup(ctx workflow.Context) error {
	workflow.Go(ctx, t.listen)
	return workflow.SetQueryHandlerWithOptions(ctx, QueryStatus, func() (TriageStatus, error) { return t.status(), nil },
		workflow.QueryHandlerOptions{Description: "what this triage does and how far each channel is"})
}

// readPlan reads the configuration. A triage that has begun outlives a mistake in it: the watermarks are worth more than
// a clean end, so it looks again until the mistake is mended.
func (t *triager) readPlan(ctx workflow.Context, begun bool) error {
	for {
		t.ending = false // a reload that comes from here on is not the one that brought us here
		err := workflow.ExecuteActivity(planActivity(ctx), (*activities.Triage).Plan, activities.PlanInput{Triage: t.name}).Get(ctx, &t.plan)
		if err == nil {
			break
		}
		if !begun || ctx.Err() != nil {
			return err
		}
		t.trouble = rootMessage(err)
		t.show(ctx)
		if err := sleepUntil(ctx, refusedPause, func() bool { return t.ending }, "configuration"); err != nil {
			return err
		}
	}
	t.trouble = ""
	t.Channels = mergeChannels(t.Channels, t.plan, startTime(ctx))
	for i := range t.Channels {
		t.Channels[i].lookBack(t.when(t.Channels[i].Channel))
	}
	return nil
}

// startTime is when somebody started the run. The first Workflow Task comes later, much later where no worker runs, and
// what was posted in between counts.
func startTime(ctx workflow.Context) time.Time { return workflow.GetInfo(ctx).WorkflowStartTime }

func planActivity(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second, Summary: "read the configuration"})
}

// mergeChannels keeps the watermarks of the channels that are still routed and starts new ones at the lookback.
func mergeChannels(old []ChannelState, plan activities.Plan, now time.Time) []ChannelState {
	var merged []ChannelState
	for _, channel := range plan.Channels() {
		i := slices.IndexFunc(old, func(c ChannelState) bool { return c.Channel == channel })
		if i >= 0 {
			merged = append(merged, old[i])
			continue
		}
		merged = append(merged, ChannelState{
			Channel: channel, Since: now, Watermark: triage.TimestampOf(now.Add(-plan.Lookback)),
		})
	}
	return merged
}

// listen obeys an operator.
func (t *triager) listen(ctx workflow.Context) {
	misread := func(name string, err error) {
		workflow.GetLogger(ctx).Warn("Signal refused", "triage", t.name, "signal", name, "error", err)
	}
	selector := workflow.NewSelector(ctx)
	selector.AddReceive(workflow.GetSignalChannel(ctx, SignalPause), func(workflow.ReceiveChannel, bool) {
		takeAll(ctx, misread, SignalPause, func(any) { t.Paused = true })
	})
	selector.AddReceive(workflow.GetSignalChannel(ctx, SignalResume), func(workflow.ReceiveChannel, bool) {
		takeAll(ctx, misread, SignalResume, func(any) { t.Paused = false })
	})
	selector.AddReceive(workflow.GetSignalChannel(ctx, SignalReload), func(workflow.ReceiveChannel, bool) {
		takeAll(ctx, misread, SignalReload, func(any) { t.ending = true })
	})
	for ctx.Err() == nil {
		selector.Select(ctx)
	}
}

// run polls all channels side by side until the run has to end.
func (t *triager) run(ctx workflow.Context) error {
	polls, stop := workflow.WithCancel(ctx)
	for i := range t.Channels {
		t.running++
		workflow.Go(polls, func(ctx workflow.Context) {
			defer func() { t.running-- }()
			t.watch(ctx, &t.Channels[i])
		})
	}
	t.followThreads(polls)
	err := workflow.Await(ctx, func() bool {
		return t.ending || t.started >= maxStarted || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
	})
	t.ending = true
	stop()
	if err != nil {
		return err
	}
	if err := workflow.Await(ctx, func() bool { return t.running == 0 }); err != nil {
		return err
	}
	state := t.TriageState
	return workflow.NewContinueAsNewError(ctx, Triage, TriageInput{Triage: t.name, State: &state})
}

// watch polls one channel for as long as the run lasts. Trouble with one channel stops no other.
func (t *triager) watch(ctx workflow.Context, c *ChannelState) {
	for !t.ending && ctx.Err() == nil {
		if t.Paused {
			_ = workflow.Await(ctx, func() bool { return !t.Paused || t.ending }) // cancelled: the loop ends
			continue
		}
		if c.FailingSince.IsZero() {
			c.Trouble = "" // it is over, or the poll finds it again at once
		}
		window, err := t.poll(ctx, c)
		if err == nil {
			t.readAgain(ctx, c, window)
			err = t.handOver(ctx, c, window)
		}
		t.show(ctx)
		if err != nil && ctx.Err() == nil {
			t.unread(ctx, c, err)
			if errorType(err) == activities.ErrTypePollsFail {
				continue // it has paused between its attempts
			}
			_ = sleepUntil(ctx, refusedPause, func() bool { return t.ending }, "channel "+c.Channel+" refused")
		}
	}
}

// poll waits for the next window of a channel. Pausing cancels the wait.
func (t *triager) poll(ctx workflow.Context, c *ChannelState) (activities.Window, error) {
	var window activities.Window
	err := t.gate.Do(ctx, func(bool) error {
		t.show(ctx)
		poll, stop := workflow.WithCancel(ctx)
		defer stop()
		future := workflow.ExecuteActivity(t.pollOptions(poll, c), (*activities.Slack).Poll, activities.PollInput{
			Account: t.plan.Slack, Channel: c.Channel, After: c.Watermark, Overlap: c.Overlap, Interval: t.plan.PollInterval, Told: c.FailingSince,
			When: t.when(c.Channel), BackTo: c.BackTo, Taken: c.Taken,
		})
		if err := workflow.Await(ctx, func() bool { return future.IsReady() || t.Paused || t.ending }); err != nil {
			return err
		}
		if !future.IsReady() {
			return errStopped
		}
		return future.Get(ctx, &window)
	})
	if errors.Is(err, errStopped) {
		return activities.Window{Watermark: c.Watermark, Overlap: c.Overlap}, nil
	}
	if err == nil {
		c.LastWindow = workflow.Now(ctx)
	}
	return window, err
}

// when says which messages of a channel count: its last route does.
func (t *triager) when(channel string) triage.When {
	for _, route := range slices.Backward(t.plan.Routes) {
		if route.Channel == channel {
			return route.When
		}
	}
	return triage.When{}
}

// errStopped ends a poll that somebody paused.
var errStopped = errors.New("stopped")

func (t *triager) pollOptions(ctx workflow.Context, c *ChannelState) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: pollTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		Summary:             "poll " + c.Channel,
		RetryPolicy:         Patient(),
	})
}

// Patient retries for as long as it takes; permanent failures are non-retryable by their type.
func Patient() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute}
}

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
			Report: key.String(), Triage: t.name, New: ts >= triage.TimestampOf(c.Since) && ts > c.Watermark, Message: window.Content(ts),
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
	moved := window.Watermark > c.Watermark // a reaction on an old message, or one that comes late, brings a window that does not
	c.Watermark, c.Overlap = window.Watermark, window.Overlap
	c.take(window.Messages, t.when(c.Channel), workflow.Now(ctx))
	if len(window.Messages) > 0 {
		if moved {
			t.weighLag(ctx, c, workflow.Now(ctx).Sub(triage.Key{TS: window.Watermark}.Time()))
		}
		t.weighBacklog(ctx)
	}
	return nil
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

func (t *triager) status() TriageStatus {
	s := TriageStatus{Triage: t.name, State: TriagePolling, Plan: t.plan, Channels: t.Channels, Waiting: t.gate.Closed(), Backlog: t.Backlog.String()}
	switch {
	case t.trouble != "":
		s.State, s.Trouble = TriageMisconfigured, t.trouble
	case t.Paused:
		s.State = TriagePaused
	case len(s.Waiting) > 0:
		s.State = TriageWaiting
	}
	return s
}

// show writes the status for the Web UI.
func (t *triager) show(ctx workflow.Context) {
	s := t.status()
	lines := []string{"**" + s.State + "**"}
	if s.Trouble != "" {
		lines = append(lines, "- "+s.Trouble)
	}
	for _, w := range s.Waiting {
		lines = append(lines, fmt.Sprintf("- waits for account %s: %s", w.Account, w.Status))
	}
	for _, c := range s.Channels {
		lines = append(lines, fmt.Sprintf("- %s: %d messages handed over, watermark %s %s", c.Channel, c.Reports, c.Watermark, c.Trouble))
	}
	workflow.SetCurrentDetails(ctx, strings.Join(lines, "\n"))
}
