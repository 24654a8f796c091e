package activities

import (
	"context"
	"errors"
	"net/url"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// settleTime is how long a write may still take effect after whoever sent it has gone. GitHub ends a request after 10 s;
// Slack does not say, and gets as long.
const settleTime = 10 * time.Second

// ended is the last heartbeat of an attempt that reports its failure itself. An attempt that does not find the one before
// it ended comes after a worker that died in the middle, and whose write may still be on its way.
type ended struct {
	Attempt int32 `json:"ended_attempt"`
	// Deaths counts the workers that died one after the other with this message in hand.
	Deaths int `json:"deaths,omitempty"`
	// Reached is how far the attempts came in what they only read: see [halfway].
	Reached any `json:"reached,omitempty"`
}

// maxDeaths is how many workers may die over one message before it is taken for the cause.
const maxDeaths = 5

// reportEnd leaves the mark for the next attempt, if there will be one, with how far this one came; nil for nothing of that.
func reportEnd(ctx context.Context, err *error, reached func() any) {
	if *err == nil {
		return
	}
	mark := ended{Attempt: activity.GetInfo(ctx).Attempt}
	if reached != nil {
		mark.Reached = reached()
	}
	if errorType(*err) == ErrTypeInterrupted {
		mark.Deaths = lastEnd(ctx).Deaths + 1
	}
	activity.RecordHeartbeat(ctx, mark)
}

// tooEarly is the failure of an attempt that comes too early to look for what a dead one did, or nil. So does the first one after
// somebody reset the Activity, or its Workflow: Temporal counts from 1 again, and nobody knows how the one before it ended.
func tooEarly(ctx context.Context, doing string, reset bool) error {
	last, before := lastEnd(ctx), activity.GetInfo(ctx).Attempt-1
	switch {
	case last.Attempt == before && (before > 0 || !reset): // 0 is of a first attempt
		return nil
	case before == 0:
		return again(ErrTypeInterrupted, doing+": somebody reset it; looking for what it did before another attempt", settleTime)
	case last.Deaths+1 >= maxDeaths:
		return deadly(doing)
	}
	return again(ErrTypeInterrupted, doing+": a worker died while doing it; looking for what it did before another attempt", settleTime)
}

// begun returns the mark with which an attempt begins that has nothing to wait for. It has one more death where the attempt before did
// not end, and has to go out with a heartbeat then: this worker may die of it too. The failure is that of a message of which enough did.
func begun(ctx context.Context, doing string) (mark ended, err error) {
	mark = lastEnd(ctx)
	switch before := activity.GetInfo(ctx).Attempt - 1; {
	case before == 0:
		return ended{}, nil
	case mark.Attempt == before:
		return mark, nil
	case mark.Deaths+1 >= maxDeaths:
		return ended{}, deadly(doing)
	}
	mark.Deaths++
	return mark, nil
}

func deadly(doing string) error {
	return poisoned("%s: %d workers died while doing it, one after the other; look at their logs", doing, maxDeaths)
}

// lastEnd returns the mark of the last attempt that reported its end; the zero one when none did.
func lastEnd(ctx context.Context) ended {
	var last ended
	if !activity.HasHeartbeatDetails(ctx) || activity.GetHeartbeatDetails(ctx, &last) != nil {
		return ended{}
	}
	return last
}

// settled has the attempt after a write that failed come when its effect would show: an outage is also what something in front
// of the provider says, while the provider goes on. A failure that says when to come again, or that nobody should, is left as it is.
func settled(took time.Duration, failure error) error {
	app, ok := errors.AsType[*temporal.ApplicationError](failure)
	if !ok || app.Type() != ErrTypeProviderUnavailable || app.NextRetryDelay() != 0 {
		return failure
	}
	return again(ErrTypeProviderUnavailable, app.Message(), settleTime-took)
}

// lostAnswer is the failure of a write that took so long and may have been carried out although no answer came: the next
// attempt looks for its effect, and that must not be before its end at the provider. It is nil for any other err.
func lostAnswer(doing string, took time.Duration, err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok && unavailable(failed) == nil {
		return again(ErrTypeProviderUnavailable, doing+": the answer is lost; looking for what came of it before another attempt", settleTime-took)
	}
	return nil
}
