package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/gateway/openid"
	"tokenkeeper/internal/openidtest"
	"tokenkeeper/vault"
)

// askAt has people sign in at an OpenID provider, whose group sre are operators and whose people of example.com may look.
func (f *fixture) askAt() *openidtest.Provider {
	f.t.Helper()
	provider := openidtest.New(f.t, f.clock.Now)
	f.server.Sessions = f.vault
	f.server.OpenID = &gateway.OpenID{
		Provider: openid.New(func() openid.Registration {
			return openid.Registration{
				Issuer: provider.URL, ClientID: openidtest.ClientID, ClientSecret: credential.NewSecret(openidtest.ClientSecret),
				RedirectURL: f.server.PublicURL.String() + "/login/callback", Scopes: []string{"openid", "email"}, Groups: []string{"sre"},
			}
		}, openid.Options{Now: f.clock.Now}),
		Role: roleOf,
	}
	f.t.Cleanup(func() {
		for _, secret := range provider.Secrets() {
			require.NotContains(f.t, f.log.String(), secret, "the log holds a secret of the OpenID provider")
		}
	})
	provider.Change(func(b *openidtest.Behaviour) { b.Claims = claimsOf("jane@example.com") })
	return provider
}

func roleOf(i openid.Identity) gateway.Role {
	switch {
	case slices.Contains(i.Groups, "sre"):
		return gateway.Operator
	case strings.HasSuffix(i.Email, "@example.com"):
		return gateway.Viewer
	}
	return gateway.NoRole
}

func claimsOf(email string, groups ...string) map[string]any {
	return map[string]any{"sub": "id-of-" + email, "email": email, "email_verified": true, "groups": groups}
}

// toOpenID goes from the button of the sign-in page through the provider, up to the address that it sends the browser to.
func (b *browser) toOpenID() *url.URL {
	b.f.t.Helper()
	begun := b.press("/login/openid")
	require.Equal(b.f.t, http.StatusSeeOther, begun.status, begun.body)
	asked := b.open(begun.location)
	require.Equal(b.f.t, http.StatusFound, asked.status, asked.body)
	return parseURL(b.f.t, asked.location)
}

// signIn is the whole way.
func (b *browser) signIn() page {
	b.f.t.Helper()
	return b.open(b.toOpenID().String())
}

func TestSigningInAtAnOpenIDProvider(t *testing.T) {
	for name, test := range map[string]struct {
		claims  map[string]any
		status  int
		button  int // what pressing one leads to
		audited vault.Outcome
		actor   string
	}{
		"viewer":     {claimsOf("jane@example.com", "support"), 303, 403, vault.Done, "jane@example.com"},
		"operator":   {claimsOf("sam@example.org", "sre"), 303, 303, vault.Done, "sam@example.org"},
		"nobody":     {claimsOf("eve@attacker.example", "support"), 403, 401, vault.Refused, "eve@attacker.example"},
		"lookalike":  {claimsOf("eve@example.com.attacker.example"), 403, 401, vault.Refused, "eve@example.com.attacker.example"},
		"unverified": {map[string]any{"email": "jane@example.com", "email_verified": false}, 403, 401, vault.Refused, "248289761001"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			provider := f.askAt()
			provider.Change(func(b *openidtest.Behaviour) { b.Claims = test.claims })
			b := f.browser()
			assert.Equal(t, "/login", b.open("/").location)
			form := b.open("/login")
			assert.Contains(t, form.body, "Sign in at "+parseURL(t, provider.URL).Host)
			assert.NotContains(t, form.body, "Token", "there are none")
			assert.Contains(t, form.header.Get("Content-Security-Policy"), "form-action 'self' https: "+provider.URL)

			back := b.signIn()
			assert.Equal(t, test.status, back.status, back.body)
			assert.Equal(t, test.button, b.press(buttonsOf+"refresh").status)
			home := b.open("/")
			if test.audited == vault.Done {
				assert.Equal(t, "/", back.location)
				assert.Equal(t, http.StatusOK, home.status)
				assert.Contains(t, home.body, "Signed in as "+test.actor)
				assert.Equal(t, "/", b.open("/login").location)
			} else {
				assert.Contains(t, back.body, "You are "+test.actor)
				assert.Equal(t, "/login", home.location)
			}
			signedIn := f.signIns()[0]
			assert.Equal(t, vault.SignedIn, signedIn.Action)
			assert.Equal(t, test.actor, signedIn.Actor)
			assert.Equal(t, test.audited, signedIn.Outcome)
			assert.Contains(t, signedIn.Detail, " of "+provider.URL)
		})
	}
}

