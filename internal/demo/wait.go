package demo

import (
	"context"
	"fmt"
	"time"
)

const lookAgain = 100 * time.Millisecond

// await asks until the answer is yes. Errors are asked again too: Temporal is away on purpose for a while.
func (w *world) await(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errTooLate)
	defer cancel()
	var last error
	for {
		yes, err := done(ctx)
		if err == nil && yes {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		if !sleep(ctx, lookAgain) {
			if last != nil {
				return fmt.Errorf("waiting for %s: %w (%w)", what, context.Cause(ctx), last)
			}
			return fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
		}
	}
}

// sleep reports false when the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
