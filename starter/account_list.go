package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/workflow/v1"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/workflows"
)

// runningAccounts is the visibility query for the Workflows that own accounts.
const runningAccounts = "WorkflowType = '" + workflows.ConnectedAccountType + "' AND ExecutionStatus = 'Running'"

func statuses() []credential.Status {
	return []credential.Status{
		credential.Pending, credential.Active, credential.Degraded, credential.ReauthorizationRequired,
		credential.ClientMisconfigured, credential.Disconnected,
	}
}

// listedAccount is one line of the list.
type listedAccount struct {
	workflows.AccountStatus
	// Stale says that no worker answered: this is what the Workflow's search attributes said last.
	Stale bool `json:"stale,omitempty"`
}

type accountList struct {
	Accounts []listedAccount `json:"accounts"`
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
			if only != "" && !slices.Contains(statuses(), credential.Status(only)) {
				return usage(fmt.Sprintf("--status %q is no status", only), fmt.Sprint("one of ", statuses()))
			}
			return c.listAccounts(cmd.Context(), credential.Status(only))
		},
	}
	cmd.Flags().StringVar(&only, "status", "", "only accounts of this `status`")
	if err := cmd.RegisterFlagCompletionFunc("status", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words(statuses()), cobra.ShellCompDirectiveNoFileComp
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
		accounts, err := c.accounts(ctx, a)
		if err != nil {
			return err
		}
		accounts = slices.DeleteFunc(accounts, func(s listedAccount) bool { return only != "" && s.Status != only })
		if slices.ContainsFunc(accounts, func(s listedAccount) bool { return s.Stale }) {
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

func tellAccounts(w io.Writer, now time.Time, accounts []listedAccount) {
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

// accounts returns all accounts in the order of their names.
func (c *cli) accounts(ctx context.Context, a *app.App) ([]listedAccount, error) {
	running, err := executions(ctx, a, runningAccounts, 0)
	if err != nil {
		return nil, err
	}
	owned := make([]listedAccount, 0, len(running))
	var infos []*workflow.WorkflowExecutionInfo
	for _, info := range running {
		if account, ok := workflows.AccountOfWorkflow(info.GetExecution().GetWorkflowId()); ok {
			owned, infos = append(owned, listedAccount{AccountStatus: workflows.AccountStatus{Account: account}}), append(infos, info)
		}
	}
	// The first question without an answer stands for all: thousands of them would each wait for a worker that is not there.
	var deaf atomic.Bool
	err = each(ctx, len(owned), func(ctx context.Context, i int) error {
		if !deaf.Load() {
			status, err := c.ask(ctx, a, owned[i].Account)
			if err == nil {
				owned[i].AccountStatus = status
				return nil
			}
			deaf.Store(true)
		}
		owned[i].AccountStatus, owned[i].Stale = lastHeard(owned[i].Account, infos[i]), true
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	all := slices.Concat(owned, unconnected(a, owned))
	slices.SortFunc(all, func(x, y listedAccount) int { return strings.Compare(x.Account.String(), y.Account.String()) })
	return all, nil
}

// lastHeard returns what the search attributes of an account's Workflow say.
func lastHeard(account credential.AccountID, info *workflow.WorkflowExecutionInfo) workflows.AccountStatus {
	s := workflows.AccountStatus{Account: account, Status: credential.Pending}
	searchAttribute(info.GetSearchAttributes(), workflows.AccountStatusKey.GetName(), &s.Status)
	searchAttribute(info.GetSearchAttributes(), workflows.AccountProviderKey.GetName(), &s.Provider)
	searchAttribute(info.GetSearchAttributes(), workflows.TokenExpiresAtKey.GetName(), &s.ExpiresAt)
	return s
}

// unconnected returns the accounts that a triage needs and no Workflow owns.
func unconnected(a *app.App, owned []listedAccount) []listedAccount {
	var missing []listedAccount
	for _, account := range configuredAccounts(a) {
		if slices.ContainsFunc(owned, func(s listedAccount) bool { return s.Account == account }) {
			continue
		}
		connector, _ := a.Config.Connector(account.Connector)
		missing = append(missing, listedAccount{AccountStatus: workflows.AccountStatus{
			Account: account, Provider: connector.ProviderID, Status: credential.Pending,
			Reason: "no Workflow owns it; connect it with: " + app.Remedy(account, credential.Pending),
		}})
	}
	return missing
}

// configuredAccounts returns the accounts that triages name, each once.
func configuredAccounts(a *app.App) []credential.AccountID {
	var accounts []credential.AccountID
	for _, name := range triageNames(a) {
		t, _ := a.Config.Triage(name)
		for _, account := range []credential.AccountID{t.Slack, t.GitHub} {
			if !slices.Contains(accounts, account) {
				accounts = append(accounts, account)
			}
		}
	}
	return accounts
}
