package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

// pollTimeout bounds one poll with all its pages.
const pollTimeout = 5 * time.Minute

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
	when, rules := t.counting(c.Channel)
	err := t.gate.Do(ctx, func(bool) error {
		t.show(ctx)
		poll, stop := workflow.WithCancel(ctx)
		defer stop()
		future := workflow.ExecuteActivity(t.pollOptions(poll, c), (*activities.Slack).Poll, activities.PollInput{
			Account: t.plan.Slack, Channel: c.Channel, After: c.Watermark, Overlap: c.Overlap, Interval: t.plan.PollInterval, Told: c.FailingSince,
			When: when, Rules: rules, Since: t.plan.Since, BackTo: c.BackTo, Taken: c.Taken,
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

// errStopped ends a poll that somebody paused.
var errStopped = errors.New("stopped")

// rules says which messages of a channel its routes take.
func (t *triager) rules(channel string) []triage.Rule { return triage.RulesOf(t.plan.Routes, channel) }

// counting returns which messages of a channel count, as one When where all its routes agree, and else as their rules.
func (t *triager) counting(channel string) (triage.When, []triage.Rule) {
	if when, one := triage.OneWhen(t.plan.Routes, channel); one {
		return when, nil
	}
	return triage.When{}, t.rules(channel)
}

func (t *triager) pollOptions(ctx workflow.Context, c *ChannelState) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: pollTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		Summary:             "poll " + c.Channel,
		RetryPolicy:         Patient(),
	})
}

// Patient returns a policy that retries without end; Activities mark what is permanent as not retryable.
func Patient() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute}
}
