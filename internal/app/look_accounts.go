package app

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflow/v1"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// RunningAccounts is the visibility query for the Workflows that own accounts.
const RunningAccounts = "WorkflowType = '" + workflows.ConnectedAccountType + "' AND ExecutionStatus = 'Running'"

// LookAtAccounts returns every account that a Workflow owns, and those that the configuration names and nobody connected yet,
// in the order of their names. Each Workflow is asked, for no longer than patience; where no worker answers, its search
// attributes must do, and what the vault knows, where it is open.
func (a *App) LookAtAccounts(ctx context.Context, patience time.Duration) ([]gateway.AccountView, error) {
	running, err := a.Executions(ctx, RunningAccounts, 0)
	if err != nil {
		return nil, err
	}
	owned, err := a.askAccounts(ctx, running, patience)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(owned, a.unconnected(owned))
	slices.SortFunc(all, byName)
	return all, nil
}

func byName(x, y gateway.AccountView) int {
	return strings.Compare(x.Account.String(), y.Account.String())
}

// askAccounts asks the Workflows that own accounts, and leaves out all others.
func (a *App) askAccounts(ctx context.Context, running []*workflow.WorkflowExecutionInfo, patience time.Duration) ([]gateway.AccountView, error) {
	views := make([]gateway.AccountView, 0, len(running))
	var infos []*workflow.WorkflowExecutionInfo
	for _, info := range running {
		if account, ok := workflows.AccountOfWorkflow(info.GetExecution().GetWorkflowId()); ok {
			views = append(views, gateway.AccountView{
				AccountStatus: workflows.AccountStatus{Account: account}, WebUI: a.webUI(info.GetExecution().GetWorkflowId()),
			})
			infos = append(infos, info)
		}
	}
	// The first question without an answer stands for all: thousands of them would each wait for a worker that is not there.
	var deaf atomic.Bool
	err := Each(ctx, len(views), func(ctx context.Context, i int) error {
		if !deaf.Load() {
			status, err := a.askAccount(ctx, views[i].Account, patience)
			if err == nil {
				views[i].AccountStatus = status
				return nil
			}
			deaf.Store(!workflows.IsNotFound(err)) // that one ended meanwhile
		}
		views[i].AccountStatus, views[i].Stale = lastHeard(views[i].Account, infos[i]), true
		return ctx.Err()
	})
	if err == nil && slices.ContainsFunc(views, isStale) {
		a.addHeld(ctx, views)
	}
	return views, err
}

func isStale(v gateway.AccountView) bool { return v.Stale }

// addHeld adds what the vault says of accounts whose Workflow did not answer.
func (a *App) addHeld(ctx context.Context, views []gateway.AccountView) {
	if a.Vault == nil {
		return
	}
	held, err := a.Vault.Accounts(ctx)
	if err != nil {
		a.Log.WarnContext(ctx, "accounts are shown without what the vault knows of them", "error", err)
		return
	}
	known := make(map[credential.AccountID]vault.Summary, len(held))
	for _, summary := range held {
		known[summary.Account] = summary
	}
	for i := range views {
		v := &views[i]
		if s, ok := known[v.Account]; ok && v.Stale {
			v.Generation, v.Subject, v.Display, v.ExpiresAt = s.Generation, s.Subject, s.Display, s.ExpiresAt
		}
	}
}

func (a *App) askAccount(ctx context.Context, account credential.AccountID, patience time.Duration) (workflows.AccountStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return a.Workflows.Account(ctx, account)
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
func (a *App) unconnected(owned []gateway.AccountView) []gateway.AccountView {
	var missing []gateway.AccountView
	for _, account := range a.ConfiguredAccounts() {
		if slices.ContainsFunc(owned, func(s gateway.AccountView) bool { return s.Account == account }) {
			continue
		}
		connector, _ := a.Config().Connector(account.Connector)
		missing = append(missing, gateway.AccountView{AccountStatus: workflows.AccountStatus{
			Account: account, Provider: connector.ProviderID, Status: credential.Pending,
			Reason: "no Workflow owns it; connect it with: " + Remedy(account, credential.Pending),
		}})
	}
	return missing
}

// ConfiguredAccounts returns the accounts that triages and notices name, each once.
func (a *App) ConfiguredAccounts() []credential.AccountID {
	var accounts []credential.AccountID
	for _, name := range a.ConfiguredTriages() {
		t, _ := a.Config().Triage(name)
		for _, account := range t.Accounts() {
			if !slices.Contains(accounts, account) {
				accounts = append(accounts, account)
			}
		}
	}
	for _, account := range a.noticeAccounts() {
		if !slices.Contains(accounts, account) {
			accounts = append(accounts, account)
		}
	}
	return accounts
}

// ConfiguredTriages returns the names of the triages of the configuration, in order.
func (a *App) ConfiguredTriages() []string { return slices.Sorted(maps.Keys(a.Config().Triages)) }
