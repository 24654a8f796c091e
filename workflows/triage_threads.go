package workflows

import (
	"errors"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
)

// changeFollows: before it, triages did not follow a report after its issue was filed.
const changeFollows = "triage-follows-threads"

// followThreads starts the watch over the threads and issues of the triage, beside its pollers.
func (t *triager) followThreads(ctx workflow.Context) {
	if workflow.GetVersion(ctx, changeFollows, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	if t.Threads.Since.IsZero() {
		t.Threads.Since = startTime(ctx)
	}
	t.Threads = t.Threads.Knowing(t.plan.Places())
	t.running++
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { t.running-- }()
		for !t.ending && ctx.Err() == nil {
			if t.Paused || t.plan.Follow == 0 {
				_ = workflow.Await(ctx, func() bool { return !t.Paused && t.plan.Follow != 0 || t.ending }) // cancelled: the loop ends
				continue
			}
			if err := t.watchThreads(ctx); err != nil && ctx.Err() == nil {
				workflow.GetLogger(ctx).Warn("the threads are not watched", "triage", t.name, "error", err)
				_ = sleepUntil(ctx, refusedPause, func() bool { return t.ending }, "threads")
			}
		}
	})
}

// watchThreads waits until the watch reports its progress. Pausing cancels the wait.
func (t *triager) watchThreads(ctx workflow.Context) error {
	err := t.gate.Do(ctx, func(bool) error {
		watch, stop := workflow.WithCancel(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: pollTimeout, HeartbeatTimeout: heartbeatTimeout, Summary: "watch the threads", RetryPolicy: Patient(),
		}))
		defer stop()
		future := workflow.ExecuteActivity(watch, (*activities.Threads).WatchThreads, activities.WatchInput{Triage: t.name, Watched: t.Threads})
		if err := workflow.Await(ctx, func() bool { return future.IsReady() || t.Paused || t.ending }); err != nil {
			return err
		}
		if !future.IsReady() {
			return errStopped
		}
		var watched activities.ThreadsWatched
		if err := future.Get(ctx, &watched); err != nil {
			return err
		}
		t.Threads = watched
		return nil
	})
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}
