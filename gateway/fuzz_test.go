package gateway

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
	"tokenkeeper/vault"
)

// FuzzCallback lets any query reach every check: one state is always good, and its browser is the right one. The provider
// refuses every code, so nothing can succeed.
func FuzzCallback(f *testing.F) {
	for _, seed := range []string{
		"", "state=good&code=abc", "state=good", "state=good&error=access_denied", "state=good&error=%3Cscript%3E",
		"state=bad&code=abc", "state=good&state=good", "state=%zz", "state=good&code=" + strings.Repeat("c", 9000),
		"code=abc;state=good", "state=good&iss=https://issuer.example", "state=good&code=%00%ff", "state[]=good", "error=server_error",
	} {
		f.Add(seed)
	}
	public, err := url.Parse("http://127.0.0.1:8780")
	require.NoError(f, err)
	var log bytes.Buffer
	server := &Server{
		Vault: endlessLogin{}, Connections: refusingConnection(), PublicURL: public,
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	handler := server.Handler()

	f.Fuzz(func(t *testing.T, query string) {
		log.Reset()
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, public.String()+callbackPath, nil)
		request.URL.RawQuery = query
		request.AddCookie(server.browserCookie("good", "browser"))
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)

		require.GreaterOrEqual(t, recorder.Code, http.StatusBadRequest)
		require.NotEqual(t, http.StatusInternalServerError, recorder.Code)
		require.Equal(t, "text/html; charset=utf-8", recorder.Header().Get("Content-Type"))
		require.Empty(t, recorder.Header().Get("Location"))
		body := recorder.Body.String()
		require.Contains(t, body, "</html>")
		require.NotContains(t, body, "<script")
		require.NotContains(t, body, "<img")
		if code := request.URL.Query().Get("code"); len(code) > 20 {
			require.NotContains(t, body, code)
			require.NotContains(t, log.String(), code)
		}
	})
}

// endlessLogin has one login, of state "good" and browser "browser", however often it is taken.
type endlessLogin struct{ Vault }

func (endlessLogin) TakeLogin(_ context.Context, stateHash []byte) (vault.Login, error) {
	if !bytes.Equal(stateHash, digest("good")) {
		return vault.Login{}, vault.ErrNotFound
	}
	return vault.Login{
		StateHash: stateHash, BrowserHash: digest("browser"), Verifier: credential.NewSecret("verifier"), ExpiresAt: time.Now().Add(time.Minute),
		Account: credential.AccountID{Organization: "acme", User: "triage", Connector: "fake"},
	}, nil
}

func (endlessLogin) Audit(context.Context, vault.Event) error { return nil }

type oneConnection activities.Connection

func (c oneConnection) Connection(credential.AccountID) (activities.Connection, error) {
	return activities.Connection(c), nil
}

func refusingConnection() oneConnection {
	p := provider.Provider{
		ID: "fake", Name: "Fake", ClientAuthentication: provider.ClientPublic, Authorization: provider.Authorization{PKCE: true},
		Endpoints: provider.Endpoints{
			Authorize: "https://provider.example/authorize", Token: "https://provider.example/token", Identity: "https://provider.example/me",
		},
	}
	client := oauth.NewClient(p, oauth.Registration{ClientID: "us"}, oauth.Options{HTTP: &http.Client{Transport: refusal{}}})
	return oneConnection{Provider: p, OAuth: client}
}

type refusal struct{}

func (refusal) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"error":"invalid_grant"}`)),
	}, nil
}
