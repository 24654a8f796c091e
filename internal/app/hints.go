package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

const (
	// nudgePause is the least time between two polls of a channel that hints cause: people write faster than an app may
	// read.
	nudgePause = 2 * time.Second
	// nudgePatience is how long to wait for a poll under way, which may have read the channel just before the message
	// came.
	nudgePatience = 10 * time.Second
	nudgeEvery    = 250 * time.Millisecond
)

// ChannelActive implements [gateway.Hints]: every triage that reads the channel through the connector's app polls it at once.
func (a *App) ChannelActive(connector, channel string) {
	for name, t := range a.Config().Triages {
		reads := slices.Contains(t.Channels(), channel)
		if reads && a.sameApp(connector, t.Slack.Connector) {
			a.nudges.ask(name+" "+channel, func(ctx context.Context) { a.pollSoon(ctx, name, channel, len(t.Channels())) })
		}
	}
}

// ThreadActive implements [gateway.Hints]: every triage that reads the message's channel and follows threads looks at
// this one. Slack's app reports threads, and GitHub's reports issues.
func (a *App) ThreadActive(connector string, message triage.Key) {
	for name, t := range a.Config().Triages {
		reads := slices.Contains(t.Channels(), message.Channel)
		told := slices.ContainsFunc(t.Accounts(), func(account credential.AccountID) bool { return a.sameApp(connector, account.Connector) })
		if !reads || !told || t.Follow == 0 {
			continue
		}
		a.nudges.ask(name+" "+message.String(), func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, nudgePatience)
			defer cancel()
			if err := a.Workflows.LookAtThread(ctx, name, message); err != nil && ctx.Err() == nil {
				a.Log.WarnContext(ctx, "a thread was not looked at; it is when it is watched next", "triage", name, "error", err)
			}
		})
	}
}

// nudges merges concurrent hints for the same thing, and loses none: one that comes while another is served is served
// after a pause.
type nudges struct {
	group sync.WaitGroup // of those that are served

	mu     sync.Mutex // guards everything below
	served map[string]*nudge
	closed bool
}

// nudge is the state of the hints for one thing.
type nudge struct {
	again bool // another one came meanwhile
	stop  context.CancelFunc
}

func (n *nudges) ask(key string, do func(context.Context)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if served, busy := n.served[key]; busy {
		served.again = true
		return
	}
	if n.closed {
		return
	}
	if n.served == nil {
		n.served = map[string]*nudge{}
	}
	ctx, stop := context.WithCancel(context.Background())
	n.served[key] = &nudge{stop: stop}
	n.group.Go(func() {
		defer stop()
		for again := true; again; again = n.another(key) {
			do(ctx)
			waitUntil(ctx, time.Now().Add(nudgePause))
		}
	})
}

// another reports whether a hint came meanwhile, and forgets the thing if none did.
func (n *nudges) another(key string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	served := n.served[key]
	if served.again && !n.closed {
		served.again = false
		return true
	}
	delete(n.served, key)
	return false
}

// close cancels what is being served, and returns when it has ended.
func (n *nudges) close() {
	n.mu.Lock()
	n.closed = true
	for _, served := range n.served {
		served.stop()
	}
	n.mu.Unlock()
	n.group.Wait()
}

// pollSoon ends the pause between two polls of a channel: it has Temporal reset the Activity's retries, so that the next
// attempt starts now. That adds no event to the history and cancels nothing, and the poll's progress stays in its
// heartbeat. Nothing depends on it: without hints a channel is polled as often as planned.
func (a *App) pollSoon(ctx context.Context, triage, channel string, channels int) {
	ctx, cancel := context.WithTimeout(ctx, nudgePatience)
	defer cancel()
	id := workflows.TriageWorkflowID(triage)
	for again := true; again && ctx.Err() == nil; {
		description, err := a.Temporal.DescribeWorkflowExecution(ctx, id, "")
		if err != nil {
			a.tellUnnudged(ctx, triage, channel, err)
			return
		}
		var poll string
		if poll, again = pausing(channel, channels, description.GetPendingActivities()); poll != "" {
			_, err := a.Temporal.WorkflowService().ResetActivity(ctx, &workflowservice.ResetActivityRequest{
				Namespace: a.Namespace, Execution: &commonpb.WorkflowExecution{WorkflowId: id},
				Activity: &workflowservice.ResetActivityRequest_Id{Id: poll},
			})
			if err != nil {
				a.tellUnnudged(ctx, triage, channel, err)
			}
			return
		}
		if again {
			waitUntil(ctx, time.Now().Add(nudgeEvery))
		}
	}
}

// pausing returns the id of the poll that found nothing new in a channel and waits for its next attempt, "" if there is
// none. again says that the channel's poll is under way, or may be. A poll that waits for another reason is left alone: a
// provider said how long to wait.
func pausing(channel string, channels int, pending []*workflow.PendingActivityInfo) (id string, again bool) {
	for _, p := range pending {
		if p.GetActivityType().GetName() != pollActivity {
			continue
		}
		kind, message := lastFailure(p)
		ours := channels == 1 || slices.Contains(strings.FieldsFunc(message, notOfChannelID), channel)
		switch {
		case kind == "": // no attempt has ended: whose it is cannot be seen
			again = true
		case !ours:
		case p.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED:
			return "", true
		case kind == activities.ErrTypeNothingNew && p.GetState() == enums.PENDING_ACTIVITY_STATE_SCHEDULED:
			return p.GetActivityId(), false
		default:
			return "", false
		}
	}
	return "", again
}

// tellUnnudged logs why a hint had no effect.
func (a *App) tellUnnudged(ctx context.Context, triage, channel string, err error) {
	if workflows.IsNotFound(err) || ctx.Err() != nil {
		return // the triage does not run, or the process ends
	}
	if _, old := errors.AsType[*serviceerror.Unimplemented](err); old {
		a.Log.WarnContext(ctx, "this Temporal server cannot end a pause, so that events of messages have no effect: 1.28 or newer can",
			"triage", triage)
		return
	}
	a.Log.WarnContext(ctx, "a channel was not polled at once; it is with the next poll", "triage", triage, "channel", channel, "error", err)
}
