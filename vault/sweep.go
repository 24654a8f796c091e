package vault

import "time"

const (
	// sweepEvery is how often the cache looks for what it can forget, while it holds anything.
	sweepEvery = time.Minute
	// idleSweeps is how many looks in a row find a token unused before it goes.
	idleSweeps = 10
)

// sweepLater starts the clock of the next sweep, if it does not run. An empty cache has none, so it needs no closing.
func (c *Cache) sweepLater() {
	if c.sweeping.CompareAndSwap(false, true) {
		time.AfterFunc(sweepEvery, c.sweepOnTime)
	}
}

func (c *Cache) sweepOnTime() {
	c.sweeping.Store(false) // before it looks, so that what comes while it looks starts the clock again
	if c.sweep() > 0 {
		c.sweepLater()
	}
}

// sweep forgets what has expired or is idle, and returns how many slots are left.
func (c *Cache) sweep() int {
	now := c.clock()
	return c.slots.retain(func(s *slot) bool {
		a := s.newest.Load()
		expired := a != nil && !a.ValidAt(now)
		return !expired && !s.idle()
	})
}