// signIns returns what is in the audit log of people who came and went, newest first.
func (f *fixture) signIns() []vault.Event {
	f.t.Helper()
	trail, err := f.vault.AuditTrail(f.t.Context(), vault.AuditFilter{}, 100)
	require.NoError(f.t, err)
	return slices.DeleteFunc(trail, func(e vault.Event) bool { return e.Action != vault.SignedIn && e.Action != vault.SignedOut })
}

func TestHostileSignIns(t *testing.T) {
	changed := func(changes map[string]string) func(*fixture, *openidtest.Provider, *browser, *url.URL) page {
		return func(_ *fixture, _ *openidtest.Provider, b *browser, u *url.URL) page { return b.open(with(u, changes)) }
	}
	for name, test := range map[string]struct {
		open   func(*fixture, *openidtest.Provider, *browser, *url.URL) page
		status int
		want   string
	}{
		"no state":       {changed(map[string]string{"state": ""}), 400, "not begun here"},
		"foreign state":  {changed(map[string]string{"state": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}), 400, "not begun here"},
		"no code":        {changed(map[string]string{"code": ""}), 400, "is not believed"},
		"made-up code":   {changed(map[string]string{"code": "made-up"}), 400, "no longer accepts"},
		"another issuer": {changed(map[string]string{"iss": "https://attacker.example"}), 400, "is not believed"},
		"denied":         {changed(map[string]string{"code": "", "error": "access_denied"}), 403, "did not sign you in"},
		"prose":          {changed(map[string]string{"code": "", "error": "<script>"}), 403, "did not sign you in"},
		"twice a state": {func(_ *fixture, _ *openidtest.Provider, b *browser, u *url.URL) page {
			return b.open(u.String() + "&state=" + u.Query().Get("state"))
		}, 400, "not begun here"},
		"another browser": {func(f *fixture, _ *openidtest.Provider, _ *browser, u *url.URL) page {
			return f.browser().open(u.String())
		}, 400, "not begun here"},
		"another browser with an attempt of its own": {func(f *fixture, _ *openidtest.Provider, _ *browser, u *url.URL) page {
			other := f.browser()
			other.toOpenID()
			return other.open(u.String())
		}, 400, "not begun here"},
		"code of another browser": {func(f *fixture, _ *openidtest.Provider, b *browser, u *url.URL) page {
			return b.open(with(u, map[string]string{"code": f.browser().toOpenID().Query().Get("code")}))
		}, 400, "no longer accepts"},
		"cookie under another state's name": {func(f *fixture, _ *openidtest.Provider, b *browser, u *url.URL) page {
			other := f.browser()
			theirs := other.toOpenID()
			mine, name := b.client.Jar.Cookies(u), other.client.Jar.Cookies(theirs)[0].Name
			other.client.Jar.SetCookies(theirs, []*http.Cookie{{Name: name, Value: mine[0].Value, Path: "/login/callback"}})
			return other.open(theirs.String())
		}, 400, "is not believed"},
		"forged cookie": {func(_ *fixture, _ *openidtest.Provider, b *browser, u *url.URL) page {
			cookie := b.client.Jar.Cookies(u)[0]
			cookie.Value, cookie.Path = strings.Repeat("A", len(cookie.Value)), "/login/callback"
			b.client.Jar.SetCookies(u, []*http.Cookie{cookie})
			return b.open(u.String())
		}, 400, "not begun here"},
		"too late": {func(f *fixture, _ *openidtest.Provider, b *browser, u *url.URL) page {
			f.clock.advance(10 * time.Minute)
			return b.open(u.String())
		}, 400, "not begun here"},
		"nonce of another attempt": {func(_ *fixture, p *openidtest.Provider, b *browser, u *url.URL) page {
			p.Change(func(o *openidtest.Behaviour) { o.Claims = map[string]any{"nonce": "another"} })
			return b.open(u.String())
		}, 400, "is not believed"},
		"provider went away": {func(_ *fixture, p *openidtest.Provider, b *browser, u *url.URL) page {
			p.Change(func(o *openidtest.Behaviour) { o.Away = true })
			return b.open(u.String())
		}, 503, "does not answer"},
		"client refused": {func(_ *fixture, p *openidtest.Provider, b *browser, u *url.URL) page {
			p.Change(func(o *openidtest.Behaviour) { o.TokenStatus, o.TokenError = 401, "invalid_client" })
			return b.open(u.String())
		}, 502, "refuses tokenkeeper"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			provider := f.askAt()
			b := f.browser()
			got := test.open(f, provider, b, b.toOpenID())
			assert.Equal(t, test.status, got.status, got.body)
			assert.Contains(t, got.body, test.want)
			assert.NotContains(t, got.header.Get("Set-Cookie"), "tokenkeeper-session")
			assert.Empty(t, got.location)
			assert.Equal(t, "/login", b.open("/").location)
			assert.Empty(t, f.signIns())
		})
	}
}

