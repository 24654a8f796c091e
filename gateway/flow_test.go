package gateway_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

func TestConnect(t *testing.T) {
	f := newFixture(t)
	b := f.browser()

	shown := b.open("/connect/acme/triage/fake")
	require.Equal(t, http.StatusOK, shown.status)
	for _, want := range []string{"acme/triage/fake", "Fake &amp; Co", "<code>read</code>", "<code>write</code>", "not connected yet"} {
		assert.Contains(t, shown.body, want)
	}

	begun := b.press("/connect/acme/triage/fake")
	require.Equal(t, http.StatusSeeOther, begun.status)
	require.True(t, strings.HasPrefix(begun.location, f.auth.URL+"/authorize?"), begun.location)
	cookie, err := http.ParseSetCookie(begun.header.Get("Set-Cookie"))
	require.NoError(t, err)
	assert.True(t, cookie.HttpOnly)
	assert.False(t, cookie.Secure, "plain http")
	assert.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	assert.Equal(t, "/oauth/callback", cookie.Path)
	assert.Equal(t, 600, cookie.MaxAge)
	state := parseURL(t, begun.location).Query().Get("state")
	assert.NotContains(t, cookie.Name, state)
	assert.NotContains(t, cookie.Value, state)

	asked := b.open(begun.location)
	done := b.open(asked.location)
	require.Equal(t, http.StatusOK, done.status, done.body)
	assert.Contains(t, done.body, "Account acme/triage/fake is active")
	assert.Contains(t, done.body, "person U1")
	requireNoSecret(t, done.body, []string{state, cookie.Value})
	requireNoSecret(t, f.log.String(), []string{state, cookie.Value})
	gone, err := http.ParseSetCookie(done.header.Get("Set-Cookie"))
	require.NoError(t, err)
	assert.Equal(t, cookie.Name, gone.Name)
	assert.Negative(t, gone.MaxAge)

	record, err := f.vault.Get(t.Context(), account)
	require.NoError(t, err)
	assert.Equal(t, credential.Subject("U1"), record.Subject)
	assert.Equal(t, credential.Generation(1), record.Generation)
	assert.Equal(t, []string{"read", "write"}, record.Tokens.Scopes)
	assert.Equal(t, f.owner.last(), record.AuthorizationID)
	assert.Regexp(t, `^[A-Za-z0-9_-]{22,128}$`, record.AuthorizationID)
	assert.Contains(t, f.log.String(), `route="GET /oauth/callback/{connector}" status=200`)
}

func TestReauthorizingBumpsTheGeneration(t *testing.T) {
	f := newFixture(t)
	require.Equal(t, http.StatusOK, f.browser().connect().status)
	require.Equal(t, http.StatusOK, f.browser().connect().status)
	record, err := f.vault.Get(t.Context(), account)
	require.NoError(t, err)
	assert.Equal(t, credential.Generation(2), record.Generation)
}

func TestTwoLoginsInOneBrowser(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	first, second := b.callback(), b.callback()
	assert.Equal(t, http.StatusOK, b.open(first.String()).status)
	assert.Equal(t, http.StatusOK, b.open(second.String()).status)
}

func TestScopesThatWereNotGranted(t *testing.T) {
	f := newFixture(t)
	f.auth.change(func(a *authServer) { a.scopes = "read" })
	done := f.browser().connect()
	require.Equal(t, http.StatusOK, done.status)
	assert.Contains(t, done.body, "Not granted, although asked for: write.")
}

func TestSilenceAboutScopesIsNoRefusal(t *testing.T) {
	f := newFixture(t)
	f.auth.change(func(a *authServer) { a.scopes = "" })
	done := f.browser().connect()
	require.Equal(t, http.StatusOK, done.status)
	assert.NotContains(t, done.body, "Not granted")
	record, err := f.vault.Get(t.Context(), account)
	require.NoError(t, err)
	assert.Equal(t, []string{"read", "write"}, record.Tokens.Scopes)

	f.auth.change(func(a *authServer) { a.scopes = "read" })
	done = f.browser().connect()
	assert.Equal(t, http.StatusConflict, done.status)
	assert.Contains(t, done.body, "<dt>Missing scopes</dt>\n<dd><bdi>write</bdi></dd>")
}

