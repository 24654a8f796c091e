package openid_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway/openid"
	"tokenkeeper/internal/openidtest"
)

const redirect = "https://keeper.example.com/login/callback"

// world is a provider and our side of it.
type world struct {
	t        *testing.T
	provider *openidtest.Provider
	ours     *openid.Provider

	mu           sync.Mutex
	now          time.Time
	registration openid.Registration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Now()}
	w.provider = openidtest.New(t, w.clock)
	w.registration = openid.Registration{
		Issuer: w.provider.URL, ClientID: openidtest.ClientID, ClientSecret: credential.NewSecret(openidtest.ClientSecret), RedirectURL: redirect,
		Scopes: []string{"openid", "email"}, Groups: []string{"sre", "support"},
	}
	w.ours = openid.New(func() openid.Registration {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.registration
	}, openid.Options{Now: w.clock})
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) change(how func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	how(w)
}

// begin leads a browser to the provider, and returns what it brings back.
func (w *world) begin() (openid.Attempt, openid.Answer) {
	w.t.Helper()
	address, attempt, err := w.ours.Begin(w.t.Context())
	require.NoError(w.t, err)
	return attempt, w.visit(address)
}

func (w *world) visit(address string) openid.Answer {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	require.NoError(w.t, err)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(w.t, err)
	require.NoError(w.t, response.Body.Close())
	require.Equal(w.t, http.StatusFound, response.StatusCode)
	back, err := url.Parse(response.Header.Get("Location"))
	require.NoError(w.t, err)
	q := back.Query()
	return openid.Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss")}
}

func (w *world) signIn() (openid.Identity, error) {
	w.t.Helper()
	attempt, answer := w.begin()
	return w.ours.Finish(w.t.Context(), attempt, answer)
}

func (w *world) requireFailure(kind openid.Kind, text string, err error) {
	w.t.Helper()
	var failure *openid.Error
	require.ErrorAs(w.t, err, &failure)
	assert.Equal(w.t, kind, failure.Kind, err.Error())
	require.ErrorContains(w.t, err, text)
	for _, secret := range w.provider.Secrets() {
		assert.NotContains(w.t, err.Error(), secret)
	}
}

func TestSignIn(t *testing.T) {
	for name, test := range map[string]struct {
		claims, userInfo map[string]any
		want             openid.Identity
	}{
		"bare":      {nil, nil, openid.Identity{}},
		"address":   {map[string]any{"email": "Jane@example.com", "email_verified": true}, nil, openid.Identity{Email: "Jane@example.com"}},
		"as text":   {map[string]any{"email": "jane@example.com", "email_verified": "true"}, nil, openid.Identity{Email: "jane@example.com"}},
		"unproven":  {map[string]any{"email": "jane@example.com", "email_verified": false}, nil, openid.Identity{}},
		"silent":    {map[string]any{"email": "jane@example.com"}, nil, openid.Identity{}},
		"odd":       {map[string]any{"email": "jane@example.com\u202e", "email_verified": true}, nil, openid.Identity{}},
		"groups":    {map[string]any{"groups": []string{"support", "all", "sre", "sre"}}, nil, openid.Identity{Groups: []string{"sre", "support"}}},
		"one group": {map[string]any{"groups": "sre"}, nil, openid.Identity{Groups: []string{"sre"}}},
		"no groups": {map[string]any{"groups": map[string]any{"sre": true}}, nil, openid.Identity{}},
		"user info": {nil, map[string]any{"sub": "248289761001", "email": "jane@example.com", "email_verified": true, "groups": []string{"sre"}},
			openid.Identity{Email: "jane@example.com", Groups: []string{"sre"}}},
		"user info of less weight": {map[string]any{"email": "jane@example.com", "groups": []string{}},
			map[string]any{"sub": "248289761001", "email_verified": true, "groups": []string{"sre"}}, openid.Identity{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.provider.Change(func(b *openidtest.Behaviour) { b.Claims, b.UserInfo = test.claims, test.userInfo })
			got, err := w.signIn()
			require.NoError(t, err)
			test.want.Issuer, test.want.Subject = w.provider.URL, "248289761001"
			assert.Equal(t, test.want, got)
		})
	}
}

func TestName(t *testing.T) {
	assert.Equal(t, "jane@example.com", openid.Identity{Subject: "1", Email: "jane@example.com"}.Name())
	assert.Equal(t, "1", openid.Identity{Subject: "1"}.Name())
}

