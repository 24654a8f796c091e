package activities

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"go.temporal.io/sdk/activity"

	"tokenkeeper/triage"
)

const (
	pageSize = 200 // Slack recommends no more
	// maxWindow bounds, in messages, one result of a poll. What is beyond it is newer than what is in it, and comes with the
	// next poll.
	maxWindow = 500
	// maxContents bounds, in bytes, the messages that a result brings along.
	maxContents = 64 << 10
)

// progress is how far a poll got: the heartbeat details of its attempts, below 100 kB.
type progress struct {
	PollTrouble

	// Watermark is the ts up to which every message was looked at, but for messages that Slack shows late; see [Overlap].
	Watermark string  `json:"watermark"`
	Overlap   Overlap `json:"overlap,omitzero"`
	// Cursor leads to the next page of the window after the watermark; "" when no page was read.
	Cursor string `json:"cursor,omitempty"`
	// Newest is the ts of the newest message in the pages read.
	Newest string `json:"newest,omitempty"`
	// Recent is the overlap to come: what the pages read have seen of the window's end, for when it is read completely.
	Recent Overlap `json:"recent,omitzero"`
	// Found are the oldest messages that count in the pages read, in order: as many as one window takes, and one more where
	// there are more than that.
	Found []string `json:"found,omitempty"`
	// Marked are the messages in Found that a reaction is on.
	Marked []string `json:"marked,omitempty"`
	// Contents are the oldest messages in Found as they were read, up to maxContents.
	Contents []triage.Message `json:"contents,omitempty"`
	// Hidden is the ts before which Slack hides messages of the window.
	Hidden string `json:"hidden,omitempty"`
	// Bound is the ts at which the window was made to begin, because what is before it is too old; "" where nothing is.
	Bound string `json:"bound,omitempty"`
	// LeftOut is what would have counted before Bound; nil for nothing.
	LeftOut *LeftOut `json:"left_out,omitempty"`

	more bool // there is something to read, although no cursor leads to it
}

// resume returns where the attempt before this one stopped.
func resume(ctx context.Context, in PollInput) *progress {
	var p progress
	if !activity.HasHeartbeatDetails(ctx) || activity.GetHeartbeatDetails(ctx, &p) != nil || p.Watermark < in.After {
		p = progress{Watermark: in.After, Overlap: in.Overlap}
	}
	p.Channel, p.Overlap = in.Channel, p.Overlap.beginning(p.Watermark)
	return &p
}

// anew forgets the pages that were read of the window.
func (p progress) anew() progress {
	return progress{PollTrouble: p.PollTrouble, Watermark: p.Watermark, Overlap: p.Overlap, LeftOut: p.LeftOut}
}

// with returns the progress after one more page, of which seen are the ts of all messages and found those that count. After
// the last page of a window in which nothing counts, the watermark moves.
func (p progress) with(seen []string, found []triage.Message, cursor string) progress {
	next := p
	next.more = false
	next.Newest, next.Cursor, next.Found, next.Marked = p.Newest, cursor, slices.Clone(p.Found), slices.Clone(p.Marked)
	for _, ts := range seen {
		next.Newest = max(next.Newest, ts)
	}
	next.Recent = p.Recent.upto(max(p.Watermark, next.Newest), seen)
	for _, m := range found {
		next.Found = append(next.Found, m.TS)
	}
	slices.Sort(next.Found)
	next.Found = next.Found[:min(len(next.Found), maxWindow+1)]
	next.Contents = oldest(append(slices.Clone(p.Contents), found...), maxContents)
	if cursor == "" && len(next.Found) == 0 {
		idle := p.anew()
		idle.Watermark, idle.Hidden = max(p.Watermark, next.Newest), p.Hidden
		idle.Overlap = next.overlap(idle.Watermark, next.Recent.Seen)
		return idle
	}
	return next
}

// overlap returns the overlap that ends at the watermark to come, in which these messages were seen.
func (p progress) overlap(watermark string, seen []string) Overlap {
	o := p.Overlap
	o.From = max(o.From, p.Recent.From)
	return o.upto(watermark, seen)
}

// oldest returns the oldest messages, in order, whose JSON together takes at most size bytes.
func oldest(messages []triage.Message, size int) []triage.Message {
	slices.SortFunc(messages, func(a, b triage.Message) int { return strings.Compare(a.TS, b.TS) })
	for i, m := range messages {
		text, err := json.Marshal(m)
		if size -= len(text); err != nil || size < 0 {
			return messages[:i]
		}
	}
	return messages
}

// beyond reports whether p is far enough beyond before to be worth a heartbeat. Most polls find nothing, and cost none.
func (p progress) beyond(before *progress) bool {
	return p.Watermark != before.Watermark || p.Cursor != before.Cursor || !p.ReadAt.Equal(before.ReadAt) ||
		!p.FailingSince.Equal(before.FailingSince) || p.Ended != before.Ended || !slices.Equal(p.Overlap.Seen, before.Overlap.Seen)
}

// window is the result of a poll whose last page was read. One that is cut at maxWindow counts as seen only what it hands
// over: the messages in between that did not count are looked at again.
func (p progress) window(team string) Window {
	w := Window{Team: team, Messages: p.Found, Contents: p.Contents, Hidden: p.Hidden, LeftOut: p.LeftOut, Watermark: max(p.Watermark, p.Newest)}
	if len(p.Found) <= maxWindow {
		w.Overlap = p.overlap(w.Watermark, p.Recent.Seen)
		return w
	}
	w.Messages = p.Found[:maxWindow]
	w.Watermark = max(p.Watermark, p.Found[maxWindow-1])
	w.Overlap = p.Overlap.upto(w.Watermark, w.Messages)
	return w
}
