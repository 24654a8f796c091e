package main

import (
	"cmp"
	"context"
	"errors"
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
	var account, triage string
	var since age
	var limit int
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who did what to which account or triage",
		Long: `Show the audit log, oldest first: who did what to which account or triage, when, from where, and how it ended. It lies in the
vault. Nothing in it is ever changed or deleted, and nothing in it is secret. Commands that only show something are not in it.

What is done with the temporal command goes past it; Temporal's history of the account or triage has that.`,
		Example: `  tokenkeeper audit --since 24h
  tokenkeeper audit --account acme/triage/slack --json
  tokenkeeper audit --triage acme/bug-reports`,
		Args: func(cmd *cobra.Command, args []string) error {
			if limit < 1 {
				return usage(fmt.Sprintf("--limit %d: want at least one", limit), "leave it out")
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := vault.AuditFilter{Triage: triage}
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
	cmd.Flags().StringVar(&triage, "triage", "", "only what concerns this triage, by its `NAME`")
	err := errors.Join(
		cmd.RegisterFlagCompletionFunc("account", c.completeAccount), cmd.RegisterFlagCompletionFunc("triage", c.completeTriage),
	)
	if err != nil {
		panic(err) // the flags are defined above
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
			e.At.Local().Format(time.DateTime), e.Actor, string(e.Action), concerns(e), e.Remote, string(e.Outcome), e.Detail,
		}
	}
	table(w, []string{"WHEN", "WHO", "WHAT", "ACCOUNT OR TRIAGE", "FROM", "OUTCOME", "DETAIL"}, rows)
}

// concerns names the account or the triage of an event; what concerns neither has none.
func concerns(e vault.Event) string {
	if e.Triage != "" {
		return "triage " + e.Triage
	}
	return e.Account.String()
}

// record writes what a command did to an account to the audit log.
func (c *cli) record(ctx context.Context, a *app.App, action vault.Action, account credential.AccountID, outcome vault.Outcome, detail string) {
	c.audit(ctx, a, vault.Event{Action: action, Account: account, Outcome: outcome, Detail: detail})
}

// recordTriage writes what a command did to a triage to the audit log; err is how it failed, nil where it did not.
func (c *cli) recordTriage(ctx context.Context, a *app.App, action vault.Action, triage, detail string, err error) {
	outcome, why := outcomeOf(err)
	c.audit(ctx, a, vault.Event{Action: action, Triage: triage, Outcome: outcome, Detail: cmp.Or(why, detail)})
}

// audit opens the vault and writes an event of this command. The command does not fail with it: its work is done.
func (c *cli) audit(ctx context.Context, a *app.App, e vault.Event) {
	opening, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
	defer cancel()
	if err := a.OpenVault(opening); err != nil {
		c.notAudited(err)
		return
	}
	c.auditIn(ctx, a.Vault, e)
}

// auditIn is audit for a command that has the vault open.
func (c *cli) auditIn(ctx context.Context, v *vault.Vault, e vault.Event) {
	recording, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
	defer cancel()
	e.Actor = c.actor()
	if err := v.Audit(recording, e); err != nil {
		c.notAudited(err)
	}
}

func (c *cli) notAudited(err error) { c.notef("note: this is not in the audit log: %v", err) }

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
