package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

// ThreadInput starts a Thread: {"report":"T1/C1/1700000000.000100","triage":"acme/bug-reports"}.
type ThreadInput struct {
	Report string `json:"report"`
	Triage string `json:"triage"`
}

// ThreadResult is what the looks at a thread did.
type ThreadResult struct {
	Look activities.ThreadLook `json:"look"` // the last one
	// Trouble says why that one did not do all, "" where it did.
	Trouble string `json:"trouble,omitempty"`
}

// Thread follows the thread of a filed report: it looks at it once, again for each Signal [SignalLook] that came meanwhile,
// and ends. Its Workflow id makes it the only writer to the report's issue and thread once these exist.
//
// It is a Workflow of its own, and not the Report living on. A Report would then wait for weeks for what mostly never comes:
// as an open child of its triage, queried, counted as under way, and replayed. A Thread lives only while people write, and
// takes about twelve events. What a provider refuses for good ends it, and people are told. Nothing is lost by that, because
// each look begins with what is there and not with what is new.
func Thread(ctx workflow.Context, in ThreadInput) (ThreadResult, error) {
	key, err := triage.ParseKey(in.Report)
	if err != nil {
		return ThreadResult{}, badInput("report: %v", err)
	}
	if in.Triage == "" {
		return ThreadResult{}, badInput("triage: missing; want the name of a triage in tokenkeeper.yaml, for example acme/bug-reports")
	}
	if err := runsAs(ctx, ThreadWorkflowID(key.String()), "one Workflow at a time writes to a thread"); err != nil {
		return ThreadResult{}, err
	}
	gate := NewGate(ctx)
	looks := workflow.GetSignalChannel(ctx, SignalLook)
	drain(looks)
	for {
		result, err := lookAt(ctx, gate, activities.FollowInput{Triage: in.Triage, Report: key, Reset: WasReset(ctx)})
		if err != nil {
			return ThreadResult{}, err
		}
		if !drain(looks) {
			return result, nil
		}
	}
}

// drain takes all Signals that have arrived, and reports whether there was any.
func drain(signals workflow.ReceiveChannel) (found bool) {
	for signals.ReceiveAsync(nil) {
		found = true
	}
	return found
}

// followTimeout leaves room for a long thread, and for the comments of a busy issue.
const followTimeout = 5 * time.Minute

// lookAt looks at the thread once. It returns an error only where the Workflow was cancelled; any other failure is in the
// result, and people are told.
func lookAt(ctx workflow.Context, gate *Gate, in activities.FollowInput) (ThreadResult, error) {
	options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: followTimeout, HeartbeatTimeout: heartbeatTimeout, Summary: "follow the thread", RetryPolicy: wary(),
	})
	var result ThreadResult
	err := gate.Do(ctx, func(bool) error {
		return workflow.ExecuteActivity(options, (*activities.Threads).FollowThread, in).Get(ctx, &result.Look)
	})
	if err == nil || ctx.Err() != nil || temporal.IsCanceledError(err) {
		return result, err
	}
	result.Trouble = rootMessage(err)
	workflow.SetCurrentDetails(ctx, result.Trouble)
	tell(ctx, activities.TriageNotice{
		Triage: in.Triage, Event: activities.EventThreadUnfollowed, Report: in.Report.String(), Reason: result.Trouble,
	})
	return result, nil
}
