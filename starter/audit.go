package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
)

func newAudit(c *cli) *cobra.Command {
	var account string
	var since age
	var limit int
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who did what to which account",
		Long: `Show the audit log, oldest first: who did what to which account, when, from where, and how it ended. It lies in the
vault. Nothing in it is ever changed or deleted, and nothing in it is secret. Commands that only show something are not in it.

What is done with the temporal command goes past it; Temporal's history of the account has that.`,
		Example: `  tokenkeeper audit --since 24h
  tokenkeeper audit --account acme/triage/slack --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if limit < 1 {
				return usage(fmt.Sprintf("--limit %d: want at least one", limit), "leave it out")
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			var f vault.AuditFilter
			if err := f.Account.UnmarshalText([]byte(account)); err != nil {
				return usage(err.Error(), "for example --account acme/triage/slack")
			}
			if since > 0 {
				f.Since = time.Now().Add(-time.Duration(since))
			}
			return c.showAudit(cmd.Context(), f, limit)
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "only what concerns this `ACCOUNT`")
	cmd.Flags().Var(&since, "since", "only what is younger than this, such as 36h or 7d")
	cmd.Flags().IntVar(&limit, "limit", 200, "at most so many events, the newest")
	if err := cmd.RegisterFlagCompletionFunc("account", c.completeAccount); err != nil {
		panic(err) // the flag is defined four lines above
	}
	return cmd
}

// auditTrail is what audit answers.
type auditTrail struct {
	Events []vault.Event `json:"events"`
}

func (c *cli) showAudit(ctx context.Context, f vault.AuditFilter, limit int) error {
	return c.withApp(func(a *app.App) error {
		if err := c.openVault(ctx, a); err != nil {
			return err
		}
		events, err := a.Vault.AuditTrail(ctx, f, limit)
		if err != nil {
			return err
		}
		slices.Reverse(events)
		return c.print(auditTrail{Events: orEmpty(events)}, func(w io.Writer) { tellAudit(w, events) })
	})
}

func tellAudit(w io.Writer, events []vault.Event) {
	rows := make([][]string, len(events))
	for i, e := range events {
		rows[i] = []string{
			e.At.Local().Format(time.DateTime), e.Actor, string(e.Action), e.Account.String(), e.Remote, string(e.Outcome), e.Detail,
		}
	}
	table(w, []string{"WHEN", "WHO", "WHAT", "ACCOUNT", "FROM", "OUTCOME", "DETAIL"}, rows)
}

// record writes what a command did to the audit log. The command does not fail with it: its work is done.
func (c *cli) record(ctx context.Context, a *app.App, action vault.Action, account credential.AccountID, outcome vault.Outcome, detail string) {
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
	defer cancel()
	err := a.OpenVault(recording)
	if err == nil {
		err = a.Vault.Audit(recording, vault.Event{Actor: c.actor(), Action: action, Account: account, Outcome: outcome, Detail: detail})
	}
	if err != nil {
		c.notef("note: this is not in the audit log: %v", err)
	}
}

// outcomeOf returns what the audit log says of an action: its outcome, and why it failed.
func outcomeOf(err error) (vault.Outcome, string) {
	if err != nil {
		return vault.Failed, err.Error()
	}
	return vault.Done, ""
}

// actor is who runs the command, as the machine knows them.
func (c *cli) actor() string {
	name := "unknown"
	if who, err := user.Current(); err == nil {
		name = cmp.Or(who.Username, who.Uid)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name + "@" + host
}
