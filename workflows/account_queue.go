package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

const (
	// queuePatience is how long a request may wait for a worker and for the connector's rate. It is longer than
	// accountActivityTimeout, so that no attempt that a worker did take is still under way when it is over.
	queuePatience = 5 * time.Minute
	// inTurnPatience is how long an Activity of [account.inTurn] waits in the queue of the connector before it runs outside
	// of it.
	inTurnPatience = 20 * time.Second
	// urgent goes before the others of the queue, on servers that know priorities: 1 is the first of 5, and 3 the default.
	urgent = 1
)

// tokenActivity sets the options of an Activity that speaks to the authorization server. It runs on the queue of the
// connector, where Temporal keeps to the connector's rate over all workers.
//
// Replay does not compare task queues, so this needs no version: the next request of an old history goes there as well.
func (a *account) tokenActivity(ctx workflow.Context, summary string) workflow.Context {
	options := workflow.GetActivityOptions(accountActivity(ctx, summary))
	options.TaskQueue = ConnectorTaskQueue(workflow.GetInfo(ctx).TaskQueueName, a.id.Connector)
	options.ScheduleToStartTimeout = queuePatience
	if a.needed() {
		options.Priority.PriorityKey = urgent
	}
	return workflow.WithActivityOptions(ctx, options)
}

// inTurn runs an Activity that has to be done, and that also sends a request to the authorization server. It waits its turn
// in the queue of the connector. Where no worker takes it from there, because too many requests wait or the connector is
// gone, it runs on the ordinary queue: a person waits for it.
func (a *account) inTurn(ctx workflow.Context, summary string, activity, in, out any) error {
	options := workflow.GetActivityOptions(a.tokenActivity(ctx, summary))
	options.ScheduleToStartTimeout, options.Priority.PriorityKey = inTurnPatience, urgent
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), activity, in).Get(ctx, out)
	if _, ok := a.unserved(ctx, err); ok {
		err = workflow.ExecuteActivity(accountActivity(ctx, summary), activity, in).Get(ctx, out)
	}
	return err
}

// needed reports whether somebody waits for the next attempt.
func (a *account) needed() bool { return a.Forced || a.Hold.Try || a.reportedDead() }

// unserved turns the error of an Activity that no worker took into a failure; nothing was sent. ok is false for any other
// error.
func (a *account) unserved(ctx workflow.Context, err error) (failure activities.Failure, ok bool) {
	timeout, ok := errors.AsType[*temporal.TimeoutError](err)
	if !ok || timeout.TimeoutType() != enums.TIMEOUT_TYPE_SCHEDULE_TO_START {
		return activities.Failure{}, false
	}
	return activities.Failure{
		Kind: credential.Transient, Code: activities.CodeUnserved,
		Message: fmt.Sprintf("no worker took the request from task queue %s within %s: start one of this version whose tokenkeeper.yaml "+
			"has connector %q; where one runs, more requests wait than the connector's token_rate lets through",
			ConnectorTaskQueue(workflow.GetInfo(ctx).TaskQueueName, a.id.Connector), queuePatience, a.id.Connector),
	}, true
}
