package gateway_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPostFromAnotherSite(t *testing.T) {
	tests := map[string]http.Header{
		"cross-site":              {"Sec-Fetch-Site": {"cross-site"}},
		"another port":            {"Sec-Fetch-Site": {"same-site"}},
		"old browser":             {"Origin": {"https://attacker.example"}},
		"old browser, null":       {"Origin": {"null"}},
		"old browser, other port": {"Origin": {"http://127.0.0.1:1"}},
	}
	for name, header := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			got := f.browser().send(http.MethodPost, "/connect/acme/triage/fake", header)
			assert.Equal(t, http.StatusForbidden, got.status)
			assert.Contains(t, got.body, "came from another site")
			assert.Empty(t, got.header.Get("Set-Cookie"))
			assert.Empty(t, got.location)
		})
	}
}

func TestPostFromOurOwnPageOrATerminal(t *testing.T) {
	f := newFixture(t)
	for name, header := range map[string]http.Header{
		"browser":     {"Sec-Fetch-Site": {"same-origin"}},
		"old browser": {"Origin": {f.url}},
		"terminal":    nil,
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, http.StatusSeeOther, f.browser().send(http.MethodPost, "/connect/acme/triage/fake", header).status)
		})
	}
}

func TestOldBrowserBehindAProxyThatChangesHost(t *testing.T) {
	f := newFixture(t)
	f.server.PublicURL = parseURL(t, "https://example.com")
	handler, recorder := f.server.Handler(), httptest.NewRecorder()
	request := pressed(handler, "http://localhost"+f.link())
	request.Header.Set("Origin", "https://example.com")
	handler.ServeHTTP(recorder, request)
	assert.Equal(t, http.StatusSeeOther, recorder.Code, recorder.Body.String())
}

// A tunnel that writes a loopback name into Host would make an operator of everybody.
func TestWhereNobodyIsAskedWhatIsForwardedIsRefused(t *testing.T) {
	f, h := newEvents(t)
	forwarded := func(name, value string) http.Header {
		return http.Header{name: {value}, "Sec-Fetch-Site": {"same-origin"}}
	}
	far := []http.Header{
		forwarded("X-Forwarded-For", "203.0.113.7"), forwarded("Forwarded", "for=203.0.113.7"), forwarded("X-Forwarded-For", "127.0.0.1"),
	}
	refused := func(header http.Header) {
		t.Helper()
		for _, request := range [][2]string{
			{http.MethodGet, "/"}, {http.MethodGet, "/connect/acme/triage/fake"}, {http.MethodPost, "/accounts/acme/triage/fake/disconnect"},
		} {
			got := f.browser().send(request[0], request[1], header)
			assert.Equal(t, http.StatusForbidden, got.status, request)
			assert.Contains(t, got.body, "came through a proxy or tunnel")
		}
	}
	for _, header := range far {
		refused(header)
		assert.Equal(t, http.StatusOK, f.browser().send(http.MethodGet, "/healthz", header).status)
	}
	assert.Empty(t, f.owner.deeds)
	event := slackCallback("Ev1", botRevoked)
	event.header = http.Header{"X-Forwarded-For": {"203.0.113.7"}}
	status, _ := f.send(event)
	assert.Equal(t, http.StatusOK, status, "an event is signed")
	assert.Len(t, h.told, 2)

	f.server.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	refused(far[0])
	assert.Equal(t, http.StatusOK, f.browser().send(http.MethodGet, "/", far[2]).status, "a proxy of this machine, for somebody on it")
	f.ask(f.url)
	assert.NotContains(t, f.browser().send(http.MethodGet, "/login", far[0]).body, "proxy or tunnel", "where people sign in they may come from anywhere")
}

