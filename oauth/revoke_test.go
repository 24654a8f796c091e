package oauth_test

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
)

func bothTokens() credential.Tokens {
	return credential.Tokens{Access: credential.NewSecret(accessText), Refresh: credential.NewSecret(refreshText)}
}

func TestRevokeRFC7009(t *testing.T) {
	s := serve(t, answerJSON(200, ""))
	require.NoError(t, client(t, "google", s.URL).Revoke(t.Context(), bothTokens()))
	requests := s.received()
	require.Len(t, requests, 2)
	assert.Equal(t, map[string][]string{"token": {refreshText}, "token_type_hint": {"refresh_token"}, "client_id": {"123.456"}}, requests[0].form)
	assert.Equal(t, map[string][]string{"token": {accessText}, "token_type_hint": {"access_token"}, "client_id": {"123.456"}}, requests[1].form)
}

func TestRevokeRFC7009WithTheProvidersOwnAuthentication(t *testing.T) {
	s := serve(t, answerJSON(200, ""))
	p := catalogued(t, "google", s.URL)
	p.Revocation.ClientAuthentication = ""
	tokens := bothTokens()
	tokens.Access = credential.Secret{}
	require.NoError(t, clientOf(p, oauth.Options{}).Revoke(t.Context(), tokens))
	assert.Equal(t, []string{secretText}, s.only(t).form["client_secret"])
}

func TestRevokeSlack(t *testing.T) {
	s := serve(t, answerJSON(200, `{"ok":true,"revoked":true}`))
	require.NoError(t, client(t, "slack", s.URL).Revoke(t.Context(), bothTokens()))
	requests := s.received()
	require.Len(t, requests, 2)
	assert.Equal(t, "Bearer "+refreshText, requests[0].header.Get("Authorization"))
	assert.Equal(t, "Bearer "+accessText, requests[1].header.Get("Authorization"))
	assert.Equal(t, http.MethodPost, requests[0].method)
}

func TestRevokeGitHub(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	require.NoError(t, client(t, "github-app", s.URL).Revoke(t.Context(), bothTokens()))
	request := s.only(t)
	assert.Equal(t, http.MethodDelete, request.method)
	assert.Equal(t, "/revoke/123.456", request.path)
	assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("123.456:"+secretText)), request.header.Get("Authorization"))
	assert.JSONEq(t, `{"access_token":"`+accessText+`"}`, request.body)
}

func TestRevokeNothing(t *testing.T) {
	s := serve(t, answerJSON(200, ""))
	require.NoError(t, client(t, "zendesk", s.URL).Revoke(t.Context(), bothTokens()), "a provider without revocation")
	require.NoError(t, client(t, "google", s.URL).Revoke(t.Context(), credential.Tokens{}))
	require.NoError(t, client(t, "github-app", s.URL).Revoke(t.Context(), credential.Tokens{}))
	assert.Empty(t, s.received())
}

func TestRevokeMayBeRepeated(t *testing.T) {
	for _, c := range []struct {
		provider string
		status   int
		body     string
	}{
		{"google", 400, `{"error":"invalid_token"}`},
		{"google", 400, `{"error":"invalid_grant"}`},
		{"slack", 200, `{"ok":false,"error":"token_revoked"}`},
		{"slack", 200, `{"ok":false,"error":"invalid_auth"}`},
		{"slack", 200, `{"ok":false,"error":"token_expired"}`},
		{"slack", 200, `{"ok":false,"error":"invalid_refresh_token"}`},
		{"github-app", 404, `{"message":"Not Found"}`},
		{"github-app", 422, `{"message":"Validation Failed"}`},
	} {
		s := serve(t, answerJSON(c.status, c.body))
		assert.NoError(t, client(t, c.provider, s.URL).Revoke(t.Context(), bothTokens()), "%s %s", c.provider, c.body)
	}
}

func TestRevokeUnsupportedForAccessTokens(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("token_type_hint") == "access_token" {
			answerJSON(400, `{"error":"unsupported_token_type"}`)(w, r)
		}
	})
	require.NoError(t, client(t, "google", s.URL).Revoke(t.Context(), bothTokens()))

	s = serve(t, answerJSON(400, `{"error":"unsupported_token_type"}`))
	err := client(t, "google", s.URL).Revoke(t.Context(), bothTokens())
	assert.Equal(t, "unsupported_token_type", failure(t, err).Code, "a refresh token that cannot be revoked lives on")
}

func TestRevokeFailures(t *testing.T) {
	for _, c := range []struct {
		name, provider string
		answer         http.HandlerFunc
		want           credential.FailureKind
	}{
		{"still valid, try again", "google", answerJSON(503, ""), credential.Transient},
		{"lost", "google", hangUp, credential.Transient},
		{"server fault", "google", answerJSON(500, ""), credential.Transient},
		{"wrong secret", "google", answerJSON(401, `{"error":"invalid_client"}`), credential.DeadClient},
		{"throttled", "slack", answerJSON(429, `{"ok":false,"error":"ratelimited"}`), credential.Throttled},
		{"lost", "slack", hangUp, credential.Transient},
		{"policy", "slack", answerJSON(200, `{"ok":false,"error":"access_denied"}`), credential.Misconfigured},
		{"not Slack", "slack", answerJSON(200, `hello`), credential.Malformed},
		{"wrong secret", "github-app", answerJSON(401, `{"message":"Bad credentials"}`), credential.DeadClient},
		{"server fault", "github-app", answerJSON(500, ""), credential.Transient},
		{"lost", "github-app", hangUp, credential.Transient},
	} {
		t.Run(c.provider+" "+c.name, func(t *testing.T) {
			s := serve(t, c.answer)
			err := client(t, c.provider, s.URL).Revoke(t.Context(), bothTokens())
			e := failure(t, err, s.URL)
			assert.Equal(t, c.want, e.Kind)
			assert.Equal(t, "revoke", e.Operation)
			s.only(t)
		})
	}
}

func TestRevokeGitHubNeedsTheSecret(t *testing.T) {
	r := registration()
	r.ClientSecret = credential.Secret{}
	err := oauth.NewClient(catalogued(t, "github-app", "http://127.0.0.1:1"), r, oauth.Options{}).Revoke(t.Context(), bothTokens())
	assert.Equal(t, credential.Misconfigured, failure(t, err).Kind)
	err = oauth.NewClient(catalogued(t, "google", "http://127.0.0.1:1"), r, oauth.Options{}).Revoke(t.Context(), bothTokens())
	assert.Equal(t, credential.Transient, failure(t, err).Kind, "Google wants no secret here")
}
