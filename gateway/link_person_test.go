package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/gateway"
	"tokenkeeper/gateway/openid"
	"tokenkeeper/internal/openidtest"
	"tokenkeeper/vault"
)

// signInFor uses the button of a link's page, and returns what the whole way there and back leads to.
func (b *browser) signInFor(link string) page {
	t := b.f.t
	t.Helper()
	begun := b.submit("/login/openid", url.Values{"link": {strings.TrimPrefix(link, "/c/")}})
	require.Equal(t, http.StatusSeeOther, begun.status, begun.body)
	return b.open(b.open(begun.location).location)
}

// signInAs has the next sign-in be somebody's.
func signInAs(p *openidtest.Provider, email string) {
	p.Change(func(b *openidtest.Behaviour) { b.Claims = claimsOf(email) })
}

func TestLinkThatWantsASignIn(t *testing.T) {
	f := newFixture(t)
	f.askAt()
	f.server.RequireSignIn = true
	b, link := f.browser(), f.link()
	shown := b.open(link)
	require.Equal(t, http.StatusOK, shown.status)
	assert.Contains(t, shown.body, "only you can go on with it")
	assert.NotContains(t, shown.body, account.String(), "strangers learn nothing of it")
	assert.NotContains(t, shown.body, "the grant is dead")
	pressed := b.press(link)
	assert.Equal(t, http.StatusForbidden, pressed.status)
	assert.Empty(t, pressed.location)

	back := b.signInFor(link)
	require.Equal(t, http.StatusSeeOther, back.status, back.body)
	assert.Equal(t, link, back.location)
	shown = b.open(link)
	assert.Contains(t, shown.body, account.String())
	assert.Contains(t, shown.body, "<bdi>jane@example.com</bdi>")
	done := b.open(b.follow(link).String())
	require.Equal(t, http.StatusOK, done.status, done.body)
	assert.Contains(t, done.body, "is active")

	events := f.audited()
	require.Len(t, events, 2, "who was sent to sign in has opened nothing")
	for i, action := range []vault.Action{vault.Consent, vault.LinkOpened} {
		assert.Equal(t, action, events[i].Action)
		assert.Equal(t, "jane@example.com", events[i].Actor)
		assert.Equal(t, vault.Done, events[i].Outcome)
	}
}

