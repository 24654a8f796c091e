package gateway_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/vault"
)

const (
	adminToken  = "s3cr3t-of-operators-s3cr3t-of-operators"
	viewerToken = "s3cr3t-of-viewers-s3cr3t-of-viewers-s3cr3t"
)

// ask has people sign in, at that public URL.
func (f *fixture) ask(publicURL string) {
	f.server.PublicURL = parseURL(f.t, publicURL)
	f.server.Sessions = f.vault
	f.server.Tokens = func() gateway.Tokens {
		return gateway.Tokens{Admin: credential.NewSecret(adminToken), Viewer: credential.NewSecret(viewerToken)}
	}
}

// caller sends requests as somebody, from an address.
type caller struct {
	f       *fixture
	handler http.Handler
	header  http.Header
	from    string
	cookies []*http.Cookie
}

func (f *fixture) caller() *caller {
	return &caller{f: f, handler: f.server.Handler(), header: http.Header{}, from: "192.0.2.1:4711"}
}

func (c *caller) call(method, path string, form url.Values) *http.Response {
	c.f.t.Helper()
	request := httptest.NewRequest(method, c.f.server.PublicURL.String()+path, strings.NewReader(form.Encode()))
	request.RemoteAddr = c.from
	request.Header = c.header.Clone()
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, cookie := range c.cookies {
		request.AddCookie(cookie)
	}
	recorder := httptest.NewRecorder()
	c.handler.ServeHTTP(recorder, request)
	response := recorder.Result()
	for _, token := range []string{adminToken, viewerToken} {
		require.NotContains(c.f.t, recorder.Body.String(), token)
		require.NotContains(c.f.t, c.f.log.String(), token)
	}
	return response
}

// signIn keeps the cookie that the form leads to.
func (c *caller) signIn(token string) *caller {
	c.f.t.Helper()
	response := c.call(http.MethodPost, "/login", url.Values{"token": {token}})
	require.Equal(c.f.t, http.StatusSeeOther, response.StatusCode)
	require.Equal(c.f.t, "/", response.Header.Get("Location"))
	c.cookies = response.Cookies()
	require.Len(c.f.t, c.cookies, 1)
	return c
}

func (c *caller) bear(token string) *caller {
	c.header.Set("Authorization", "Bearer "+token)
	return c
}

func TestWhoMay(t *testing.T) {
	const loopback, public = "http://127.0.0.1:8780", "https://keeper.example.com"
	people := map[string]func(*caller) *caller{
		"stranger": func(c *caller) *caller { return c },
		"viewer":   func(c *caller) *caller { return c.signIn(viewerToken) },
		"operator": func(c *caller) *caller { return c.signIn(adminToken) },
		"program":  func(c *caller) *caller { return c.bear(adminToken) },
		"looker":   func(c *caller) *caller { return c.bear(viewerToken) },
		"guesser":  func(c *caller) *caller { return c.bear("wrong") },
	}
	const (
		look    = "GET /"
		live    = "GET /live/board"
		press   = "POST " + buttonsOf + "refresh"
		before  = "GET " + buttonsOf + "disconnect"
		connect = "GET /connect/acme/triage/fake"
	)
	tests := []struct {
		at, who string
		want    map[string]string // request → status, and where it leads
	}{
		{"loopback, nobody asked", "stranger", map[string]string{look: "200", live: "200", press: "303 /#result", before: "200", connect: "200"}},
		{"public, nobody asked", "stranger", map[string]string{look: "200", live: "404", press: "403", before: "403", connect: "403"}},
		{loopback, "stranger", map[string]string{look: "303 /login", live: "401", press: "401", before: "401", connect: "403"}},
		{loopback, "operator", map[string]string{look: "200", live: "200", press: "303 /#result", before: "200", connect: "403"}},
		{public, "stranger", map[string]string{look: "303 /login", live: "401", press: "401", before: "401", connect: "403"}},
		{public, "guesser", map[string]string{look: "401", live: "401", press: "401", before: "401", connect: "403"}},
		{public, "viewer", map[string]string{look: "200", live: "200", press: "403", before: "403", connect: "403"}},
		{public, "looker", map[string]string{look: "200", live: "200", press: "403", before: "403", connect: "403"}},
		{public, "operator", map[string]string{look: "200", live: "200", press: "303 /#result", before: "200", connect: "403"}},
		{public, "program", map[string]string{look: "200", live: "200", press: "303 /#result", before: "200", connect: "403"}},
	}
	for _, test := range tests {
		t.Run(test.at+" "+test.who, func(t *testing.T) {
			f := newFixture(t)
			switch test.at {
			case "loopback, nobody asked":
				f.server.PublicURL = parseURL(t, loopback)
			case "public, nobody asked":
				f.server.PublicURL = parseURL(t, public)
			default:
				f.ask(test.at)
			}
			c := people[test.who](f.caller())
			test.want["GET /healthz"], test.want["GET /static/style.css"] = "200", "200"
			test.want["GET "+f.link()] = "200"
			test.want["GET /oauth/callback/fake?state=x"] = "400"
			test.want["POST /events/slack/fake"] = "404"
			for request, want := range test.want {
				method, path, _ := strings.Cut(request, " ")
				response := c.call(method, path, nil)
				got := strings.TrimSpace(strconv.Itoa(response.StatusCode) + " " + response.Header.Get("Location"))
				assert.Equal(t, want, got, request)
			}
			if want := test.want[press]; want != "303 /#result" {
				assert.Empty(t, f.owner.deeds)
			}
		})
	}
}

