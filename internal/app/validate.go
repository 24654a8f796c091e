package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"tokenkeeper/credential"
	"tokenkeeper/workflows"
)

const (
	// askingAtOnce bounds the concurrent Signals.
	askingAtOnce = 8
	// askingSpread is the time over which the accounts of a large vault are asked; a small one takes a second.
	askingSpread = 30 * time.Second
	// askingEach is how much each account adds to that.
	askingEach = 50 * time.Millisecond
)

// ValidateAll asks every account in use to validate its token. A worker does so when it starts: tokens that died while
// nothing ran are found before the work needs them. Each account is asked at a moment of its own, so that the providers
// do not hear from all of them at once. It returns when all were asked, or ctx ends.
func (a *App) ValidateAll(ctx context.Context) {
	accounts := a.accountsInUse(ctx)
	slices.SortFunc(accounts, func(x, y credential.AccountID) int { return cmp.Compare(x.Jitter(), y.Jitter()) })
	spread := min(askingSpread, time.Duration(len(accounts))*askingEach)
	began := time.Now()
	var group errgroup.Group
	group.SetLimit(askingAtOnce)
	for _, account := range accounts {
		if !waitUntil(ctx, began.Add(time.Duration(account.Jitter()*float64(spread)))) {
			break
		}
		group.Go(func() error {
			a.validate(ctx, account)
			return nil
		})
	}
	_ = group.Wait() // what fails is logged where it fails
}

func (a *App) validate(ctx context.Context, account credential.AccountID) {
	err := a.Workflows.ValidateSoon(ctx, account)
	switch {
	case err == nil, errors.Is(err, context.Canceled):
	case workflows.IsNotFound(err):
		a.Log.WarnContext(ctx, "account has no Workflow, so nobody refreshes it; start one with: tokenkeeper account connect "+account.String(),
			"account", account.String())
	default:
		a.Log.WarnContext(ctx, "account was not asked to validate its token; it does so by itself later", "account", account.String(), "error", err)
	}
}

// waitUntil reports whether the time came before ctx ended.
func waitUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
