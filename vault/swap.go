package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

var errNoAccessToken = errors.New("there is no access token in them")

// Swap stores t as the generation after from, both tokens in one transaction, and clears the note of presentation. It
// returns [ErrConflict] when from is not the newest generation: a late answer never replaces a newer one.
//
// What the answer leaves out stays as it was: the refresh token and the end of it, the scopes, the type (RFC 6749 §6).
func (v *Vault) Swap(ctx context.Context, account credential.AccountID, from credential.Generation, t credential.Tokens) (credential.Generation, error) {
	to := from + 1
	err := v.writeSealed(ctx, func(tx storage.Queryer, s sealer) error {
		if t.Access.IsZero() {
			return errNoAccessToken
		}
		old, err := s.record(ctx, tx, account)
		if err != nil {
			return err
		}
		if old.Generation != from {
			return conflict(old.Generation, from)
		}
		return s.replace(ctx, tx, account, to, t.After(old.Tokens), v.now())
	})
	if err != nil {
		return 0, fmt.Errorf("storing tokens after generation %d of account %s: %w", from, account, err)
	}
	return to, nil
}

func (s sealer) replace(
	ctx context.Context, tx storage.Queryer, account credential.AccountID, g credential.Generation, t credential.Tokens, now time.Time,
) error {
	pair, _, err := s.sealPair(account, g, t)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE records
		SET generation = $1, access = $2, refresh = $3, expires_at = $4, presented_at = 0, presented_attempts = 0, presented_by = '', updated_at = $5,
			data_key = $6
		WHERE account = $7`,
		g, pair.access, pair.refresh, micros(t.ExpiresAt), micros(now), pair.key, account.String())
	return err
}