func TestSession(t *testing.T) {
	f := newFixture(t)
	f.ask("https://keeper.example.com")
	c := f.caller()
	for _, token := range []string{"", "wrong", adminToken[1:], adminToken + "x"} {
		response := c.call(http.MethodPost, "/login", url.Values{"token": {token}})
		assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
		assert.Empty(t, response.Cookies())
	}
	assert.Equal(t, http.StatusUnauthorized, c.call(http.MethodPost, "/login?token="+adminToken, nil).StatusCode, "a URL is remembered")
	c.signIn(" " + adminToken + "\n")
	cookie := c.cookies[0]
	assert.Equal(t, "__Host-tokenkeeper-session", cookie.Name)
	assert.True(t, cookie.Secure && cookie.HttpOnly && cookie.SameSite == http.SameSiteLaxMode && cookie.Path == "/")
	assert.Equal(t, 12*60*60, cookie.MaxAge)
	assert.Equal(t, "/", c.call(http.MethodGet, "/login", nil).Header.Get("Location"))

	trail, err := f.vault.AuditTrail(t.Context(), vault.AuditFilter{}, 10)
	require.NoError(t, err)
	require.Len(t, trail, 1, "attempts are in the log of the process alone")
	assert.Equal(t, vault.SignedIn, trail[0].Action)
	assert.Equal(t, "admin token", trail[0].Actor)
	assert.Equal(t, "192.0.2.1", trail[0].Remote)
	assert.Contains(t, f.log.String(), "wrong token")

	replica := f.caller()
	replica.cookies = c.cookies
	assert.Equal(t, http.StatusOK, replica.call(http.MethodGet, "/", nil).StatusCode)
	forged := f.caller()
	for _, value := range []string{"", "%", "AAAA", cookie.Value[:len(cookie.Value)-2], cookie.Value[2:]} {
		forged.cookies = []*http.Cookie{{Name: cookie.Name, Value: value}}
		assert.Equal(t, "/login", forged.call(http.MethodGet, "/", nil).Header.Get("Location"), value)
	}

	out := c.call(http.MethodPost, "/logout", nil)
	assert.Equal(t, "/login", out.Header.Get("Location"))
	require.Len(t, out.Cookies(), 1)
	assert.Negative(t, out.Cookies()[0].MaxAge)

	f.clock.advance(12 * time.Hour)
	assert.Equal(t, "/login", c.call(http.MethodGet, "/", nil).Header.Get("Location"), "it is over")
}

func TestSessionEndsWithItsToken(t *testing.T) {
	f := newFixture(t)
	f.ask("https://keeper.example.com")
	c := f.caller().signIn(adminToken)
	f.server.Tokens = func() gateway.Tokens {
		return gateway.Tokens{Admin: credential.NewSecret("another-" + adminToken)}
	}
	assert.Equal(t, "/login", c.call(http.MethodGet, "/", nil).Header.Get("Location"))
	assert.Equal(t, http.StatusUnauthorized, f.caller().bear(viewerToken).call(http.MethodGet, "/", nil).StatusCode)
	assert.Equal(t, http.StatusUnauthorized, f.caller().bear("").call(http.MethodGet, "/", nil).StatusCode, "there is no viewer token, and nobody has it")
}

