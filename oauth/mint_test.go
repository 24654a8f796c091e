package oauth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
)

// appKey is made once: an RSA key takes its time.
var appKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func signingKey(t *testing.T) credential.SigningKey {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(appKey())})
	key, err := credential.ParseSigningKey(credential.NewSecret(string(text)))
	require.NoError(t, err)
	return key
}

// minter returns a client of a catalogue entry whose registration was changed.
func minter(t *testing.T, id, base string, change func(*provider.Provider, *oauth.Registration)) *oauth.Client {
	t.Helper()
	p, r := catalogued(t, id, base), registration()
	r.Grant = p.AllowedGrants()[0]
	r.Key = signingKey(t)
	r.InstallationID = "4711"
	if change != nil {
		change(&p, &r)
	}
	return oauth.NewClient(p, r, oauth.Options{Now: func() time.Time { return noon }})
}

// claimsOf verifies the signature and returns header and claims.
func claimsOf(t *testing.T, assertion string) (map[string]any, jwt.MapClaims) {
	t.Helper()
	claims := jwt.MapClaims{}
	token, err := jwt.ParseWithClaims(assertion, claims, func(*jwt.Token) (any, error) { return appKey().Public(), nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithTimeFunc(func() time.Time { return noon }))
	require.NoError(t, err)
	return token.Header, claims
}

func asClientCredentials(p *provider.Provider, r *oauth.Registration) {
	p.Grants = []provider.Grant{provider.GrantClientCredentials}
	p.Token.MintParameters = map[string]string{"audience": "https://api.example.com"}
	r.Grant = provider.GrantClientCredentials
}

func TestClientCredentials(t *testing.T) {
	s := serve(t, answerJSON(200, `{"access_token":"a1","token_type":"bearer","expires_in":900,"scope":"read","refresh_token":"r1","refresh_token_expires_in":9}`))
	tokens, err := minter(t, "zendesk", s.URL, asClientCredentials).Mint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "a1", tokens.Access.Reveal())
	assert.False(t, tokens.Refreshable(), "a refresh token that nobody needs is not kept")
	assert.Zero(t, tokens.RefreshExpiresAt)
	assert.Equal(t, noon.Add(15*time.Minute), tokens.ExpiresAt)
	assert.Equal(t, []string{"read"}, tokens.Scopes)
	assert.Equal(t, map[string][]string{
		"grant_type": {"client_credentials"}, "scope": {"read write"}, "audience": {"https://api.example.com"},
		"client_id": {"123.456"}, "client_secret": {secretText},
	}, s.only(t).form)
}

func TestClientCredentialsWithoutAnExpiryLiveAsLongAsTheProviderSays(t *testing.T) {
	s := serve(t, answerJSON(200, `{"access_token":"a1"}`))
	tokens, err := minter(t, "zendesk", s.URL, asClientCredentials).Mint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, noon.Add(30*time.Minute), tokens.ExpiresAt)
}

func TestJWTBearer(t *testing.T) {
	s := serve(t, answerJSON(200, `{"access_token":"ya29.1","token_type":"Bearer","expires_in":3599}`))
	c := minter(t, "google-service-account", s.URL, func(_ *provider.Provider, r *oauth.Registration) {
		r.Issuer, r.KeyID = "agent@acme.iam.gserviceaccount.com", "key-7"
	})
	tokens, err := c.Mint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "ya29.1", tokens.Access.Reveal())
	assert.Equal(t, noon.Add(3599*time.Second), tokens.ExpiresAt)

	form := s.only(t).form
	assert.Equal(t, []string{"urn:ietf:params:oauth:grant-type:jwt-bearer"}, form["grant_type"])
	assert.NotContains(t, form, "client_id", "the assertion is the proof")
	assert.NotContains(t, form, "scope", "Google wants it among the claims")
	header, claims := claimsOf(t, form["assertion"][0])
	assert.Equal(t, map[string]any{"alg": "RS256", "typ": "JWT", "kid": "key-7"}, header)
	assert.Equal(t, jwt.MapClaims{
		"iss": "agent@acme.iam.gserviceaccount.com", "sub": "agent@acme.iam.gserviceaccount.com", "aud": s.URL + "/token",
		"scope": "read write", "iat": float64(noon.Add(-time.Minute).Unix()), "exp": float64(noon.Add(59 * time.Minute).Unix()),
	}, claims)
}

