package gateway_test

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/vault"
)

func TestHostileCallbacks(t *testing.T) {
	changed := func(changes map[string]string) func(*fixture, *browser, *url.URL) page {
		return func(_ *fixture, b *browser, u *url.URL) page { return b.open(with(u, changes)) }
	}
	tests := []struct {
		name   string
		open   func(*fixture, *browser, *url.URL) page
		status int
		want   string
	}{
		{"no state", changed(map[string]string{"state": ""}), 400, "no answer to a request of ours"},
		{"nothing at all", func(_ *fixture, b *browser, _ *url.URL) page { return b.open("/oauth/callback/fake") }, 400, "no answer to a request of ours"},
		{"foreign state", changed(map[string]string{"state": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}), 400, "used already, or came too late"},
		{"state twice", func(_ *fixture, b *browser, u *url.URL) page {
			return b.open(u.String() + "&state=" + u.Query().Get("state"))
		}, 400, "no answer to a request of ours"},
		{"code twice", func(_ *fixture, b *browser, u *url.URL) page { return b.open(u.String() + "&code=another") }, 400, "no answer to a request of ours"},
		{"expired", func(f *fixture, b *browser, u *url.URL) page {
			f.clock.advance(10*time.Minute + time.Second)
			return b.open(u.String())
		}, 400, "used already, or came too late"},
		{"other browser", func(f *fixture, _ *browser, u *url.URL) page { return f.browser().open(u.String()) }, 403, "begun in another browser"},
		{"a browser with a login of its own", func(f *fixture, _ *browser, u *url.URL) page {
			other := f.browser()
			other.callback()
			return other.open(u.String())
		}, 403, "begun in another browser"},
		{"forged cookie", func(f *fixture, b *browser, u *url.URL) page {
			other := f.browser()
			for _, cookie := range b.client.Jar.Cookies(u) {
				other.client.Jar.SetCookies(u, []*http.Cookie{{Name: cookie.Name, Value: strings.Repeat("A", len(cookie.Value)), Path: "/"}})
			}
			return other.open(u.String())
		}, 403, "begun in another browser"},
		{"cookies without end", func(f *fixture, _ *browser, u *url.URL) page {
			other := f.browser()
			for range 40 {
				other.client.Jar.SetCookies(u, []*http.Cookie{{Name: "tokenkeeper-login-" + rand.Text(), Value: rand.Text(), Path: "/"}})
			}
			return other.open(u.String())
		}, 403, "begun in another browser"},
		{"empty cookie", func(f *fixture, b *browser, u *url.URL) page {
			other := f.browser()
			for _, cookie := range b.client.Jar.Cookies(u) {
				other.client.Jar.SetCookies(u, []*http.Cookie{{Name: cookie.Name, Path: "/"}})
			}
			return other.open(u.String())
		}, 403, "begun in another browser"},
		{"missing code", changed(map[string]string{"code": ""}), 400, "sent no code"},
		{"code of somebody else", changed(map[string]string{"code": "injected"}), 502, "no longer accepts this consent"},
		{"code of somebody else's consent", func(f *fixture, b *browser, u *url.URL) page {
			return b.open(with(u, map[string]string{"code": f.browser().callback().Query().Get("code")}))
		}, 502, "no longer accepts this consent"},
		{"posted", func(_ *fixture, b *browser, u *url.URL) page { return b.press(u.RequestURI()) }, 404, "no such page"},
		{"error twice", func(_ *fixture, b *browser, u *url.URL) page {
			return b.open(u.String() + "&error=access_denied&error=server_error")
		}, 400, "no answer to a request of ours"},
		{"issuer twice", func(_ *fixture, b *browser, u *url.URL) page { return b.open(u.String() + "&iss=a&iss=b") }, 400, "no answer to a request of ours"},
		{"wrong issuer", func(f *fixture, b *browser, u *url.URL) page {
			f.nameIssuer("https://issuer.example")
			return b.open(with(u, map[string]string{"iss": "https://attacker.example"}))
		}, 400, "Another server answered"},
		{"redirect URL of another connector", func(_ *fixture, b *browser, u *url.URL) page {
			return b.open(strings.Replace(u.String(), "/oauth/callback/fake", "/oauth/callback/other", 1))
		}, 400, "Another server answered"},
		{"no connector", func(_ *fixture, b *browser, u *url.URL) page {
			return b.open(strings.Replace(u.String(), "/oauth/callback/fake", "/oauth/callback", 1))
		}, 404, "no such page"},
		{"huge issuer", func(f *fixture, b *browser, u *url.URL) page {
			f.nameIssuer("https://issuer.example")
			return b.open(with(u, map[string]string{"iss": "https://issuer.example/" + strings.Repeat("i", 4<<10)}))
		}, 400, "Another server answered"},
		{"a thousand parameters", func(_ *fixture, b *browser, u *url.URL) page {
			return b.open(u.String() + strings.Repeat("&a=b", 1000) + "&state=")
		}, 400, "no answer to a request of ours"},
		{"state with a NUL", changed(map[string]string{"state": "\x00"}), 400, "used already, or came too late"},
		{"denied", changed(map[string]string{"code": "", "error": "access_denied"}), 403, "You did not consent"},
		{"denied, and a code", changed(map[string]string{"error": "access_denied"}), 403, "You did not consent"},
		{"error of the server", changed(map[string]string{"error": "temporarily_unavailable"}), 502, "has trouble of its own"},
		{"error of the app", changed(map[string]string{"error": "invalid_scope"}), 502, "<code>invalid_scope</code>"},
		{"prose for an error", changed(map[string]string{"error": "<img src=x> call 0800"}), 502, "refuses the request"},
		{"huge state", changed(map[string]string{"state": strings.Repeat("s", 9<<10)}), 414, "too long"},
		{"huge code", changed(map[string]string{"code": strings.Repeat("c", 9<<10)}), 414, "too long"},
		{"huge error", changed(map[string]string{"error": strings.Repeat("e", 4<<10)}), 502, "refuses the request"},
		{"beyond the headers' limit", changed(map[string]string{"code": strings.Repeat("c", 60<<10)}), 414, "too long"},
		{"broken encoding", func(_ *fixture, b *browser, u *url.URL) page {
			return b.open(u.Scheme + "://" + u.Host + u.Path + "?state=%zz&code=%")
		}, 400, "no answer to a request of ours"},
	}
	ways := map[string]func(*fixture, *browser) *url.URL{
		"from the account's page": func(_ *fixture, b *browser) *url.URL { return b.callback() },
		"from a link":             func(f *fixture, b *browser) *url.URL { return b.follow(f.link()) },
	}
	for _, test := range tests {
		for way, begin := range ways {
			t.Run(test.name+" "+way, func(t *testing.T) {
				f := newFixture(t)
				b := f.browser()
				got := test.open(f, b, begin(f, b))
				assert.Equal(t, test.status, got.status)
				assert.Contains(t, got.body, test.want)
				assert.NotContains(t, got.body, "<img")
				assert.NotContains(t, got.body, "0800")
				assert.Equal(t, "text/html; charset=utf-8", got.header.Get("Content-Type"))
				f.requireNothingConnected()
				for _, event := range f.audited() {
					if event.Action != vault.LinkOpened {
						assert.Equal(t, vault.Consent, event.Action)
						assert.NotEqual(t, vault.Done, event.Outcome)
					}
					assert.NotContains(t, event.Detail, "0800")
				}
			})
		}
	}
}

