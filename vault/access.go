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

// Access is what a call to an API needs: the access token without the refresh token.
type Access struct {
	Account    credential.AccountID
	Generation credential.Generation
	Token      credential.Secret
	ExpiresAt  time.Time // zero when it does not expire
}

// ValidAt reports whether the token is good at now, by the clock alone.
func (a Access) ValidAt(now time.Time) bool { return a.ExpiresAt.IsZero() || now.Before(a.ExpiresAt) }

// access reads the newest access token of an account. The refresh token stays sealed.
func (v *Vault) access(ctx context.Context, account credential.AccountID) (Access, error) {
	var a Access
	err := v.read(ctx, func(q storage.Queryer, s sealer) error {
		var err error
		a, err = s.access(ctx, q, account)
		return err
	})
	if err != nil {
		return Access{}, fmt.Errorf("reading account %s: %w", account, err)
	}
	return a, nil
}

func (s sealer) access(ctx context.Context, q storage.Queryer, account credential.AccountID) (Access, error) {
	a := Access{Account: account}
	var sealed, key []byte
	err := q.QueryRowContext(ctx, `SELECT generation, access, data_key FROM records WHERE account = $1`, account.String()).
		Scan(&a.Generation, &sealed, &key)
	if errors.Is(err, sql.ErrNoRows) {
		return Access{}, ErrNotFound
	}
	if err != nil {
		return Access{}, err
	}
	b := binding{account: account, generation: a.Generation, field: fieldAccess}
	opens, err := s.withKey(b, key, sealed)
	if err != nil {
		return Access{}, err
	}
	t, err := opens.openTokens(b, sealed)
	if err != nil {
		return Access{}, err
	}
	a.Token, a.ExpiresAt = t.Access, t.ExpiresAt
	return a, nil
}
