package model

import (
	"context"
	"sync"
	"time"
)

// Meter keeps account of the tokens that a model costs, and of whether it answers.
type Meter interface {
	// Spend takes tokens out of those that the limit leaves of today, and reports whether it leaves so many; 0 is no limit.
	// They belong to the day that it returns.
	Spend(ctx context.Context, tokens, limit int) (day string, ok bool, err error)
	// Settle gives back what a question did not cost, or takes more where unused is negative, and notes why it has no answer;
	// "" where it has one.
	Settle(ctx context.Context, day string, unused int, failure string) error
}

// Budget is a meter of one process, which forgets everything at its end. The zero value is ready for use.
type Budget struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	mu    sync.Mutex
	day   string // guarded by mu
	spent int    // guarded by mu; on that day
}

var _ Meter = (*Budget)(nil)

// Spend implements [Meter].
func (b *Budget) Spend(_ context.Context, tokens, limit int) (day string, ok bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if today := b.today(); today != b.day {
		b.day, b.spent = today, 0
	}
	if limit > 0 && b.spent+tokens > limit {
		return b.day, false, nil
	}
	b.spent += tokens
	return b.day, true, nil
}

// Settle implements [Meter].
func (b *Budget) Settle(_ context.Context, day string, unused int, _ string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if day == b.day {
		b.spent -= unused
	}
	return nil
}

func (b *Budget) today() string {
	now := time.Now
	if b.Now != nil {
		now = b.Now
	}
	return now().UTC().Format(time.DateOnly)
}
