package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"tokenkeeper/vault"
)

func newVaultVerify(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Open everything in the vault, and name what does not open",
		Long: `Open every record, pending consent and login, count them by the key that sealed them, and name each that does not open.
Nothing is changed, not even in a vault of an older version, and workers may run meanwhile: it is what to run on a backup
that was just restored.

The exit code is 1 when something in the vault does not open, and 5 when the vault itself does not.`,
		Example: `  tokenkeeper vault verify
  tokenkeeper vault verify --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.verifyVault(cmd.Context()) },
	}
}

// verification is what vault verify answers.
type verification struct {
	OK bool `json:"ok"`
	vault.Verification
}

func (c *cli) verifyVault(ctx context.Context) error {
	options, err := c.vaultOptions(ctx)
	if err != nil {
		return err
	}
	found, err := vault.Verify(ctx, options)
	if err != nil {
		return unopened(err)
	}
	found.Damaged = orEmpty(found.Damaged)
	if err := c.print(verification{OK: found.OK(), Verification: found}, func(w io.Writer) { tellVerification(w, found) }); err != nil {
		return err
	}
	return damaged(found.Damaged)
}

func tellVerification(w io.Writer, found vault.Verification) {
	fmt.Fprintf(w, "vault %s: %s\n", printable(found.Vault), tellRows(found.Rows))
	rows := make([][]string, len(found.Keys))
	for i, key := range found.Keys {
		state := "in the keyset"
		switch {
		case key.ID == found.KeyInForce:
			state = "in force"
		case !key.InKeyset:
			state = "missing"
		}
		rows[i] = []string{strconv.FormatUint(uint64(key.ID), 10), state, strconv.Itoa(key.Sealed)}
	}
	table(w, []string{"KEY", "STATE", "SEALED VALUES"}, rows)
	if found.OK() {
		fmt.Fprintln(w, "everything opens")
	}
	tellDamage(w, found.Damaged)
}
