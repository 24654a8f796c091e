package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/internal/app"
)

type accountList struct {
	Accounts []gateway.AccountView `json:"accounts"`
}

func newAccountList(c *cli) *cobra.Command {
	var only string
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List all accounts with their state",
		Long: `List every account that a Workflow owns, and those that a triage of the configuration names and nobody connected
yet. Each Workflow is asked; where no worker answers, the list shows what Temporal's visibility knew last, and says so.`,
		Example: `  tokenkeeper account list
  tokenkeeper account list --status reauthorization_required --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if only != "" && !slices.Contains(credential.Statuses(), credential.Status(only)) {
				return usage(fmt.Sprintf("--status %q is no status", only), fmt.Sprint("one of ", credential.Statuses()))
			}
			return c.listAccounts(cmd.Context(), credential.Status(only))
		},
	}
	cmd.Flags().StringVar(&only, "status", "", "only accounts of this `status`")
	if err := cmd.RegisterFlagCompletionFunc("status", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words(credential.Statuses()), cobra.ShellCompDirectiveNoFileComp
	}); err != nil {
		panic(err) // the flag is defined three lines above
	}
	return cmd
}

func words[T ~string](values []T) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return texts
}

func (c *cli) listAccounts(ctx context.Context, only credential.Status) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		accounts, err := a.LookAtAccounts(ctx, c.timeout)
		if err != nil {
			return err
		}
		accounts = slices.DeleteFunc(accounts, func(s gateway.AccountView) bool { return only != "" && s.Status != only })
		if slices.ContainsFunc(accounts, func(s gateway.AccountView) bool { return s.Stale }) {
			c.notef("note: no worker answered for some accounts, and they are shown as Temporal last heard of them; fix: make run")
		}
		return c.print(accountList{Accounts: orEmpty(accounts)}, func(w io.Writer) {
			if only != "" && len(accounts) == 0 {
				fmt.Fprintf(w, "no account is %s\n", only)
				return
			}
			tellAccounts(w, time.Now(), accounts)
		})
	})
}

func tellAccounts(w io.Writer, now time.Time, accounts []gateway.AccountView) {
	if len(accounts) == 0 {
		fmt.Fprintln(w, "no accounts; connect one with: tokenkeeper account connect ORGANIZATION/USER/CONNECTOR")
		return
	}
	rows := make([][]string, len(accounts))
	for i, s := range accounts {
		status := string(s.Status)
		if s.Stale {
			status += " (?)"
		}
		rows[i] = []string{
			s.Account.String(), s.Provider, status, relative(now, s.Since), expiry(now, s.AccountStatus),
			relative(now, s.NextRefresh), positive(s.Waiting), s.Reason,
		}
	}
	table(w, []string{"ACCOUNT", "PROVIDER", "STATUS", "SINCE", "EXPIRES", "NEXT REFRESH", "WAITING", "REASON"}, rows)
}
