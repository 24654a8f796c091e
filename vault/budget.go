package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/vault/internal/storage"
)

// Budget is how much all processes together have spent in a day of something that is paid for by the piece, and whether that
// bought anything. Nothing of it is secret.
type Budget struct {
	Day   string // of UTC, as 2026-03-01; "" where nothing was ever spent
	Spent int    // on that day
	// FailingSince is since when spending has brought no result, or the limit has allowed none; zero where the last time
	// went well.
	FailingSince time.Time
	Failures     int    // in a row, since then
	Failure      string // why, the last time
}

// Spend takes n from what is left of today's limit, and reports whether that much was left; a limit of 0 is none. It returns
// the day that the amount was taken from: where the clocks of two processes show different days, the later one counts.
func (v *Vault) Spend(ctx context.Context, name string, n, limit int) (day string, ok bool, err error) {
	err = v.changeBudget(ctx, name, func(b *Budget) {
		if today := v.now().Format(time.DateOnly); today > b.Day {
			b.Day, b.Spent = today, 0
		}
		if ok = limit == 0 || b.Spent+n <= limit; ok {
			b.Spent += n
		}
		day = b.Day
	})
	return day, ok, err
}

// Settle corrects what Spend took from a day: unused is given back, or taken as well where it is negative. failure says why
// the spending brought no result; "" where it did.
func (v *Vault) Settle(ctx context.Context, name, day string, unused int, failure string) error {
	return v.changeBudget(ctx, name, func(b *Budget) {
		if day == b.Day {
			b.Spent = max(b.Spent-unused, 0)
		}
		if failure == "" {
			b.FailingSince, b.Failures, b.Failure = time.Time{}, 0, ""
			return
		}
		if b.Failures++; b.FailingSince.IsZero() {
			b.FailingSince = v.now()
		}
		b.Failure = failure
	})
}

// Budget returns a budget, possibly that of a past day; the zero one where nothing was ever spent.
func (v *Vault) Budget(ctx context.Context, name string) (b Budget, err error) {
	err = v.store.Read(ctx, func(q storage.Queryer) error {
		b, err = readBudget(ctx, q, name)
		return err
	})
	if err != nil {
		return Budget{}, fmt.Errorf("reading budget %s: %w", name, err)
	}
	return b, nil
}

func (v *Vault) changeBudget(ctx context.Context, name string, change func(*Budget)) error {
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		b, err := readBudget(ctx, tx, name)
		if err != nil {
			return err
		}
		before := b
		if change(&b); b == before {
			return nil
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO budgets (name, day, spent, failing_since, failures, failure) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (name) DO UPDATE SET day = excluded.day, spent = excluded.spent,
				failing_since = excluded.failing_since, failures = excluded.failures, failure = excluded.failure`,
			name, b.Day, b.Spent, micros(b.FailingSince), b.Failures, b.Failure)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping budget %s: %w", name, err)
	}
	return nil
}

func readBudget(ctx context.Context, q storage.Queryer, name string) (b Budget, err error) {
	var failing int64
	err = q.QueryRowContext(ctx, `SELECT day, spent, failing_since, failures, failure FROM budgets WHERE name = $1`, name).
		Scan(&b.Day, &b.Spent, &failing, &b.Failures, &b.Failure)
	if errors.Is(err, sql.ErrNoRows) {
		return Budget{}, nil
	}
	b.FailingSince = fromMicros(failing)
	return b, err
}
