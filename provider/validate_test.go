package provider_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/provider"
)

func TestValidateNamesFieldAndFix(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(p *provider.Provider)
		want  string
	}{
		{"id", func(p *provider.Provider) { p.ID = "My Provider" }, `provider "My Provider": id: want 1 to 64 of`},
		{"name", func(p *provider.Provider) { p.Name = " " }, `name: is missing`},
		{"authorize missing", func(p *provider.Provider) { p.Endpoints.Authorize = "" }, `endpoints.authorize: is missing; write the URL`},
		{"token missing", func(p *provider.Provider) { p.Endpoints.Token = "" }, `endpoints.token: is missing`},
		{"identity missing", func(p *provider.Provider) { p.Endpoints.Identity = "" }, `endpoints.identity: is missing`},
		{"revoke missing", func(p *provider.Provider) { p.Endpoints.Revoke = "" }, `endpoints.revoke: is missing`},
		{"relative", func(p *provider.Provider) { p.Endpoints.Token = "/oauth/token" }, `endpoints.token: want a full URL`},
		{"http", func(p *provider.Provider) { p.Endpoints.Token = "http://example.com/token" }, `endpoints.token: tokens travel here: use https`},
		{"userinfo", func(p *provider.Provider) { p.Endpoints.Token = "https://me:pw@example.com/" }, `endpoints.token: holds a user name or password`},
		{"fragment", func(p *provider.Provider) { p.Endpoints.Authorize = "https://example.com/#top" }, `endpoints.authorize: holds a fragment`},
		{"issuer in clear", func(p *provider.Provider) { p.Authorization.Issuer = "http://example.com" }, `authorization.issuer: `},
		{"issuer with a query", func(p *provider.Provider) { p.Authorization.Issuer = "https://example.com/?a=b" }, `authorization.issuer: holds a query`},
		{"placeholder", func(p *provider.Provider) { p.Endpoints.API = "https://{Sub Domain}.example.com/" }, `endpoints.api: a placeholder is written {name}`},
		{"authentication missing", func(p *provider.Provider) { p.ClientAuthentication = "" }, `client_authentication: is missing; write client_secret_basic`},
		{"authentication unknown", func(p *provider.Provider) { p.ClientAuthentication = "auto" }, `client_authentication: "auto" is unknown`},
		{"reserved authorize parameter", func(p *provider.Provider) { p.Authorization.Parameters = map[string]string{"state": "1"} }, `authorization.parameters.state: is set by the protocol`},
		{"reserved scope parameter", func(p *provider.Provider) {
			p.Authorization.ScopeParameter = "user_scope"
			p.Authorization.Parameters = map[string]string{"user_scope": "x"}
		}, `authorization.parameters.user_scope: is set by the protocol`},
		{"reserved refresh parameter", func(p *provider.Provider) { p.Token.RefreshParameters = map[string]string{"refresh_token": "x"} }, `token.refresh_parameters.refresh_token: is set by the protocol`},
		{"reserved exchange parameter", func(p *provider.Provider) { p.Token.ExchangeParameters = map[string]string{"code": "x"} }, `token.exchange_parameters.code: is set by the protocol`},
		{"rotation", func(p *provider.Provider) { p.Token.Rotation = "sometimes" }, `token.rotation: "sometimes" is unknown`},
		{"grace", func(p *provider.Provider) { p.Token.Rotation, p.Token.Grace = provider.RotationStatic, time.Minute }, `token.grace: has a meaning with rotation grace only`},
		{"negative", func(p *provider.Provider) { p.Token.Lifetime = -time.Hour }, `token.lifetime: is negative`},
		{"error style", func(p *provider.Provider) { p.Errors.Style = "xml" }, `errors.style: "xml" is unknown`},
		{"code twice", func(p *provider.Provider) { p.Errors.Transient = append(p.Errors.Transient, "token_revoked") }, `errors.transient: "token_revoked" is listed under dead_grant already`},
		{"empty code", func(p *provider.Provider) { p.Errors.Malformed = []string{""} }, `errors.malformed: lists an empty code`},
		{"identity method", func(p *provider.Provider) { p.Identity.Method = "PUT" }, `identity.method: "PUT" is not supported`},
		{"subject", func(p *provider.Provider) { p.Identity.Subject = "always the same" }, `identity.subject: names no field`},
		{"revocation style missing", func(p *provider.Provider) { p.Revocation.Style = "" }, `revocation.style: is missing beside endpoints.revoke`},
		{"revocation style", func(p *provider.Provider) { p.Revocation.Style = "hope" }, `revocation.style: "hope" is unknown`},
		{"revocation authentication", func(p *provider.Provider) { p.Revocation.ClientAuthentication = "auto" }, `revocation.client_authentication: "auto" is unknown`},
		{"grant", func(p *provider.Provider) { p.Grants = []provider.Grant{"password"} }, `grants: "password" is unknown; write authorization_code`},
		{"grant twice", func(p *provider.Provider) {
			p.Grants = []provider.Grant{provider.GrantAuthorizationCode, provider.GrantAuthorizationCode}
		}, `grants: authorization_code stands there twice`},
		{"client credentials without a secret", func(p *provider.Provider) {
			p.Grants, p.ClientAuthentication = []provider.Grant{provider.GrantClientCredentials}, provider.ClientPublic
		}, `client_authentication: client credentials prove nothing with none`},
		{"installation without a place", func(p *provider.Provider) { p.Grants = []provider.Grant{provider.GrantGitHubInstallation} }, `endpoints.token: does not hold {installation_id}`},
		{"assertion of nobody", func(p *provider.Provider) { p.Assertion.ScopeClaim = true }, `assertion: has a meaning with grants jwt_bearer`},
		{"assertion too long", func(p *provider.Provider) {
			p.Grants, p.Assertion.Lifetime = []provider.Grant{provider.GrantJWTBearer}, 2*time.Hour
		}, `assertion.lifetime: want 2m to 1h`},
		{"reserved mint parameter", func(p *provider.Provider) { p.Token.MintParameters = map[string]string{"assertion": "x"} }, `token.mint_parameters.assertion: is set by the protocol`},
		{"host with scheme", func(p *provider.Provider) { p.API.Hosts = []string{"https://example.com"} }, `api.hosts: "https://example.com": want a host`},
		{"host with path", func(p *provider.Provider) { p.API.Hosts = []string{"example.com/api"} }, `api.hosts: "example.com/api": want a host`},
		{"wildcard", func(p *provider.Provider) { p.API.Hosts = []string{"*.example.com"} }, `api.hosts: "*.example.com": wildcards are not supported`},
		{"dead status", func(p *provider.Provider) { p.API.DeadToken.Statuses = []int{429} }, `api.dead_token.statuses: 429 never means a dead token`},
		{"unsure of what is no code", func(p *provider.Provider) { p.API.DeadToken.Unsure = []string{"token_lost"} }, `api.dead_token.unsure: "token_lost" is none of the codes`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := entry(t, "slack")
			c.spoil(&p)
			assert.ErrorContains(t, p.Validate(), c.want)
		})
	}
}