// Each of these is a way to sign somebody in as somebody else.
func TestHostileIDTokens(t *testing.T) {
	claim := func(name string, value any) func(*world, *openidtest.Behaviour) {
		return func(_ *world, b *openidtest.Behaviour) { b.Claims = map[string]any{name: value} }
	}
	another, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	signed := func(method jwt.SigningMethod, key any) func(*world, *openidtest.Behaviour) {
		return func(_ *world, b *openidtest.Behaviour) {
			b.Sign = func(c jwt.MapClaims) (string, error) {
				token := jwt.NewWithClaims(method, c)
				token.Header["kid"] = "1"
				return token.SignedString(key)
			}
		}
	}
	for name, test := range map[string]struct {
		lie  func(*world, *openidtest.Behaviour)
		want string
	}{
		"wrong nonce":    {claim("nonce", "another"), "another attempt"},
		"no nonce":       {claim("nonce", nil), "another attempt"},
		"wrong audience": {claim("aud", "another-client"), "expected audience"},
		"no audience":    {claim("aud", nil), "expected audience"},
		"two audiences":  {claim("aud", []string{openidtest.ClientID, "another-client"}), "another client"},
		"another party":  {claim("azp", "another-client"), "another client"},
		"wrong issuer":   {claim("iss", "https://attacker.example"), "different provider"},
		"expired": {func(w *world, b *openidtest.Behaviour) {
			b.Claims = map[string]any{"exp": w.now.Add(-time.Second).Unix()}
		}, "expired"},
		"no expiry":             {claim("exp", nil), "expired"},
		"not yet":               {func(w *world, b *openidtest.Behaviour) { b.Claims = map[string]any{"nbf": w.now.Add(time.Hour).Unix()} }, "not before"},
		"nobody":                {claim("sub", nil), "names nobody"},
		"somebody odd":          {claim("sub", "jane\u202e"), "names nobody"},
		"unsigned":              {signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), "signature algorithm"},
		"signed by another key": {signed(jwt.SigningMethodES256, another), "verify"},
		"signed with our secret": {
			signed(jwt.SigningMethodHS256, []byte(openidtest.ClientSecret)), "signature algorithm",
		},
		"no JWT": {func(_ *world, b *openidtest.Behaviour) {
			b.Sign = func(jwt.MapClaims) (string, error) { return "a.b", nil }
		}, "malformed"},
		"user info of somebody else": {func(_ *world, b *openidtest.Behaviour) {
			b.UserInfo = map[string]any{"sub": "another", "email": "jane@example.com", "email_verified": true}
		}, "somebody else"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.provider.Change(func(b *openidtest.Behaviour) { test.lie(w, b) })
			got, err := w.signIn()
			w.requireFailure(openid.Refused, test.want, err)
			assert.Zero(t, got)
		})
	}
}

func TestHostileAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		behaviour openidtest.Behaviour
		change    func(w *world, a *openid.Attempt, answer *openid.Answer)
		kind      openid.Kind
		want      string
	}{
		"no state": {change: func(_ *world, _ *openid.Attempt, answer *openid.Answer) { answer.State = "" }, kind: openid.Refused, want: "another attempt"},
		"nothing": {change: func(_ *world, a *openid.Attempt, answer *openid.Answer) {
			*a, *answer = openid.Attempt{}, openid.Answer{}
		},
			kind: openid.Refused, want: "another attempt"},
		"foreign state": {change: func(_ *world, _ *openid.Attempt, answer *openid.Answer) { answer.State = "another" }, kind: openid.Refused, want: "another attempt"},
		"no code":       {change: func(_ *world, _ *openid.Attempt, answer *openid.Answer) { answer.Code = "" }, kind: openid.Refused, want: "no code"},
		"made-up code":  {change: func(_ *world, _ *openid.Attempt, answer *openid.Answer) { answer.Code = "made-up" }, kind: openid.Stale, want: "dead grant"},
		"injected code": {change: func(w *world, _ *openid.Attempt, answer *openid.Answer) {
			_, another := w.begin()
			answer.Code = another.Code
		}, kind: openid.Stale, want: "dead grant"},
		"used code": {change: func(w *world, a *openid.Attempt, answer *openid.Answer) {
			_, err := w.ours.Finish(w.t.Context(), *a, *answer)
			require.NoError(w.t, err)
		}, kind: openid.Stale, want: "dead grant"},
		"another issuer":         {behaviour: openidtest.Behaviour{Issuer: "https://attacker.example"}, kind: openid.Refused, want: "another provider"},
		"no issuer, as promised": {behaviour: openidtest.Behaviour{NamesIssuer: true}, kind: openid.Refused, want: "another provider"},
		"denied":                 {behaviour: openidtest.Behaviour{Refusal: "access_denied"}, kind: openid.Declined, want: "code access_denied"},
		"trouble":                {behaviour: openidtest.Behaviour{Refusal: "temporarily_unavailable"}, kind: openid.Away, want: "trouble of its own"},
		"refused request":        {behaviour: openidtest.Behaviour{Refusal: "invalid_scope"}, kind: openid.Misconfigured, want: "does not accept"},
		"prose":                  {behaviour: openidtest.Behaviour{Refusal: "call 0800 <b>"}, kind: openid.Declined, want: "declined: the provider"},
		"token endpoint refuses": {
			behaviour: openidtest.Behaviour{TokenStatus: 401, TokenError: "invalid_client"}, kind: openid.Misconfigured, want: "dead client (HTTP 401)",
		},
		"token endpoint down": {behaviour: openidtest.Behaviour{TokenStatus: 503}, kind: openid.Away, want: "exchanging the code"},
		"provider went away": {change: func(w *world, _ *openid.Attempt, _ *openid.Answer) {
			w.provider.Change(func(b *openidtest.Behaviour) { b.Away = true })
		}, kind: openid.Away, want: "exchanging the code"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.provider.Change(func(b *openidtest.Behaviour) { *b = test.behaviour })
			attempt, answer := w.begin()
			if test.change != nil {
				test.change(w, &attempt, &answer)
			}
			_, err := w.ours.Finish(t.Context(), attempt, answer)
			w.requireFailure(test.kind, test.want, err)
		})
	}
}