func TestAnAnswerIsGoodOnce(t *testing.T) {
	f := newFixture(t)
	f.askAt()
	b := f.browser()
	back := b.toOpenID()
	cookies := b.client.Jar.Cookies(back)
	assert.Equal(t, http.StatusMethodNotAllowed, b.send(http.MethodHead, back.String(), nil).status, "what looks ahead uses nothing up")
	require.Equal(t, http.StatusSeeOther, b.open(back.String()).status)
	assert.Contains(t, b.open(back.String()).body, "not begun here")
	for _, cookie := range cookies {
		cookie.Path = "/login/callback"
	}
	b.client.Jar.SetCookies(back, cookies)
	assert.Contains(t, b.open(back.String()).body, "no longer accepts", "a copy of the cookie does not help: the code is spent")
}

// Nobody is led anywhere by what a request brings along.
func TestSignInLeadsNowhereElse(t *testing.T) {
	f := newFixture(t)
	provider := f.askAt()
	b := f.browser()
	for _, query := range []string{"", "?next=https://attacker.example", "?redirect_uri=//attacker.example&rd=https://attacker.example"} {
		begun := b.press("/login/openid" + query)
		require.Equal(t, http.StatusSeeOther, begun.status)
		to := parseURL(t, begun.location)
		assert.Equal(t, provider.URL, to.Scheme+"://"+to.Host)
		assert.Equal(t, f.url+"/login/callback", to.Query().Get("redirect_uri"))
		back := b.open(b.open(begun.location).location + "&next=https://attacker.example")
		assert.Equal(t, "/", back.location)
	}
}

func TestAProviderThatIsAwayKeepsTokensOut(t *testing.T) {
	f := newFixture(t)
	f.ask(f.url)
	provider := f.askAt()
	provider.Change(func(b *openidtest.Behaviour) { b.Away = true })
	b := f.browser()
	assert.Equal(t, http.StatusOK, b.open("/login").status, "nobody was asked yet")
	away := b.press("/login/openid")
	assert.Equal(t, http.StatusServiceUnavailable, away.status)
	assert.Contains(t, away.body, "does not answer")
	assert.Contains(t, away.body, "With a token")
	assert.Equal(t, http.StatusSeeOther, f.caller().call(http.MethodPost, "/login", url.Values{"token": {adminToken}}).StatusCode)
	provider.Change(func(b *openidtest.Behaviour) { b.Away = false })
	assert.Equal(t, "/", b.signIn().location, "and it is asked again")
}

func TestSessionsOfAnOpenIDProvider(t *testing.T) {
	f := newFixture(t)
	f.askAt()
	b := f.browser()
	planted := &http.Cookie{Name: "tokenkeeper-session", Value: "planted", Path: "/"}
	b.client.Jar.SetCookies(parseURL(t, f.url), []*http.Cookie{planted})
	require.Equal(t, "/", b.signIn().location)
	first := b.session()
	assert.NotEqual(t, planted.Value, first.Value, "a session of before is not taken over")
	require.Equal(t, "/", b.signIn().location)
	assert.NotEqual(t, first.Value, b.session().Value, "each sign-in makes a new one")

	stolen := f.browser()
	stolen.client.Jar.SetCookies(parseURL(t, f.url), []*http.Cookie{b.session()})
	require.Equal(t, http.StatusOK, stolen.open("/").status)
	require.Equal(t, "/login", b.press("/logout").location)
	assert.Equal(t, "/login", stolen.open("/").location, "signing out ends the copies too")
	assert.Equal(t, "jane@example.com", f.signIns()[0].Actor)
	assert.Equal(t, vault.SignedOut, f.signIns()[0].Action)

	require.Equal(t, "/", b.signIn().location)
	f.server.OpenID.Role = func(openid.Identity) gateway.Role { return gateway.NoRole }
	assert.Equal(t, "/login", b.open("/").location, "who is taken off the list is out at once")
	f.server.OpenID.Role = roleOf
	assert.Equal(t, http.StatusOK, b.open("/").status)
	f.clock.advance(12 * time.Hour)
	assert.Equal(t, "/login", b.open("/").location, "it is over")

	require.Equal(t, "/", b.signIn().location)
	moved := openid.New(func() openid.Registration { return openid.Registration{Issuer: "https://login.example.org"} }, openid.Options{})
	f.server.OpenID = &gateway.OpenID{Provider: moved, Role: roleOf}
	assert.Equal(t, "/login", b.open("/").location, "subjects are names at one provider only")
	f.server.OpenID, f.server.Tokens = nil, func() gateway.Tokens { return gateway.Tokens{} }
	assert.Equal(t, "/login", b.open("/").location)
	assert.Equal(t, http.StatusNotFound, b.press("/login/openid").status)
	assert.Equal(t, http.StatusNotFound, b.open("/login/callback?state=x").status)
}

