package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// ReportInput starts a Report: {"report":"T1/C1/1700000000.000100","triage":"acme/bug-reports"}.
type ReportInput struct {
	Report string `json:"report"`
	Triage string `json:"triage"`
	// New says that nobody can have filed the message before, so that the first try need not look for its issue, unless the
	// Report was reset. Leave it out when starting one by hand.
	New bool `json:"new,omitempty"`
	// Message is the message as a poll read it just before; without it the Report reads it. Leave it out when starting one by
	// hand.
	Message *triage.Message `json:"message,omitempty"`
	// Claims says that the Report began when all of them showed in Slack that the message is taken, so that its history need not
	// hold a version for it. Leave it out when starting one by hand.
	Claims bool `json:"claims,omitempty"`
	// Polled says that a poll found the message, so that it has to count. Leave it out when starting one by hand.
	Polled bool `json:"polled,omitempty"`
}

// ReportResult is what became of a message.
type ReportResult struct {
	Report  string                   `json:"report"`
	Verdict activities.Verdict       `json:"verdict"`
	Reason  string                   `json:"reason,omitempty"`
	Issue   *activities.CreatedIssue `json:"issue,omitempty"`
	// Untold is why the thread will never be told of the issue; "" where it was, or was deleted.
	Untold string `json:"untold,omitempty"`
}

// ReportStatus answers Query `status`.
type ReportStatus struct {
	ReportResult
	Triage  string                   `json:"triage"`
	Step    string                   `json:"step"`
	Since   time.Time                `json:"since,omitzero"`    // when the step began
	Parked  string                   `json:"parked,omitempty"`  // why; Signal `retry` tries again
	Waiting []activities.Unavailable `json:"waiting,omitempty"` // Signal `retry` does not wait
}

// reporter is the machinery of a Report.
type reporter struct {
	ReportStatus
	in     ReportInput
	reset  bool // another run of it came further
	key    triage.Key
	gate   *Gate
	retry  bool                 // a person asked for another try
	asked  bool                 // people were asked in the thread, and agreed
	draft  activities.Draft     // what is filed
	before []triage.Place       // other places where an attempt may have filed it
	slack  credential.AccountID // whose channel it is
}

// claimedReaction says in Slack that the report is taken and not filed yet.
const claimedReaction = "eyes"

// changeClaims: reports showed nothing in Slack before they were filed. Asking for its version costs two events, so the triage says
// it with the input of a Report.
const changeClaims = "report-claims"

// Report takes one message to its end: read it, decide, file the issue, tell the thread. Each step waits for its account
// if that needs a person, and parks where the provider refuses for good; none is given up.
func Report(ctx workflow.Context, in ReportInput) (ReportResult, error) {
	key, err := triage.ParseKey(in.Report)
	if err != nil {
		return ReportResult{}, badInput("report: %v", err)
	}
	if in.Triage == "" {
		return ReportResult{}, badInput("triage: missing; want the name of a triage in tokenkeeper.yaml, for example acme/bug-reports")
	}
	if err := runsAs(ctx, ReportWorkflowID(key.String()), "a message is filed once"); err != nil {
		return ReportResult{}, err
	}
	r := &reporter{in: in, key: key, gate: NewGate(ctx), reset: WasReset(ctx)}
	r.in.New = in.New && !r.reset
	r.gate.hurried, r.gate.changed = func() bool { return r.retry }, r.show
	r.Report, r.Triage = in.Report, in.Triage
	if err := workflow.SetQueryHandlerWithOptions(ctx, QueryStatus, func() (ReportStatus, error) { return r.status(), nil },
		workflow.QueryHandlerOptions{Description: "what became of this message"}); err != nil {
		return ReportResult{}, err
	}
	workflow.Go(ctx, r.listen)
	for err = r.run(ctx); err == nil && r.Issue == nil && drain(workflow.GetSignalChannel(ctx, SignalMarked)); err = r.run(ctx) {
		r.anew()
	}
	return r.ReportResult, err
}

// anew forgets what became of the message.
func (r *reporter) anew() {
	r.ReportResult, r.draft, r.before, r.asked = ReportResult{Report: r.Report}, activities.Draft{}, nil, false
	r.in.New, r.in.Message = false, nil
}

func badInput(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), activities.ErrTypeNotConfigured, nil)
}

