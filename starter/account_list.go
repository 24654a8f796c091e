package main

import (
	"context"
	"fmt"
	"io"
	"maps"
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
	var only, connector string
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List all accounts with their state",
		Long: `List every account that a Workflow owns, and those that a triage of the configuration names and nobody connected
yet. Each Workflow is asked; where no worker answers, the list shows what Temporal's visibility knew last, and says so.`,
		Example: `  tokenkeeper account list
  tokenkeeper account list --status reauthorization_required --json
  tokenkeeper account list --connector slack`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if only != "" && !slices.Contains(credential.Statuses(), credential.Status(only)) {
				return usage(fmt.Sprintf("--status %q is no status", only), fmt.Sprint("one of ", credential.Statuses()))
			}
			return c.listAccounts(cmd.Context(), credential.Status(only), connector)
		},
	}
	cmd.Flags().StringVar(&only, "status", "", "only accounts of this `status`")
	if err := cmd.RegisterFlagCompletionFunc("status", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words(credential.Statuses()), cobra.ShellCompDirectiveNoFileComp
	}); err != nil {
		panic(err) // the flag is defined three lines above
	}
	cmd.Flags().StringVar(&connector, "connector", "", "only accounts of this connector, by its `NAME` in the configuration")
	if err := cmd.RegisterFlagCompletionFunc("connector", func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return c.complete(begun, func(a *app.App) []string { return slices.Collect(maps.Keys(a.Config().Connectors)) })
	}); err != nil {
		panic(err) // the flag is defined a line above
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

func (c *cli) listAccounts(ctx context.Context, only credential.Status, connector string) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		accounts, err := a.LookAtAccounts(ctx, c.timeout)
		if err != nil {
			return err
		}
		accounts = slices.DeleteFunc(accounts, func(s gateway.AccountView) bool {
			return only != "" && s.Status != only || connector != "" && s.Account.Connector != connector
		})
		if slices.ContainsFunc(accounts, func(s gateway.AccountView) bool { return s.Stale }) {
			c.notef("note: no worker answered for some accounts, and they are shown as Temporal last heard of them; fix: make run")
		}
		return c.print(accountList{Accounts: orEmpty(accounts)}, func(w io.Writer) {
			switch {
			case len(accounts) > 0:
			case only != "" && connector != "":
				fmt.Fprintf(w, "no account of connector %s is %s\n", connector, only)
				return
			case only != "":
				fmt.Fprintf(w, "no account is %s\n", only)
				return
			case connector != "":
				fmt.Fprintf(w, "connector %s has no accounts\n", connector)
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
