package vault

import (
	"fmt"

	"tokenkeeper/credential"
)

// SealTokens seals an answer that the vault's file could not take, so that it may travel through Temporal's history until
// the file is back. It needs the keys only, not the file.
func (v *Vault) SealTokens(account credential.AccountID, g credential.Generation, t credential.Tokens) ([]byte, error) {
	sealed, err := v.sealTokens(binding{account: account, generation: g, field: fieldCarried}, t)
	if err != nil {
		return nil, fmt.Errorf("sealing tokens of account %s: %w", account, err)
	}
	return sealed, nil
}

// OpenTokens opens what [Vault.SealTokens] sealed for the same account and generation.
func (v *Vault) OpenTokens(account credential.AccountID, g credential.Generation, sealed []byte) (credential.Tokens, error) {
	t, err := v.openTokens(binding{account: account, generation: g, field: fieldCarried}, sealed)
	if err != nil {
		return credential.Tokens{}, fmt.Errorf("opening tokens of account %s: %w", account, err)
	}
	return t, nil
}