func (r *reporter) listen(ctx workflow.Context) {
	for workflow.GetSignalChannel(ctx, SignalRetry).Receive(ctx, nil) && ctx.Err() == nil {
		r.retry = true
	}
}

func (r *reporter) run(ctx workflow.Context) error {
	if err := r.step(ctx, "read the message", func(ctx workflow.Context, _ bool) workflow.Future {
		return workflow.ExecuteActivity(ctx, (*activities.Slack).Read, activities.ReadInput{
			Triage: r.in.Triage, Report: r.key, Message: r.atHand(ctx), LookFirst: !r.in.New, Polled: r.in.Polled,
		})
	}, &r.draft); err != nil {
		return err
	}
	r.Verdict, r.Reason, r.slack = r.draft.Verdict, r.draft.Reason, r.draft.Slack
	if r.draft.Verdict != activities.IsReport {
		r.enter(ctx, "done")
		return nil
	}
	if agreed, err := r.propose(ctx, r.draft); err != nil || !agreed {
		if err == nil {
			r.enter(ctx, "done")
		}
		return err
	}
	claimed := r.claim(ctx)
	if err := r.file(ctx); err != nil {
		return err
	}
	if err := r.tell(ctx, claimed); err != nil {
		return err
	}
	r.enter(ctx, "done")
	return nil
}

// fresh is how long a message is taken for what it was: people edit and delete what they just wrote.
const fresh = 10 * time.Minute

// atHand returns the message that a poll brought along, nil where too much time has passed since, as when the account needed
// a person.
func (r *reporter) atHand(ctx workflow.Context) *triage.Message {
	if workflow.Now(ctx).Sub(startTime(ctx)) > fresh {
		return nil
	}
	return r.in.Message
}

// claim shows in Slack that the report is taken. Nobody waits for it before the report is filed, which may be weeks later
// where GitHub is away, and a report is filed just as well where it fails.
func (r *reporter) claim(ctx workflow.Context) workflow.Future {
	if !r.in.Claims && workflow.GetVersion(ctx, changeClaims, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return nil
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, ScheduleToCloseTimeout: claimPatience, HeartbeatTimeout: heartbeatTimeout,
		Summary: "claim the message", RetryPolicy: Patient(),
	})
	return workflow.ExecuteActivity(ctx, (*activities.Slack).React, activities.ReactInput{
		Account: r.slack, Report: r.key, Emoji: claimedReaction,
	})
}

// claimPatience bounds the claim: it says less and less the longer it takes.
const claimPatience = 2 * time.Minute

// stepFile is the step of a Report that files its issue.
const stepFile = "file the issue"

// file files the issue in the repository that was chosen when the message was read. Where an earlier life of this Report may
// have chosen another one, because the message, a model or the configuration said something else then, that is looked at too.
func (r *reporter) file(ctx workflow.Context) error {
	if !r.in.New {
		r.before = r.draft.Elsewhere
	}
	var issue activities.CreatedIssue
	err := r.step(ctx, stepFile, func(ctx workflow.Context, again bool) workflow.Future {
		return workflow.ExecuteActivity(ctx, (*activities.GitHub).CreateIssue, activities.CreateIssueInput{
			Account: r.draft.GitHub, Report: r.key, Issue: r.draft.Issue, Source: r.draft.Source,
			LookFirst: again || !r.in.New, Reset: r.reset, Elsewhere: r.before, Filed: r.draft.Filed,
		})
	}, &issue)
	if err == nil {
		r.Issue = &issue
	}
	return err
}

// tell answers in the thread, and puts the mark of what is done in the place of the claim. The issue is filed: where Slack will
// never take an answer any more, as in an archived channel, no person has to come for that.
func (r *reporter) tell(ctx workflow.Context, claimed workflow.Future) error {
	var posted activities.Posted
	if err := r.step(ctx, "reply in the thread", func(ctx workflow.Context, again bool) workflow.Future {
		return workflow.ExecuteActivity(ctx, (*activities.Slack).Reply, activities.ReplyInput{
			Account: r.slack, Report: r.key, Issue: *r.Issue, Filer: cmp.Or(r.Issue.Account, r.draft.GitHub), Edited: r.editShown(),
			LookFirst: again || !r.in.New || r.asked, Reset: r.reset, Optional: true,
		})
	}, &posted); err != nil {
		return err
	}
	r.Untold = posted.Untold
	done := activities.ReactInput{Report: r.key, Emoji: activities.FiledReaction}
	if claimed != nil {
		if err := claimed.Get(ctx, nil); err != nil { // one that is on its way would come after its removal
			workflow.GetLogger(ctx).Info("a report was filed without a claim", "report", r.Report, "error", err)
		}
		done.Instead = claimedReaction
	}
	return r.step(ctx, "react to the message", func(ctx workflow.Context, _ bool) workflow.Future {
		done.Account = r.slack
		return workflow.ExecuteActivity(ctx, (*activities.Slack).React, done)
	}, nil)
}

