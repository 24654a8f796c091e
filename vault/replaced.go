package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// setAside keeps the account's tokens when the grant of another subject is about to replace them, so that the provider can
// revoke them, which may be away now. Nobody can adopt them any more; [Vault.GetStray] returns them until [Vault.DropStray].
func (s sealer) setAside(ctx context.Context, tx storage.Queryer, account credential.AccountID, next credential.Subject, now time.Time) error {
	var before credential.Subject
	err := tx.QueryRowContext(ctx, `SELECT subject FROM records WHERE account = $1`, account.String()).Scan(&before)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil || before == next:
		return err
	}
	old, err := s.record(ctx, tx, account)
	if err != nil {
		return err
	}
	kept := Authorization{
		ID: fmt.Sprintf("replaced/%s/g%d", account, old.Generation), Account: account, Subject: old.Subject, Display: old.Display,
		Tokens: old.Tokens, CreatedAt: now, ExpiresAt: now,
	}
	if err := s.insertAuthorization(ctx, tx, kept); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE authorizations SET quarantined_at = created_at, replaced = 1 WHERE id = $1`, kept.ID)
	return err
}

// Strays lists what is left of an account's earlier consents and is to be revoked, the oldest first: grants that another
// subject's replaced, and authorizations in quarantine, expired or not.
func (v *Vault) Strays(ctx context.Context, account credential.AccountID) ([]credential.Replaced, error) {
	var all []credential.Replaced
	err := v.store.Read(ctx, func(q storage.Queryer) error {
		var err error
		all, err = strays(ctx, q, account)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing what was replaced or quarantined of account %s: %w", account, err)
	}
	return all, nil
}

func strays(ctx context.Context, q storage.Queryer, account credential.AccountID) ([]credential.Replaced, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, subject, display, quarantined_at FROM authorizations
		WHERE account = $1 AND quarantined_at > 0 ORDER BY quarantined_at, id`, account.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []credential.Replaced
	for rows.Next() {
		var r credential.Replaced
		var since int64
		if err := rows.Scan(&r.Authorization, &r.Holder.Subject, &r.Holder.Display, &since); err != nil {
			return nil, err
		}
		r.Since = fromMicros(since)
		all = append(all, r)
	}
	return all, rows.Err()
}