func TestRejectedAdoption(t *testing.T) {
	const difference = "<dt>%s</dt>\n<dd><bdi>%s</bdi></dd>"
	tests := []struct {
		name    string
		change  func(*authServer)
		want    string
		shown   []string
		subject string
	}{
		{
			"another subject", func(a *authServer) { a.subject = "U2<b>" },
			"account acme/triage/fake belongs to person U1 (U1), but person U2<b> (U2<b>) consented",
			[]string{fmt.Sprintf(difference, "Expected", "person U1 (U1)"), fmt.Sprintf(difference, "Consented", "person U2<b> (U2<b>)")},
			"'U2<b>'",
		},
		{
			"fewer scopes", func(a *authServer) { a.scopes = "read" }, "scopes that were not granted again: write",
			[]string{fmt.Sprintf(difference, "Missing scopes", "write")}, "U1",
		},
		{
			"another subject with another scope", func(a *authServer) { a.subject, a.scopes = "U2", "read admin" },
			"but person U2 (U2) consented",
			[]string{fmt.Sprintf(difference, "Missing scopes", "write"), fmt.Sprintf(difference, "Extra scopes", "admin")}, "U2",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			require.Equal(t, http.StatusOK, f.browser().connect().status)
			before, err := f.vault.Get(t.Context(), account)
			require.NoError(t, err)

			f.auth.change(test.change)
			done := f.browser().connect()
			assert.Equal(t, http.StatusConflict, done.status)
			assert.Contains(t, html.UnescapeString(done.body), test.want)
			assert.NotContains(t, done.body, "<b>")
			assert.Contains(t, done.body, `href="/connect/acme/triage/fake">Try again`)

			after, err := f.vault.Get(t.Context(), account)
			require.NoError(t, err)
			assert.Equal(t, before.Generation, after.Generation)
			assert.True(t, before.Tokens.Access.Equal(after.Tokens.Access))
			for _, want := range test.shown {
				assert.Contains(t, html.UnescapeString(done.body), want)
			}
			assert.Contains(t, html.UnescapeString(done.body), "tokenkeeper account accept acme/triage/fake --subject "+test.subject)
			stray, err := f.vault.GetStray(t.Context(), f.owner.last())
			require.NoError(t, err, "the new tokens are kept apart")
			assert.Contains(t, done.body, "destroyed on "+stray.ExpiresAt.UTC().Format("2006-01-02 15:04:05 UTC"))
		})
	}
}

func TestOwnerGivesNoVerdict(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"silence", context.DeadlineExceeded, "Temporal or the worker does not answer."},
		{"trouble of the account", temporal.NewApplicationError("the vault is away", "ProviderUnavailable"), "The account cannot take it just now."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.owner.verdict = func(ctx context.Context, _ string) (workflows.AccountStatus, error) {
				deadline, ok := ctx.Deadline()
				assert.True(t, ok)
				assert.InDelta(t, 30, time.Until(deadline).Seconds(), 10)
				return workflows.AccountStatus{}, test.err
			}
			done := f.browser().connect()
			assert.Equal(t, http.StatusGatewayTimeout, done.status)
			assert.Contains(t, done.body, test.want)
			assert.NotContains(t, done.body, f.owner.last(), "nobody has to type it")
			kept, err := f.vault.GetAuthorization(t.Context(), f.owner.last())
			require.NoError(t, err)
			assert.Equal(t, account, kept.Account)
			assert.WithinDuration(t, f.clock.Now().Add(24*time.Hour), kept.ExpiresAt, time.Second)
			assert.Contains(t, done.body, kept.ExpiresAt.UTC().Format("2006-01-02 15:04:05 UTC"))
			f.owner.verdict = nil
			_, err = f.owner.Reauthorized(t.Context(), account, kept.ID)
			assert.NoError(t, err, "what is kept can be handed over later")
		})
	}
}

func TestOwnerHasNotAdoptedYet(t *testing.T) {
	f := newFixture(t)
	f.owner.verdict = func(context.Context, string) (workflows.AccountStatus, error) {
		return workflows.AccountStatus{Status: credential.ReauthorizationRequired, Reason: "invalid_grant"}, nil
	}
	done := f.browser().connect()
	assert.Equal(t, http.StatusOK, done.status)
	assert.Contains(t, done.body, "has your consent")
	assert.NotContains(t, done.body, "is active")
}

func TestClosedTabLosesNoTokens(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	address := b.callback()
	ctx, closeTab := context.WithCancel(t.Context())
	f.server.Vault = tabClosingVault{Vault: f.vault, closeTab: closeTab}

	request := httptest.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	for _, cookie := range b.client.Jar.Cookies(address) {
		request.AddCookie(cookie)
	}
	f.server.Handler().ServeHTTP(httptest.NewRecorder(), request)

	require.Error(t, ctx.Err())
	_, err := f.vault.Get(t.Context(), account)
	assert.NoError(t, err)
}

