package oauth_test

import (
	"encoding/base64"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
)

const goodAnswer = `{"access_token":"new-access","refresh_token":"new-refresh","token_type":"bearer","expires_in":3600}`

func TestAuthorizeURL(t *testing.T) {
	verifier := credential.NewSecret(verifierText)
	for _, c := range []struct {
		provider string
		want     url.Values
	}{
		{"slack", url.Values{"scope": {"read,write"}}},
		{"github-app", url.Values{"scope": {"read write"}, "code_challenge_method": {"S256"}}},
		{"google", url.Values{"scope": {"read write"}, "code_challenge_method": {"S256"}, "access_type": {"offline"}, "prompt": {"consent"}}},
	} {
		text := client(t, c.provider, "https://as.example.com").AuthorizeURL("state-1", verifier)
		u, err := url.Parse(text)
		require.NoError(t, err)
		assert.Equal(t, "https://as.example.com/authorize", u.Scheme+"://"+u.Host+u.Path)
		c.want.Set("client_id", "123.456")
		c.want.Set("redirect_uri", "http://127.0.0.1:8780/oauth/callback")
		c.want.Set("response_type", "code")
		c.want.Set("state", "state-1")
		if c.want.Has("code_challenge_method") {
			c.want.Set("code_challenge", oauth2.S256ChallengeFromVerifier(verifierText))
		}
		assert.Equal(t, c.want, u.Query(), c.provider)
		assert.NotContains(t, text, verifierText)
		assert.NotContains(t, text, secretText)
	}
}

func TestAuthorizeURLWithoutScopes(t *testing.T) {
	p := catalogued(t, "slack", "https://as.example.com")
	p.Authorization.ScopeParameter = "user_scope"
	r := registration()
	u := oauth.NewClient(p, r, oauth.Options{}).AuthorizeURL("s", credential.Secret{})
	assert.Contains(t, u, "user_scope=read%2Cwrite")
	r.Scopes = nil
	u = oauth.NewClient(p, r, oauth.Options{}).AuthorizeURL("s", credential.Secret{})
	assert.NotContains(t, u, "scope")
}

func TestNewVerifier(t *testing.T) {
	a, b := oauth.NewVerifier(), oauth.NewVerifier()
	assert.GreaterOrEqual(t, len(a.Reveal()), 43, "RFC 7636 §4.1")
	assert.False(t, a.Equal(b))
}

func TestRefreshRequestWithBasic(t *testing.T) {
	s := serve(t, answerJSON(200, goodAnswer))
	_, err := client(t, "slack", s.URL).Refresh(t.Context(), presented())
	require.NoError(t, err)
	request := s.only(t)
	assert.Equal(t, map[string][]string{"grant_type": {"refresh_token"}, "refresh_token": {refreshText}}, request.form)
	basic := base64.StdEncoding.EncodeToString([]byte("123.456:" + secretText))
	assert.Equal(t, "Basic "+basic, request.header.Get("Authorization"))
	assert.Equal(t, "application/x-www-form-urlencoded", request.header.Get("Content-Type"))
	assert.Equal(t, "application/json", request.header.Get("Accept"))
	assert.Equal(t, "tokenkeeper", request.header.Get("User-Agent"))
	assert.NotContains(t, request.header, "Idempotency-Key")
	assert.NotContains(t, request.header, "Cookie")
}

func TestBasicEncodesClientIDAndSecret(t *testing.T) {
	s := serve(t, answerJSON(200, goodAnswer))
	r := registration()
	r.ClientID, r.ClientSecret = "a:b", credential.NewSecret("p@ss word+%")
	_, err := oauth.NewClient(catalogued(t, "slack", s.URL), r, oauth.Options{}).Refresh(t.Context(), presented())
	require.NoError(t, err)
	basic := base64.StdEncoding.EncodeToString([]byte("a%3Ab:p%40ss+word%2B%25")) // RFC 6749 §2.3.1
	assert.Equal(t, "Basic "+basic, s.only(t).header.Get("Authorization"))
}

