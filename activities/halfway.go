package activities

import (
	"context"
	"sync/atomic"

	"go.temporal.io/sdk/activity"
)

// halfway is how far the attempts of an Activity came in what they only read. It travels in the heartbeat details from one
// attempt to the next, beside the mark of their ends ([ended]). Without it, an app that may read one page a minute would
// begin at the first page every time. Safe for concurrent use.
type halfway[T any] struct {
	at atomic.Pointer[T] // nil for the beginning; what it points to does not change
}

// resumeHalfway returns how far the attempt before this one came.
func resumeHalfway[T any](ctx context.Context) *halfway[T] {
	h := &halfway[T]{}
	h.resume(ctx)
	return h
}

func (h *halfway[T]) resume(ctx context.Context) {
	var last struct {
		Reached *T `json:"reached"`
	}
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &last) == nil {
		h.at.Store(last.Reached)
	}
}

// get returns the place to go on from, and reports whether there is one.
func (h *halfway[T]) get() (at T, ok bool) {
	if p := h.at.Load(); p != nil {
		return *p, true
	}
	return at, false
}

func (h *halfway[T]) set(at T) { h.at.Store(&at) }

// done has the next attempt begin anew.
func (h *halfway[T]) done() { h.at.Store(nil) }

// reached returns the place for the heartbeat, nil for none, as [Write.Reached] and [reportEnd] want it.
func (h *halfway[T]) reached() any {
	if p := h.at.Load(); p != nil {
		return p
	}
	return nil
}

// beatHalfway is [beat] with the mark of the last attempt's end, and with how far this attempt is by then.
func beatHalfway(ctx context.Context, reached func() any) (stop func()) {
	if reached == nil {
		return beat(ctx)
	}
	mark := lastEnd(ctx)
	return beatWith(ctx, func() []any {
		now := mark
		now.Reached = reached()
		return []any{now}
	})
}
