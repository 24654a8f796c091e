package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

func newAccountAccept(c *cli) *cobra.Command {
	var subject string
	cmd := accountCommand(c, &cobra.Command{
		Use:   "accept",
		Short: "Have an account take a consent that does not fit it",
		Long: `A consent of another subject than the account's, or with fewer scopes than it had, is put into quarantine: its tokens
are sealed and used by nobody, and after 72 hours they are revoked, where that ends nothing else, and destroyed. A provider
that is away is asked until it has taken them back.

Without --subject the command shows what is in quarantine and how it differs. With --subject, which has to be the one that
consented, the account takes it: it belongs to that subject from then on, with those scopes. The grant of another subject
that it had until then is revoked; a provider that is away is asked until it has done so, and account show says so meanwhile.
Another consent for the account, whoever gives it, voids what is in quarantine.`,
		Example: `  tokenkeeper account accept acme/triage/github
  tokenkeeper account accept acme/triage/github --subject 583231`,
	}, func(ctx context.Context, account credential.AccountID) error {
		return c.acceptAccount(ctx, account, credential.Subject(subject))
	})
	cmd.Flags().StringVar(&subject, "subject", "", "whose consent to take: the `SUBJECT` that the command shows without this flag")
	return cmd
}

func newAccountReject(c *cli) *cobra.Command {
	return accountCommand(c, &cobra.Command{
		Use:   "reject",
		Short: "Destroy a consent that does not fit an account",
		Long: `Destroy what an account has in quarantine now, instead of after 72 hours: its tokens are revoked, where that ends
nothing else, and destroyed. A provider that is away is asked until it has taken them back, and account show says so
meanwhile. The account keeps what it has.`,
		Example: `  tokenkeeper account reject acme/triage/github`,
	}, c.rejectAccount)
}

func (c *cli) acceptAccount(ctx context.Context, account credential.AccountID, subject credential.Subject) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		status, err := c.ask(ctx, a, account)
		if err != nil {
			return err
		}
		q := status.Quarantine
		switch {
		case q == nil:
			return nothingInQuarantine(account)
		case subject == "":
			return c.print(status, func(w io.Writer) {
				tellQuarantine(w, time.Now(), status)
				fmt.Fprintf(w, "\nto take it: tokenkeeper account accept %s --subject %s\n", account, printable(string(q.Got.Subject)))
				fmt.Fprintf(w, "to destroy it: tokenkeeper account reject %s\n", account)
			})
		case subject != q.Got.Subject:
			return failf("look again with: tokenkeeper account accept "+account.String(),
				"--subject %s: what account %s has in quarantine is of %s", printable(string(subject)), account, printable(q.Got.String()))
		}
		return c.accept(ctx, a, account, *q)
	})
}

func (c *cli) accept(ctx context.Context, a *app.App, account credential.AccountID, q credential.Quarantine) error {
	asking, cancel := context.WithTimeout(ctx, refreshPatience)
	defer cancel()
	after, err := a.Workflows.Accept(asking, account, q)
	outcome, detail := outcomeOf(err)
	c.record(ctx, a, vault.Accepted, account, outcome, strings.TrimSpace(string(q.Got.Subject)+" "+detail))
	if err != nil {
		return c.explainAsked(ctx, account, err)
	}
	return c.print(after, func(w io.Writer) {
		fmt.Fprintf(w, "account %s is %s as %s\n", after.Account, after.Status, printable(connectedAs(after)))
		for _, r := range after.Replaced {
			fmt.Fprintf(w, "  %s is being revoked at the provider\n", printable(r.String()))
		}
	})
}

func (c *cli) rejectAccount(ctx context.Context, account credential.AccountID) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		status, err := c.ask(ctx, a, account)
		if err != nil {
			return err
		}
		q := status.Quarantine
		if q == nil {
			return nothingInQuarantine(account)
		}
		asking, cancel := context.WithTimeout(ctx, rejectPatience)
		defer cancel()
		after, err := a.Workflows.Reject(asking, account, q.Authorization)
		outcome, detail := outcomeOf(err)
		if err == nil && isLeftToRevoke(after, *q) {
			detail = "to be revoked"
		}
		c.record(ctx, a, vault.Rejected, account, outcome, strings.TrimSpace(string(q.Got.Subject)+" "+detail))
		if err != nil {
			return c.explainAsked(ctx, account, err)
		}
		return c.print(after, func(w io.Writer) { tellRejected(w, after, *q) })
	})
}

// isLeftToRevoke reports whether the provider has yet to take back what was in quarantine.
func isLeftToRevoke(s workflows.AccountStatus, q credential.Quarantine) bool {
	return slices.ContainsFunc(s.Replaced, func(r credential.Replaced) bool { return r.Authorization == q.Authorization })
}

func tellRejected(w io.Writer, after workflows.AccountStatus, q credential.Quarantine) {
	if isLeftToRevoke(after, q) {
		fmt.Fprintf(w, "the consent of %s for account %s is void; its tokens are kept, sealed, until the provider has revoked them\n"+
			"  look with: tokenkeeper account show %s\n", printable(q.Got.String()), after.Account, after.Account)
		return
	}
	fmt.Fprintf(w, "the consent of %s for account %s is destroyed\n", printable(q.Got.String()), after.Account)
	if after.Warning != "" {
		fmt.Fprintf(w, "  %s\n", printable(after.Warning))
	}
}

// rejectPatience is longer than the account waits for its provider.
const rejectPatience = time.Minute

func nothingInQuarantine(account credential.AccountID) error {
	return failf("look with: tokenkeeper account show "+account.String(), "account %s has nothing in quarantine", account)
}

// tellQuarantine says how the consent in quarantine differs; nothing where there is none.
func tellQuarantine(w io.Writer, now time.Time, s workflows.AccountStatus) {
	q := s.Quarantine
	if q == nil {
		return
	}
	fmt.Fprint(w, "\nin quarantine: a consent that does not fit\n")
	facts := []fact{}
	for _, d := range q.Differences() {
		facts = append(facts, fact{strings.ToLower(d.Name), d.Value})
	}
	details(w, append(facts, fact{"since", relative(now, q.Since)}, fact{"destroyed", relative(now, q.Until)}))
}
