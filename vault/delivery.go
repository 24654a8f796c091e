package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/vault/internal/storage"
)

// Delivery is something that a provider sent by itself. The vault knows it by a hash, and nothing of what was in it.
type Delivery struct {
	Hash []byte // SHA-256 of what tells it from all others
	// ExpiresAt is when it may be forgotten: when the provider does not send it again, and nobody else can.
	ExpiresAt time.Time
}

func (d Delivery) validate(now time.Time) error {
	switch {
	case len(d.Hash) != sha256.Size:
		return errors.New("its hash is no SHA-256")
	case !d.ExpiresAt.After(now):
		return errors.New("it has expired already, or has no time of expiry")
	}
	return nil
}

// TakeDelivery remembers a delivery, and reports whether it is the first of its hash: of any number of equal ones, over all
// processes, one is. Whoever could not act on it drops it again, or it would be lost.
func (v *Vault) TakeDelivery(ctx context.Context, d Delivery) (first bool, err error) {
	err = v.store.Write(ctx, func(tx storage.Queryer) error {
		if err := d.validate(v.now()); err != nil {
			return err
		}
		if err := v.prune(ctx, tx); err != nil {
			return err
		}
		taken, err := tx.ExecContext(ctx, `INSERT INTO deliveries (hash, expires_at) VALUES ($1, $2)
			ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at WHERE deliveries.expires_at <= $3`,
			d.Hash, micros(d.ExpiresAt), micros(v.now()))
		if err != nil {
			return err
		}
		n, err := taken.RowsAffected()
		first = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("remembering a delivery: %w", err)
	}
	return first, nil
}

// DropDelivery forgets a delivery, so that the next one of the same hash is the first. Dropping one that is not there is no
// error.
func (v *Vault) DropDelivery(ctx context.Context, hash []byte) error {
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM deliveries WHERE hash = $1`, hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("forgetting a delivery: %w", err)
	}
	return nil
}
