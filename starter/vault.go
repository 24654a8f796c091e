package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"tokenkeeper/config"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
)

func newVault(c *cli) *cobra.Command {
	group := &cobra.Command{
		Use:   "vault",
		Short: "Make, change and check the key of the vault",
		Long: `The vault is where tokens are: a database whose records are sealed with the keys of a keyset file. Without that
file they are lost, and with it they are open, so it is made on purpose and once, and never by the way.`,
		Example: `  tokenkeeper vault init
  tokenkeeper vault rotate
  tokenkeeper vault verify`,
	}
	group.AddCommand(newVaultInit(c), newVaultRotate(c), newVaultVerify(c))
	return group
}

// vaultOptions reads the configuration and loads the keyset it names.
func (c *cli) vaultOptions(ctx context.Context) (vault.Options, error) {
	cfg, err := config.Load(c.configPath, c.env)
	if err != nil {
		return vault.Options{}, err
	}
	options, err := app.VaultOptions(ctx, cfg.Vault)
	if err != nil {
		return vault.Options{}, unopened(err)
	}
	return options, nil
}

// madeKeyset is what vault init answers. A key's id is no secret.
type madeKeyset struct {
	Keyset string   `json:"keyset"`
	KMS    string   `json:"kms,omitempty"`
	KeyIDs []uint32 `json:"key_ids"`
}

func newVaultInit(c *cli) *cobra.Command {
	var path, kms string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Create the keyset file",
		Long: `Create the keyset file that the configuration names under vault.keyset, readable by its owner only. A file that is
there is never overwritten.

With vault.kms in the configuration, or --kms, a key management service encrypts the file, and nobody opens it without
the service: aws-kms://arn:…, gcp-kms://projects/… or hcvault://host:8200/transit/keys/name.`,
		Example: `  tokenkeeper vault init
  tokenkeeper vault init --keyset ./tokenkeeper-vault.key
  tokenkeeper vault init --keyset ./vault.key --kms hcvault://vault.example.com:8200/transit/keys/tokenkeeper`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.initVault(cmd.Context(), path, kms) },
	}
	cmd.Flags().StringVar(&path, "keyset", "", "create this `file`, without looking into the configuration")
	cmd.Flags().StringVar(&kms, "kms", "", "encrypt it with the key at this `URI`; default vault.kms of the configuration")
	return cmd
}

func (c *cli) initVault(ctx context.Context, path, kms string) error {
	if path == "" {
		var err error
		if path, kms, err = c.configuredKeyset(kms); err != nil {
			return err
		}
	}
	file, err := app.KeysetFile(ctx, path, kms)
	if err != nil {
		return err
	}
	keyset, err := file.Create(ctx)
	if errors.Is(err, fs.ErrExist) {
		return failf("use it as it is; only if nothing was sealed with it, remove it first", "the keyset %s exists: it is never overwritten", path)
	}
	if err != nil {
		return err
	}
	made := madeKeyset{Keyset: keyset.Path(), KMS: kms, KeyIDs: keyset.KeyIDs()}
	return c.print(made, func(w io.Writer) {
		fmt.Fprintf(w, "created %s with key %d\nBack it up apart from the vault: without it every token in there is lost.\n", made.Keyset, made.KeyIDs[0])
	})
}

// configuredKeyset returns the file that the configuration names, and the key that encrypts it. It must be the one of
// --kms, or the worker could not open what is made here.
func (c *cli) configuredKeyset(kms string) (path, uri string, err error) {
	cfg, err := config.Load(c.configPath, c.env)
	if err != nil {
		return "", "", err
	}
	if kms != "" && kms != cfg.Vault.KMS {
		return "", "", failf("write it there too, or leave --kms out", "vault.kms in %s is not %s, and no worker would open the keyset", cfg.Path, kms)
	}
	return cfg.Vault.Keyset, cfg.Vault.KMS, nil
}