func TestJWTBearerSpeaksForASubjectToAnAudience(t *testing.T) {
	s := serve(t, answerJSON(200, `{"access_token":"a1"}`))
	c := minter(t, "zendesk", s.URL, func(p *provider.Provider, r *oauth.Registration) {
		p.Grants = []provider.Grant{provider.GrantJWTBearer}
		r.Grant, r.Subject, r.Audience = provider.GrantJWTBearer, "jane@example.com", "https://login.example.com"
	})
	_, err := c.Mint(t.Context())
	require.NoError(t, err)
	form := s.only(t).form
	assert.Equal(t, []string{"read write"}, form["scope"])
	assert.Equal(t, []string{"123.456"}, form["client_id"])
	assert.Equal(t, []string{secretText}, form["client_secret"], "a provider that wants the client's secret beside the assertion gets it")
	_, claims := claimsOf(t, form["assertion"][0])
	assert.Equal(t, "jane@example.com", claims["sub"])
	assert.Equal(t, "123.456", claims["iss"])
	assert.Equal(t, "https://login.example.com", claims["aud"])
	assert.NotContains(t, claims, "scope")
}

func TestMintInstallation(t *testing.T) {
	s := serve(t, answerWith(201, map[string]string{"Date": noon.Add(5 * time.Minute).Format(http.TimeFormat)}, fmt.Sprintf(
		`{"token":"ghs_1","expires_at":%q,"permissions":{"metadata":"read","issues":"write"},"repository_selection":"selected"}`,
		noon.Add(65*time.Minute).Format(time.RFC3339))))
	tokens, err := minter(t, "github-installation", s.URL, nil).Mint(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "ghs_1", tokens.Access.Reveal())
	assert.Equal(t, "Bearer", tokens.Type)
	assert.Equal(t, noon.Add(time.Hour), tokens.ExpiresAt, "by the clock of GitHub, which is five minutes ahead")
	assert.Equal(t, []string{"issues:write", "metadata:read"}, tokens.Scopes)

	request := s.only(t)
	assert.Equal(t, http.MethodPost, request.method)
	assert.Equal(t, "/app/installations/4711/access_tokens", request.path)
	assertion, bearer := strings.CutPrefix(request.header.Get("Authorization"), "Bearer ")
	require.True(t, bearer)
	_, claims := claimsOf(t, assertion)
	assert.Equal(t, jwt.MapClaims{
		"iss": "123.456", "iat": float64(noon.Add(-time.Minute).Unix()), "exp": float64(noon.Add(8 * time.Minute).Unix()),
	}, claims)
}

func TestKindsOfFailedMints(t *testing.T) {
	for _, c := range []struct {
		provider string
		status   int
		header   map[string]string
		body     string
		want     credential.FailureKind
		says     string
	}{
		{"google-service-account", 400, nil, `{"error":"invalid_grant","error_description":"Invalid JWT Signature."}`, credential.DeadClient, "private key"},
		{"google-service-account", 401, nil, `{"error":"invalid_client"}`, credential.DeadClient, "private key"},
		{"google-service-account", 400, nil, `{"error":"invalid_scope"}`, credential.Misconfigured, "scopes"},
		{"google-service-account", 503, nil, ``, credential.Transient, ""},
		{"google-service-account", 502, nil, ``, credential.Transient, ""},
		{"google-service-account", 200, nil, `{}`, credential.Malformed, ""},
		{"zendesk", 400, nil, `{"error":"invalid_grant"}`, credential.DeadClient, "client id"},
		{"github-installation", 401, nil, `{"message":"A JSON web token could not be decoded"}`, credential.DeadClient, "signature"},
		{"github-installation", 403, nil, `{"message":"This installation has been suspended"}`, credential.Misconfigured, "suspended"},
		{"github-installation", 403, map[string]string{"Retry-After": "60"}, `{}`, credential.Throttled, ""},
		{"github-installation", 404, nil, `{"message":"Not Found"}`, credential.Misconfigured, "installation_id"},
		{"github-installation", 422, nil, `{}`, credential.Misconfigured, ""},
		{"github-installation", 500, nil, ``, credential.Transient, ""},
		{"github-installation", 201, nil, `<html>`, credential.Malformed, ""},
		{"github-installation", 201, nil, `{"token":"a\nb"}`, credential.Malformed, ""},
	} {
		t.Run(fmt.Sprintf("%s %d %s", c.provider, c.status, c.body), func(t *testing.T) {
			s := serve(t, answerWith(c.status, c.header, c.body))
			change := func(p *provider.Provider, r *oauth.Registration) {
				if c.provider == "zendesk" {
					asClientCredentials(p, r)
				}
			}
			_, err := minter(t, c.provider, s.URL, change).Mint(t.Context())
			e := failure(t, err, "Signature.", "This installation", "eyJ")
			assert.Equal(t, c.want, e.Kind)
			assert.Equal(t, "mint", e.Operation)
			assert.ErrorContains(t, err, c.says)
			s.only(t)
		})
	}
}

