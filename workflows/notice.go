package workflows

import (
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

// deliverFor is how long a target may be away: over a long weekend.
const deliverFor = 4 * 24 * time.Hour

// testFor is how long a test may take; what no worker takes in that time is not sent later.
const testFor = 90 * time.Second

// Notice delivers one announcement to each of its targets. They do not wait for each other, and each is tried for days. It is
// a Workflow of its own, so that what the notice is about neither waits for the delivery nor ends it by continuing as new. Its
// id holds that of the announcement, so that one is delivered once.
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
	results := make([]NoticeResult, len(in.Targets))
	for i, delivery := range deliveries {
		results[i].Target = in.Targets[i]
		if err := delivery.Get(ctx, nil); err != nil {
			results[i].Error = rootMessage(err)
			workflow.GetLogger(ctx).Error("a notice did not arrive", "notice", in.Announcement.ID, "target", in.Targets[i], "error", err)
		}
	}
	return results, ctx.Err()
}
