package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

const (
	// heartbeatTimeout is how long a killed worker may go unnoticed.
	heartbeatTimeout = 10 * time.Second
	// refusedPause is how long a channel rests that Slack refuses for good (bot not invited, channel archived): a person has
	// to act, and nothing tells us when one did.
	refusedPause = 5 * time.Minute
)

// TriageInput starts a Triage: {"triage":"acme/bug-reports"}.
type TriageInput struct {
	Triage string `json:"triage"`
	// State is carried over Continue-As-New; leave it out.
	State *TriageState `json:"state,omitempty"`
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
	counts  bool   // reports under way are counted after a hand-over; see [changeWatchesBacklog]
}

// Triage polls the channels of one triage and starts a Report for each message that may be one. It ends only when it is
// cancelled, or when the configuration has no such triage at its first look.
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

// validateAccounts has the accounts look at their tokens before there is work, so that a token which died meanwhile is
// replaced, or people are told, before the first report needs it. That an account has no Workflow shows with the first poll.
func (t *triager) validateAccounts(ctx workflow.Context) {
	for _, account := range t.plan.Accounts() {
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

// readPlan reads the configuration. Where that fails, a triage that has begun keeps its watermarks and tries again until
// somebody has corrected the configuration; one that has not begun ends.
func (t *triager) readPlan(ctx workflow.Context, begun bool) error {
	for {
		t.ending = false // a reload that ended the wait below is answered by what follows; another one may come from here on
		err := workflow.ExecuteActivity(planActivity(ctx), (*activities.Triage).Plan, activities.PlanInput{Triage: t.name}).Get(ctx, &t.plan)
		if err == nil {
			break
		}
		t.trouble = rootMessage(err)
		if !begun || ctx.Err() != nil {
			return err
		}
		t.show(ctx)
		if err := sleepUntil(ctx, refusedPause, func() bool { return t.ending }, "configuration"); err != nil {
			return err
		}
	}
	t.trouble = ""
	t.route(t.plan, startTime(ctx))
	for i := range t.Channels {
		t.Channels[i].lookBack(triage.ReactionsCountFor(t.rules(t.Channels[i].Channel)))
	}
	return nil
}

// startTime is when the run was asked for. Its first Workflow Task comes later, much later where no worker runs, and what
// people post in between counts.
func startTime(ctx workflow.Context) time.Time { return workflow.GetInfo(ctx).WorkflowStartTime }

func planActivity(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second, Summary: "read the configuration"})
}

// listen takes the Signals of an operator.
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
	t.watchBacklog(polls)
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
	if WasReset(ctx) { // the run that was reset may have handed over messages beyond this watermark, so none counts as new
		for i := range t.Channels {
			t.Channels[i].Since = workflow.Now(ctx)
		}
	}
	state := t.TriageState
	return workflow.NewContinueAsNewError(ctx, Triage, TriageInput{Triage: t.name, State: &state})
}