func TestALostMintIsNotAmbiguous(t *testing.T) {
	for _, id := range []string{"google-service-account", "github-installation"} {
		s := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		_, err := minter(t, id, s.URL, nil).Mint(t.Context())
		assert.Equal(t, credential.Transient, failure(t, err).Kind)
		s.only(t)
	}
}

func TestMintsThatHaveNothingToSend(t *testing.T) {
	s := serve(t, answerJSON(200, `{"access_token":"a1"}`))
	for _, c := range []struct {
		provider string
		change   func(*provider.Provider, *oauth.Registration)
		says     string
	}{
		{"google-service-account", func(_ *provider.Provider, r *oauth.Registration) { r.Key = credential.SigningKey{} }, "no private key"},
		{"github-installation", func(_ *provider.Provider, r *oauth.Registration) { r.Key = credential.SigningKey{} }, "no private key"},
		{"github-installation", func(_ *provider.Provider, r *oauth.Registration) { r.InstallationID = "" }, "no installation_id"},
		{"zendesk", func(p *provider.Provider, r *oauth.Registration) {
			asClientCredentials(p, r)
			r.ClientSecret = credential.Secret{}
		}, "no client secret"},
		{"slack", nil, "needs a person's consent"},
	} {
		_, err := minter(t, c.provider, s.URL, c.change).Mint(t.Context())
		assert.Equal(t, credential.Misconfigured, failure(t, err).Kind)
		assert.ErrorContains(t, err, c.says)
	}
	assert.Empty(t, s.received())
}

func TestWhoseMintedTokensAre(t *testing.T) {
	s := serve(t, answerJSON(200, `{"user":{"id":35436,"email":"bot@example.com"}}`))
	for _, c := range []struct {
		name, provider string
		change         func(*provider.Provider, *oauth.Registration)
		want           credential.Subject
		asked          int
	}{
		{"installation", "github-installation", nil, "installation/4711", 0},
		{"service account", "google-service-account", nil, "123.456", 0},
		{"delegated", "google-service-account", func(_ *provider.Provider, r *oauth.Registration) { r.Subject = "jane@example.com" }, "jane@example.com", 0},
		{"configured", "zendesk", func(p *provider.Provider, r *oauth.Registration) { asClientCredentials(p, r); r.Subject = "bot" }, "bot", 0},
		{"the client itself", "zendesk", func(p *provider.Provider, r *oauth.Registration) {
			asClientCredentials(p, r)
			p.Identity.Subject = ""
		}, "123.456", 0},
		{"asked", "zendesk", asClientCredentials, "35436", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(s.received())
			who, err := minter(t, c.provider, s.URL, c.change).IdentifyMinted(t.Context(), credential.NewSecret(accessText))
			require.NoError(t, err)
			assert.Equal(t, c.want, who.Subject)
			assert.NotEmpty(t, who.Display)
			assert.Len(t, s.received(), before+c.asked)
		})
	}
}

func TestIdentifyWithoutASubjectTellsGoodFromDead(t *testing.T) {
	for _, c := range []struct {
		provider string
		status   int
		body     string
		want     credential.FailureKind
	}{
		{"google-service-account", 200, `{"azp":"1139","scope":"x","expires_in":"3599"}`, ""},
		{"google-service-account", 400, `{"error":"invalid_token","error_description":"Invalid Value"}`, credential.DeadGrant},
		{"github-installation", 200, `{"total_count":1}`, ""},
		{"github-installation", 401, `{"message":"Bad credentials"}`, credential.DeadGrant},
		{"github-installation", 403, `{"message":"This installation has been suspended"}`, credential.Misconfigured},
	} {
		s := serve(t, answerJSON(c.status, c.body))
		_, err := client(t, c.provider, s.URL).Identify(t.Context(), credential.NewSecret(accessText))
		assert.Equal(t, c.want, oauth.KindOf(err), "%s %d", c.provider, c.status)
	}
}

func TestRevokeInstallation(t *testing.T) {
	for status, want := range map[int]credential.FailureKind{
		204: "", 401: "", 403: credential.Misconfigured, 429: credential.Throttled, 502: credential.Transient,
	} {
		s := serve(t, answerJSON(status, ""))
		err := client(t, "github-installation", s.URL).Revoke(t.Context(), credential.Tokens{Access: credential.NewSecret(accessText)})
		assert.Equal(t, want, oauth.KindOf(err), "HTTP %d", status)
		request := s.only(t)
		assert.Equal(t, http.MethodDelete, request.method)
		assert.Equal(t, "Bearer "+accessText, request.header.Get("Authorization"))
	}
}
