package provider_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

func embedded(t *testing.T) *provider.Catalogue {
	t.Helper()
	catalogue, err := provider.Embedded()
	require.NoError(t, err)
	return catalogue
}

func entry(t *testing.T, id string) provider.Provider {
	t.Helper()
	p, ok := embedded(t).Get(id)
	require.True(t, ok, "no provider %q", id)
	return p
}

func TestEmbeddedHoldsValidProviders(t *testing.T) {
	var ids []string
	for _, p := range embedded(t).All() {
		assert.NoError(t, p.Validate())
		ids = append(ids, p.ID)
	}
	assert.Equal(t, []string{
		"airtable", "atlassian", "github-app", "github-installation", "github-oauth-app", "google", "google-service-account", "hubspot",
		"microsoft", "salesforce", "slack", "zendesk", "zoho",
	}, ids)
	_, ok := embedded(t).Get("nobody")
	assert.False(t, ok)
}

func TestEmbeddedFacts(t *testing.T) {
	slack := entry(t, "slack")
	assert.Equal(t, 12*time.Hour, slack.Token.Lifetime)
	assert.Equal(t, provider.RotationGrace, slack.Token.Rotation)
	assert.Equal(t, "authed_user", slack.Token.AnswerUnder)
	assert.Equal(t, "a,b", slack.Authorization.JoinScopes([]string{"a", "b"}))
	assert.False(t, slack.Authorization.PKCE, "Slack refuses PKCE arguments of apps that did not opt in")

	app := entry(t, "github-app")
	assert.Equal(t, provider.RotationSingleUse, app.Token.Rotation)
	assert.True(t, app.Token.RefreshEndsAccessToken)
	assert.Equal(t, 15811200*time.Second, app.Token.RefreshLifetime)

	google := entry(t, "google")
	assert.Equal(t, map[string]string{"access_type": "offline", "prompt": "consent"}, google.Authorization.Parameters)
	assert.Equal(t, provider.RotationStatic, google.Token.Rotation)

	zendesk := entry(t, "zendesk")
	assert.Equal(t, []string{"subdomain"}, zendesk.Variables())
	assert.Equal(t, "1800", zendesk.Token.RefreshParameters["expires_in"])
	assert.Equal(t, provider.RotationNone, entry(t, "github-oauth-app").Token.Rotation)

	// What must never be presented again after an answer was lost, and what may be.
	for id, want := range map[string]bool{
		"airtable": false, "atlassian": false, "hubspot": true, "microsoft": true, "salesforce": false, "zoho": true,
	} {
		assert.Equal(t, want, entry(t, id).RetryAfterAmbiguous(time.Second), id)
	}
	assert.Equal(t, []string{"tenant"}, entry(t, "microsoft").Variables())
	assert.Equal(t, []string{"host"}, entry(t, "salesforce").Variables())
	assert.Equal(t, []string{"accounts.zoho.{dc}"}, entry(t, "zoho").API.Hosts)
}

func TestEmbeddedListsEveryHost(t *testing.T) {
	assert.Equal(t, []string{"slack.com", "files.slack.com"}, entry(t, "slack").API.Hosts)
	assert.Equal(t, []string{"api.github.com", "uploads.github.com"}, entry(t, "github-app").API.Hosts)
	assert.Equal(t, []string{"{subdomain}.zendesk.com"}, entry(t, "zendesk").API.Hosts)
	assert.Contains(t, entry(t, "google").API.Hosts, "openidconnect.googleapis.com")
	assert.NotContains(t, entry(t, "google").API.Hosts, "accounts.google.com", "an authorize page never sees a token")
}

func TestWith(t *testing.T) {
	own := entry(t, "slack")
	own.Token.ReuseRevokesGrant = true
	own.Endpoints.API = "https://slack.com/api"
	mine := own
	mine.ID = "mine"

	catalogue, err := embedded(t).With([]provider.Provider{own, mine})
	require.NoError(t, err)
	changed, _ := catalogue.Get("slack")
	assert.True(t, changed.Token.ReuseRevokesGrant, "an own entry replaces the embedded one")
	assert.Equal(t, "https://slack.com/api/", changed.Endpoints.API)
	assert.Len(t, catalogue.All(), len(embedded(t).All())+1)
	assert.False(t, entry(t, "slack").Token.ReuseRevokesGrant, "the embedded catalogue stays as it is")

	_, err = embedded(t).With([]provider.Provider{mine, mine})
	assert.EqualError(t, err, `provider "mine": declared twice; give one of them another id`)
	mine.Endpoints.Token = ""
	_, err = embedded(t).With([]provider.Provider{mine})
	assert.ErrorContains(t, err, "endpoints.token: is missing")
}

