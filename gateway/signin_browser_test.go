package gateway_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"

	"tokenkeeper/gateway"
	"tokenkeeper/internal/openidtest"
)

func TestSigningInInABrowser(t *testing.T) {
	for name, s := range map[string]screen{"light": desktop, "dark": night, "phone": phone} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.ask(f.url)
			f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), nil)})
			b := newTab(t, s)
			b.open(f.url + "/")
			b.see("Sign in")
			assert.Empty(t, ask[[]string](b, lowContrast), "too little contrast")
			b.do(chromedp.SendKeys(`//input[@id='token']`, "wrong"+kb.Enter))
			b.see("neither the admin token nor the viewer token")
			b.picture("sign-in-" + name)
			b.do(chromedp.SendKeys(`//input[@id='token']`, viewerToken+kb.Enter))
			b.see("Everything works: 1 account")
			b.see("Signed in with the viewer token")
			b.picture("signed-in-" + name)
			assert.NotContains(t, get(b, chromedp.Location()), viewerToken)
			assert.LessOrEqual(t, ask[int](b, `document.documentElement.scrollWidth`), int(s.width), "nobody has to scroll sideways")
			assert.Empty(t, ask[[]string](b, lowContrast), "too little contrast")
			b.pressButton("Sign out")
			b.see("Token")
			b.open(f.url + "/")
			b.see("Sign in")
		})
	}
}

func TestSigningInAtAnOpenIDProviderInABrowser(t *testing.T) {
	for name, s := range map[string]screen{"light": desktop, "dark": night, "phone": phone} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.ask(f.url)
			provider := f.askAt()
			f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), nil)})
			b := newTab(t, s)
			b.open(f.url + "/")
			b.see("Sign in at")
			assert.Empty(t, ask[[]string](b, lowContrast), "too little contrast")
			assert.LessOrEqual(t, ask[int](b, `document.documentElement.scrollWidth`), int(s.width), "nobody has to scroll sideways")
			b.picture("openid-sign-in-" + name)
			provider.Change(func(o *openidtest.Behaviour) { o.Away = true })
			b.pressButton("Sign in at " + parseURL(t, provider.URL).Host)
			b.see("does not answer")
			b.picture("openid-away-" + name)
			provider.Change(func(o *openidtest.Behaviour) { o.Away, o.Claims = false, claimsOf("eve@attacker.example") })
			b.pressButton("Sign in at " + parseURL(t, provider.URL).Host)
			b.see("You may not come in")
			b.picture("openid-not-admitted-" + name)
			provider.Change(func(o *openidtest.Behaviour) { o.Claims = claimsOf("jane@example.com") })
			b.open(f.url + "/")
			b.see("Sign in at")
			b.pressButton("Sign in at " + parseURL(t, provider.URL).Host)
			b.see("Signed in as jane@example.com")
			assert.Equal(t, f.url+"/", get(b, chromedp.Location()), "no code and no state stays in the address")
			b.picture("openid-signed-in-" + name)
			b.pressButton("Sign out")
			b.see("Sign in at")
			b.open(f.url + "/")
			b.see("Sign in at")
		})
	}
}

func TestALinkThatWantsASignInInABrowser(t *testing.T) {
	for name, s := range map[string]screen{"light": desktop, "dark": night, "phone": phone, "no script": {width: 1280, height: 900, noScript: true}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			provider := f.askAt()
			f.server.RequireSignIn = true
			link := f.link()
			b := newTab(t, s)
			b.open(f.url + link)
			b.see("This link is for people who have signed in")
			assert.Empty(t, ask[[]string](b, lowContrast), "too little contrast")
			b.picture("link-sign-in-" + name)
			b.pressButton("Sign in at")
			b.see("Who begins here has to be who comes back")
			b.see("jane@example.com")
			assert.Equal(t, f.url+link, get(b, chromedp.Location()))
			assert.LessOrEqual(t, ask[int](b, `document.documentElement.scrollWidth`), int(s.width), "nobody has to scroll sideways")
			b.picture("link-signed-in-" + name)
			b.pressButton("Continue to")
			b.see("Account acme/triage/fake is active")

			// Somebody else at the same machine.
			link = f.link()
			b.open(f.url + link)
			b.pressButton("Continue to")
			b.see("is active")
			link = f.link()
			f.auth.change(func(a *authServer) { a.refusal = "access_denied" })
			b.open(f.url + link)
			b.pressButton("Continue to")
			b.see("You did not consent")
			signInAs(provider, "eve@example.com")
			b.open(f.url + "/")
			b.pressButton("Sign out")
			b.see("Sign in at")
			b.pressButton("Sign in at")
			b.see("Signed in as eve@example.com")
			b.open(f.url + link)
			b.see("This link was opened by somebody else")
			b.picture("link-of-another-" + name)
		})
	}
}
