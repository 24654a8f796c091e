package workflows

import (
	"slices"
	"time"

	"tokenkeeper/triage"
)

// maxTaken bounds [ChannelState].Taken, which every poll of the channel gets as input: some 10 kB.
const maxTaken = 500

// lookBack begins, or ends, the search for reactions on messages that were read before. It begins at the present watermark:
// a reaction has no time, and what people marked long ago must not be filed by surprise. reach is for how long after a
// message a reaction on it counts; 0 ends the search.
func (c *ChannelState) lookBack(reach time.Duration) {
	switch {
	case reach == 0:
		c.BackTo, c.Taken = "", nil
	case c.BackTo == "":
		c.BackTo = c.Watermark
	}
}

// take remembers, in a channel that is searched for reactions, the messages whose mark was handed over: for as long as a
// reaction on them would count. Where they become too many, the search no longer reaches back to the oldest.
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
