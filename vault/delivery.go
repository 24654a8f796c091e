package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/vault/internal/storage"
)

// Delivery is an event that a provider sent. The vault knows it by a hash, and nothing of its content.
type Delivery struct {
	Hash []byte // SHA-256 of what tells it from all others
	// ExpiresAt is when it may be forgotten: when the provider will not send it again, and nobody else can.
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

// HasDelivery reports whether a delivery of this hash is remembered, by whatever process.
func (v *Vault) HasDelivery(ctx context.Context, hash []byte) (bool, error) {
	var known bool
	err := v.store.Read(ctx, func(q storage.Queryer) error {
		return q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM deliveries WHERE hash = $1 AND expires_at > $2)`,
			hash, micros(v.now())).Scan(&known)
	})
	if err != nil {
		return false, fmt.Errorf("looking up a delivery: %w", err)
	}
	return known, nil
}

// KeepDelivery remembers a delivery that was acted on; one of the same hash is never remembered for a shorter time than
// before. Call it after acting: with the other order, a crash in between would lose the event.
func (v *Vault) KeepDelivery(ctx context.Context, d Delivery) error {
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		if err := d.validate(v.now()); err != nil {
			return err
		}
		if err := v.prune(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO deliveries (hash, expires_at) VALUES ($1, $2)
			ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at WHERE deliveries.expires_at < excluded.expires_at`,
			d.Hash, micros(d.ExpiresAt))
		return err
	})
	if err != nil {
		return fmt.Errorf("remembering a delivery: %w", err)
	}
	return nil
}
