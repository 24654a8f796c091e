package oauth_test

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
)

func answerWith(status int, header map[string]string, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		answerJSON(status, body)(w, r)
	}
}

func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		provider, method string
		header           map[string]string
		body             string
		want             oauth.Identity
	}{
		{
			"slack", http.MethodPost, map[string]string{"X-OAuth-Scopes": "channels:history,chat:write"},
			`{"ok":true,"url":"https://acme.slack.com/","team":"Acme","user":"triage","team_id":"T1","user_id":"U1","bot_id":"B1"}`,
			oauth.Identity{Subject: "T1/U1", Display: "triage in Acme", Scopes: []string{"channels:history", "chat:write"}},
		},
		{
			"github-app", http.MethodGet, map[string]string{"X-OAuth-Scopes": ""},
			`{"login":"octocat","id":5832310987654321098,"plan":null}`,
			oauth.Identity{Subject: "5832310987654321098", Display: "octocat"},
		},
		{
			"github-oauth-app", http.MethodGet, map[string]string{"X-OAuth-Scopes": "repo, gist"},
			`{"login":"octocat","id":583231}`,
			oauth.Identity{Subject: "583231", Display: "octocat", Scopes: []string{"repo", "gist"}},
		},
		{
			"github-oauth-app", http.MethodGet, map[string]string{"X-OAuth-Scopes": ""},
			`{"login":"octocat","id":583231}`,
			oauth.Identity{Subject: "583231", Display: "octocat", Scopes: []string{}},
		},
		{
			"google", http.MethodGet, nil,
			`{"sub":"110169484474386276334","email":"jane@example.com","email_verified":true}`,
			oauth.Identity{Subject: "110169484474386276334", Display: "jane@example.com"},
		},
		{
			"google", http.MethodGet, nil, `{"sub":"110169484474386276334"}`,
			oauth.Identity{Subject: "110169484474386276334", Display: "110169484474386276334"},
		},
		{
			"zendesk", http.MethodGet, nil, `{"user":{"id":35436,"email":"jane@example.com","name":"Jane"}}`,
			oauth.Identity{Subject: "35436", Display: "jane@example.com"},
		},
	} {
		t.Run(c.provider, func(t *testing.T) {
			s := serve(t, answerWith(200, c.header, c.body))
			got, err := client(t, c.provider, s.URL).Identify(t.Context(), credential.NewSecret(accessText))
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
			request := s.only(t)
			assert.Equal(t, c.method, request.method)
			assert.Equal(t, "/identity", request.path)
			assert.Equal(t, "Bearer "+accessText, request.header.Get("Authorization"))
			assert.Empty(t, request.body)
		})
	}
}

func TestIdentifyFailures(t *testing.T) {
	limit := map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": strconv.FormatInt(noon.Add(time.Minute).Unix(), 10)}
	badReset := maps.Clone(limit)
	badReset["X-RateLimit-Reset"] = "later"
	for _, c := range []struct {
		name, provider string
		answer         http.HandlerFunc
		want           credential.FailureKind
		wait           time.Duration
	}{
		{"dead token", "slack", answerJSON(200, `{"ok":false,"error":"token_revoked"}`), credential.DeadGrant, 0},
		{"expired token", "slack", answerJSON(200, `{"ok":false,"error":"token_expired"}`), credential.DeadGrant, 0},
		{"policy", "slack", answerJSON(200, `{"ok":false,"error":"enterprise_is_restricted"}`), credential.Misconfigured, 0},
		{"server fault", "slack", answerJSON(200, `{"ok":false,"error":"internal_error"}`), credential.Transient, 0},
		{"throttled", "slack", answerWith(429, map[string]string{"Retry-After": "30"}, `{"ok":false,"error":"ratelimited"}`), credential.Throttled, 30 * time.Second},
		{"no reason", "slack", answerJSON(200, `{"ok":false}`), credential.Malformed, 0},
		{"dead token", "github-app", answerJSON(401, `{"message":"Bad credentials"}`), credential.DeadGrant, 0},
		{"dead token in an unrelated code", "google", answerJSON(401, `{"error":"invalid_request","error_description":"Invalid Credentials"}`), credential.DeadGrant, 0},
		{"primary limit", "github-app", answerWith(403, limit, `{}`), credential.Throttled, time.Minute},
		{"primary limit without a time", "github-app", answerWith(429, badReset, `{}`), credential.Throttled, 0},
		{"secondary limit", "github-app", answerWith(403, map[string]string{"Retry-After": "60"}, `{}`), credential.Throttled, time.Minute},
		{"permission", "github-app", answerJSON(403, `{"message":"Resource not accessible by integration"}`), credential.Misconfigured, 0},
		{"wrong URL", "github-app", answerJSON(404, `{"message":"Not Found"}`), credential.Misconfigured, 0},
		{"redirect", "github-app", answerWith(302, map[string]string{"Location": "/elsewhere"}, ``), credential.Misconfigured, 0},
		{"outage", "github-app", answerJSON(502, `<html>`), credential.Transient, 0},
		{"lost", "github-app", hangUp, credential.Transient, 0},
		{"no subject", "github-app", answerJSON(200, `{"login":"octocat"}`), credential.Malformed, 0},
		{"not JSON", "github-app", answerJSON(200, `hello`), credential.Malformed, 0},
		{"anonymous", "zendesk", answerJSON(200, `{"user":{"id":null,"name":"Anonymous user"}}`), credential.Malformed, 0},
		{"user is no object", "zendesk", answerJSON(200, `{"user":"jane"}`), credential.Malformed, 0},
		{"control characters", "google", answerJSON(200, `{"sub":"1\n2"}`), credential.Malformed, 0},
		{"endless", "google", answerJSON(200, `{"sub":"`+strings.Repeat("1", 300)+`"}`), credential.Malformed, 0},
	} {
		t.Run(c.provider+" "+c.name, func(t *testing.T) {
			s := serve(t, c.answer)
			_, err := client(t, c.provider, s.URL).Identify(t.Context(), credential.NewSecret(accessText))
			e := failure(t, err, s.URL, "Bad credentials", "Invalid Credentials")
			assert.Equal(t, c.want, e.Kind)
			assert.Equal(t, c.wait, e.RetryAfter)
			assert.Equal(t, "identify", e.Operation)
			s.only(t)
		})
	}
}

func TestIdentifyHidesUnprintableNames(t *testing.T) {
	s := serve(t, answerJSON(200, `{"id":1,"login":"oct\u0000cat"}`))
	got, err := client(t, "github-app", s.URL).Identify(t.Context(), credential.NewSecret(accessText))
	require.NoError(t, err)
	assert.Equal(t, "1", got.Display)
}