// editShown returns the ts of the last edit of the message that the issue shows, "" where it may be an earlier text: an issue that was
// found is of an attempt which read the message at another time.
func (r *reporter) editShown() string {
	if r.Issue.Found {
		return ""
	}
	return r.draft.Edited
}

// stepTimeout leaves room for the list of issues of a busy repository. That a worker died, the missing heartbeat tells
// much earlier.
const stepTimeout = 5 * time.Minute

// step runs one Activity to its good end. again tells it that an earlier try may have done its work.
func (r *reporter) step(ctx workflow.Context, name string, start func(ctx workflow.Context, again bool) workflow.Future, result any) error {
	options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: stepTimeout, HeartbeatTimeout: heartbeatTimeout, Summary: name, RetryPolicy: wary(),
	})
	tried := false
	for strikes := 0; ; {
		r.enter(ctx, name)
		err := r.gate.Do(ctx, func(again bool) error {
			if r.retry {
				r.replan(ctx)
			}
			r.retry = false
			return start(options, again || tried).Get(ctx, result)
		})
		if err == nil || ctx.Err() != nil {
			return err
		}
		tried = true
		if isStrange(err) && strikes+1 < maxStrikes {
			if err := sleepUntil(ctx, strangePause<<strikes, func() bool { return r.retry }, "after a "+errorKind(err)); err != nil {
				return err
			}
			strikes++
			continue
		}
		strikes = 0
		if err := r.park(ctx, err); err != nil {
			return err
		}
	}
}

const (
	// maxStrikes is how often a step may end in a way that only the message itself explains.
	maxStrikes = 5
	// strangePause comes after the first strike and doubles; a write of the attempt before is over by then.
	strangePause = 15 * time.Second
)

// wary is patient with providers, and brings home what no provider does: an Activity that panics, or hangs for minutes.
func wary() *temporal.RetryPolicy {
	policy := Patient()
	policy.NonRetryableErrorTypes = []string{"PanicError", "TemporalTimeout:StartToClose"}
	return policy
}

// isStrange reports whether the code did not come to terms with a message.
func isStrange(err error) bool { return errorKind(err) != "" }

// errorKind names what is strange about an error, "" for nothing.
func errorKind(err error) string {
	if _, ok := errors.AsType[*temporal.PanicError](err); ok {
		return "panic"
	}
	if temporal.IsTimeoutError(err) {
		return "timeout"
	}
	return ""
}

// park waits for a person: the provider refuses this step, and trying again by ourselves would change nothing.
func (r *reporter) park(ctx workflow.Context, cause error) error {
	r.Parked, r.retry = rootMessage(cause), false
	r.show(ctx)
	tell(ctx, activities.TriageNotice{Triage: r.in.Triage, Event: activities.EventReportParked, Report: r.Report, Reason: r.Parked})
	err := workflow.Await(ctx, func() bool { return r.retry })
	r.Parked = ""
	return err
}

func (r *reporter) enter(ctx workflow.Context, step string) {
	if r.Step != step {
		r.Step, r.Since = step, workflow.Now(ctx)
	}
	r.show(ctx)
}

func (r *reporter) status() ReportStatus {
	s := r.ReportStatus
	s.Waiting = r.gate.Closed()
	return s
}

func (r *reporter) show(ctx workflow.Context) {
	lines := []string{"**" + r.Step + "**"}
	if r.Parked != "" {
		lines = append(lines, "- parked: "+r.Parked)
	}
	for _, w := range r.gate.Closed() {
		lines = append(lines, fmt.Sprintf("- waits for account %s: %s", w.Account, w.Status))
	}
	if r.Issue != nil {
		lines = append(lines, "- issue: "+r.Issue.URL)
	}
	if r.Untold != "" {
		lines = append(lines, "- the thread was not told: "+r.Untold)
	}
	workflow.SetCurrentDetails(ctx, strings.Join(lines, "\n"))
}
