package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// beatInterval is well below the HeartbeatTimeout that Workflows set, so that a killed worker is noticed within that
// time and an Activity that ends sooner costs no heartbeat at all.
const beatInterval = 3 * time.Second

// beat heartbeats until the returned func is called.
func beat(ctx context.Context, details ...any) (stop func()) {
	if !activity.IsActivity(ctx) {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(beatInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx, details...)
			}
		}
	}()
	return func() { close(done) }
}
