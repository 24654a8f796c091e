package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/vault"
)

// link makes a link and returns its path.
func (f *fixture) link() string {
	f.t.Helper()
	link, _ := f.linkWith(vault.LinkRequest{Account: account, Why: "the grant is dead"})
	return link
}

// linkWith makes a link and returns its path and its code.
func (f *fixture) linkWith(r vault.LinkRequest) (link, code string) {
	f.t.Helper()
	keys, err := f.vault.NewLink(f.t.Context(), r)
	require.NoError(f.t, err)
	f.t.Cleanup(func() {
		require.NotContains(f.t, f.log.String(), keys.Secret, "the log holds a link")
		if keys.Code != "" {
			require.NotContains(f.t, f.log.String(), keys.Code, "the log holds a code")
		}
	})
	return "/c/" + keys.Secret, keys.Code
}

// follow goes from a link up to the address that the provider sends the browser to.
func (b *browser) follow(link string) *url.URL {
	b.f.t.Helper()
	begun := b.press(link)
	require.Equal(b.f.t, http.StatusSeeOther, begun.status, begun.body)
	return parseURL(b.f.t, b.open(begun.location).location)
}

// pressed is what a browser sends that opened a link and uses its button.
func pressed(handler http.Handler, link string) *http.Request {
	seen := httptest.NewRecorder()
	handler.ServeHTTP(seen, httptest.NewRequest(http.MethodGet, link, nil))
	request := httptest.NewRequest(http.MethodPost, link, nil)
	for _, cookie := range seen.Result().Cookies() {
		request.AddCookie(cookie)
	}
	return request
}

func TestLink(t *testing.T) {
	f := newFixture(t)
	b, link := f.browser(), f.link()
	f.browser().open(link) // a preview
	assert.Equal(t, http.StatusOK, f.browser().send(http.MethodHead, link, nil).status)
	shown := b.open(link)
	require.Equal(t, http.StatusOK, shown.status)
	for _, want := range []string{"acme/triage/fake", "Fake &amp; Co", "<code>read</code>", "the grant is dead", `action="` + link + `"`} {
		assert.Contains(t, shown.body, want)
	}
	assert.Equal(t, "same-origin", shown.header.Get("Referrer-Policy"))
	done := b.open(b.follow(link).String())
	require.Equal(t, http.StatusOK, done.status, done.body)
	assert.Contains(t, done.body, "Account acme/triage/fake is active")
	assert.Equal(t, http.StatusNotFound, b.open(link).status, "it is used up")
	assert.Equal(t, http.StatusNotFound, b.press(link).status)
}

func TestDenialLeavesTheLink(t *testing.T) {
	f := newFixture(t)
	b, link := f.browser(), f.link()
	f.auth.change(func(a *authServer) { a.refusal = "access_denied" })
	require.Equal(t, http.StatusForbidden, b.open(b.follow(link).String()).status)
	f.auth.change(func(a *authServer) { a.refusal = "" })
	assert.Equal(t, http.StatusForbidden, f.browser().press(link).status, "to the browser that opened it")
	assert.Equal(t, http.StatusOK, b.open(b.follow(link).String()).status)
}

func TestHostileLinks(t *testing.T) {
	tests := []struct {
		name   string
		open   func(f *fixture, b *browser, link string) page
		status int
		want   string
	}{
		{"guessed", func(_ *fixture, b *browser, link string) page { return b.press(link[:len(link)-1] + "x") }, 404, "not valid"},
		{"empty", func(_ *fixture, b *browser, _ string) page { return b.press("/c/") }, 404, "no such page"},
		{"too old", func(f *fixture, b *browser, link string) page {
			f.clock.advance(vault.LinkLife)
			return b.press(link)
		}, 404, "not valid"},
		{"void", func(f *fixture, b *browser, link string) page {
			f.link()
			return b.press(link)
		}, 404, "not valid"},
		{"void after the redirect", func(f *fixture, b *browser, link string) page {
			callback := b.follow(link)
			f.link()
			return b.open(callback.String())
		}, 404, "not valid"},
		{"void although it was opened", func(f *fixture, b *browser, link string) page {
			b.follow(link)
			f.link()
			return b.press(link)
		}, 404, "not valid"},
		{"too old although it was opened", func(f *fixture, b *browser, link string) page {
			b.follow(link)
			f.clock.advance(vault.LinkLife)
			return b.press(link)
		}, 404, "not valid"},
		{"in other letters", func(_ *fixture, b *browser, link string) page { return b.press("/c/" + strings.ToLower(link[3:])) }, 404, "not valid"},
		{"with a path behind it", func(_ *fixture, b *browser, link string) page { return b.press(link + "/x") }, 404, "no such page"},
		{"huge", func(_ *fixture, b *browser, link string) page { return b.press(link + strings.Repeat("A", 9<<10)) }, 414, "too long"},
		{"posted by another site", func(_ *fixture, b *browser, link string) page {
			return b.send(http.MethodPost, link, http.Header{"Sec-Fetch-Site": {"cross-site"}})
		}, 403, "came from another site"},
		{"opened by the attacker first", func(f *fixture, b *browser, link string) page {
			f.browser().follow(link)
			return b.press(link)
		}, 403, "opened in another browser"},
		{"looked at after the attacker", func(f *fixture, b *browser, link string) page {
			f.browser().follow(link)
			return b.open(link)
		}, 403, "opened in another browser"},
		{"the attacker sends the provider's address on", func(f *fixture, b *browser, link string) page {
			return b.open(f.browser().follow(link).String())
		}, 403, "begun in another browser"},
		{"whose page was not opened", func(_ *fixture, b *browser, link string) page {
			return b.send(http.MethodPost, link, http.Header{"Sec-Fetch-Site": {"same-origin"}})
		}, 403, "has not opened the link"},
		{"whose page was opened in another browser", func(f *fixture, b *browser, link string) page {
			f.browser().open(link)
			return b.send(http.MethodPost, link, nil)
		}, 403, "has not opened the link"},
		{"of a connector that is gone", func(f *fixture, b *browser, link string) page {
			b.open(link)
			f.server.Connections = connections{}
			return b.press(link)
		}, 404, "There is no connector"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			got := test.open(f, f.browser(), f.link())
			assert.Equal(t, test.status, got.status)
			assert.Contains(t, got.body, test.want)
			f.requireNothingConnected()
		})
	}
}

