package vault

import (
	"context"
	"errors"
	"time"

	"tokenkeeper/credential"
)

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

// sweep forgets what has expired, is idle, or is not the vault's newest any more, and returns how many slots are left. A vault
// that is away ends no token.
func (c *Cache) sweep() int {
	ctx, cancel := context.WithTimeout(context.Background(), sharedReadTimeout)
	defer cancel()
	newest, err := c.newest(ctx)
	now := c.clock()
	return c.slots.retain(func(s *slot) bool {
		a := s.newest.Load()
		over := a != nil && (!a.ValidAt(now) || err == nil && newest[a.Account] != a.Generation)
		return !over && !s.idle()
	})
}

var errUntold = errors.New("nobody says what is newest")

func untold(context.Context) (map[credential.AccountID]credential.Generation, error) {
	return nil, errUntold
}

// newest returns the generation of every account.
func (v *Vault) newest(ctx context.Context) (map[credential.AccountID]credential.Generation, error) {
	summaries, err := v.Accounts(ctx)
	newest := make(map[credential.AccountID]credential.Generation, len(summaries))
	for _, s := range summaries {
		newest[s.Account] = s.Generation
	}
	return newest, err
}
