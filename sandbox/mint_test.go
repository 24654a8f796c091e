package sandbox_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

// keys are made once: an RSA key takes its time.
var keys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var made [2]*rsa.PrivateKey
	for i := range made {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		made[i] = key
	}
	return made
})

// newSigningWorld is a world whose apps have a key.
func newSigningWorld(t *testing.T) *world {
	t.Helper()
	app := sandbox.AppOptions{Key: &keys()[0].PublicKey}
	return newWorld(t, sandbox.Options{GitHub: app, Google: app})
}

func (w *world) sign(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	w.t.Helper()
	text, err := jwt.NewWithClaims(method, claims).SignedString(key)
	require.NoError(w.t, err)
	return text
}

// appClaims are those of a good JWT of the GitHub App.
func (w *world) appClaims() jwt.MapClaims {
	now := w.clock.Now()
	return jwt.MapClaims{"iss": w.App(sandbox.GitHub).ClientID, "iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix()}
}

// serviceClaims are those of a good assertion of the service account.
func (w *world) serviceClaims() jwt.MapClaims {
	now := w.clock.Now()
	return jwt.MapClaims{
		"iss": w.App(sandbox.Google).ClientID, "aud": w.url + "/google/token", "scope": "drive calendar",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

func (w *world) bearer(method, path, token string) (int, map[string]any) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, http.NoBody)
	require.NoError(w.t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, body := w.do(request)
	return response.StatusCode, fields(w.t, body)
}

func fields(t *testing.T, body []byte) map[string]any {
	t.Helper()
	answer := map[string]any{}
	if len(body) > 0 {
		require.NoError(t, json.Unmarshal(body, &answer), string(body))
	}
	return answer
}

const accessTokens = "/github/api/v3/app/installations/51000001/access_tokens"

func (w *world) installationToken() string {
	w.t.Helper()
	status, answer := w.bearer(http.MethodPost, accessTokens, w.sign(jwt.SigningMethodRS256, keys()[0], w.appClaims()))
	require.Equal(w.t, http.StatusCreated, status, answer)
	token, ok := answer["token"].(string)
	require.True(w.t, ok)
	return token
}

func TestInstallationTokens(t *testing.T) {
	w := newSigningWorld(t)
	token := w.installationToken()
	assert.Regexp(t, `^ghs_[A-Z0-9]{40,}$`, token)

	issue, err := w.createIssue(w.gitHub(token), "Broken", "It is broken.")
	require.NoError(t, err)
	assert.Equal(t, "triage-agent[bot]", issue.GetUser().GetLogin())
	status, answer := w.bearer(http.MethodGet, "/github/api/v3/installation/repositories?per_page=1", token)
	assert.Equal(t, http.StatusOK, status)
	assert.InDelta(t, 1, answer["total_count"], 0)
	status, _ = w.bearer(http.MethodGet, "/github/api/v3/user", token)
	assert.Equal(t, http.StatusForbidden, status, "an installation is no user")
	status, _ = w.bearer(http.MethodGet, "/github/api/v3/installation/repositories", w.connect(sandbox.GitHub).Access)
	assert.Equal(t, http.StatusForbidden, status, "a user is no installation")

	other := w.installationToken()
	status, _ = w.bearer(http.MethodDelete, "/github/api/v3/installation/token", token)
	assert.Equal(t, http.StatusNoContent, status)
	status, _ = w.bearer(http.MethodGet, "/github/api/v3/installation/repositories", token)
	assert.Equal(t, http.StatusUnauthorized, status)
	w.clock.advance(time.Hour - time.Second)
	status, _ = w.bearer(http.MethodGet, "/github/api/v3/installation/repositories", other)
	assert.Equal(t, http.StatusOK, status)
	w.clock.advance(time.Second)
	status, _ = w.bearer(http.MethodGet, "/github/api/v3/installation/repositories", other)
	assert.Equal(t, http.StatusUnauthorized, status)

	books := w.Books()
	assert.Equal(t, map[sandbox.App]int{sandbox.GitHub: 2}, books.MintsByApp)
	assert.Contains(t, w.IssuedTokens(), token)
}

func TestRefusedInstallationTokens(t *testing.T) {
	w := newSigningWorld(t)
	now := w.clock.Now()
	for _, c := range []struct {
		name   string
		key    any
		method jwt.SigningMethod
		change jwt.MapClaims
		says   string
	}{
		{"another key", keys()[1], jwt.SigningMethodRS256, nil, "could not be decoded"},
		{"another algorithm", keys()[0], jwt.SigningMethodRS512, nil, "could not be decoded"},
		{"no signature", jwt.UnsafeAllowNoneSignatureType, jwt.SigningMethodNone, nil, "could not be decoded"},
		{"the public key as a secret", []byte("public"), jwt.SigningMethodHS256, nil, "could not be decoded"},
		{"another app", keys()[0], jwt.SigningMethodRS256, jwt.MapClaims{"iss": "Iv23liOther"}, "could not be decoded"},
		{"too long", keys()[0], jwt.SigningMethodRS256, jwt.MapClaims{"exp": now.Add(10*time.Minute + time.Second).Unix()}, "too far in the future"},
		{"over", keys()[0], jwt.SigningMethodRS256, jwt.MapClaims{"exp": now.Unix()}, "('exp') must be"},
		{"not yet", keys()[0], jwt.SigningMethodRS256, jwt.MapClaims{"iat": now.Add(time.Second).Unix()}, "('iat') must be"},
		{"no times", keys()[0], jwt.SigningMethodRS256, jwt.MapClaims{"iat": nil}, "('iat') must be"},
	} {
		claims := w.appClaims()
		maps.Copy(claims, c.change)
		status, answer := w.bearer(http.MethodPost, accessTokens, w.sign(c.method, c.key, claims))
		assert.Equal(t, http.StatusUnauthorized, status, c.name)
		assert.Contains(t, answer["message"], c.says, c.name)
	}
	good := w.sign(jwt.SigningMethodRS256, keys()[0], w.appClaims())
	status, _ := w.bearer(http.MethodPost, "/github/api/v3/app/installations/7/access_tokens", good)
	assert.Equal(t, http.StatusNotFound, status)
	for _, garbage := range []string{"", "x", "x.y", "x.y.z", "..."} {
		status, _ := w.bearer(http.MethodPost, accessTokens, garbage)
		assert.Equal(t, http.StatusUnauthorized, status, garbage)
	}
	assert.Equal(t, 15, w.Books().MintsRefused)
}

func TestASuspendedInstallationHasNoTokens(t *testing.T) {
	w := newSigningWorld(t)
	token := w.installationToken()
	w.SuspendInstallation(true)
	status, _ := w.bearer(http.MethodGet, "/github/api/v3/installation/repositories", token)
	assert.Equal(t, http.StatusUnauthorized, status)
	status, answer := w.bearer(http.MethodPost, accessTokens, w.sign(jwt.SigningMethodRS256, keys()[0], w.appClaims()))
	assert.Equal(t, http.StatusForbidden, status)
	assert.Equal(t, "This installation has been suspended", answer["message"])
	w.SuspendInstallation(false)
	w.installationToken()
}

func (w *world) assertion(claims jwt.MapClaims) url.Values {
	w.t.Helper()
	return url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"},
		"assertion":  {w.sign(jwt.SigningMethodRS256, keys()[0], claims)},
	}
}

func TestServiceAccountTokens(t *testing.T) {
	w := newSigningWorld(t)
	status, body := w.post("/google/token", w.assertion(w.serviceClaims()))
	require.Equal(t, http.StatusOK, status, string(body))
	token, ok := fields(t, body)["access_token"].(string)
	require.True(t, ok)
	assert.Regexp(t, `^ya29\.`, token)

	status, info := w.bearer(http.MethodPost, "/google/tokeninfo", token)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "drive calendar", info["scope"])
	assert.Equal(t, "3600", info["expires_in"])
	w.SetKey(sandbox.Google, &keys()[1].PublicKey)
	status, body = w.post("/google/token", w.assertion(w.serviceClaims()))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, string(body), "Invalid JWT Signature.")
	status, _ = w.bearer(http.MethodPost, "/google/tokeninfo", token)
	assert.Equal(t, http.StatusOK, status, "a token lives on when its key is gone")
	status, _ = w.post("/google/revoke", url.Values{"token": {token}})
	assert.Equal(t, http.StatusOK, status)
	status, info = w.bearer(http.MethodPost, "/google/tokeninfo", token)
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, "invalid_token", info["error"])
}

