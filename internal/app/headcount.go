package app

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// headcount caches how many accounts each connector has.
type headcount struct {
	mu     sync.Mutex     // held while the vault is asked: who comes then waits for that answer
	counts map[string]int // :: connector → accounts
	until  time.Time      // they are taken for true until then
}

// headcountMemory is how long a count is reused, so that accounts that are late together cause one query.
const headcountMemory = time.Minute

// roughly returns how many accounts of a connector the vault holds, by a count that may be a minute old.
func (a *App) roughly(ctx context.Context, connector string) (int, error) {
	h := &a.headcount
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); !now.Before(h.until) {
		counts, err := a.countAll(ctx)
		if err != nil {
			return 0, err
		}
		h.counts, h.until = counts, now.Add(headcountMemory)
	}
	return h.counts[connector], nil
}

// countAccounts returns how many accounts of a connector the vault holds.
func (a *App) countAccounts(ctx context.Context, connector string) (int, error) {
	counts, err := a.countAll(ctx)
	return counts[connector], err
}

func (a *App) countAll(ctx context.Context) (map[string]int, error) {
	held, err := a.Vault.Accounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("counting the accounts of each connector: %w", err)
	}
	counts := map[string]int{}
	for _, summary := range held {
		counts[summary.Account.Connector]++
	}
	return counts, nil
}
