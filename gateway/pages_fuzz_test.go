package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// FuzzRequests sends any request to every handler: one link is good and its code is "good", accounts do what buttons say. No
// request fails on our side, has a page hold markup of its own, or is led anywhere but to us and the provider.
func FuzzRequests(f *testing.F) {
	const good = "/c/good"
	for _, seed := range []struct{ method, target, body, site string }{
		{"GET", "/", "", ""}, {"GET", "/?q=%3Cscript%3E", "", ""}, {"GET", good, "", ""}, {"HEAD", good, "", ""},
		{"POST", good, "code=good", "same-origin"}, {"POST", good, "code=GOOD&code=x", ""}, {"POST", good, "code=%zz", ""},
		{"POST", good, "code=good", "cross-site"}, {"POST", "/c/bad", "code=good", ""}, {"POST", "/c/%00", "", ""}, {"GET", "/c/", "", ""},
		{"GET", "/c/" + strings.Repeat("a", 9000), "", ""}, {"GET", "/connect/acme/triage/fake", "", ""}, {"POST", "/connect/acme/triage/fake", "", "none"},
		{"GET", "/connect/../../etc/passwd", "", ""}, {"POST", "/accounts/acme/triage/fake/refresh", "", "same-origin"},
		{"POST", "/accounts/acme/triage/fake/reauthorize", "", ""}, {"GET", "/accounts/acme/triage/fake/disconnect", "", ""},
		{"POST", "/accounts/acme/triage/fake/disconnect", strings.Repeat("x", 9000), ""}, {"POST", "/accounts/<b>/triage/fake/connect", "", ""},
		{"POST", "/accounts/acme/triage/fake/disconnect", "force=yes", "same-origin"}, {"GET", "/oauth/callback/fake?state=x&iss=%3Cscript%3E", "", ""},
		{"GET", "/static/../doc.go", "", ""}, {"GET", "/healthz", "", ""}, {"GET", "/live/board", "", ""}, {"PATCH", "//attacker.example/", "", ""},
		{"POST", "/events/slack/fake", "{}", ""},
	} {
		f.Add(seed.method, seed.target, seed.body, seed.site)
	}
	public, err := url.Parse("http://127.0.0.1:8780")
	require.NoError(f, err)
	var log bytes.Buffer
	server := &Server{
		Vault: oneLink{}, Connections: refusingConnection(), Owner: obedient{}, Board: hostileBoard{}, PublicURL: public,
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	handler := server.Handler()

	f.Fuzz(func(t *testing.T, method, target, body, site string) {
		request, err := http.NewRequestWithContext(t.Context(), method, public.String(), io.NopCloser(strings.NewReader(body)))
		if err != nil {
			return // no method at all
		}
		parsed, err := url.ParseRequestURI(target)
		if err != nil || parsed.Host != "" || parsed.Path == livePath {
			return // net/http's server refuses it before us; a stream that does not end
		}
		log.Reset()
		request.URL, request.RequestURI, request.RemoteAddr = parsed, target, "127.0.0.1:4711"
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header["Sec-Fetch-Site"] = []string{site}
		request.AddCookie(server.linkCookie("good", "seen", time.Now().Add(time.Minute)))
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)

		require.Less(t, recorder.Code, http.StatusInternalServerError, "%s", log.String())
		require.Equal(t, "nosniff", recorder.Header().Get("X-Content-Type-Options"))
		require.NotEmpty(t, recorder.Header().Get("Content-Security-Policy"))
		if location := recorder.Header().Get("Location"); location != "" {
			require.True(t, strings.HasPrefix(location, "https://provider.example/") || strings.HasPrefix(location, public.String()+"/") ||
				strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//"), "led to %q", location)
		}
		if recorder.Code == http.StatusSeeOther && strings.HasPrefix(recorder.Header().Get("Location"), "https://") {
			require.Equal(t, http.MethodPost, method, "looking begins nothing")
			require.NotEqual(t, "cross-site", site)
		}
		page := strings.Replace(recorder.Body.String(), `<script src="/static/live.js" defer></script>`, "", 1)
		if strings.HasPrefix(recorder.Header().Get("Content-Type"), "text/html") {
			require.NotContains(t, page, "<script")
			require.NotContains(t, page, "<img")
		}
		if len(body) > 8 {
			require.NotContains(t, log.String(), body, "what is posted may be a code")
		}
	})
}

// oneLink has one link, of secret and code "good".
type oneLink struct{ endlessLogin }

func (oneLink) link(hash []byte) (vault.Link, error) {
	if !bytes.Equal(hash, digest("good")) {
		return vault.Link{}, vault.ErrNotFound
	}
	return vault.Link{
		Hash: hash, Account: credential.AccountID{Organization: "acme", User: "triage", Connector: "fake"}, Why: "<img src=x>",
		CodeHash: []byte("code"), ExpiresAt: time.Now().Add(time.Minute),
	}, nil
}

func (v oneLink) GetLink(_ context.Context, hash []byte) (vault.Link, error) { return v.link(hash) }

func (v oneLink) OpenLink(_ context.Context, o vault.Opening) (vault.Link, error) {
	link, err := v.link(digest(o.Secret))
	if err == nil && o.Code != "good" {
		err = &vault.WrongCodeError{Left: 3}
	}
	return link, err
}

func (oneLink) NewLink(context.Context, vault.LinkRequest) (vault.LinkKeys, error) {
	return vault.LinkKeys{Secret: "good", ExpiresAt: time.Now().Add(time.Minute)}, nil
}

func (oneLink) PutLogin(context.Context, vault.Login) error { return nil }

// obedient is an account that does what it is told.
type obedient struct{ Owner }

func (obedient) Account(context.Context, credential.AccountID) (credential.AccountStatus, error) {
	return credential.AccountStatus{}, errors.New("no answer")
}

func (obedient) Connect(context.Context, credential.AccountID) error { return nil }

func (obedient) RefreshNow(context.Context, credential.AccountID) (credential.AccountStatus, error) {
	return credential.AccountStatus{Status: credential.Active}, nil
}

func (obedient) Disconnect(context.Context, credential.AccountID) (credential.AccountStatus, error) {
	return credential.AccountStatus{Status: credential.Active, Warning: "<script>"}, nil
}

func (obedient) ForceDisconnect(context.Context, credential.AccountID) (credential.AccountStatus, error) {
	return credential.AccountStatus{Status: credential.Disconnected, Unrevoked: "<script>"}, nil
}

// hostileBoard has an account that says of itself what a provider made it say.
type hostileBoard struct{}

func (hostileBoard) LookAtAccounts(context.Context, time.Duration) ([]AccountView, error) {
	return []AccountView{{AccountStatus: credential.AccountStatus{
		Account: credential.AccountID{Organization: "acme", User: "triage", Connector: "fake"}, Status: credential.Active,
		Display: "<script>", Reason: "<img src=x>", Warning: "<script>",
	}}}, nil
}

func (hostileBoard) LookAtNotices(context.Context, time.Duration) (NoticesView, error) {
	return NoticesView{}, nil
}

func (hostileBoard) LookAtTriages(context.Context, time.Duration) ([]TriageView, error) {
	return nil, nil
}