func TestHost(t *testing.T) {
	f := newFixture(t)
	_, port, err := net.SplitHostPort(parseURL(t, f.url).Host)
	require.NoError(t, err)
	tests := []struct {
		host, path string
		status     int
	}{
		{"127.0.0.1:" + port, "/", 200},
		{"localhost:" + port, "/", 200},
		{"LOCALHOST:" + port, "/", 200},
		{"[::1]:" + port, "/", 200},
		{"localhost:1", "/", 421},
		{"localhost", "/", 421},
		{"attacker.example", "/", 421},
		{"attacker.example:" + port, "/", 421},
		{"attacker.example:" + port, "/connect/acme/triage/fake", 421},
		{"attacker.example:" + port, "/oauth/callback/fake?state=x", 421},
		{"127.0.0.1.attacker.example:" + port, "/", 421},
		{"10.0.0.7:" + port, "/healthz", 200},
	}
	for _, test := range tests {
		t.Run(test.host+test.path, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+test.path, nil)
			require.NoError(t, err)
			request.Host = test.host
			b := f.browser()
			response, err := b.client.Do(request)
			require.NoError(t, err)
			assert.Equal(t, test.status, b.read(response).status)
		})
	}
}

func TestOtherLoopbackNamesLeadHome(t *testing.T) {
	f := newFixture(t)
	elsewhere := strings.Replace(f.url, "127.0.0.1", "localhost", 1)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		request := httptest.NewRequest(method, elsewhere+"/connect/acme/triage/fake?x=//attacker.example", nil)
		recorder := httptest.NewRecorder()
		f.server.Handler().ServeHTTP(recorder, request)
		assert.Equal(t, http.StatusSeeOther, recorder.Code)
		assert.Equal(t, f.url+"/connect/acme/triage/fake", recorder.Header().Get("Location"))
		assert.Empty(t, recorder.Header().Get("Set-Cookie"))
	}
}

func TestHeaders(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	for path, referrer := range map[string]string{
		"/":                             "same-origin",
		"/connect/acme/triage/fake":     "same-origin",
		"/connect/nobody":               "no-referrer",
		"/oauth/callback/fake?state=x":  "no-referrer",
		"/healthz":                      "no-referrer",
		"/static/style.css":             "no-referrer",
		"/nowhere":                      "no-referrer",
		"/" + strings.Repeat("x", 9000): "no-referrer",
	} {
		header := b.open(path).header
		policy := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "form-action '"} {
			assert.Contains(t, policy, want, path)
		}
		assert.NotContains(t, policy, "unsafe")
		if path == "/" {
			assert.Contains(t, policy, "; script-src 'self'; connect-src 'self'")
		} else {
			assert.NotContains(t, policy, "script-src")
		}
		assert.Equal(t, referrer, header.Get("Referrer-Policy"), path)
		assert.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "no-store", header.Get("Cache-Control"), path)
	}
	begun := b.press("/connect/acme/triage/fake")
	assert.Equal(t, "no-referrer", begun.header.Get("Referrer-Policy"))
}

func TestFormMayLeadToTheProvider(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	assert.Contains(t, b.open("/connect/acme/triage/fake").header.Get("Content-Security-Policy"), "form-action 'self' https: "+f.auth.URL+";")
	assert.Contains(t, b.open("/nowhere").header.Get("Content-Security-Policy"), "form-action 'none';")

	conn := connection("fake", f.auth.provider(), f.url, f.clock.Now)
	conn.Provider.Endpoints.Authorize = "https://provider.example/authorize"
	f.server.Connections = connections{"fake": conn}
	assert.Contains(t, b.open("/connect/acme/triage/fake").header.Get("Content-Security-Policy"), "form-action 'self' https:;")
}

func TestLogNamesRoutesAndNoQueries(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	b.open("/oauth/callback/fake?state=hidden-state&code=hidden-code&error=hidden_error")
	b.open("/connect/acme/triage/fake?hidden=query")
	b.open("/hidden-path")
	log := f.log.String()
	assert.Contains(t, log, `msg=request method=GET route="GET /oauth/callback/{connector}" status=400 duration=`)
	assert.Contains(t, log, `route="GET /connect/{account...}" status=200`)
	assert.Contains(t, log, `route=/ status=404`)
	assert.NotContains(t, log, "hidden")
}