// tabClosingVault ends the request as the login is taken.
type tabClosingVault struct {
	gateway.Vault

	closeTab func()
}

func (v tabClosingVault) TakeLogin(ctx context.Context, hash []byte) (vault.Login, error) {
	v.closeTab()
	return v.Vault.TakeLogin(ctx, hash)
}

func TestExchangeFailures(t *testing.T) {
	answer := func(status int, body map[string]any) func(http.ResponseWriter, url.Values) {
		return func(w http.ResponseWriter, form url.Values) {
			body["error_description"] = "<script>" + form.Get("code") + form.Get("client_secret")
			w.Header().Set("Retry-After", "90")
			reply(w, status, body)
		}
	}
	tests := []struct {
		name   string
		answer func(http.ResponseWriter, url.Values)
		status int
		want   []string
	}{
		{"dead grant", answer(400, map[string]any{"error": "invalid_grant"}), 502, []string{"no longer accepts this consent", "<code>invalid_grant</code>"}},
		{"dead client", answer(401, map[string]any{"error": "invalid_client"}), 502, []string{"refuses the app", "client id and client secret of connector “fake”"}},
		{"throttled", answer(429, map[string]any{}), 503, []string{"asks to wait", "in 1m30s"}},
		{"transient", answer(503, map[string]any{}), 502, []string{"did not answer"}},
		{"ambiguous", answer(500, map[string]any{}), 502, []string{"did not answer"}},
		{"malformed", answer(200, map[string]any{"hello": "world"}), 502, []string{"answered with something else", "endpoints of connector “fake”"}},
		{"misconfigured", answer(400, map[string]any{"error": "unauthorized_client"}), 502, []string{"refuses the request", "<code>unauthorized_client</code>"}},
		{"a secret for a code", func(w http.ResponseWriter, form url.Values) {
			reply(w, 400, map[string]any{"error": form.Get("code_verifier")})
		}, 502, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.auth.change(func(a *authServer) { a.answer = test.answer })
			done := f.browser().connect()
			assert.Equal(t, test.status, done.status)
			for _, want := range test.want {
				assert.Contains(t, done.body, want)
			}
			assert.Contains(t, done.body, "Try again")
			f.requireNothingConnected()
		})
	}
}

func TestAShortOutageOfTheIdentityEndpointIsNoNews(t *testing.T) {
	f := newFixture(t)
	f.auth.change(func(a *authServer) { a.outages = 1 })
	done := f.browser().connect()
	assert.Equal(t, http.StatusOK, done.status)
	assert.Contains(t, done.body, "Connected as person U1")
}

// The code is spent by then, and nobody can present it again.
func TestAConsentIsKeptUntilSomebodySaysWhoseItIs(t *testing.T) {
	f := newFixture(t)
	f.auth.change(func(a *authServer) { a.identity = http.StatusServiceUnavailable })
	done := f.browser().connect()
	assert.Equal(t, http.StatusGatewayTimeout, done.status)
	for _, part := range []string{"nobody knows yet whose it is", "Neither you nor anybody else has to do anything"} {
		assert.Contains(t, done.body, part)
	}
	kept, err := f.vault.GetAuthorization(t.Context(), f.owner.last())
	require.NoError(t, err)
	assert.Empty(t, kept.Subject)
	assert.Contains(t, done.body, kept.Tokens.ExpiresAt.UTC().Format("2006-01-02 15:04:05 UTC"), "nobody can ask later")
	assert.Equal(t, "kept: the provider does not say yet whose it is", f.audited()[0].Detail)
	_, err = f.vault.Get(t.Context(), account)
	require.ErrorIs(t, err, vault.ErrNotFound, "pinning comes first")

	f.auth.change(func(a *authServer) { a.identity = 0 })
	_, err = f.owner.Reauthorized(t.Context(), account, kept.ID)
	require.NoError(t, err)
	record, err := f.vault.Get(t.Context(), account)
	require.NoError(t, err)
	assert.Equal(t, credential.Subject("U1"), record.Subject)
}

