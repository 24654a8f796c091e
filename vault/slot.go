package vault

import (
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// slot is the place of one account in a [Cache].
type slot struct {
	newest atomic.Pointer[Access]
	misses singleflight.Group
	used   atomic.Bool // since the last sweep
	unused int         // sweeps in a row that found it so; the sweeper's own
}

// use notes that somebody asked. Only the first to do so after a sweep writes: the others would take the slot's cache line
// from each other.
func (s *slot) use() {
	if !s.used.Load() {
		s.used.Store(true)
	}
}

// idle reports whether nobody has asked for so long that the slot may go.
func (s *slot) idle() bool {
	if s.used.Swap(false) {
		s.unused = 0
		return false
	}
	s.unused++
	return s.unused >= idleSweeps
}

// valid returns the token if it is there and good by the clock, or nil.
func (s *slot) valid(clock func() time.Time) *Access {
	a := s.newest.Load()
	if a == nil || !a.ExpiresAt.IsZero() && !clock().Before(a.ExpiresAt) {
		return nil
	}
	return a
}

// keep stores a, unless something newer is there, and returns what is the newest now.
func (s *slot) keep(a *Access) Access {
	for {
		old := s.newest.Load()
		if old != nil && old.Generation >= a.Generation {
			return *old
		}
		if s.newest.CompareAndSwap(old, a) {
			return *a
		}
	}
}
