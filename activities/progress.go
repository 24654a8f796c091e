package activities

import (
	"context"
	"slices"

	"github.com/slack-go/slack"
	"go.temporal.io/sdk/activity"
)

const (
	pageSize = 200 // Slack recommends no more
	// maxWindow bounds one result. What is beyond it is newer than what is in it, and comes with the next poll.
	maxWindow = 500
)

// progress is how far a poll got: the heartbeat details of its attempts. It stays below 10 kB.
type progress struct {
	PollTrouble

	// Watermark is the ts up to which nothing is worth a look.
	Watermark string `json:"watermark"`
	// Cursor leads to the next page of the window after the watermark; "" when no page was read.
	Cursor string `json:"cursor,omitempty"`
	// Newest is the ts of the newest message in the pages read.
	Newest string `json:"newest,omitempty"`
	// Found are the oldest candidates in the pages read, in order: as many as a window takes, and one more where it does
	// not take all.
	Found []string `json:"found,omitempty"`
}

// resume returns where the attempt before this one stopped.
func resume(ctx context.Context, after string) *progress {
	var p progress
	if !activity.HasHeartbeatDetails(ctx) || activity.GetHeartbeatDetails(ctx, &p) != nil || p.Watermark < after {
		return &progress{Watermark: after}
	}
	return &p
}

// with returns the progress after one more page. After the last one without a candidate the watermark moves.
func (p progress) with(page []slack.Message, cursor string, candidate func(slack.Message) bool) progress {
	next := progress{PollTrouble: p.PollTrouble, Watermark: p.Watermark, Cursor: cursor, Newest: p.Newest, Found: slices.Clone(p.Found)}
	for _, m := range page {
		next.Newest = max(next.Newest, m.Timestamp)
		if candidate(m) {
			next.Found = append(next.Found, m.Timestamp)
		}
	}
	slices.Sort(next.Found)
	next.Found = next.Found[:min(len(next.Found), maxWindow+1)]
	if cursor == "" && len(next.Found) == 0 {
		return progress{PollTrouble: p.PollTrouble, Watermark: max(p.Watermark, next.Newest)}
	}
	return next
}

// beyond reports whether p is worth a heartbeat. Most polls find nothing at all, and cost none.
func (p progress) beyond(before *progress) bool {
	return p.Watermark != before.Watermark || p.Cursor != before.Cursor || !p.ReadAt.Equal(before.ReadAt)
}

// window is the result of the last page.
func (p progress) window(team string) Window {
	if len(p.Found) > maxWindow {
		return Window{Team: team, Messages: p.Found[:maxWindow], Watermark: max(p.Watermark, p.Found[maxWindow-1])}
	}
	return Window{Team: team, Messages: p.Found, Watermark: max(p.Watermark, p.Newest)}
}
