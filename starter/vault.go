package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"tokenkeeper/config"
	"tokenkeeper/vault"
)

func newVault(c *cli) *cobra.Command {
	group := &cobra.Command{
		Use:   "vault",
		Short: "Make the key of the vault",
		Long: `The vault is where tokens are: a database whose records are sealed with the keys of a keyset file. Without that
file they are lost, and with it they are open, so it is made on purpose and once, and never by the way.`,
		Example: `  tokenkeeper vault init`,
	}
	group.AddCommand(newVaultInit(c))
	return group
}

// madeKeyset is what vault init answers. A key's id is no secret.
type madeKeyset struct {
	Keyset string   `json:"keyset"`
	KeyIDs []uint32 `json:"key_ids"`
}

func newVaultInit(c *cli) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Create the keyset file",
		Long: `Create the keyset file that the configuration names under vault.keyset, readable by its owner only. A file that is
there is never overwritten.`,
		Example: `  tokenkeeper vault init
  tokenkeeper vault init --keyset ./tokenkeeper-vault.key`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return c.initVault(path) },
	}
	cmd.Flags().StringVar(&path, "keyset", "", "create this `file`, without looking into the configuration")
	return cmd
}

func (c *cli) initVault(path string) error {
	if path == "" {
		cfg, err := config.Load(c.configPath, c.env)
		if err != nil {
			return err
		}
		path = cfg.Vault.Keyset
	}
	keyset, err := vault.CreateKeyset(path)
	if errors.Is(err, fs.ErrExist) {
		return failf("use it as it is; only if nothing was sealed with it, remove it first", "the keyset %s exists: it is never overwritten", path)
	}
	if err != nil {
		return err
	}
	made := madeKeyset{Keyset: keyset.Path(), KeyIDs: keyset.KeyIDs()}
	return c.print(made, func(w io.Writer) {
		fmt.Fprintf(w, "created %s with key %d\nBack it up apart from the vault: without it every token in there is lost.\n", made.Keyset, made.KeyIDs[0])
	})
}
