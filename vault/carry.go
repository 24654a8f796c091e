package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// SealTokens seals the answer to a refresh of r that the vault's database could not take, so that it may travel through
// Temporal's history until the database is back. It needs no database: the key came with r, whose tokens it has sealed too.
func (v *Vault) SealTokens(r Record, t credential.Tokens) ([]byte, error) {
	seals := tokenSealer{sealer: v.sealer(v.keyset.current.Load()), key: r.key}
	sealed, err := seals.sealTokens(binding{account: r.Account, generation: r.Generation, field: fieldCarried}, t)
	if err != nil {
		return nil, fmt.Errorf("sealing tokens of account %s: %w", r.Account, err)
	}
	return sealed, nil
}

// OpenTokens opens what [Vault.SealTokens] sealed while g was the account's generation. It opens for as long as g is: the key
// goes with that generation. It returns [ErrConflict] when another one is there, [ErrNotFound] for an account that was shredded,
// and an [IntegrityError] for a generation with the same number and another key: the vault was restored from a backup.
func (v *Vault) OpenTokens(ctx context.Context, account credential.AccountID, g credential.Generation, sealed []byte) (credential.Tokens, error) {
	var t credential.Tokens
	err := v.read(ctx, func(q storage.Queryer, s sealer) (err error) {
		t, err = s.openCarried(ctx, q, binding{account: account, generation: g, field: fieldCarried}, sealed)
		return err
	})
	if err != nil {
		return credential.Tokens{}, fmt.Errorf("opening tokens of account %s: %w", account, err)
	}
	return t, nil
}

func (s sealer) openCarried(ctx context.Context, q storage.Queryer, b binding, sealed []byte) (credential.Tokens, error) {
	var current credential.Generation
	var key []byte
	err := q.QueryRowContext(ctx, `SELECT generation, data_key FROM records WHERE account = $1`, b.account.String()).Scan(&current, &key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return credential.Tokens{}, ErrNotFound
	case err != nil:
		return credential.Tokens{}, err
	case current != b.generation:
		return credential.Tokens{}, conflict(current, b.generation)
	}
	opens, err := s.withKey(b, key, sealed)
	if err != nil {
		return credential.Tokens{}, err
	}
	return opens.openTokens(b, sealed)
}
