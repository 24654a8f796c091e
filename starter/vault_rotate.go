package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenkeeper/vault"
)

// keepRetired is longer than the session of a person who signed in lasts.
const keepRetired = 24 * time.Hour

func newVaultRotate(c *cli) *cobra.Command {
	var o vault.RotateOptions
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Seal everything with a new key, while the workers run",
		Long: `Add a new key to the keyset file, put it in force, and seal the data key of every set of tokens with it, and every login.
Workers go on meanwhile, and take up the new file by themselves.

It may be interrupted anywhere: run again, it finishes what it began. The old key stays in the file, so that backups of
the vault open. With --drop-old, keys that nothing is sealed with are removed, once they have not sealed for as long as
--keep says: sessions of people who signed in are sealed with the key of their time.

Where workers run on several machines, each has its own keyset file: make the key with --stage, bring the file to all of
them, and then rotate.

The exit code is 1 when a key or a login in the vault does not open; it stays as it is. It is 5 when the vault itself does not.
Whether all tokens open, tokenkeeper vault verify says.`,
		Example: `  tokenkeeper vault rotate
  tokenkeeper vault rotate --drop-old
  tokenkeeper vault rotate --drop-old --keep 0s
  tokenkeeper vault rotate --stage`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.Stage && o.DropOld:
				return usage("--stage only adds a key, and --drop-old removes some", "leave one of the two out")
			case cmd.Flags().Changed("keep") && !o.DropOld:
				return usage("--keep is about the keys that --drop-old removes", "add --drop-old, or leave --keep out")
			case o.Keep < 0:
				return usage(fmt.Sprintf("--keep %s: want a time such as 24h, or 0s for none", o.Keep), cmd.CommandPath()+" --help")
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return c.rotateVault(cmd.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.Stage, "stage", false, "only add the next key to the keyset file, and seal nothing with it yet")
	cmd.Flags().BoolVar(&o.DropOld, "drop-old", false, "remove old keys that nothing is sealed with")
	cmd.Flags().DurationVar(&o.Keep, "keep", keepRetired, "with --drop-old: keep a key for this long after it ceased to seal")
	return cmd
}

func (c *cli) rotateVault(ctx context.Context, o vault.RotateOptions) error {
	options, err := c.vaultOptions(ctx)
	if err != nil {
		return err
	}
	v, err := vault.Open(ctx, options)
	if err != nil {
		return unopened(err)
	}
	defer func() { _ = v.Close() }() // what counts is committed
	r, err := v.Rotate(ctx, o)
	outcome, why := outcomeOf(err)
	c.auditIn(ctx, v, vault.Event{Action: vault.Rotated, Outcome: outcome, Detail: cmp.Or(why, rotated(r, o))})
	if err != nil {
		return failf("mend that, then run tokenkeeper vault rotate again: it finishes what it began", "%w", err)
	}
	r.Damaged, r.Dropped, r.Kept = orEmpty(r.Damaged), orEmpty(r.Dropped), orEmpty(r.Kept)
	if err := c.print(r, func(w io.Writer) { tellRotation(w, r, o, options.Keyset.Path()) }); err != nil {
		return err
	}
	return damaged(r.Damaged)
}

// rotated says in a line what a rotation did. A key's id is no secret.
func rotated(r vault.Rotation, o vault.RotateOptions) string {
	if o.Stage {
		return fmt.Sprintf("key %d is staged", r.Key)
	}
	deeds := []string{fmt.Sprintf("key %d is in force", r.Key)}
	for _, id := range r.Dropped {
		deeds = append(deeds, fmt.Sprintf("key %d is dropped", id))
	}
	return strings.Join(deeds, ", ")
}

func tellRotation(w io.Writer, r vault.Rotation, o vault.RotateOptions, keyset string) {
	if o.Stage {
		fmt.Fprintf(w, "key %d is in %s and seals nothing yet\nBring the file to all machines, then: tokenkeeper vault rotate\n", r.Key, keyset)
		return
	}
	fmt.Fprintf(w, "key %d is in force\n", r.Key)
	fmt.Fprintf(w, "sealed anew: %s\n", tellRows(r.Resealed))
	for _, id := range r.Dropped {
		fmt.Fprintf(w, "dropped key %d\n", id)
	}
	for _, key := range r.Kept {
		fmt.Fprintf(w, "kept key %d: %s\n", key.ID, key.Reason)
	}
	tellDamage(w, r.Damaged)
	if r.Added || len(r.Dropped) > 0 {
		fmt.Fprintf(w, "Back up %s again.\n", keyset)
	}
}

func tellRows(r vault.Rows) string {
	return fmt.Sprintf("%d accounts, %d pending consents, %d logins", r.Records, r.Authorizations, r.Logins)
}

func tellDamage(w io.Writer, damage []vault.Damage) {
	if len(damage) == 0 {
		return
	}
	rows := make([][]string, len(damage))
	for i, d := range damage {
		generation := ""
		if d.Generation > 0 {
			generation = strconv.FormatInt(int64(d.Generation), 10)
		}
		rows[i] = []string{d.Account, generation, d.Field, d.Problem}
	}
	table(w, []string{"DAMAGED", "GENERATION", "FIELD", "PROBLEM"}, rows)
}

// damaged is the failure of a vault in which something does not open.
func damaged(damage []vault.Damage) error {
	if len(damage) == 0 {
		return nil
	}
	return failf("restore the vault, or the keyset, from a backup; or reauthorize the accounts: tokenkeeper account reauthorize ACCOUNT",
		"%d values in the vault do not open", len(damage))
}
