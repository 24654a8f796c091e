package provider_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/provider"
)

func override(t *testing.T, id string, e provider.Endpoints, vars map[string]string) provider.Provider {
	t.Helper()
	p, err := entry(t, id).Override(e, vars)
	require.NoError(t, err)
	return p
}

func TestOverrideNothing(t *testing.T) {
	assert.Equal(t, entry(t, "slack"), override(t, "slack", provider.Endpoints{}, nil))
}

func TestOverrideGovSlack(t *testing.T) {
	p := override(t, "slack", provider.Endpoints{
		Authorize: "https://slack-gov.com/oauth/v2/authorize",
		API:       "https://slack-gov.com/api",
	}, nil)
	assert.Equal(t, provider.Endpoints{
		Authorize: "https://slack-gov.com/oauth/v2/authorize",
		Token:     "https://slack-gov.com/api/oauth.v2.access",
		Revoke:    "https://slack-gov.com/api/auth.revoke",
		Identity:  "https://slack-gov.com/api/auth.test",
		API:       "https://slack-gov.com/api/",
	}, p.Endpoints)
	assert.Equal(t, []string{"slack-gov.com"}, p.API.Hosts, "hosts of the other installation are dropped")
}

func TestOverrideGitHubEnterpriseServer(t *testing.T) {
	p := override(t, "github-app", provider.Endpoints{
		Authorize: "https://ghe.example.com/login/oauth/authorize",
		Token:     "https://ghe.example.com/login/oauth/access_token",
		API:       "https://ghe.example.com/api/v3/",
	}, nil)
	assert.Equal(t, "https://ghe.example.com/api/v3/user", p.Endpoints.Identity)
	assert.Equal(t, "https://ghe.example.com/api/v3/applications/{client_id}/grant", p.Endpoints.Revoke)
	assert.Equal(t, []string{"ghe.example.com"}, p.API.Hosts)
}

func TestOverrideTestDouble(t *testing.T) {
	p := override(t, "zendesk", provider.Endpoints{
		Authorize: "http://127.0.0.1:9/a", Token: "http://127.0.0.1:9/t", Identity: "http://127.0.0.1:10/i", API: "http://127.0.0.1:9/api/",
	}, nil)
	assert.Equal(t, []string{"127.0.0.1:9", "127.0.0.1:10"}, p.API.Hosts, "no variables are needed where every endpoint is named")
}

func TestOverrideKeepsListedHostsOfTheSameInstallation(t *testing.T) {
	p := override(t, "slack", provider.Endpoints{API: "https://slack.com:443/api/v9"}, nil)
	assert.Equal(t, []string{"slack.com", "files.slack.com"}, p.API.Hosts)
}

func TestOverrideFillsVariables(t *testing.T) {
	p := override(t, "zendesk", provider.Endpoints{}, map[string]string{"subdomain": "acme"})
	assert.Equal(t, "https://acme.zendesk.com/oauth/tokens", p.Endpoints.Token)
	assert.Equal(t, []string{"acme.zendesk.com"}, p.API.Hosts)
	assert.Empty(t, p.Variables())

	own := override(t, "github-app", provider.Endpoints{API: "https://{host}/api/v3"}, map[string]string{"host": "ghe.example.com"})
	assert.Equal(t, "https://ghe.example.com/api/v3/user", own.Endpoints.Identity, "a connector's endpoint may hold variables too")
}

func TestOverrideErrors(t *testing.T) {
	for _, c := range []struct {
		name, id string
		e        provider.Endpoints
		vars     map[string]string
		want     string
	}{
		{"no value", "zendesk", provider.Endpoints{}, nil, `provider "zendesk": {subdomain} in its endpoints has no value: set variables.subdomain of the connector`},
		{"unknown variable", "zendesk", provider.Endpoints{}, map[string]string{"sub_domain": "acme"}, `variables.sub_domain: no endpoint holds {sub_domain}; its variables are: subdomain`},
		{"no variables", "slack", provider.Endpoints{}, map[string]string{"team": "acme"}, `variables.team: no endpoint holds {team}; remove it, this provider has no variables`},
		{"client id", "github-app", provider.Endpoints{}, map[string]string{"client_id": "x"}, `variables.client_id: it is filled from the connector's client_id`},
		{"another host", "zendesk", provider.Endpoints{}, map[string]string{"subdomain": "evil.example/"}, `variables.subdomain: want letters`},
		{"userinfo", "zendesk", provider.Endpoints{}, map[string]string{"subdomain": "me@evil"}, `variables.subdomain: want letters`},
		{"empty value", "zendesk", provider.Endpoints{}, map[string]string{"subdomain": ""}, `variables.subdomain: want letters`},
		{"http", "slack", provider.Endpoints{API: "http://slack.example.com/api/"}, nil, `endpoints.api: tokens travel here: use https`},
		{"no URL", "slack", provider.Endpoints{Token: "slack.example.com"}, nil, `endpoints.token: want a full URL`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := entry(t, c.id).Override(c.e, c.vars)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestMayReceiveToken(t *testing.T) {
	github := entry(t, "github-app")
	double := override(t, "slack", provider.Endpoints{Authorize: "http://127.0.0.1:9/a", API: "http://127.0.0.1:9/api"}, nil)
	port := override(t, "slack", provider.Endpoints{API: "https://Slack.example.com:8443/api"}, nil)
	plain := override(t, "slack", provider.Endpoints{API: "http://localhost/api"}, nil)
	written := github
	written.API.Hosts = []string{"UPLOADS.github.com:443"}
	for _, c := range []struct {
		p    provider.Provider
		url  string
		want bool
	}{
		{github, "https://api.github.com/repos/acme/app/issues", true},
		{github, "https://API.github.com:443/user", true},
		{github, "https://uploads.github.com/", true},
		{github, "https://github.com/login/oauth/access_token", false},
		{github, "http://api.github.com/user", false},
		{github, "https://api.github.com:8443/user", false},
		{github, "https://api.github.com.evil.example/user", false},
		{github, "https://evil.example/api.github.com", false},
		{github, "https://api.github.com@evil.example/", false},
		{github, "https://me@api.github.com/", false},
		{github, "ftp://api.github.com/", false},
		{github, "/user", false},
		{written, "https://uploads.github.com/x", true},
		{double, "http://127.0.0.1:9/api/auth.test", true},
		{double, "http://127.0.0.1:10/api/auth.test", false},
		{double, "https://slack.com/api/auth.test", false},
		{double, "https://files.slack.com/x", false},
		{port, "https://slack.example.com:8443/api/x", true},
		{port, "https://slack.example.com/api/x", false},
		{plain, "http://localhost:80/api/x", true},
		{plain, "http://localhost:81/api/x", false},
		{entry(t, "zendesk"), "https://acme.zendesk.com/", false},
	} {
		u, err := url.Parse(c.url)
		require.NoError(t, err)
		assert.Equal(t, c.want, c.p.MayReceiveToken(u), c.url)
	}
	assert.False(t, github.MayReceiveToken(nil))
}
