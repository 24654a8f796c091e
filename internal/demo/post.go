package demo

import (
	"context"
	"fmt"

	"tokenkeeper/sandbox"
)

// The least that people write in a story.
const (
	leastMessages = 60
	leastReports  = 25
)

// post has people write into both channels in turn until the curtain falls, and at least as much as was promised.
func (w *world) post(ctx context.Context, curtain <-chan struct{}) error {
	people, channels := sandbox.NewPeople(w.options.Seed), channels()
	for turn := 0; ; turn++ {
		select {
		case <-curtain:
			if books := w.sandbox.Books(); books.MessagesPosted >= leastMessages && books.ReportsPosted >= leastReports {
				return nil
			}
		default:
		}
		if _, err := w.sandbox.Deliver(channels[turn%len(channels)], people.Next()); err != nil {
			return fmt.Errorf("posting to the sandbox: %w", err)
		}
		if !sleep(ctx, w.options.postEvery()) {
			return ctx.Err()
		}
	}
}
