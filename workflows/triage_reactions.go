package workflows

import (
	"slices"
	"time"

	"tokenkeeper/triage"
)

// maxTaken bounds what every poll of a channel gets as input: some 10 kB.
const maxTaken = 500

// lookBack begins, or ends, the search for reactions on messages that were already read. It begins at the present end of
// the channel: a reaction has no time, and what people marked long ago must not be filed by surprise. reach is how long after a
// message a reaction counts; 0 for not at all.
func (c *ChannelState) lookBack(reach time.Duration) {
	switch {
	case reach == 0:
		c.BackTo, c.Taken = "", nil
	case c.BackTo == "":
		c.BackTo = c.Watermark
	}
}

// take remembers the messages whose mark was handed over of a channel that is searched for reactions, for as long as a reaction on
// them would count. Where they become too many, the oldest messages are no longer searched.
func (c *ChannelState) take(marked []string, reach time.Duration, now time.Time) {
	if c.BackTo == "" {
		return
	}
	c.Taken = append(c.Taken, marked...)
	slices.Sort(c.Taken)
	c.Taken = slices.Compact(c.Taken)
	over := triage.TimestampOf(now.Add(-reach))
	if over > c.BackTo {
		c.BackTo = over
	}
	if more := len(c.Taken) - maxTaken; more > 0 {
		c.BackTo = max(c.BackTo, c.Taken[more-1])
	}
	c.Taken = slices.DeleteFunc(c.Taken, func(ts string) bool { return ts <= c.BackTo })
}
