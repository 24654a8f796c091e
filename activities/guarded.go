package activities

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// guarded runs a part of an Activity that fails where it panics, and a little before Temporal takes the attempt for lost, so that the
// rest of it can still say so. doing says what it does, for people: "reading channel C1".
func guarded[T any](ctx context.Context, doing string, run func(context.Context) (T, error)) (out T, err error) {
	defer func() {
		if p := recover(); p != nil {
			activity.GetLogger(ctx).Error("the code panicked", "doing", doing, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			var none T
			out, err = none, temporal.NewApplicationError(
				fmt.Sprintf("%s: the code panics (%v); the log of the worker says where", doing, p), ErrTypePanicked)
		}
	}()
	if deadline, ok := ctx.Deadline(); ok {
		early, cancel := context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/10))
		defer cancel()
		ctx = early
	}
	return run(ctx)
}
