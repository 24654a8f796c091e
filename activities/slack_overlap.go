package activities

import (
	"slices"
	"time"

	"tokenkeeper/triage"
)

const (
	// overlapReach is how far behind its watermark a poll looks for messages that Slack did not show before. The history
	// lags behind what people post (github.com/korotovsky/slack-mcp-server/pull/284), and nobody promises that it does so in
	// order.
	overlapReach = time.Minute
	// maxSeen bounds, in messages, what an Overlap remembers: 2 kB.
	maxSeen = 100
)

// Overlap is the last stretch of a channel before its watermark, which each poll reads once more: a message in it that was
// not seen before came late. It remembers all messages that were seen, and not only those handed over, so that neither an
// edit nor a change of the configuration makes a report of a message that was passed over. The zero value begins at the
// watermark.
type Overlap struct {
	From string   `json:"from,omitempty"` // ts, exclusive
	Seen []string `json:"seen,omitempty"` // ts of all messages since then, up to the watermark, in order
}

// beginning returns o, or where that is zero, the empty overlap at a watermark.
func (o Overlap) beginning(watermark string) Overlap {
	if o.From == "" {
		o.From = watermark
	}
	return o
}

// isLate reports whether a message from before the watermark is within the overlap and was not seen before.
func (o Overlap) isLate(ts string) bool { return ts > o.From && !slices.Contains(o.Seen, ts) }

// upto returns the overlap before a later watermark, when more messages were seen.
func (o Overlap) upto(watermark string, seen []string) Overlap {
	from := max(o.From, triage.TimestampOf(timeOf(watermark).Add(-overlapReach)))
	all := slices.Concat(o.Seen, seen)
	slices.Sort(all)
	all = slices.DeleteFunc(slices.Compact(all), func(ts string) bool { return ts <= from || ts > watermark })
	if more := len(all) - maxSeen; more > 0 {
		from, all = all[more-1], all[more:]
	}
	return Overlap{From: from, Seen: all}
}
