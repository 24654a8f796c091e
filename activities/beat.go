package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// beatInterval is well below the HeartbeatTimeout that Workflows set, so that a killed worker is noticed within that
// time and an Activity that ends sooner costs no heartbeat at all.
const beatInterval = 3 * time.Second

// beat heartbeats until the returned func is called. After that none is on its way any more, so what is recorded then is
// the last.
func beat(ctx context.Context) (stop func()) {
	return beatWith(ctx, func() []any { return nil })
}

// beatWith is beat with the details that an attempt after this one will find.
func beatWith(ctx context.Context, details func() []any) (stop func()) {
	if !activity.IsActivity(ctx) {
		return func() {}
	}
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		ticker := time.NewTicker(beatInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx, details()...)
			}
		}
	}()
	return func() {
		close(done)
		<-over
	}
}