// A page that called a scope not granted would send people to the consent again, for nothing.
func TestUngranted(t *testing.T) {
	google := entry(t, "google")
	asked := []string{"openid", "email", "profile", "https://www.googleapis.com/auth/drive.readonly"}
	assert.Equal(t, []string{"profile", "https://www.googleapis.com/auth/drive.readonly"},
		google.Ungranted(asked, []string{"openid", "https://www.googleapis.com/auth/userinfo.email"}))
	assert.Equal(t, []string{"openid", "https://www.googleapis.com/auth/drive.readonly"}, google.Ungranted(asked, []string{"email", "profile"}))
	assert.Equal(t, []string{"Mail.Read"}, entry(t, "microsoft").Ungranted(
		[]string{"offline_access", "openid", "User.Read", "Mail.Read"}, []string{"User.Read"}))
}

func TestSplitScopes(t *testing.T) {
	assert.Equal(t, []string{"channels:history", "chat:write"}, entry(t, "slack").SplitScopes("channels:history,chat:write"))
	assert.Equal(t, []string{"repo", "gist"}, entry(t, "github-oauth-app").SplitScopes("repo, gist"))
	assert.Equal(t, []string{"openid", "email"}, entry(t, "google").SplitScopes("openid email"))
	assert.Nil(t, entry(t, "github-app").SplitScopes(""), "GitHub Apps always answer an empty scope")
}

func TestDeadToken(t *testing.T) {
	slack, github := entry(t, "slack").API.DeadToken, entry(t, "github-app").API.DeadToken
	assert.True(t, slack.Matches(200, "token_expired"))
	assert.False(t, slack.Matches(200, "ekm_access_denied"), "a policy is no dead token")
	assert.False(t, slack.Matches(200, ""))
	assert.True(t, github.Matches(401, ""))
	for _, status := range []int{403, 404, 429, 500, 503} {
		assert.False(t, github.Matches(status, ""), "HTTP %d never refreshes", status)
	}
	assert.True(t, provider.DeadToken{}.Matches(401, ""), "401 is the default")
}

func TestKind(t *testing.T) {
	const unknown = false
	for _, c := range []struct {
		provider, code string
		status         int
		want           credential.FailureKind
		known          bool
	}{
		{"slack", "invalid_refresh_token", 200, credential.DeadGrant, true},
		{"slack", "invalid_grant", 400, credential.DeadGrant, true},
		{"slack", "bad_client_secret", 200, credential.DeadClient, true},
		{"slack", "ratelimited", 429, credential.Throttled, true},
		{"slack", "team_added_to_org", 200, credential.Transient, true},
		{"slack", "internal_error", 200, credential.Ambiguous, true},
		{"slack", "access_denied", 200, credential.Misconfigured, true},
		{"slack", "never_heard", 200, credential.Transient, unknown},
		{"slack", "", 200, credential.Malformed, unknown},
		{"github-app", "bad_refresh_token", 200, credential.DeadGrant, true},
		{"github-app", "incorrect_client_credentials", 200, credential.DeadClient, true},
		{"google", "deleted_client", 401, credential.DeadClient, true},
		{"google", "org_internal", 403, credential.Misconfigured, true},
		{"zendesk", "invalid_grant", 403, credential.DeadGrant, true},
		{"zendesk", "invalid_grant", 500, credential.DeadGrant, true},
		{"zendesk", "invalid_client", 401, credential.DeadClient, true},
		{"zendesk", "unauthorized_client", 400, credential.Misconfigured, true},
		{"zendesk", "unsupported_grant_type", 400, credential.Misconfigured, true},
		{"zendesk", "login_required", 400, credential.DeadGrant, true},
		{"zendesk", "server_error", 500, credential.Transient, true},
		{"zendesk", "slow_down", 400, credential.Throttled, true},
		{"zendesk", "", 302, credential.Misconfigured, unknown},
		{"zendesk", "", 400, credential.Transient, unknown},
		{"zendesk", "", 401, credential.Transient, unknown},
		{"zendesk", "", 404, credential.Transient, unknown},
		{"zendesk", "", 429, credential.Throttled, unknown},
		{"zendesk", "", 500, credential.Ambiguous, unknown},
		{"zendesk", "", 502, credential.Ambiguous, unknown},
		{"zendesk", "", 503, credential.Transient, unknown},
		{"zendesk", "", 504, credential.Ambiguous, unknown},
	} {
		kind, known := entry(t, c.provider).Errors.Kind(c.code, c.status)
		assert.Equal(t, c.want, kind, "%s %q %d", c.provider, c.code, c.status)
		assert.Equal(t, c.known, known, "%s %q %d", c.provider, c.code, c.status)
	}
}

