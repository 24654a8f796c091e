package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// person is whose accounts a command takes: "acme/jane", or "jane" where one organization only has a user of that name.
type person struct{ organization, user string }

func parsePerson(text string) (person, error) {
	organization, user, both := strings.Cut(text, "/")
	if !both {
		organization, user = "any", text
	}
	id, err := credential.ParseAccountID(organization + "/" + user + "/any")
	if err != nil || id.User != user {
		return person{}, usage(fmt.Sprintf("--user %q: want USER or ORGANIZATION/USER", text), "for example --user jane or --user acme/jane")
	}
	if !both {
		organization = ""
	}
	return person{organization: organization, user: user}, nil
}

func (p person) String() string {
	if p.organization == "" {
		return p.user
	}
	return p.organization + "/" + p.user
}

// of returns the accounts that are the person's, in order and each once. Users of two organizations that share a name
// are two people.
func (p person) of(accounts []credential.AccountID) ([]credential.AccountID, error) {
	var theirs []credential.AccountID
	var organizations []string
	for _, account := range accounts {
		if account.User == p.user && (p.organization == "" || account.Organization == p.organization) {
			theirs, organizations = append(theirs, account), append(organizations, account.Organization)
		}
	}
	slices.Sort(organizations)
	if organizations = slices.Compact(organizations); len(organizations) > 1 {
		return nil, usage(fmt.Sprintf("there is a user %s in %s", p.user, strings.Join(organizations, " and in ")),
			"say which: --user "+organizations[0]+"/"+p.user)
	}
	slices.SortFunc(theirs, func(x, y credential.AccountID) int { return strings.Compare(x.String(), y.String()) })
	return slices.Compact(theirs), nil
}

// departure is what became of one account of a person who leaves.
type departure struct {
	Account credential.AccountID `json:"account"`
	Status  credential.Status    `json:"status,omitempty"` // absent where the account did not say
	Reason  string               `json:"reason,omitempty"`
}

type departures struct {
	Accounts []departure `json:"accounts"`
}

// leave disconnects all accounts of a person. A failure does not stop the others.
func (c *cli) leave(ctx context.Context, who person, how leaving) error {
	if err := c.askable(how.yes); err != nil {
		return err
	}
	return c.withTemporal(ctx, func(a *app.App) error {
		accounts, err := c.accountsOf(ctx, a, who)
		if err != nil {
			return err
		}
		if len(accounts) == 0 {
			return c.leftBefore(ctx, a, who)
		}
		if !how.yes {
			if err := c.confirm(lines(accounts) + "\n" + how.question("these accounts")); err != nil {
				return err
			}
		}
		results := make([]departure, len(accounts))
		err = app.Each(ctx, len(accounts), func(ctx context.Context, i int) error {
			results[i] = c.depart(ctx, a, accounts[i], how)
			return nil
		})
		if err != nil {
			return err
		}
		for _, r := range results {
			outcome := vault.Done
			if r.Status != credential.Disconnected {
				outcome = vault.Failed
			}
			c.record(ctx, a, vault.Disconnect, r.Account, outcome, "all accounts of "+who.String()+" "+r.Reason)
		}
		return c.tellDepartures(who, results)
	})
}

func lines(accounts []credential.AccountID) string {
	var b strings.Builder
	for _, account := range accounts {
		b.WriteString("  " + account.String() + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// accountsOf returns the accounts that a Workflow owns, and those whose tokens are in the vault without one.
func (c *cli) accountsOf(ctx context.Context, a *app.App, who person) ([]credential.AccountID, error) {
	all, err := accountWorkflows(ctx, a, app.RunningAccounts)
	if err != nil {
		return nil, err
	}
	kept, err := c.keptAccounts(ctx, a)
	if err != nil {
		c.notef("note: the vault does not open here (%v), so tokens in it that no Workflow owns are not looked for", err)
	}
	return who.of(slices.Concat(all, kept))
}

// accountWorkflows returns the accounts whose Workflows a visibility query finds.
func accountWorkflows(ctx context.Context, a *app.App, query string) ([]credential.AccountID, error) {
	found, err := a.Executions(ctx, query, 0)
	if err != nil {
		return nil, err
	}
	var accounts []credential.AccountID
	for _, info := range found {
		if account, ok := workflows.AccountOfWorkflow(info.GetExecution().GetWorkflowId()); ok {
			accounts = append(accounts, account)
		}
	}
	return accounts, nil
}

// keptAccounts returns the accounts that have tokens in the vault.
func (c *cli) keptAccounts(ctx context.Context, a *app.App) ([]credential.AccountID, error) {
	if err := a.OpenVault(ctx); err != nil {
		return nil, err
	}
	summaries, err := a.Vault.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	accounts := make([]credential.AccountID, len(summaries))
	for i, s := range summaries {
		accounts[i] = s.Account
	}
	return accounts, nil
}

// depart ends one account. Tokens without an owner get one first: only an owner may revoke.
func (c *cli) depart(ctx context.Context, a *app.App, account credential.AccountID, how leaving) departure {
	asking, cancel := context.WithTimeout(ctx, disconnectPatience)
	defer cancel()
	err := a.Workflows.Connect(asking, account)
	var status workflows.AccountStatus
	if err == nil {
		status, err = c.disconnect(ctx, a, account, how)
	}
	switch {
	case err != nil:
		return departure{Account: account, Reason: err.Error()}
	case status.Status != credential.Disconnected:
		return departure{Account: account, Status: status.Status, Reason: status.Warning}
	}
	reason := ""
	if status.Unrevoked != "" {
		reason = "not revoked at the provider, remove the app's access there: " + status.Unrevoked
	}
	return departure{Account: account, Status: status.Status, Reason: reason}
}

func (c *cli) tellDepartures(who person, results []departure) error {
	failed, rows := 0, make([][]string, len(results))
	for i, r := range results {
		if r.Status != credential.Disconnected {
			failed++
		}
		rows[i] = []string{r.Account.String(), string(r.Status), r.Reason}
	}
	err := c.print(departures{Accounts: results}, func(w io.Writer) { table(w, []string{"ACCOUNT", "STATUS", "REASON"}, rows) })
	if err == nil && failed > 0 {
		err = failf("make sure that a worker runs (make run) and mend what the reasons say, then do it again: it is safe to repeat",
			"%d of %d accounts of user %s are not disconnected", failed, len(results), who)
	}
	return err
}

// leftBefore distinguishes a person who has left from one who never existed: a mistyped name must not look like a
// success.
func (c *cli) leftBefore(ctx context.Context, a *app.App, who person) error {
	ended, err := accountWorkflows(ctx, a, "WorkflowType = '"+workflows.ConnectedAccountType+"'")
	if err != nil {
		return err
	}
	theirs, err := who.of(ended)
	if err != nil {
		return err
	}
	if len(theirs) == 0 {
		return failf("see which accounts there are: tokenkeeper account list", "user %s: no account is known", who)
	}
	return c.print(departures{Accounts: []departure{}}, func(w io.Writer) { fmt.Fprintf(w, "user %s has no accounts any more\n", who) })
}
