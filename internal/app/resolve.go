package app

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/connector"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

var (
	_ activities.Connections = (*App)(nil)
	_ activities.APIs        = (*App)(nil)
	_ activities.Plans       = (*App)(nil)
)

// Connection returns the connector of an account.
func (a *App) Connection(account credential.AccountID) (activities.Connection, error) {
	current := a.current.Load()
	c, err := current.config.ConnectorOf(account)
	if err != nil {
		return activities.Connection{}, err
	}
	return activities.Connection{
		Provider: c.Provider, OAuth: current.clients[c.Name], Grant: c.Grant, Scopes: c.Scopes, Timeout: c.Timeout,
		TokenRate: c.TokenRate, ValidateEvery: c.ValidateEvery,
	}, nil
}

// API returns an HTTP client that carries the account's token, and the base URL of its API. The vault must be open.
func (a *App) API(account credential.AccountID) (activities.API, error) {
	if a.Vault == nil {
		return activities.API{}, errVaultClosed
	}
	c, err := a.Config().ConnectorOf(account)
	if err != nil {
		return activities.API{}, err
	}
	base, err := url.Parse(strings.TrimSuffix(c.Provider.Endpoints.API, "/") + "/")
	if err != nil {
		return activities.API{}, fmt.Errorf("connector %s: endpoints.api: %w", c.Name, err)
	}
	return activities.API{
		Base: base,
		HTTP: &http.Client{Transport: &connector.Transport{
			Account: account, Provider: c.Provider, Tokens: a.cache, Owner: a.Workflows, Flights: &a.flights, Base: a.base,
			Timeout: c.Timeout,
		}},
	}, nil
}

// Slack returns the Activities that read from and write to Slack, for whatever agent. All of one process read within one budget.
func (a *App) Slack() *activities.Slack {
	return &activities.Slack{APIs: a, Plans: a, Models: a, Reading: a.reading}
}

// Plan returns a triage as the configuration has it.
func (a *App) Plan(name string) (activities.Plan, error) {
	c := a.Config()
	t, ok := c.Triage(name)
	if !ok {
		known := slices.Sorted(maps.Keys(c.Triages))
		return activities.Plan{}, fmt.Errorf("triage %q is not in %s; there are: %s", name, c.Path, strings.Join(known, ", "))
	}
	plan := activities.Plan{
		Triage: name, Slack: t.Slack, GitHub: t.GitHub, PollInterval: t.PollInterval, Lookback: t.Lookback, Since: t.Since, Follow: t.Follow,
		Threshold: t.Threshold, Logins: t.Logins,
	}
	for _, r := range t.Routes {
		if r.GitHub == t.GitHub {
			r.GitHub = credential.AccountID{}
		}
		var propose *triage.Proposal
		if r.Mode == config.ModePropose {
			propose = &r.Propose
		}
		plan.Routes = append(plan.Routes, triage.Route{
			Channel: r.Channel, Repository: r.Repository, GitHub: r.GitHub, Labels: r.Labels, SeverityLabels: r.SeverityLabels,
			Match:           triage.Match{Patterns: r.Match.Patterns, Components: r.Match.Components, Reporters: t.Members(r.Match.Teams)},
			ComponentLabels: r.ComponentLabels,
			Assignees:       r.Assignees, AssignReporter: r.AssignReporter, Milestone: r.Milestone, Type: r.IssueType,
			Template: r.Template, When: r.When, Propose: propose, DryRun: r.DryRun,
		})
	}
	return plan, nil
}
