package activities

import (
	"slices"
	"time"

	"tokenkeeper/triage"
)

const (
	// overlapReach is how far behind its watermark a poll looks for what Slack did not show before. The history lags behind what
	// people post (github.com/korotovsky/slack-mcp-server/pull/284), and nobody promises that it lags in order.
	overlapReach = time.Minute
	// maxSeen bounds what is remembered of that, in messages: 2 kB.
	maxSeen = 100
)

// Overlap is the end of what was read of a channel, which each poll reads once more: what is in it and was not seen is a message
// that came late. It is what was seen that is remembered, and not only what was handed over, so that no edit, and no change of
// the configuration, makes a report of a message that was passed over. The zero value begins at the watermark.
type Overlap struct {
	From string   `json:"from,omitempty"` // ts, exclusive
	Seen []string `json:"seen,omitempty"` // ts of all messages since then, up to the watermark, in order
}

// beginning returns o, or where it is zero the one that begins at a watermark.
func (o Overlap) beginning(watermark string) Overlap {
	if o.From == "" {
		o.From = watermark
	}
	return o
}

// isLate reports whether a message from before the watermark is one that was not there to be seen.
func (o Overlap) isLate(ts string) bool { return ts > o.From && !slices.Contains(o.Seen, ts) }

// upto returns the overlap before a later watermark, after more messages were seen.
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
