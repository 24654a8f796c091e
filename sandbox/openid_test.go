package sandbox_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway/openid"
	"tokenkeeper/sandbox"
)

// openID is tokenkeeper's side of the provider.
func (w *world) openID() *openid.Provider {
	app := w.App(sandbox.OpenID)
	return openid.New(func() openid.Registration {
		return openid.Registration{
			Issuer: w.url + "/openid", ClientID: app.ClientID, ClientSecret: credential.NewSecret(app.ClientSecret),
			RedirectURL: "http://127.0.0.1:8780/login/callback", Scopes: []string{"openid", "profile", "email"}, Groups: []string{"sre", "staff"},
		}
	}, openid.Options{Now: w.clock.Now})
}

// signIn has somebody sign in, and returns the attempt and what the browser brings back.
func (w *world) signIn(p *openid.Provider, who string, decision sandbox.Decision) (openid.Attempt, openid.Answer) {
	w.t.Helper()
	address, attempt, err := p.Begin(w.t.Context())
	require.NoError(w.t, err)
	back, err := sandbox.Decide(w.t.Context(), w.http, address, who, decision)
	require.NoError(w.t, err)
	u, err := url.Parse(back)
	require.NoError(w.t, err)
	q := u.Query()
	return attempt, openid.Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss")}
}

func TestPeopleSignInAtTheSandbox(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	p := w.openID()
	for who, want := range map[string]openid.Identity{
		"":                  {Subject: "U0ADA", Email: "ada@acme.example", Groups: []string{"sre", "staff"}},
		"chen@acme.example": {Subject: "U0CHEN", Email: "chen@acme.example", Groups: []string{"staff"}},
		sandbox.OtherPerson: {Subject: "U0ELSEWHERE", Email: sandbox.OtherPerson},
		"made@up.example":   {Subject: "U0ADA", Email: "ada@acme.example", Groups: []string{"sre", "staff"}},
	} {
		attempt, answer := w.signIn(p, who, sandbox.Allow)
		got, err := p.Finish(t.Context(), attempt, answer)
		require.NoError(t, err, who)
		want.Issuer = w.url + "/openid"
		assert.Equal(t, want, got)
		_, err = p.Finish(t.Context(), attempt, answer)
		require.ErrorContains(t, err, "dead grant", "a code is good once")
	}
	attempt, answer := w.signIn(p, "", sandbox.Deny)
	_, err := p.Finish(t.Context(), attempt, answer)
	require.ErrorContains(t, err, "code access_denied")

	attempt, answer = w.signIn(p, "", sandbox.Allow)
	w.clock.advance(10 * time.Minute)
	_, err = p.Finish(t.Context(), attempt, answer)
	require.ErrorContains(t, err, "dead grant", "the code is too old")

	w.SetClientSecret(sandbox.OpenID, "another")
	attempt, answer = w.signIn(p, "", sandbox.Allow)
	_, err = p.Finish(t.Context(), attempt, answer)
	require.ErrorContains(t, err, "dead client")
	assert.Empty(t, w.IssuedTokens(), "signing in grants nothing")
}

func TestTheOpenIDProviderOfTheSandboxFails(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	p := w.openID()
	w.fault(sandbox.Fault{App: sandbox.OpenID, Endpoint: "discovery", Kind: sandbox.FaultStatus, Status: http.StatusServiceUnavailable})
	require.ErrorContains(t, p.Check(t.Context()), "503")
	require.NoError(t, p.Check(t.Context()), "the fault has passed")
	_, page := w.get("/openid/authorize?client_id=tokenkeeper-gateway&redirect_uri=http://127.0.0.1:8780/login/callback&scope=email")
	assert.Contains(t, string(page), "scope openid")
}