func TestValidateReportsEverything(t *testing.T) {
	err := provider.Provider{ID: "empty"}.Validate()
	for _, field := range []string{"name", "endpoints.authorize", "endpoints.token", "endpoints.identity", "client_authentication", "identity.subject"} {
		assert.ErrorContains(t, err, `provider "empty": `+field+`: `)
	}
}

func TestValidateAcceptsLoopbackOverHTTP(t *testing.T) {
	for _, base := range []string{"http://localhost:8080", "http://LocalHost", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:8080"} {
		p := entry(t, "slack")
		p.Endpoints = provider.Endpoints{Authorize: base + "/a", Token: base + "/t", Revoke: base + "/r", Identity: base + "/i", API: base + "/"}
		require.NoError(t, p.Validate(), base)
	}
}

func TestWhatNobodyConsentsToNeedsNoPageAndNoSubject(t *testing.T) {
	p := entry(t, "slack")
	p.Endpoints.Authorize, p.Identity.Subject = "", ""
	p.Grants = []provider.Grant{provider.GrantClientCredentials}
	require.NoError(t, p.Validate())
	p.Grants = append(p.Grants, provider.GrantAuthorizationCode)
	err := p.Validate()
	assert.ErrorContains(t, err, "endpoints.authorize: is missing")
	assert.ErrorContains(t, err, "identity.subject: names no field")
}