// A connector whose consent page leads the browser on to an honest provider would have the honest one's code sent to itself: both
// ways lead back to us, and the honest provider names no issuer. Its registration knows its own redirect URL only.
func TestACodeGoesToNoProviderButItsOwn(t *testing.T) {
	f := newFixture(t)
	other := newAuthServer(t)
	f.conns["other"] = connection("other", other.provider(), f.url, f.clock.Now)
	b := f.browser()
	asked := parseURL(t, b.press("/connect/acme/triage/other").location)
	relayed := *parseURL(t, f.conns["fake"].Provider.Endpoints.Authorize)
	query := asked.Query()
	query.Set("redirect_uri", f.url+"/oauth/callback/fake") // it accepts no other
	relayed.RawQuery = query.Encode()
	got := b.open(b.open(relayed.String()).location)
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Contains(t, got.body, "Another server answered")
	assert.False(t, other.asked(), "the code of one provider was sent to another")
	assert.False(t, f.auth.asked())
	f.requireNothingConnected()
}

// Where a provider knows no PKCE, nothing ties a code to the consent that was begun here. What does not fit the account is kept
// apart; what is its first consent cannot be told.
func TestACodeOfSomebodyElseWithoutPKCE(t *testing.T) {
	f := newFixture(t)
	plain := f.auth.provider()
	plain.Authorization.PKCE = false
	f.conns["fake"] = connection("fake", plain, f.url, f.clock.Now)
	f.auth.change(func(a *authServer) { a.noPKCE = true })
	require.Equal(t, http.StatusOK, f.browser().connect().status)
	before, err := f.vault.Get(t.Context(), account)
	require.NoError(t, err)

	injected := f.browser().callback().Query().Get("code")
	f.auth.change(func(a *authServer) { a.subject = "U2" }) // whose code it is
	b := f.browser()
	got := b.open(with(b.callback(), map[string]string{"code": injected}))
	assert.Equal(t, http.StatusConflict, got.status)
	after, err := f.vault.Get(t.Context(), account)
	require.NoError(t, err)
	assert.Equal(t, before.Generation, after.Generation)
	assert.Equal(t, before.Subject, after.Subject)
}