func TestHostilePeople(t *testing.T) {
	for name, test := range map[string]struct {
		come   func(f *fixture, p *openidtest.Provider, b *browser, link string) page
		status int
		want   string
		detail string // of the last event at the account; "" for none
	}{
		"another person opens it in the same browser": {func(_ *fixture, p *openidtest.Provider, b *browser, link string) page {
			b.follow(link)
			signInAs(p, "eve@example.com")
			b.signIn()
			assert.Equal(b.f.t, http.StatusForbidden, b.open(link).status)
			return b.press(link)
		}, 403, "opened by somebody else", "opening a link: another person has opened it"},
		"another person brings the consent back": {func(_ *fixture, p *openidtest.Provider, b *browser, link string) page {
			callback := b.follow(link)
			signInAs(p, "eve@example.com")
			b.signIn()
			return b.open(callback.String())
		}, 403, "begun by somebody else", "another person than the one who began brought it back"},
		"the same subject at another provider": {func(f *fixture, p *openidtest.Provider, b *browser, link string) page {
			callback := b.follow(link)
			other := f.askAt()
			other.Change(func(o *openidtest.Behaviour) { o.Claims = p.Behaviour().Claims })
			b.signIn()
			return b.open(callback.String())
		}, 403, "begun by somebody else", "another person than the one who began brought it back"},
		"nobody is signed in any more": {func(_ *fixture, _ *openidtest.Provider, b *browser, link string) page {
			callback := b.follow(link)
			b.press("/logout")
			return b.open(callback.String())
		}, 403, "begun by somebody else", "another person than the one who began brought it back"},
		"the person is taken off the list": {func(f *fixture, _ *openidtest.Provider, b *browser, link string) page {
			callback := b.follow(link)
			f.server.OpenID.Role = func(openid.Identity) gateway.Role { return gateway.NoRole }
			return b.open(callback.String())
		}, 403, "begun by somebody else", "another person than the one who began brought it back"},
		"the person in another browser": {func(f *fixture, _ *openidtest.Provider, b *browser, link string) page {
			callback, other := b.follow(link), f.browser()
			other.signIn()
			return other.open(callback.String())
		}, 403, "begun in another browser", "another browser than the one that began brought it back"},
		"begun before people had to sign in": {func(f *fixture, _ *openidtest.Provider, b *browser, link string) page {
			f.server.RequireSignIn = false
			callback := b.follow(link)
			f.server.RequireSignIn = true
			return b.open(callback.String())
		}, 403, "begun by somebody else", "another person than the one who began brought it back"},
		"begun while people had to sign in": {func(f *fixture, p *openidtest.Provider, b *browser, link string) page {
			callback := b.follow(link)
			f.server.RequireSignIn = false
			signInAs(p, "eve@example.com")
			b.signIn()
			return b.open(callback.String())
		}, 403, "begun by somebody else", "another person than the one who began brought it back"},
		"somebody with a token": {func(f *fixture, _ *openidtest.Provider, b *browser, link string) page {
			f.ask(f.url)
			b.press("/logout")
			b.submit("/login", url.Values{"token": {adminToken}})
			return b.press(link)
		}, 403, "only you can go on with it", ""},
		"somebody who is not admitted": {func(_ *fixture, p *openidtest.Provider, b *browser, link string) page {
			b.press("/logout")
			signInAs(p, "eve@attacker.example")
			return b.signInFor(link)
		}, 403, "You may not come in", ""},
		"without a link": {func(_ *fixture, _ *openidtest.Provider, b *browser, _ string) page {
			return b.press("/connect/" + account.String())
		}, 403, "This needs a link", ""},
		"a link that is void": {func(f *fixture, _ *openidtest.Provider, b *browser, link string) page {
			f.link()
			b.press("/logout")
			return b.open(link)
		}, 404, "not valid", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			provider := f.askAt()
			f.server.RequireSignIn = true
			b, link := f.browser(), f.link()
			require.Equal(t, link, b.signInFor(link).location)
			got := test.come(f, provider, b, link)
			assert.Equal(t, test.status, got.status, got.body)
			assert.Contains(t, got.body, test.want)
			assert.Empty(t, got.location)
			f.requireNothingConnected()
			if test.detail != "" {
				assert.Equal(t, vault.Refused, f.audited()[0].Outcome)
				assert.Equal(t, test.detail, f.audited()[0].Detail)
			}
		})
	}
}

// What a sign-in carries along is the secret of a link and nothing else.
func TestSignInLeadsBackToLinksAlone(t *testing.T) {
	f := newFixture(t)
	f.askAt()
	f.server.RequireSignIn = true
	for _, link := range []string{"https://attacker.example", "//attacker.example", "../logout", "", strings.Repeat("A", 53), strings.Repeat("a", 52), "A%2F"} {
		assert.Equal(t, "/", f.browser().signInFor(link).location, link)
	}
	made := f.link()
	b := f.browser()
	begun := b.submit("/login/openid", url.Values{"link": {made[3:]}})
	assert.NotContains(t, begun.location, made[3:], "the provider learns nothing of it")
	assert.NotContains(t, strings.Join(begun.header.Values("Set-Cookie"), " "), made[3:])
}

func TestASignInForALinkThatFails(t *testing.T) {
	f := newFixture(t)
	provider := f.askAt()
	f.server.RequireSignIn = true
	b, link := f.browser(), f.link()
	provider.Change(func(o *openidtest.Behaviour) { o.Away = true })
	away := b.submit("/login/openid", url.Values{"link": {link[3:]}})
	assert.Equal(t, http.StatusServiceUnavailable, away.status)
	assert.Contains(t, away.body, `value="`+link[3:]+`"`, "the button still leads back")
	provider.Change(func(o *openidtest.Behaviour) { o.Away, o.Refusal = false, "access_denied" })
	denied := b.signInFor(link)
	assert.Equal(t, http.StatusForbidden, denied.status)
	assert.Contains(t, denied.body, "Open the link again")
}

