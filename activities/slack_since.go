package activities

import (
	"context"
	"time"

	"github.com/slack-go/slack"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/triage"
)

// LeftOut is the part of a channel that was not taken because it was too old by the time the channel could be read.
type LeftOut struct {
	After string `json:"after"` // ts, exclusive
	Upto  string `json:"upto"`  // ts
	// Messages counts those that may have been reports; More says that there are older ones that nobody counted.
	Messages int  `json:"messages"`
	More     bool `json:"more,omitempty"`
}

// and returns l and a later part as one.
func (l *LeftOut) and(other LeftOut) *LeftOut {
	if l != nil {
		other.After, other.Messages, other.More = l.After, other.Messages+l.Messages, other.More || l.More
	}
	return &other
}

// leaveOut moves the beginning of a window to where messages are not too old. It reads one page of those that are, to tell
// whether any of them would have counted: where nothing was posted, nothing was left out.
func (r *pages) leaveOut(ctx context.Context, p progress) (progress, error) {
	page, err := r.client.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: r.in.Channel, Oldest: p.Watermark, Latest: r.bound, Inclusive: true, Limit: pageSize,
	})
	if err != nil {
		return progress{}, err
	}
	left := LeftOut{After: p.Watermark, Upto: r.bound, More: page.HasMore}
	for _, m := range page.Messages {
		if m.Timestamp > p.Watermark && r.selector.Choose(messageOf(r.who.Team, r.in.Channel, m)).Counts {
			left.Messages++
		}
	}
	next := p.anew()
	next.Watermark, next.Overlap, next.Bound, next.more = r.bound, Overlap{From: r.bound}, r.bound, true
	if left.Messages > 0 || left.More {
		next.LeftOut = p.LeftOut.and(left)
		activity.GetLogger(ctx).Warn("messages are too old to be taken, by since of the configuration", "channel", r.in.Channel,
			"after", timeOf(left.After).UTC().Format(time.RFC3339), "upto", timeOf(left.Upto).UTC().Format(time.RFC3339),
			"messages", left.Messages, "more", left.More)
	}
	return next, nil
}

const (
	// homeAfter: a poll that finds nothing returns, instead of going on, when its beginning is older than one part in so
	// many of the age from which on messages are too old. Otherwise a new run, which begins with the old watermark, would
	// take what was read long ago for left out.
	homeAfter = 10
	// clockReach is by how much clocks may differ: every message older than that has been there to be seen.
	clockReach = time.Hour
)

// idle returns the result of a poll that read everything and found nothing.
func (r *pages) idle(p progress) (Window, error) {
	late := r.in.Since.For > 0 && r.now().Sub(timeOf(r.in.After)) > r.in.Since.For/homeAfter
	if p.LeftOut == nil && !late {
		return Window{}, again(ErrTypeNothingNew, "nothing new in channel "+r.in.Channel, r.in.Interval)
	}
	if quiet := triage.TimestampOf(r.now().Add(-clockReach)); quiet > p.Watermark {
		p.Watermark, p.Overlap = quiet, p.Overlap.upto(quiet, nil)
	}
	return r.window(p), nil
}