func TestRefusedServiceAccountTokens(t *testing.T) {
	w := newSigningWorld(t)
	now := w.clock.Now()
	for _, c := range []struct {
		name   string
		change jwt.MapClaims
		want   string
	}{
		{"another account", jwt.MapClaims{"iss": "x@example.com"}, "invalid_grant"},
		{"another audience", jwt.MapClaims{"aud": "https://oauth2.googleapis.com/token"}, "invalid_grant"},
		{"more than an hour", jwt.MapClaims{"exp": now.Add(time.Hour + time.Second).Unix()}, "invalid_grant"},
		{"from the future", jwt.MapClaims{"iat": now.Add(time.Minute).Unix()}, "invalid_grant"},
		{"no scope", jwt.MapClaims{"scope": ""}, "invalid_scope"},
	} {
		claims := w.serviceClaims()
		maps.Copy(claims, c.change)
		status, body := w.post("/google/token", w.assertion(claims))
		assert.Equal(t, http.StatusBadRequest, status, c.name)
		assert.Equal(t, c.want, fields(t, body)["error"], c.name)
	}
	status, body := w.post("/google/token", url.Values{"grant_type": {"password"}})
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, "unsupported_grant_type", fields(t, body)["error"])
	form := w.assertion(w.serviceClaims())
	form.Set("client_id", "someone")
	status, _ = w.post("/google/token", form)
	assert.Equal(t, http.StatusUnauthorized, status)
}

func TestClientCredentials(t *testing.T) {
	w := newSigningWorld(t)
	app := w.App(sandbox.Google)
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"read"}, "client_id": {app.ClientID}, "client_secret": {app.ClientSecret},
	}
	status, body := w.post("/google/token", form)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "read", fields(t, body)["scope"])
	assert.NotContains(t, fields(t, body), "refresh_token")
	form.Set("client_secret", "wrong")
	status, body = w.post("/google/token", form)
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Equal(t, "invalid_client", fields(t, body)["error"])
}

func TestFaultsOfMints(t *testing.T) {
	w := newSigningWorld(t)
	w.fault(sandbox.Fault{App: sandbox.Google, Endpoint: "token.mint", Kind: sandbox.FaultStatus, Status: 503, RetryAfter: time.Minute})
	w.fault(sandbox.Fault{App: sandbox.Google, Endpoint: "token.mint", Kind: sandbox.FaultStatus, Code: "invalid_scope"})
	status, _ := w.post("/google/token", w.assertion(w.serviceClaims()))
	assert.Equal(t, http.StatusServiceUnavailable, status)
	status, body := w.post("/google/token", w.assertion(w.serviceClaims()))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, "invalid_scope", fields(t, body)["error"])
	assert.Zero(t, w.Books().AuthFailures)
}