func TestNobodySignsInWhereNobodyIsAsked(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	assert.Equal(t, http.StatusNotFound, b.open("/login").status)
	assert.Equal(t, http.StatusNotFound, b.press("/login").status)
	assert.Equal(t, http.StatusNotFound, b.press("/logout").status)
}

func TestAnotherSiteSignsNobodyIn(t *testing.T) {
	f := newFixture(t)
	f.ask("https://keeper.example.com")
	c := f.caller()
	c.header.Set("Sec-Fetch-Site", "cross-site")
	for _, path := range []string{"/login", "/logout"} {
		response := c.call(http.MethodPost, path, url.Values{"token": {adminToken}})
		assert.Equal(t, http.StatusForbidden, response.StatusCode)
		assert.Empty(t, response.Cookies())
	}
}

func TestLimits(t *testing.T) {
	f := newFixture(t)
	f.ask("https://keeper.example.com")
	f.server.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")}
	c := f.caller()
	c.from = "10.0.0.7:1"
	c.header.Set("X-Forwarded-Proto", "https")
	signIn := func(c *caller) *http.Response {
		return c.call(http.MethodPost, "/login", url.Values{"token": {"wrong"}})
	}
	bear := func(c *caller) *http.Response { return c.bear("wrong").call(http.MethodGet, "/live/board", nil) }
	bearAtLogin := func(c *caller) *http.Response { return c.bear("wrong").call(http.MethodGet, "/login", nil) }
	link := func(c *caller) *http.Response { return c.call(http.MethodGet, "/c/unknown", nil) }
	back := func(c *caller) *http.Response {
		return c.call(http.MethodGet, "/oauth/callback/fake?state=foreign&code=x", nil)
	}
	for name, test := range map[string]struct {
		try        func(*caller) *http.Response
		most, want int
		from, near string
	}{
		"sign in":  {signIn, 10, http.StatusUnauthorized, "203.0.113.1", "203.0.113.2"},
		"bearer":   {bear, 10, http.StatusUnauthorized, "203.0.113.3", "203.0.113.4"},
		"login":    {bearAtLogin, 10, http.StatusUnauthorized, "203.0.113.7", "203.0.113.8"},
		"way back": {back, 60, http.StatusBadRequest, "203.0.113.5", "203.0.113.6"},
		"link":     {link, 60, http.StatusNotFound, "2001:db8::1", "2001:db8:0:1::1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := *c
			c.header = c.header.Clone()
			c.header.Set("X-Forwarded-For", "198.51.100.9, "+test.from)
			for range test.most {
				require.Equal(t, test.want, test.try(&c).StatusCode)
			}
			refused := test.try(&c)
			assert.Equal(t, http.StatusTooManyRequests, refused.StatusCode)
			assert.Equal(t, "60", refused.Header.Get("Retry-After"))
			c.header.Set("X-Forwarded-For", "made.up, "+test.from)
			assert.Equal(t, http.StatusTooManyRequests, test.try(&c).StatusCode, "what the sender adds makes nobody of him")
			c.header.Set("X-Forwarded-For", test.near)
			assert.Equal(t, test.want, test.try(&c).StatusCode, "somebody else")
		})
	}
}

// Beyond the limit no answer tells the right token from the wrong ones.
func TestWhoGuessesTokensIsNotToldTheRightOne(t *testing.T) {
	f := newFixture(t)
	f.ask("https://keeper.example.com")
	c := f.caller()
	for range 30 {
		require.Equal(t, http.StatusOK, c.bear(adminToken).call(http.MethodGet, "/live/board", nil).StatusCode, "the right one is no attempt")
	}
	for range 10 {
		require.Equal(t, http.StatusUnauthorized, c.bear("wrong").call(http.MethodGet, "/live/board", nil).StatusCode)
	}
	for _, token := range []string{"wrong", adminToken, viewerToken} {
		for _, path := range []string{"/", "/login", "/live/board", "/metrics"} {
			assert.Equal(t, http.StatusTooManyRequests, c.bear(token).call(http.MethodGet, path, nil).StatusCode, path)
		}
	}
}

