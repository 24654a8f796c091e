package supportdesk

import (
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

// TaskQueue is where the agent's worker listens unless it is told another.
const TaskQueue = "supportdesk"

// SignalRetry has a Question try again what Slack or Zendesk refused.
const SignalRetry = "retry"

const (
	pollInterval = 10 * time.Second
	refusedPause = 5 * time.Minute // how long a channel rests that Slack refuses to show
)

// DeskInput starts a Desk: {"slack":"acme/desk/slack","zendesk":"acme/desk/zendesk","channel":"C0SUPPORT"}.
type DeskInput struct {
	Slack   credential.AccountID `json:"slack"`
	Zendesk credential.AccountID `json:"zendesk"`
	Channel string               `json:"channel"`
	// Watermark is the ts up to which every message has a Question. Left out, the Desk begins with what is posted from now on.
	Watermark string             `json:"watermark,omitempty"`
	Overlap   activities.Overlap `json:"overlap,omitzero"` // the end of what was read: Slack can show a message late
}

// QuestionInput is one message of the channel.
type QuestionInput struct {
	Slack   credential.AccountID `json:"slack"`
	Zendesk credential.AccountID `json:"zendesk"`
	Message triage.Key           `json:"message"`
}

// Register registers the agent with a worker. slack keeps to what Slack lets the app read, apis opens the APIs of accounts.
func Register(w worker.Registry, slack *activities.Slack, apis activities.APIs) {
	w.RegisterWorkflow(Desk)
	w.RegisterWorkflow(Question)
	w.RegisterActivity(slack)
	w.RegisterActivity(&Zendesk{APIs: apis})
}

// Desk reads one channel for ever and has a Question for each message. Run it under the id desk/<channel>, so that a channel
// has one.
func Desk(ctx workflow.Context, in DeskInput) error {
	if in.Slack.IsZero() || in.Zendesk.IsZero() || in.Channel == "" {
		return temporal.NewNonRetryableApplicationError(
			`want --input '{"slack":"acme/desk/slack","zendesk":"acme/desk/zendesk","channel":"C0SUPPORT"}'`, "BadInput", nil)
	}
	if in.Watermark == "" {
		in.Watermark = triage.TimestampOf(workflow.GetInfo(ctx).WorkflowStartTime)
	}
	gate := workflows.NewGate(ctx)
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		var window activities.Window
		err := gate.Do(ctx, func(bool) error {
			return workflow.ExecuteActivity(patiently(ctx, "poll "+in.Channel), (*activities.Slack).Poll, activities.PollInput{
				Account: in.Slack, Channel: in.Channel, After: in.Watermark, Overlap: in.Overlap, Interval: pollInterval,
			}).Get(ctx, &window)
		})
		if err == nil {
			err = ask(ctx, in, window)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			workflow.SetCurrentDetails(ctx, "the channel cannot be read: "+err.Error())
			if err := workflow.Sleep(ctx, refusedPause); err != nil {
				return err
			}
			continue
		}
		in.Watermark, in.Overlap = window.Watermark, window.Overlap // only now: each of its messages has a Question
		workflow.SetCurrentDetails(ctx, "read up to "+in.Watermark)
	}
	return workflow.NewContinueAsNewError(ctx, Desk, in)
}

// ask starts a Question for each message of the window. Its id is the message's, so that a window which is read twice asks
// nothing twice.
func ask(ctx workflow.Context, in DeskInput, window activities.Window) error {
	for _, ts := range window.Messages {
		key := triage.Key{Team: window.Team, Channel: in.Channel, TS: ts}
		child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID:            "question/" + key.String(),
			WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_ABANDON,
		})
		err := workflow.ExecuteChildWorkflow(child, Question, QuestionInput{Slack: in.Slack, Zendesk: in.Zendesk, Message: key}).
			GetChildWorkflowExecution().Get(ctx, nil)
		if _, running := errors.AsType[*temporal.ChildWorkflowExecutionAlreadyStartedError](err); err != nil && !running {
			return err
		}
	}
	return nil
}

// Question takes one message to its end.
func Question(ctx workflow.Context, in QuestionInput) (Ticket, error) {
	gate := workflows.NewGate(ctx)
	var fetched activities.Fetched
	if err := step(ctx, gate, "read the message", &fetched, func(ctx workflow.Context, _ bool) workflow.Future {
		return workflow.ExecuteActivity(ctx, (*activities.Slack).Fetch, activities.FetchInput{Account: in.Slack, Message: in.Message})
	}); err != nil || fetched.Gone {
		return Ticket{}, err
	}
	var ticket Ticket
	if err := step(ctx, gate, "open the ticket", &ticket, func(ctx workflow.Context, again bool) workflow.Future {
		return workflow.ExecuteActivity(ctx, (*Zendesk).OpenTicket, TicketInput{Account: in.Zendesk, Message: fetched.Message, LookFirst: again})
	}); err != nil {
		return Ticket{}, err
	}
	return ticket, step(ctx, gate, "reply in the thread", nil, func(ctx workflow.Context, again bool) workflow.Future {
		return workflow.ExecuteActivity(ctx, (*activities.Slack).Reply, activities.ReplyInput{
			Account: in.Slack, Report: in.Message, Text: ticket.reply(), Mark: "supportdesk_ticket_opened", LookFirst: again, Optional: true,
		})
	})
}

// step runs one Activity to its good end: it waits for the account where that needs a person, and for Signal `retry` where
// the provider refuses for good. again tells the Activity that an earlier try, or run, may have done its work.
func step(ctx workflow.Context, gate *workflows.Gate, name string, result any, start func(ctx workflow.Context, again bool) workflow.Future) error {
	for tried := workflows.WasReset(ctx); ; tried = true {
		workflow.SetCurrentDetails(ctx, name)
		err := gate.Do(ctx, func(again bool) error { return start(patiently(ctx, name), again || tried).Get(ctx, result) })
		if err == nil || ctx.Err() != nil {
			return err
		}
		workflow.SetCurrentDetails(ctx, name+": "+err.Error()+"; Signal `"+SignalRetry+"` tries again")
		workflow.GetSignalChannel(ctx, SignalRetry).Receive(ctx, nil)
	}
}

// patiently are the options of every Activity here: retried until it works, unless its error says that this is no use.
func patiently(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute, HeartbeatTimeout: 10 * time.Second, Summary: summary, RetryPolicy: workflows.Patient(),
	})
}
