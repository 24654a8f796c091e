package vault

import (
	"context"
	"database/sql"
	"fmt"
)

// Prune deletes expired authorizations and logins. Opening the vault and adding to them does the same.
func (v *Vault) Prune(ctx context.Context) error {
	err := write(ctx, v.writer, func(tx *sql.Tx) error { return v.prune(ctx, tx) })
	if err != nil {
		return fmt.Errorf("pruning vault %s: %w", v.vault, err)
	}
	return nil
}

func (v *Vault) prune(ctx context.Context, tx *sql.Tx) error {
	now := micros(v.now())
	if _, err := tx.ExecContext(ctx, `DELETE FROM authorizations WHERE expires_at <= ?`, now); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM logins WHERE expires_at <= ?`, now)
	return err
}