func TestASessionMayEndOnTheWay(t *testing.T) {
	f := newFixture(t)
	f.askAt()
	f.server.RequireSignIn = true
	b, link := f.browser(), f.link()
	b.signInFor(link)
	f.clock.advance(12*time.Hour - time.Minute)
	link = f.link()
	callback := b.follow(link)
	f.clock.advance(2 * time.Minute)
	assert.Contains(t, b.open(callback.String()).body, "begun by somebody else")
	require.Equal(t, link, b.signInFor(link).location, "signing in again as the same person is enough")
	assert.Equal(t, http.StatusOK, b.open(b.follow(link).String()).status)
}

func TestALinkIsForOnePerson(t *testing.T) {
	for name, recipient := range map[string]string{"an address": "Jane@example.com", "a subject": "id-of-jane@example.com"} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			provider := f.askAt()
			if name == "a subject" {
				recipient = "00u1jane"
				provider.Change(func(b *openidtest.Behaviour) { b.Claims["sub"] = recipient })
			}
			link, _ := f.linkWith(vault.LinkRequest{Account: account, Recipient: recipient})
			right, wrong := f.browser(), f.browser()
			asked := right.open(link)
			assert.Contains(t, asked.body, "only you can go on with it")
			assert.NotContains(t, asked.body, recipient, "strangers do not learn for whom it is")
			require.Equal(t, http.StatusForbidden, right.press(link).status)
			require.Equal(t, link, right.signInFor(link).location)

			signInAs(provider, "eve@example.com")
			require.Equal(t, link, wrong.signInFor(link).location)
			for _, got := range []page{wrong.open(link), wrong.press(link)} {
				assert.Equal(t, http.StatusForbidden, got.status)
				assert.Contains(t, got.body, "for somebody else")
				assert.Empty(t, got.location)
				assert.Equal(t, vault.Refused, f.audited()[0].Outcome)
				assert.Equal(t, "it is for "+recipient, f.audited()[0].Detail)
				assert.Equal(t, "eve@example.com", f.audited()[0].Actor)
			}

			assert.Contains(t, right.open(link).body, "This link was made for you")
			done := right.open(right.follow(link).String())
			require.Equal(t, http.StatusOK, done.status, done.body)
			assert.Equal(t, http.StatusNotFound, right.press(link).status, "it is good once")
		})
	}
}

// An address counts as far as the provider vouches for it.
func TestALinkIsNotForWhoWritesAnAddress(t *testing.T) {
	f := newFixture(t)
	provider := f.askAt()
	provider.Change(func(b *openidtest.Behaviour) {
		b.Claims = map[string]any{"sub": "jane@example.com", "email": "jane@example.com", "email_verified": false, "groups": []string{"sre"}}
	})
	link, _ := f.linkWith(vault.LinkRequest{Account: account, Recipient: "jane@example.com"})
	b := f.browser()
	require.Equal(t, link, b.signInFor(link).location)
	assert.Contains(t, b.press(link).body, "for somebody else")
	f.requireNothingConnected()
}

func TestALinkForOnePersonWhereNobodySignsIn(t *testing.T) {
	f := newFixture(t)
	link, _ := f.linkWith(vault.LinkRequest{Account: account, Recipient: "jane@example.com"})
	for _, got := range []page{f.browser().open(link), f.browser().press(link)} {
		assert.Equal(t, http.StatusForbidden, got.status)
		assert.Contains(t, got.body, "Nobody can sign in here")
	}
	f.requireNothingConnected()
}

func TestAnotherPersonBringsBackTheConsentOfALinkForOne(t *testing.T) {
	f := newFixture(t)
	provider := f.askAt()
	link, _ := f.linkWith(vault.LinkRequest{Account: account, Recipient: "jane@example.com"})
	b := f.browser()
	b.signInFor(link)
	callback := b.follow(link)
	signInAs(provider, "eve@example.com")
	b.signIn()
	assert.Contains(t, b.open(callback.String()).body, "begun by somebody else")
	f.requireNothingConnected()
}
