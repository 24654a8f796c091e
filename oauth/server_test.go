package oauth_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
)

// noon is the clock of these tests.
var noon = time.Date(2026, 10, 21, 7, 28, 0, 0, time.UTC)

const (
	secretText   = "s3cr3t-of-the-client"
	refreshText  = "presented-refresh-8842"
	accessText   = "presented-access-5513"
	codeText     = "presented-code-7721"
	verifierText = "presented-verifier-0123456789012345678901234567890"
)

// everySecret is what must never be seen in an error or a log.
var everySecret = []string{secretText, refreshText, accessText, codeText, verifierText}

// server is an authorization server that keeps what it was sent.
type server struct {
	*httptest.Server

	mu       sync.Mutex // guards requests
	requests []received
}

type received struct {
	method, path string
	header       http.Header
	form         map[string][]string
	body         string
	proto        string
}

// serve starts a server that records each request before handle answers it.
func serve(t *testing.T, handle http.HandlerFunc) *server {
	t.Helper()
	s := newServer(handle)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func newServer(handle http.HandlerFunc) *server {
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.record(r)
		handle(w, r)
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	return s
}

func (s *server) record(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	_ = r.ParseForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, received{
		method: r.Method, path: r.URL.Path, header: r.Header.Clone(), form: r.PostForm, body: string(body), proto: r.Proto,
	})
}

func (s *server) received() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.requests...)
}

// only returns the one request that arrived.
func (s *server) only(t *testing.T) received {
	t.Helper()
	all := s.received()
	require.Len(t, all, 1, "exactly one request may arrive")
	return all[0]
}

// catalogued returns a provider of the catalogue with all its endpoints at base.
func catalogued(t *testing.T, id, base string) provider.Provider {
	t.Helper()
	catalogue, err := provider.Embedded()
	require.NoError(t, err)
	p, ok := catalogue.Get(id)
	require.True(t, ok)
	e := provider.Endpoints{
		Authorize: base + "/authorize", Token: base + "/token", Identity: base + "/identity", API: base + "/api/",
	}
	if p.Allows(provider.GrantGitHubInstallation) {
		e.Token = base + "/app/installations/{installation_id}/access_tokens"
	}
	if p.Endpoints.Revoke != "" {
		e.Revoke = base + "/revoke/{client_id}"
	}
	p, err = p.Override(e, nil)
	require.NoError(t, err)
	return p
}

func client(t *testing.T, id, base string) *oauth.Client {
	t.Helper()
	return clientOf(catalogued(t, id, base), oauth.Options{})
}

func clientOf(p provider.Provider, o oauth.Options) *oauth.Client {
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	return oauth.NewClient(p, registration(), o)
}

func registration() oauth.Registration {
	return oauth.Registration{
		ClientID:     "123.456",
		ClientSecret: credential.NewSecret(secretText),
		RedirectURL:  "http://127.0.0.1:8780/oauth/callback",
		Scopes:       []string{"read", "write"},
	}
}

func presented() credential.Secret { return credential.NewSecret(refreshText) }

// answerJSON answers every request alike.
func answerJSON(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// failure asserts that err is an [oauth.Error] that shows nothing secret, in any of the ways errors are shown.
func failure(t *testing.T, err error, unseen ...string) *oauth.Error {
	t.Helper()
	var e *oauth.Error
	require.ErrorAs(t, err, &e)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "error", err, "value", *e)
	slog.New(slog.NewTextHandler(&log, nil)).Error("failed", "error", err, "value", *e)
	encoded, encodeErr := json.Marshal(e)
	require.NoError(t, encodeErr)
	shown := fmt.Sprintf("%v %+v %#v %+v %#v %s %s", err, err, err, *e, *e, log.String(), encoded)
	for _, text := range append(unseen, everySecret...) {
		assert.NotContains(t, shown, text)
	}
	return e
}