// session returns the cookie that says who the person is.
func (b *browser) session() *http.Cookie {
	b.f.t.Helper()
	cookies := b.client.Jar.Cookies(parseURL(b.f.t, b.f.url))
	at := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return c.Name == "tokenkeeper-session" })
	require.GreaterOrEqual(b.f.t, at, 0)
	cookies[at].Path = "/"
	return cookies[at]
}

func TestCookiesOfASignInOverTLS(t *testing.T) {
	f := newFixture(t)
	f.ask("https://keeper.example.com")
	f.askAt()
	response := f.caller().call(http.MethodPost, "/login/openid", nil)
	require.Len(t, response.Cookies(), 1)
	cookie := response.Cookies()[0]
	assert.True(t, strings.HasPrefix(cookie.Name, "__Host-tokenkeeper-signin-"))
	assert.True(t, cookie.Secure && cookie.HttpOnly && cookie.SameSite == http.SameSiteLaxMode && cookie.Path == "/")
	assert.Equal(t, 600, cookie.MaxAge)
	state := parseURL(t, response.Header.Get("Location")).Query().Get("state")
	assert.NotContains(t, cookie.Value, state)

	// What was sealed for one purpose is good for no other.
	c := f.caller()
	c.cookies = []*http.Cookie{{Name: "__Host-tokenkeeper-session", Value: cookie.Value}}
	assert.Equal(t, "/login", c.call(http.MethodGet, "/", nil).Header.Get("Location"))
	assert.Contains(t, f.log.String(), "sealed for something else")
}

func TestSignInsAreLimited(t *testing.T) {
	f := newFixture(t)
	f.ask("https://keeper.example.com")
	f.askAt()
	c := f.caller()
	for range 30 { // an office in the morning
		require.Equal(t, http.StatusSeeOther, c.call(http.MethodPost, "/login/openid", nil).StatusCode)
		require.Equal(t, http.StatusBadRequest, c.call(http.MethodGet, "/login/callback?state=x&code=guessed", nil).StatusCode)
	}
	assert.Equal(t, http.StatusTooManyRequests, c.call(http.MethodPost, "/login/openid", nil).StatusCode)
	assert.Equal(t, http.StatusTooManyRequests, c.call(http.MethodGet, "/login/callback?state=x&code=guessed", nil).StatusCode)
	c = f.caller()
	c.header.Set("Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, c.call(http.MethodPost, "/login/openid", nil).StatusCode)
}

func TestAVaultThatIsAwaySignsNobodyIn(t *testing.T) {
	f := newFixture(t)
	f.askAt()
	b := f.browser()
	require.Equal(t, "/", b.signIn().location)
	back := b.toOpenID()
	f.server.Sessions = brokenSessions{f.vault}
	assert.Equal(t, "/login", b.open("/").location)
	assert.Equal(t, http.StatusInternalServerError, b.press("/login/openid").status)
	assert.Equal(t, http.StatusInternalServerError, b.open(back.String()).status)
}

// brokenSessions opens what was sealed before, and nothing else works.
type brokenSessions struct{ gateway.Sessions }

func (brokenSessions) SealSession(context.Context, []byte) ([]byte, error)  { return nil, errAway }
func (brokenSessions) SessionEnded(context.Context, []byte) (bool, error)   { return false, errAway }
func (brokenSessions) EndSession(context.Context, vault.EndedSession) error { return errAway }

func TestLocalhostIsLedHomeBeforeItSignsIn(t *testing.T) {
	f := newFixture(t)
	f.askAt()
	request := httptest.NewRequest(http.MethodGet, strings.Replace(f.url, "127.0.0.1", "localhost", 1)+"/login", nil)
	recorder := httptest.NewRecorder()
	f.server.Handler().ServeHTTP(recorder, request)
	assert.Equal(t, f.url+"/login", recorder.Header().Get("Location"))
}