func TestTheProviderNamesItself(t *testing.T) {
	w := newWorld(t)
	w.provider.Change(func(b *openidtest.Behaviour) { b.NamesIssuer, b.Issuer = true, w.provider.URL })
	_, err := w.signIn()
	require.NoError(t, err)
}

// The provider may be away when the gateway starts, or later: it is asked when somebody signs in.
func TestDiscovery(t *testing.T) {
	w := newWorld(t)
	w.provider.Change(func(b *openidtest.Behaviour) { b.Away = true })
	for range 2 {
		_, _, err := w.ours.Begin(t.Context())
		w.requireFailure(openid.Away, "503", err)
	}
	require.Error(t, w.ours.Check(t.Context()))
	w.provider.Change(func(b *openidtest.Behaviour) { b.Away = false })
	for range 3 {
		_, err := w.signIn()
		require.NoError(t, err)
	}
	require.NoError(t, w.ours.Check(t.Context()))
	assert.Equal(t, 1, w.provider.Discoveries(), "it is remembered")
	w.change(func(w *world) { w.now = w.now.Add(24 * time.Hour) })
	require.NoError(t, w.ours.Check(t.Context()))
	assert.Equal(t, 2, w.provider.Discoveries(), "and not for ever")
	w.change(func(w *world) { w.registration.ClientSecret = credential.NewSecret("replaced") })
	_, err := w.signIn()
	w.requireFailure(openid.Misconfigured, "dead client", err)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = newWorld(t).ours.Begin(ended)
	w.requireFailure(openid.Away, "canceled", err)
}

func TestHostileDiscovery(t *testing.T) {
	for name, test := range map[string]struct {
		document map[string]any
		want     string
	}{
		"another issuer":    {map[string]any{"issuer": "https://attacker.example"}, `calls itself "https://attacker.example"`},
		"no endpoint":       {map[string]any{"token_endpoint": ""}, "token_endpoint"},
		"keys in the file":  {map[string]any{"jwks_uri": "file:///etc/passwd"}, "jwks_uri"},
		"script to sign in": {map[string]any{"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.provider.Change(func(b *openidtest.Behaviour) { b.Discovery = test.document })
			_, _, err := w.ours.Begin(t.Context())
			w.requireFailure(openid.Misconfigured, test.want, err)
		})
	}
}

func TestTheClientProvesItselfAsTheProviderWants(t *testing.T) {
	for _, methods := range [][]string{{"client_secret_post", "private_key_jwt"}, {"client_secret_post", "client_secret_basic"}} {
		w := newWorld(t)
		w.provider.Change(func(b *openidtest.Behaviour) {
			b.Discovery = map[string]any{"token_endpoint_auth_methods_supported": methods}
		})
		_, err := w.signIn()
		require.NoError(t, err, methods)
	}
}
