package workflows

import (
	"slices"
	"time"

	"tokenkeeper/triage"
)

// maxTaken bounds what every poll of a channel is told: some 10 kB.
const maxTaken = 500

// lookBack begins, and ends, to look for reactions on messages that were read before. It begins where the channel is now:
// a reaction does not say when it was put there, and what people marked in the past must not be filed by surprise.
func (c *ChannelState) lookBack(when triage.When) {
	switch {
	case len(when.Reactions) == 0:
		c.BackTo, c.Taken = "", nil
	case c.BackTo == "":
		c.BackTo = c.Watermark
	}
}

// take remembers what was handed over of a channel that is looked back on, for as long as a reaction on it would count. Where
// that is too much, it is the oldest messages that are not looked at any more.
func (c *ChannelState) take(handedOver []string, when triage.When, now time.Time) {
	if c.BackTo == "" {
		return
	}
	c.Taken = append(c.Taken, handedOver...)
	slices.Sort(c.Taken)
	c.Taken = slices.Compact(c.Taken)
	over := triage.TimestampOf(now.Add(-when.ReactionsCountFor()))
	if over > c.BackTo {
		c.BackTo = over
	}
	if more := len(c.Taken) - maxTaken; more > 0 {
		c.BackTo = max(c.BackTo, c.Taken[more-1])
	}
	c.Taken = slices.DeleteFunc(c.Taken, func(ts string) bool { return ts <= c.BackTo })
}
