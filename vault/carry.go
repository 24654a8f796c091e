package vault

import (
	"context"
	"fmt"

	"tokenkeeper/credential"
)

// SealTokens seals an answer that the vault's database could not take, so that it may travel through Temporal's history
// until the database is back. It needs the keys only.
func (v *Vault) SealTokens(account credential.AccountID, g credential.Generation, t credential.Tokens) ([]byte, error) {
	sealed, err := v.sealer(v.keyset.current.Load()).sealTokens(binding{account: account, generation: g, field: fieldCarried}, t)
	if err != nil {
		return nil, fmt.Errorf("sealing tokens of account %s: %w", account, err)
	}
	return sealed, nil
}

// OpenTokens opens what [Vault.SealTokens] sealed for the same account and generation.
func (v *Vault) OpenTokens(account credential.AccountID, g credential.Generation, sealed []byte) (credential.Tokens, error) {
	ctx, cancel := context.WithTimeout(context.Background(), reloadTimeout)
	defer cancel()
	var t credential.Tokens
	err := v.keyset.withKeys(ctx, func(k *keys) error {
		var err error
		t, err = v.sealer(k).openTokens(binding{account: account, generation: g, field: fieldCarried}, sealed)
		return err
	})
	if err != nil {
		return credential.Tokens{}, fmt.Errorf("opening tokens of account %s: %w", account, err)
	}
	return t, nil
}
