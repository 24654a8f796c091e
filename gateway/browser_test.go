package gateway_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// browser keeps cookies and follows no redirect by itself.
type browser struct {
	f      *fixture
	client *http.Client
}

// page is what a browser got.
type page struct {
	status   int
	header   http.Header
	body     string
	location string
}

func (f *fixture) browser() *browser {
	f.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(f.t, err)
	client := &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	f.t.Cleanup(client.CloseIdleConnections)
	return &browser{f: f, client: client}
}

// open gets an address; a path is one of the gateway.
func (b *browser) open(address string) page {
	b.f.t.Helper()
	return b.send(http.MethodGet, address, nil)
}

// press posts the form of an account's page, as a browser does.
func (b *browser) press(path string) page {
	b.f.t.Helper()
	b.see(path)
	return b.send(http.MethodPost, path, http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {b.f.url}})
}

// see opens the page that a link's form is on.
func (b *browser) see(path string) {
	b.f.t.Helper()
	if strings.HasPrefix(path, "/c/") {
		b.open(path)
	}
}

func (b *browser) send(method, address string, header http.Header) page {
	t := b.f.t
	t.Helper()
	if address[0] == '/' {
		address = b.f.url + address
	}
	request, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	require.NoError(t, err)
	maps.Copy(request.Header, header)
	response, err := b.client.Do(request)
	require.NoError(t, err)
	return b.read(response)
}

// read checks that no page holds a secret, whatever the test is about.
func (b *browser) read(response *http.Response) page {
	t := b.f.t
	t.Helper()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	if response.Request.URL.Host == parseURL(t, b.f.url).Host {
		requireNoSecret(t, string(body), b.f.auth.secrets())
		require.NotContains(t, strings.Replace(string(body), `<script src="/static/live.js" defer></script>`, "", 1), "<script")
		if strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") && response.Header.Get("Location") == "" && len(body) > 0 {
			require.Empty(t, faultsOf(string(body)), "markup of %s", response.Request.URL.Path)
		}
	}
	return page{status: response.StatusCode, header: response.Header, body: string(body), location: response.Header.Get("Location")}
}

func requireNoSecret(t *testing.T, text string, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		require.NotContains(t, text, secret)
	}
}

// callback goes from the account's page through the provider, up to the address that the provider sends the browser to.
func (b *browser) callback() *url.URL {
	t := b.f.t
	t.Helper()
	begun := b.press("/connect/" + account.String())
	require.Equal(t, http.StatusSeeOther, begun.status, begun.body)
	asked := b.open(begun.location)
	require.Equal(t, http.StatusFound, asked.status)
	return parseURL(t, asked.location)
}

// connect is the whole way.
func (b *browser) connect() page {
	b.f.t.Helper()
	return b.open(b.callback().String())
}

// with returns the address with parameters changed; an empty value takes one away.
func with(u *url.URL, changes map[string]string) string {
	changed, query := *u, u.Query()
	for name, value := range changes {
		query.Set(name, value)
		if value == "" {
			query.Del(name)
		}
	}
	changed.RawQuery = query.Encode()
	return changed.String()
}
