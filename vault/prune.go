package vault

import (
	"context"
	"fmt"
	"time"

	"tokenkeeper/vault/internal/storage"
)

// clockSkew is how far apart the clocks of two processes may be before one deletes what is still valid for the other.
const clockSkew = time.Hour

// notTaken is why a consent is gone that has expired.
const notTaken = "no account took it in time"

// Prune deletes authorizations, logins, links, deliveries and ends of sessions that expired more than an hour ago: nobody
// can get expired ones, but another process's clock may be behind. Opening the vault and adding to them prunes as well. What
// is in quarantine, or was replaced, stays: its grant lives on at the provider until it is revoked.
func (v *Vault) Prune(ctx context.Context) error {
	err := v.store.Write(ctx, func(tx storage.Queryer) error { return v.prune(ctx, tx) })
	if err != nil {
		return fmt.Errorf("pruning vault %s: %w", v.name, err)
	}
	return nil
}

func (v *Vault) prune(ctx context.Context, tx storage.Queryer) error {
	gone := micros(v.now().Add(-clockSkew))
	if err := v.discard(ctx, tx, notTaken, `WHERE expires_at <= $1 AND quarantined_at = 0`, gone); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM links WHERE expires_at <= $1`, gone); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM deliveries WHERE expires_at <= $1`, gone); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM ended_sessions WHERE expires_at <= $1`, gone); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM logins WHERE expires_at <= $1`, gone)
	return err
}