func TestKindListDecidesFirst(t *testing.T) {
	atlassian := provider.Errors{DeadGrant: []string{"unauthorized_client"}}
	kind, known := atlassian.Kind("unauthorized_client", 403)
	assert.Equal(t, credential.DeadGrant, kind)
	assert.True(t, known)
	assert.Equal(t, []string{"status", "error"}, provider.Errors{CodeFields: []string{"status"}}.Fields())
}

func TestRetryAfterAmbiguous(t *testing.T) {
	const harmless, revokes = false, true
	minute := time.Minute
	for _, c := range []struct {
		rotation provider.Rotation
		grace    time.Duration
		reuse    bool
		since    time.Duration
		want     bool
	}{
		{provider.RotationNone, 0, harmless, 0, false},
		{provider.RotationStatic, 0, harmless, time.Second, true},
		{provider.RotationStatic, 0, harmless, 240 * time.Hour, true},
		{provider.RotationStatic, 0, revokes, time.Hour, true},
		{provider.RotationGrace, minute, harmless, 59 * time.Second, true},
		{provider.RotationGrace, minute, harmless, 59 * time.Second, true},
		{provider.RotationGrace, minute, harmless, time.Hour, true},
		{provider.RotationGrace, 0, harmless, time.Second, true},
		{provider.RotationGrace, minute, revokes, 29 * time.Second, true},
		{provider.RotationGrace, minute, revokes, 30 * time.Second, false},
		{provider.RotationGrace, 0, revokes, 0, false},
		{provider.RotationGrace, 3 * minute, revokes, 0, true},
		{provider.RotationGrace, 3 * minute, revokes, minute, true},
		{provider.RotationGrace, 3 * minute, revokes, -minute, false},
		{provider.RotationGrace, 3 * minute, harmless, -minute, true},
		{provider.RotationStatic, 0, revokes, -minute, true},
		{provider.RotationSingleUse, 0, harmless, -minute, true},
		{provider.RotationSingleUse, 0, revokes, -minute, false},
		{provider.RotationSingleUse, 0, harmless, time.Second, true},
		{provider.RotationSingleUse, 0, harmless, 240 * time.Hour, true},
		{provider.RotationSingleUse, 0, revokes, time.Second, false},
		{"", 0, harmless, time.Second, true},
		{"", 0, revokes, time.Second, false},
		{"never_heard", 0, revokes, time.Second, false},
	} {
		p := provider.Provider{Token: provider.Token{Rotation: c.rotation, Grace: c.grace, ReuseRevokesGrant: c.reuse}}
		assert.Equal(t, c.want, p.RetryAfterAmbiguous(c.since), "%+v", c)
	}
}

func TestIdentityTemplates(t *testing.T) {
	fields := map[string]string{"team_id": "T1", "user_id": "U1", "user": "bot"}
	field := func(path string) string { return fields[path] }
	identity := entry(t, "slack").Identity

	subject, ok := identity.ExpandSubject(field)
	assert.True(t, ok)
	assert.Equal(t, "T1/U1", subject)
	_, ok = identity.ExpandDisplay(field)
	assert.False(t, ok, "team is missing")
	assert.Equal(t, []string{"user.id"}, entry(t, "zendesk").Identity.SubjectFields())
	_, ok = provider.Identity{}.ExpandSubject(field)
	assert.False(t, ok, "an empty template names nobody")
}

func TestGrants(t *testing.T) {
	assert.Equal(t, []provider.Grant{provider.GrantAuthorizationCode}, entry(t, "slack").AllowedGrants())
	assert.True(t, entry(t, "github-installation").Allows(provider.GrantGitHubInstallation))
	assert.False(t, entry(t, "github-installation").Allows(provider.GrantAuthorizationCode))
	assert.Empty(t, entry(t, "github-installation").Variables(), "installation_id is a key of the connector")
	assert.Equal(t, 9*time.Minute, entry(t, "github-installation").Assertion.GoodFor())
	assert.Equal(t, 5*time.Minute, provider.Assertion{}.GoodFor())
	for grant, want := range map[provider.Grant]struct{ mints, signs bool }{
		provider.GrantAuthorizationCode:  {false, false},
		provider.GrantClientCredentials:  {true, false},
		provider.GrantJWTBearer:          {true, true},
		provider.GrantGitHubInstallation: {true, true},
		"":                               {false, false},
	} {
		assert.Equal(t, want.mints, grant.Mints(), grant)
		assert.Equal(t, want.signs, grant.Signs(), grant)
	}
}
