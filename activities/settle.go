package activities

import (
	"context"
	"errors"
	"net/url"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// settleTime is how long a write may still take effect after its sender has died. GitHub ends a request after 10 s; Slack
// does not say, and is given as long.
const settleTime = 10 * time.Second

// ended is the last heartbeat of an attempt that reported its own failure. Where an attempt does not find it of the one
// before, a worker died in the middle, and its write may still be on its way.
type ended struct {
	Attempt int32 `json:"ended_attempt"`
	// Deaths counts the workers that died one after the other with this message in hand.
	Deaths int `json:"deaths,omitempty"`
	// Reached is how far the attempts came in what they only read: see [halfway].
	Reached any `json:"reached,omitempty"`
}

// maxDeaths is how many workers may die over one message before it is taken for the cause.
const maxDeaths = 5

// reportEnd leaves the mark of a failed attempt for the next one, with how far its reads came; reached may be nil.
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

// tooEarly returns the failure of an attempt that must wait before it looks for what the attempt before did, nil where it
// need not: that one died, or was the last before somebody reset the Activity or its Workflow. After a reset Temporal counts
// from 1 again, and nobody knows how the attempt before ended.
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

// begun returns the mark that a read-only attempt begins with. Where the attempt before died, it counts one more death, and
// has to be sent as a heartbeat: this worker may die of the same message. It fails with [ErrTypePoisoned] where enough have
// died.
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

// settled delays the attempt after a failed write until its effect would show: a proxy may report an outage while the
// provider behind it goes on. A failure that has its own delay, or is not retried, is left as it is.
func settled(took time.Duration, failure error) error {
	app, ok := errors.AsType[*temporal.ApplicationError](failure)
	if !ok || app.Type() != ErrTypeProviderUnavailable || app.NextRetryDelay() != 0 {
		return failure
	}
	return again(ErrTypeProviderUnavailable, app.Message(), settleTime-took)
}

// lostAnswer returns the failure of a write whose answer was lost, so that it may have been carried out. The next attempt
// looks for its effect, and comes when the write can no longer be under way; took is how long the request was. It returns
// nil for any other err.
func lostAnswer(doing string, took time.Duration, err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok && unavailable(failed) == nil {
		return again(ErrTypeProviderUnavailable, doing+": the answer is lost; looking for what came of it before another attempt", settleTime-took)
	}
	return nil
}
