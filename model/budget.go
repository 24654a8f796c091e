package model

import (
	"sync"
	"time"
)

// Budget counts the tokens that a process spends in a day, by UTC. A worker that is restarted begins anew. The zero value is
// ready for use.
type Budget struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	mu    sync.Mutex
	day   string // guarded by mu
	spent int    // guarded by mu; on that day
}

// take takes tokens, and reports whether the limit leaves so many; 0 is no limit. It returns the day that they are of.
func (b *Budget) take(limit, tokens int) (day string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if day = b.today(); day != b.day {
		b.day, b.spent = day, 0
	}
	if limit > 0 && b.spent+tokens > limit {
		return day, false
	}
	b.spent += tokens
	return day, true
}

// giveBack corrects what was taken on a day; negative tokens are taken as well.
func (b *Budget) giveBack(day string, tokens int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if day == b.day {
		b.spent -= tokens
	}
}

func (b *Budget) today() string {
	now := time.Now
	if b.Now != nil {
		now = b.Now
	}
	return now().UTC().Format(time.DateOnly)
}
