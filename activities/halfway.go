package activities

import (
	"context"
	"sync/atomic"

	"go.temporal.io/sdk/activity"
)

// halfway is how far the attempts of an Activity came in what they only read. It travels from one to the next in the heartbeat
// details, beside the mark of their ends: an app that may read one page a minute would otherwise begin at the first one for
// ever. Safe for concurrent use.
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

// get reports whether there is something to go on from.
func (h *halfway[T]) get() (at T, ok bool) {
	if p := h.at.Load(); p != nil {
		return *p, true
	}
	return at, false
}

func (h *halfway[T]) set(at T) { h.at.Store(&at) }

// done has the next attempt begin at the beginning.
func (h *halfway[T]) done() { h.at.Store(nil) }

// reached is for [Write] and [reportEnd].
func (h *halfway[T]) reached() any {
	if p := h.at.Load(); p != nil {
		return p
	}
	return nil
}

// beatHalfway is beat that keeps the last mark, and how far this attempt is.
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