// A consent to an account that is being disconnected would be destroyed with it.
func TestAnAccountThatLeavesTakesNoConsent(t *testing.T) {
	f := newFixture(t)
	leaves := func() {
		f.owner.account = func(context.Context) (workflows.AccountStatus, error) {
			return workflows.AccountStatus{Account: account, Status: credential.Active, Disconnecting: true}, nil
		}
	}
	refused := func(p page) {
		t.Helper()
		assert.Equal(t, http.StatusConflict, p.status)
		assert.Contains(t, p.body, "This account is being disconnected")
		assert.False(t, f.auth.asked(), "the code is not spent")
		f.requireNothingConnected()
	}
	b, link := f.browser(), f.link()
	callback := b.follow(link)
	leaves()
	refused(b.open(callback.String()))
	assert.Equal(t, vault.Refused, f.audited()[0].Outcome)
	refused(b.press(link))
	refused(b.press("/connect/acme/triage/fake"))
	shown := b.open(link)
	assert.Equal(t, http.StatusOK, shown.status)
	assert.Contains(t, shown.body, "takes no consent before")
	assert.NotContains(t, shown.body, "<button")

	f.owner.account = nil // it stays
	f.owner.verdict = func(context.Context, string) (workflows.AccountStatus, error) {
		return workflows.AccountStatus{}, temporal.NewNonRetryableApplicationError("it goes with it", activities.ErrTypeLeaving, nil)
	}
	late := b.open(b.follow(link).String())
	assert.Equal(t, http.StatusConflict, late.status)
	assert.Contains(t, late.body, "This account is being disconnected")
	assert.Equal(t, "it goes with it", f.audited()[0].Detail)
}

// A process that is killed after the exchange has the tokens in its vault, whatever it was about to ask.
func TestTokensAreSealedBeforeAnythingElse(t *testing.T) {
	f := newFixture(t)
	dying := &dyingVault{Vault: f.vault}
	f.server.Vault = dying
	f.owner.verdict = func(context.Context, string) (workflows.AccountStatus, error) {
		return workflows.AccountStatus{}, errAway
	}
	f.auth.change(func(a *authServer) { a.arrived = func() { dying.dead.Store(true) } })
	f.browser().connect()
	require.True(t, dying.dead.Load(), "somebody asked whose they are")
	waiting, err := f.vault.Pending(t.Context())
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	assert.Empty(t, waiting[0].Holder)
	kept, err := f.vault.GetAuthorization(t.Context(), waiting[0].ID)
	require.NoError(t, err)
	assert.True(t, kept.Tokens.Refreshable())
}

// dyingVault takes nothing any more once its process is dead.
type dyingVault struct {
	gateway.Vault

	dead atomic.Bool
}

func (v *dyingVault) PutAuthorization(ctx context.Context, a vault.Authorization) error {
	if v.dead.Load() {
		return errAway
	}
	return v.Vault.PutAuthorization(ctx, a)
}

func (v *dyingVault) Identify(ctx context.Context, id string, who credential.Holder, scopes []string) (vault.Authorization, error) {
	if v.dead.Load() {
		return vault.Authorization{}, errAway
	}
	return v.Vault.Identify(ctx, id, who, scopes)
}

func TestTheAccountFindsOutWhoseAConsentIs(t *testing.T) {
	f := newFixture(t)
	f.auth.change(func(a *authServer) { a.outages = 3 })
	done := f.browser().connect()
	assert.Equal(t, http.StatusOK, done.status)
	assert.Contains(t, done.body, "Connected as person U1")
}

func TestATokenThatIsDeadAtOnceIsNotKept(t *testing.T) {
	f := newFixture(t)
	f.auth.change(func(a *authServer) { a.identity = http.StatusUnauthorized })
	assert.Equal(t, http.StatusBadGateway, f.browser().connect().status)
	f.requireNothingConnected()
	waiting, err := f.vault.Pending(t.Context())
	require.NoError(t, err)
	assert.Empty(t, waiting)
}

func TestVaultAway(t *testing.T) {
	t.Run("at the beginning", func(t *testing.T) {
		f := newFixture(t)
		f.server.Vault = brokenVault{Vault: f.vault, putLogin: true}
		begun := f.browser().press("/connect/acme/triage/fake")
		assert.Equal(t, http.StatusInternalServerError, begun.status)
		assert.Contains(t, begun.body, "tokenkeeper doctor")
		assert.Empty(t, begun.header.Get("Set-Cookie"))
	})
	t.Run("at the callback", func(t *testing.T) {
		f := newFixture(t)
		f.server.Vault = brokenVault{Vault: f.vault, takeLogin: true}
		done := f.browser().connect()
		assert.Equal(t, http.StatusInternalServerError, done.status)
		f.requireNothingConnected()
	})
	t.Run("when tokens came", func(t *testing.T) {
		f := newFixture(t)
		f.server.Vault = brokenVault{Vault: f.vault, putAuthorization: true}
		done := f.browser().connect()
		assert.Equal(t, http.StatusInternalServerError, done.status)
		assert.Contains(t, done.body, "could not be kept")
		f.requireNothingConnected()
	})
}
