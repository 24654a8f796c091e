package activities

import (
	"context"
	"time"

	"github.com/slack-go/slack"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/triage"
)

// LeftOut is what of a channel was not taken, because it was too old when the channel was read at last.
type LeftOut struct {
	After string `json:"after"` // ts, exclusive
	Upto  string `json:"upto"`  // ts
	// Messages counts those that may have been reports; More says that there are older ones that nobody counted.
	Messages int  `json:"messages"`
	More     bool `json:"more,omitempty"`
}

// and returns both, of which the other is the later one.
func (l *LeftOut) and(other LeftOut) *LeftOut {
	if l != nil {
		other.After, other.Messages, other.More = l.After, other.Messages+l.Messages, other.More || l.More
	}
	return &other
}

// leaveOut has a window begin where messages are not too old. One page of those that are tells whether any of them would have
// counted: a channel in which nothing was posted had nothing left out.
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
	// homeAfter is after which part of the age from which on messages are too old a poll that finds nothing says how far it is:
	// else a run that begins would take what it read long ago for left out.
	homeAfter = 10
	// clockReach is by how much clocks may differ. No message is older than this that was not there to be seen.
	clockReach = time.Hour
)

// idle is how a poll ends that read everything and found nothing.
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