// Chats, mail programs and virus scanners look at every link that passes them, and some press what they find.
func TestScannersUseNoLinkUp(t *testing.T) {
	f := newFixture(t)
	b, link := f.browser(), f.link()
	look := func() {
		for _, header := range []http.Header{
			nil, {"Sec-Purpose": {"prefetch"}}, {"Purpose": {"preview"}}, {"User-Agent": {"Slackbot-LinkExpanding 1.0"}},
		} {
			for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodOptions, http.MethodPut, http.MethodDelete} {
				got := f.browser().send(method, link, header)
				assert.Empty(t, got.location, "%s %v leads to the provider", method, header)
			}
		}
	}
	look()
	assert.Empty(t, f.audited(), "nobody has opened it")
	shown := b.open(link)
	require.Equal(t, http.StatusOK, shown.status)
	callback := b.follow(link)
	look()
	assert.Equal(t, http.StatusOK, b.open(callback.String()).status)
	used := f.owner.last()
	assert.Equal(t, http.StatusNotFound, b.press(link).status, "used twice")
	assert.Equal(t, http.StatusNotFound, f.browser().press(link).status)
	assert.Equal(t, used, f.owner.last())
}

func TestTwoConsentsByOneLink(t *testing.T) {
	f := newFixture(t)
	b, link := f.browser(), f.link()
	first, second := b.follow(link), b.follow(link)
	assert.Equal(t, http.StatusOK, b.open(second.String()).status)
	assert.Equal(t, http.StatusNotFound, b.open(first.String()).status)
}

// A browser that keeps no cookies could not bring the consent back: it hears of that at once, and costs nobody the link.
func TestABrowserWithoutCookiesDoesNotUseALinkUp(t *testing.T) {
	f := newFixture(t)
	link := f.link()
	without := f.browser()
	without.client.Jar = nil
	got := without.press(link)
	assert.Equal(t, http.StatusForbidden, got.status)
	assert.Contains(t, got.body, "allow this site to set cookies")
	assert.Empty(t, got.location)
	assert.Empty(t, f.audited(), "nobody has opened it")
	b := f.browser()
	assert.Equal(t, http.StatusOK, b.open(b.follow(link).String()).status)
}

// Who is paged at night has no terminal at hand, and the link of the notice is over.
func TestALinkThatIsOverLeadsOperatorsToTheStatusPage(t *testing.T) {
	f := newFixture(t)
	assert.NotContains(t, f.browser().open("/c/nonsense").body, `href="/login"`)
	f.ask(f.url)
	link := f.link()
	f.clock.advance(vault.LinkLife)
	got := f.browser().open(link)
	assert.Equal(t, http.StatusNotFound, got.status)
	assert.Contains(t, got.body, `href="/login"`)
	assert.Contains(t, got.body, "on the status page")
}

// A double click sends the form twice before the first answer is there, and an answer may be lost.
func TestTheButtonOfALinkIsPressedAgainWithoutTheFirstAnswer(t *testing.T) {
	f := newFixture(t)
	b, link := f.browser(), f.link()
	b.open(link)
	cookies := b.client.Jar.Cookies(parseURL(t, f.url+link))
	press := func() page {
		other := f.browser()
		other.client.Jar.SetCookies(parseURL(t, f.url+link), cookies)
		return other.press(link)
	}
	require.Equal(t, http.StatusSeeOther, press().status)
	require.Equal(t, http.StatusSeeOther, press().status)
	assert.Empty(t, b.open(link).header.Get("Set-Cookie"))
	assert.Equal(t, http.StatusOK, b.open(b.follow(link).String()).status)
}

func TestALinkOutlivedByItsLogin(t *testing.T) {
	f := newFixture(t)
	b, link := f.browser(), f.link()
	f.clock.advance(vault.LinkLife - time.Minute)
	callback := b.follow(link)
	f.clock.advance(5 * time.Minute)
	assert.Equal(t, http.StatusOK, b.open(callback.String()).status)
}

func TestAPublicGatewayHasNoPageWithoutALink(t *testing.T) {
	f := newFixture(t)
	f.server.PublicURL = parseURL(t, "https://example.com/tokens")
	handler := f.server.Handler()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(method, "https://example.com/tokens/connect/acme/triage/fake", nil))
		assert.Equal(t, http.StatusForbidden, recorder.Code)
		assert.Contains(t, recorder.Body.String(), "This needs a link")
		assert.Empty(t, recorder.Header().Get("Set-Cookie"))
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, pressed(handler, "https://example.com/tokens"+f.link()))
	require.Equal(t, http.StatusSeeOther, recorder.Code)
	for _, text := range recorder.Header().Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(text)
		require.NoError(t, err)
		assert.True(t, cookie.Secure)
		assert.Equal(t, "/", cookie.Path)
		assert.Regexp(t, "^__Host-tokenkeeper-", cookie.Name)
	}
}
