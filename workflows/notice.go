package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
)

// NoticeInput is an announcement and the names of those that get it.
type NoticeInput struct {
	Announcement activities.Announcement `json:"announcement"`
	Targets      []string                `json:"targets"`
	// Test tries each target once: somebody waits for the answer.
	Test bool `json:"test,omitempty"`
}

// NoticeResult says how the delivery to one target ended.
type NoticeResult struct {
	Target string `json:"target"`
	Error  string `json:"error,omitempty"` // "" where it arrived
}

// errTypeUndelivered is the type of the failure of a Notice that some target never got.
const errTypeUndelivered = "Undelivered"

// deliverFor is how long a target may be away: over a long weekend.
const deliverFor = 4 * 24 * time.Hour

// testFor is how long a test may take; what no worker takes in that time is not sent later.
const testFor = 90 * time.Second

// Notice delivers one announcement to each of its targets. They do not wait for each other, and each is tried for days. It is
// a Workflow of its own, so that what the notice is about neither waits for the delivery nor ends it by continuing as new. Its
// id holds that of the announcement, so that one is delivered once. It fails when some target never got it, with the results as
// details.
func Notice(ctx workflow.Context, in NoticeInput) ([]NoticeResult, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, ScheduleToCloseTimeout: deliverFor, HeartbeatTimeout: heartbeatTimeout,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 5 * time.Second, BackoffCoefficient: 2, MaximumInterval: 15 * time.Minute},
	})
	if in.Test {
		options := workflow.GetActivityOptions(ctx)
		options.ScheduleToCloseTimeout, options.RetryPolicy.MaximumAttempts = testFor, 1
		ctx = workflow.WithActivityOptions(ctx, options)
	}
	deliveries := make([]workflow.Future, len(in.Targets))
	for i, target := range in.Targets {
		deliveries[i] = workflow.ExecuteActivity(ctx, (*activities.Notices).Deliver, activities.DeliverInput{Target: target, Announcement: in.Announcement})
	}
	results, lost := make([]NoticeResult, len(in.Targets)), 0
	for i, delivery := range deliveries {
		results[i].Target = in.Targets[i]
		if err := delivery.Get(ctx, nil); err != nil {
			lost++
			results[i].Error = rootMessage(err)
			workflow.GetLogger(ctx).Error("a notice did not arrive", "notice", in.Announcement.ID, "target", in.Targets[i], "error", err)
		}
	}
	if lost > 0 && !in.Test && ctx.Err() == nil { // so that whoever looks at Temporal sees it, too
		return nil, temporal.NewApplicationError(fmt.Sprintf("%d of %d targets did not get notice %s", lost, len(results), in.Announcement.ID),
			errTypeUndelivered, results)
	}
	return results, ctx.Err()
}
