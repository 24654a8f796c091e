package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
	"tokenkeeper/workflows"
)

func TestIndex(t *testing.T) {
	f := newFixture(t)
	f.server.Board = nil
	shown := f.browser().open("/")
	assert.Equal(t, http.StatusOK, shown.status)
	assert.Contains(t, shown.body, "tokenkeeper account connect acme/triage/slack")
}

func TestStateOnTheConnectPage(t *testing.T) {
	since := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	tests := []struct {
		name   string
		status workflows.AccountStatus
		err    error
		want   []string
	}{
		{"active", workflows.AccountStatus{Status: credential.Active, Since: since, Display: "triage-bot in Acme"}, nil,
			[]string{"active: it works", "since 2026-03-04 05:06:07 UTC", "triage-bot in Acme", "consent as the same"}},
		{"no name", workflows.AccountStatus{Status: credential.Active, Subject: "T1/U1"}, nil, []string{"T1/U1"}},
		{"dead", workflows.AccountStatus{Status: credential.ReauthorizationRequired, Reason: "token_revoked <b>"}, nil,
			[]string{"reauthorization required", "token_revoked &lt;b&gt;"}},
		{"pending", workflows.AccountStatus{Status: credential.Pending}, nil, []string{"not connected yet"}},
		{"degraded", workflows.AccountStatus{Status: credential.Degraded}, nil, []string{"it still works"}},
		{"client", workflows.AccountStatus{Status: credential.ClientMisconfigured}, nil, []string{"the operator has to correct the connector"}},
		{"gone", workflows.AccountStatus{Status: credential.Disconnected}, nil, []string{"consenting connects it anew"}},
		{"a state of later", workflows.AccountStatus{Status: "dreaming"}, nil, []string{"dreaming"}},
		{"silence", workflows.AccountStatus{}, errors.New("no worker polls"), []string{"unknown: Temporal or the worker does not answer"}},
		{"tricks with the direction of writing", workflows.AccountStatus{Status: credential.Active, Display: "bob\u202e\n" + strings.Repeat("x", 500)}, nil,
			[]string{"<bdi>bob " + strings.Repeat("x", 196) + "…</bdi>"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.owner.account = func(ctx context.Context) (workflows.AccountStatus, error) {
				deadline, ok := ctx.Deadline()
				assert.True(t, ok)
				assert.LessOrEqual(t, time.Until(deadline), 2*time.Second)
				return test.status, test.err
			}
			shown := f.browser().open("/connect/acme/triage/fake")
			require.Equal(t, http.StatusOK, shown.status)
			for _, want := range test.want {
				assert.Contains(t, shown.body, want)
			}
			assert.Contains(t, shown.body, "Continue to Fake &amp; Co")
		})
	}
}

func TestConnectorWithoutScopes(t *testing.T) {
	f := newFixture(t)
	conn := connection("fake", f.auth.provider(), f.url, f.clock.Now)
	conn.Scopes = nil
	f.server.Connections = connections{"fake": conn}
	assert.Contains(t, f.browser().open("/connect/acme/triage/fake").body, "it names no scopes")
}

func TestAnAccountThatMintsHasNoButton(t *testing.T) {
	f := newFixture(t)
	conn := connection("fake", f.auth.provider(), f.url, f.clock.Now)
	conn.Grant = provider.GrantClientCredentials
	f.server.Connections = connections{"fake": conn}
	page := f.browser().open("/connect/acme/triage/fake")
	assert.Equal(t, 409, page.status)
	assert.Contains(t, page.body, "Nobody has to consent for account acme/triage/fake")
	assert.Contains(t, page.body, "tokenkeeper account connect acme/triage/fake")
}

func TestWrongAccounts(t *testing.T) {
	tests := []struct {
		path   string
		status int
		want   string
	}{
		{"/connect/acme/triage/slcak", 404, "There is no connector “slcak”"},
		{"/connect/", 400, "organization/user/connector"},
		{"/connect/acme/fake", 400, "organization/user/connector"},
		{"/connect/acme/triage/fake/more", 400, "organization/user/connector"},
		{"/connect/Acme/triage/fake", 400, "organization/user/connector"},
		{"/connect/acme/triage/%3Cscript%3E", 400, "organization/user/connector"},
		{"/connect/acme/triage/..%2f..%2ffake", 400, "organization/user/connector"},
	}
	for _, test := range tests {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(method+" "+test.path, func(t *testing.T) {
				got := newFixture(t).browser().send(method, test.path, nil)
				assert.Equal(t, test.status, got.status)
				assert.Contains(t, got.body, test.want)
				assert.Empty(t, got.header.Get("Set-Cookie"))
			})
		}
	}
}

func TestNoSuchPage(t *testing.T) {
	got := newFixture(t).browser().open("/admin")
	assert.Equal(t, http.StatusNotFound, got.status)
	assert.Contains(t, got.body, "There is no such page")
}

func TestStylesheet(t *testing.T) {
	got := newFixture(t).browser().open("/static/style.css")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "text/css; charset=utf-8", got.header.Get("Content-Type"))
	assert.Contains(t, got.body, "prefers-color-scheme: dark")
}

func TestPublicURLWithAPath(t *testing.T) {
	f := newFixture(t)
	f.server.PublicURL = parseURL(t, "https://example.com/tokens")
	handler, link := f.server.Handler(), f.link()
	for _, path := range []string{"/tokens" + link, link} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "https://example.com"+path, nil))
		require.Equal(t, http.StatusOK, recorder.Code, path)
		for _, want := range []string{`action="/tokens` + link + `"`, `href="/tokens/static/style.css"`, `href="/tokens/"`} {
			assert.Contains(t, recorder.Body.String(), want)
		}
	}
}

func TestPublicURLItselfLeadsToTheIndex(t *testing.T) {
	f := newFixture(t)
	f.server.PublicURL = parseURL(t, "https://example.com/tokens")
	recorder := httptest.NewRecorder()
	f.server.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "https://example.com/tokens", nil))
	assert.Equal(t, "/tokens/", recorder.Header().Get("Location"))
}

func TestCookieOverTLS(t *testing.T) {
	f := newFixture(t)
	f.server.PublicURL = parseURL(t, "https://example.com/tokens")
	recorder, handler := httptest.NewRecorder(), f.server.Handler()
	handler.ServeHTTP(recorder, pressed(handler, "https://example.com/tokens"+f.link()))
	require.Equal(t, http.StatusSeeOther, recorder.Code)
	cookie, err := http.ParseSetCookie(recorder.Header().Get("Set-Cookie"))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(cookie.Name, "__Host-"))
	assert.True(t, cookie.Secure)
	assert.Equal(t, "/", cookie.Path)
	assert.Empty(t, cookie.Domain)
}
