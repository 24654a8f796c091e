package app

import (
	"context"
	"fmt"

	"tokenkeeper/config"
	"tokenkeeper/vault"
	"tokenkeeper/vault/kms"
)

// KeysetFile returns where a keyset is, and the key of a key management service that it is encrypted with. With uri empty
// it is in the clear.
func KeysetFile(ctx context.Context, path, uri string) (vault.KeysetFile, error) {
	if uri == "" {
		return vault.KeysetFile{Path: path}, nil
	}
	kek, err := kms.Open(ctx, uri)
	if err != nil {
		return vault.KeysetFile{}, fmt.Errorf("vault.kms: %w", err)
	}
	return vault.KeysetFile{Path: path, KEK: kek}, nil
}

// VaultOptions loads the keyset of the configured vault.
func VaultOptions(ctx context.Context, c config.Vault) (vault.Options, error) {
	file, err := KeysetFile(ctx, c.Keyset, c.KMS)
	if err != nil {
		return vault.Options{}, err
	}
	keyset, err := file.Load(ctx)
	if err != nil {
		return vault.Options{}, err
	}
	return vault.Options{Path: c.Path, URL: c.URL(), Keyset: keyset}, nil
}

// OpenVault loads the keyset and opens the vault, unless it is open. It fails when the keyset is not the one that the vault
// was sealed with.
func (a *App) OpenVault(ctx context.Context) error {
	if a.Vault != nil {
		return nil
	}
	options, err := VaultOptions(ctx, a.Config().Vault)
	if err != nil {
		return err
	}
	opened, err := vault.Open(ctx, options)
	if err != nil {
		return err
	}
	a.Vault, a.cache = opened, vault.NewCache(opened)
	a.current.Load().spent.shared.Store(opened)
	return nil
}

// vaultSubject is what a finding calls the vault.
func vaultSubject(c config.Vault) string {
	return "vault " + vault.Options{Path: c.Path, URL: c.URL()}.Name()
}