func TestProxyHeadersAreBelievedOfProxiesOnly(t *testing.T) {
	tests := []struct {
		name, from    string
		forwarded     []string
		proto         []string
		status        int
		auditedRemote string
	}{
		{"by the proxy", "10.0.0.7:1", []string{"203.0.113.1"}, []string{"https"}, 403, "203.0.113.1"},
		{"by two proxies", "10.0.0.7:1", []string{"203.0.113.1", "10.1.2.3:99"}, []string{"https"}, 403, "203.0.113.1"},
		{"with what the sender wrote", "10.0.0.7:1", []string{"127.0.0.1, 203.0.113.1"}, []string{"https"}, 403, "203.0.113.1"},
		{"with what is no address", "10.0.0.7:1", []string{"203.0.113.1, unknown"}, []string{"https"}, 403, "10.0.0.7"},
		{"without an address", "10.0.0.7:1", nil, []string{"https"}, 403, "10.0.0.7"},
		{"as IPv4 in IPv6", "[::ffff:10.0.0.7]:1", []string{"::ffff:203.0.113.1"}, []string{"https"}, 403, "203.0.113.1"},
		{"in clear", "10.0.0.7:1", []string{"203.0.113.1"}, []string{"http"}, 0, ""},
		{"in clear, and made up", "10.0.0.7:1", []string{"203.0.113.1"}, []string{"https", "http"}, 0, ""},
		{"nobody knows", "10.0.0.7:1", []string{"203.0.113.1"}, nil, 0, ""},
		{"past the proxy", "203.0.113.1:1", []string{"10.0.0.7"}, []string{"https"}, 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.ask("https://keeper.example.com")
			f.server.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32"), netip.MustParsePrefix("10.1.0.0/16")}
			c := f.caller().bear(viewerToken)
			c.from = test.from
			c.header["X-Forwarded-For"], c.header["X-Forwarded-Proto"] = test.forwarded, test.proto
			response := c.call(http.MethodPost, buttonsOf+"refresh", nil)
			assert.Equal(t, http.StatusForbidden, response.StatusCode)
			events := f.audited()
			if test.status == 0 {
				assert.Empty(t, events, "it is refused before anything is done")
				assert.Equal(t, http.StatusForbidden, c.call(http.MethodPost, "/events/slack/fake", nil).StatusCode)
				assert.Equal(t, http.StatusOK, c.call(http.MethodGet, "/healthz", nil).StatusCode, "probes come straight")
				return
			}
			require.Len(t, events, 1)
			assert.Equal(t, test.auditedRemote, events[0].Remote)
			assert.Equal(t, "viewer token", events[0].Actor)
		})
	}
}

// A proxy that the configuration does not name is told of once, and not by whoever makes its headers up.
func TestTheLogNamesWhoForwardsAndIsNotTrusted(t *testing.T) {
	f := newFixture(t)
	f.ask("https://keeper.example.com")
	c := f.caller()
	try := func(from string, header http.Header) {
		c.from, c.header = from+":1", header
		require.Equal(t, http.StatusNotFound, c.call(http.MethodGet, "/c/unknown", nil).StatusCode)
	}
	forwarded := http.Header{"X-Forwarded-For": {"203.0.113.1"}}
	try("10.0.0.7", nil)
	assert.NotContains(t, f.log.String(), "trusted_proxies")
	try("10.0.0.7", forwarded)
	try("10.0.0.7", forwarded)
	try("10.0.0.8", http.Header{"Forwarded": {"for=203.0.113.1"}})
	for i := range 40 {
		try("203.0.113."+strconv.Itoa(i), forwarded)
	}
	assert.Equal(t, 8, strings.Count(f.log.String(), "gateway.trusted_proxies does not name it"))
	assert.Equal(t, 1, strings.Count(f.log.String(), "address=10.0.0.7"))
	assert.Equal(t, 1, strings.Count(f.log.String(), "address=10.0.0.8"))

	f = newFixture(t)
	f.ask("http://keeper.example.com")
	f.server.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")}
	c = f.caller()
	try("10.0.0.7", forwarded)
	assert.NotContains(t, f.log.String(), "trusted_proxies")
}

func TestServeTLS(t *testing.T) {
	f := newFixture(t)
	borrowed := httptest.NewTLSServer(nil) // its certificate, and a client that trusts it
	defer borrowed.Close()
	l := listen(t)
	f.ask("https://" + l.Addr().String())
	f.server.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &borrowed.TLS.Certificates[0], nil }}
	f.server.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")} // with TLS of its own it needs nobody's word
	go func() { _ = f.server.Serve(t.Context(), l) }()
	response, err := borrowed.Client().Get("https://" + l.Addr().String() + "/login")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusOK, response.StatusCode)
}
