package oauth_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
)

func TestTokenTypes(t *testing.T) {
	for answered, want := range map[string]string{
		"": "Bearer", "bot": "Bearer", "user": "Bearer", "bearer": "Bearer", "BEARER": "Bearer", "dpop": "DPoP", "mac": "MAC",
	} {
		s := serve(t, answerJSON(200, `{"access_token":"new-access","token_type":"`+answered+`"}`))
		tokens, err := client(t, "zendesk", s.URL).Refresh(t.Context(), presented())
		require.NoError(t, err)
		assert.Equal(t, want, tokens.Type, answered)
	}
}

func TestSenselessLifetimes(t *testing.T) {
	for _, lifetime := range []string{`0`, `-1`, `"NaN"`, `null`, `{}`, `true`, `""`} {
		s := serve(t, answerJSON(200, `{"access_token":"new-access","refresh_token":"r","expires_in":`+lifetime+`}`))
		p := catalogued(t, "zendesk", s.URL)
		p.Token.Lifetime = 0
		tokens, err := clientOf(p, oauth.Options{}).Refresh(t.Context(), presented())
		require.NoError(t, err)
		assert.Zero(t, tokens.ExpiresAt, lifetime)
	}
	s := serve(t, answerJSON(200, `{"access_token":"new-access","expires_in":1e300}`))
	tokens, err := client(t, "zendesk", s.URL).Refresh(t.Context(), presented())
	require.NoError(t, err)
	assert.True(t, tokens.ExpiresAt.After(noon.AddDate(60, 0, 0)), "a lifetime beyond a duration's range is long, not negative")
}

func TestBrokenForm(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		_, _ = w.Write([]byte("access_token=%zz"))
	})
	_, err := client(t, "github-app", s.URL).Refresh(t.Context(), presented())
	assert.Equal(t, credential.Malformed, failure(t, err).Kind)
}

// A client built around endpoints that nobody validated says so and sends nothing.
func TestEndpointsThatAreNoURL(t *testing.T) {
	bad := "http://bad host\x7f/"
	p := catalogued(t, "slack", "http://127.0.0.1:1")
	p.Endpoints = provider.Endpoints{Authorize: bad, Token: bad, Revoke: bad, Identity: bad, API: bad}
	c := clientOf(p, oauth.Options{})
	github := catalogued(t, "github-app", "http://127.0.0.1:1")
	github.Endpoints = p.Endpoints

	_, refresh := c.Refresh(t.Context(), presented())
	_, identify := c.Identify(t.Context(), credential.NewSecret(accessText))
	for _, err := range []error{
		refresh, identify, c.Revoke(t.Context(), bothTokens()), clientOf(github, oauth.Options{}).Revoke(t.Context(), bothTokens()),
	} {
		e := failure(t, err)
		assert.Equal(t, credential.Misconfigured, e.Kind)
		assert.False(t, e.Sent)
		assert.ErrorContains(t, err, "the endpoint is no URL")
	}
}

func TestOtherReasonsNotToSend(t *testing.T) {
	broken := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no route to " + refreshText)
	}}
	c := clientOf(catalogued(t, "zendesk", "http://127.0.0.1:1"), oauth.Options{HTTP: &http.Client{Transport: broken}})
	_, err := c.Refresh(t.Context(), presented())
	assert.Equal(t, credential.Transient, failure(t, err).Kind)
	assert.ErrorContains(t, err, "the request could not be sent")
}