func TestReplayedCallback(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	address := b.callback().String()
	require.Equal(t, http.StatusOK, b.open(address).status)
	first := f.owner.last()
	replayed := b.open(address)
	assert.Equal(t, http.StatusBadRequest, replayed.status)
	assert.Contains(t, replayed.body, "used already")
	assert.Equal(t, first, f.owner.last())
}

func TestLoginIsUsedUpByWhoeverPresentsIt(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	address := b.callback().String()
	require.Equal(t, http.StatusForbidden, f.browser().open(address).status)
	assert.Equal(t, http.StatusBadRequest, b.open(address).status, "a state that somebody else has seen is not believed any more")
	f.requireNothingConnected()
}

func TestDenialLeadsToAnotherTry(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	f.auth.change(func(a *authServer) { a.refusal = "access_denied" })
	denied := b.connect()
	require.Equal(t, http.StatusForbidden, denied.status)
	assert.Contains(t, denied.body, `href="/connect/acme/triage/fake">Try again`)
	assert.NotContains(t, denied.body, "prose of the provider")
	f.auth.change(func(a *authServer) { a.refusal = "" })
	assert.Equal(t, http.StatusOK, b.connect().status)
}

func TestIssuer(t *testing.T) {
	const host = "HOST" // of the provider's consent page
	tests := []struct {
		name     string
		declared string
		sent     string
		status   int
	}{
		{"none declared, none sent", "", "", 200},
		{"none declared, its own", "", host + "/issuer", 200},
		{"none declared, another's", "", "https://anybody.example", 400},
		{"right", "https://issuer.example", "https://issuer.example", 200},
		{"wrong", "https://issuer.example", "https://attacker.example", 400},
		{"almost right", "https://issuer.example", "https://issuer.example/", 400},
		{"on its host and not right", "https://issuer.example", host, 400},
		{"missing", "https://issuer.example", "", 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.nameIssuer(test.declared)
			f.auth.change(func(a *authServer) { a.issuer = strings.Replace(test.sent, host, a.URL, 1) })
			done := f.browser().connect()
			assert.Equal(t, test.status, done.status)
			if test.status != http.StatusOK {
				assert.Contains(t, done.body, "Another server answered")
				f.requireNothingConnected()
				assert.False(t, f.auth.asked(), "the code was sent nowhere")
			}
		})
	}
}

func TestAWrongIssuerIsNotBelievedAboutErrorsEither(t *testing.T) {
	f := newFixture(t)
	f.nameIssuer("https://issuer.example")
	f.auth.change(func(a *authServer) { a.refusal, a.issuer = "access_denied", "https://attacker.example" })
	assert.Contains(t, f.browser().connect().body, "Another server answered")
	f.auth.change(func(a *authServer) { a.issuer = "" })
	assert.Contains(t, f.browser().connect().body, "You did not consent", "it brings nothing that could be lost")
}

func TestConnectorThatIsGoneAtTheCallback(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	address := b.callback().String()
	f.server.Connections = connections{}
	assert.Equal(t, http.StatusNotFound, b.open(address).status)
	f.requireNothingConnected()
}

func TestHeadDoesNotUseUpTheLogin(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	address := b.callback().String()
	assert.Equal(t, http.StatusMethodNotAllowed, b.send(http.MethodHead, address, nil).status)
	assert.Equal(t, http.StatusOK, b.open(address).status)
}