func TestRefreshRequestWithBody(t *testing.T) {
	s := serve(t, answerJSON(200, goodAnswer))
	_, err := client(t, "zendesk", s.URL).Refresh(t.Context(), presented())
	require.NoError(t, err)
	request := s.only(t)
	assert.Equal(t, map[string][]string{
		"grant_type": {"refresh_token"}, "refresh_token": {refreshText}, "expires_in": {"1800"},
		"client_id": {"123.456"}, "client_secret": {secretText},
	}, request.form, "no scope: a server may refuse what it does not find in the grant")
	assert.Empty(t, request.header.Get("Authorization"))
}

func TestRefreshRequestOfPublicClient(t *testing.T) {
	s := serve(t, answerJSON(200, goodAnswer))
	p := catalogued(t, "zendesk", s.URL)
	p.ClientAuthentication = provider.ClientPublic
	_, err := clientOf(p, oauth.Options{}).Refresh(t.Context(), presented())
	require.NoError(t, err)
	request := s.only(t)
	assert.Equal(t, []string{"123.456"}, request.form["client_id"])
	assert.NotContains(t, request.form, "client_secret")
	assert.Empty(t, request.header.Get("Authorization"))
}

func TestExchangeRequest(t *testing.T) {
	s := serve(t, answerJSON(200, goodAnswer))
	tokens, err := client(t, "zendesk", s.URL).Exchange(t.Context(), codeText, credential.NewSecret(verifierText))
	require.NoError(t, err)
	assert.Equal(t, map[string][]string{
		"grant_type": {"authorization_code"}, "code": {codeText}, "code_verifier": {verifierText},
		"redirect_uri": {"http://127.0.0.1:8780/oauth/callback"}, "expires_in": {"1800"},
		"client_id": {"123.456"}, "client_secret": {secretText},
	}, s.only(t).form)
	assert.Equal(t, "new-access", tokens.Access.Reveal())
}

func TestExchangeWithoutPKCESendsNoVerifier(t *testing.T) {
	s := serve(t, answerJSON(200, goodAnswer))
	_, err := client(t, "slack", s.URL).Exchange(t.Context(), codeText, credential.NewSecret(verifierText))
	require.NoError(t, err)
	assert.NotContains(t, s.only(t).form, "code_verifier")
}

func TestNothingToPresent(t *testing.T) {
	s := serve(t, answerJSON(200, goodAnswer))
	_, err := client(t, "slack", s.URL).Refresh(t.Context(), credential.Secret{})
	e := failure(t, err)
	assert.Equal(t, credential.Misconfigured, e.Kind)
	assert.False(t, e.Sent)

	r := registration()
	r.ClientSecret = credential.Secret{}
	_, err = oauth.NewClient(catalogued(t, "slack", s.URL), r, oauth.Options{}).Refresh(t.Context(), presented())
	assert.EqualError(t, err, "slack: refresh: misconfigured: the connector has no client secret; set it, the provider wants client_secret_basic")
	_, err = client(t, "slack", s.URL).Identify(t.Context(), credential.Secret{})
	assert.Equal(t, credential.Misconfigured, oauth.KindOf(err))
	assert.Empty(t, s.received())
}

func TestKindOfOthers(t *testing.T) {
	assert.Empty(t, oauth.KindOf(nil))
	assert.Empty(t, oauth.KindOf(assert.AnError))
}

// A server that echoes what it was sent, in the place of a code, must not get it into our logs.
func TestEchoedSecretsAreNotShown(t *testing.T) {
	for _, echo := range []string{refreshText, "bad_token_" + refreshText, refreshText[:12], secretText, "x" + secretText[4:14]} {
		s := serve(t, answerJSON(400, `{"error":"`+echo+`","error_description":"`+refreshText+`","error_uri":"https://as.example.com/?t=`+refreshText+`"}`))
		_, err := client(t, "zendesk", s.URL).Refresh(t.Context(), presented())
		e := failure(t, err, echo)
		assert.Empty(t, e.Code)
		assert.Equal(t, credential.Transient, e.Kind)
	}
}

func TestErrorText(t *testing.T) {
	s := serve(t, answerJSON(200, `{"ok":false,"error":"invalid_refresh_token"}`))
	_, err := client(t, "slack", s.URL).Refresh(t.Context(), presented())
	assert.EqualError(t, err, "slack: refresh: dead grant (code invalid_refresh_token, HTTP 200): the provider no longer accepts this grant; reauthorize the account")
}
