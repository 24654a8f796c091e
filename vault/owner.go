package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// OwnerOf returns the account that owns the grant of a subject through a connector, and reports whether there is one.
func (v *Vault) OwnerOf(ctx context.Context, connector string, s credential.Subject) (credential.AccountID, bool, error) {
	var owner credential.AccountID
	var found bool
	err := v.store.Read(ctx, func(q storage.Queryer) error {
		var err error
		owner, found, err = ownerOf(ctx, q, connector, s)
		return err
	})
	if err != nil {
		return credential.AccountID{}, false, fmt.Errorf("looking for the owner of %s at connector %s: %w", s, connector, err)
	}
	return owner, found, nil
}

func ownerOf(ctx context.Context, q storage.Queryer, connector string, s credential.Subject) (credential.AccountID, bool, error) {
	var text string
	err := q.QueryRowContext(ctx, `SELECT account FROM records WHERE connector = $1 AND subject = $2`, connector, s).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return credential.AccountID{}, false, nil
	}
	if err != nil {
		return credential.AccountID{}, false, err
	}
	owner, err := credential.ParseAccountID(text)
	return owner, err == nil, err
}
