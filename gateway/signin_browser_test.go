package gateway_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"

	"tokenkeeper/gateway"
	"tokenkeeper/internal/chromiumtest"
	"tokenkeeper/internal/openidtest"
)

func TestSigningInInABrowser(t *testing.T) {
	for name, s := range map[string]chromiumtest.Screen{"light": chromiumtest.Desktop, "dark": chromiumtest.Night, "phone": chromiumtest.Phone} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.ask(f.url)
			f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), nil)})
			b := chromiumtest.New(t, s)
			b.Open(f.url + "/")
			b.See("Sign in")
			assert.Empty(t, b.LowContrast(), "too little contrast")
			b.Do(chromedp.SendKeys(`//input[@id='token']`, "wrong"+kb.Enter))
			b.See("neither the admin token nor the viewer token")
			b.Picture("sign-in-" + name)
			b.Do(chromedp.SendKeys(`//input[@id='token']`, viewerToken+kb.Enter))
			b.See("Everything works: 1 account")
			b.See("Signed in with the viewer token")
			b.Picture("signed-in-" + name)
			assert.NotContains(t, b.Location(), viewerToken)
			assert.Zero(t, b.Overflow(), "nobody has to scroll sideways")
			assert.Empty(t, b.LowContrast(), "too little contrast")
			b.Press("Sign out")
			b.See("Token")
			b.Open(f.url + "/")
			b.See("Sign in")
		})
	}
}

func TestSigningInAtAnOpenIDProviderInABrowser(t *testing.T) {
	for name, s := range map[string]chromiumtest.Screen{"light": chromiumtest.Desktop, "dark": chromiumtest.Night, "phone": chromiumtest.Phone} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.ask(f.url)
			provider := f.askAt()
			f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), nil)})
			b := chromiumtest.New(t, s)
			b.Open(f.url + "/")
			b.See("Sign in at")
			assert.Empty(t, b.LowContrast(), "too little contrast")
			assert.Zero(t, b.Overflow(), "nobody has to scroll sideways")
			b.Picture("openid-sign-in-" + name)
			provider.Change(func(o *openidtest.Behaviour) { o.Away = true })
			b.Press("Sign in at " + parseURL(t, provider.URL).Host)
			b.See("does not answer")
			b.Picture("openid-away-" + name)
			provider.Change(func(o *openidtest.Behaviour) { o.Away, o.Claims = false, claimsOf("eve@attacker.example") })
			b.Press("Sign in at " + parseURL(t, provider.URL).Host)
			b.See("You may not come in")
			b.Picture("openid-not-admitted-" + name)
			provider.Change(func(o *openidtest.Behaviour) { o.Claims = claimsOf("jane@example.com") })
			b.Open(f.url + "/")
			b.See("Sign in at")
			b.Press("Sign in at " + parseURL(t, provider.URL).Host)
			b.See("Signed in as jane@example.com")
			assert.Equal(t, f.url+"/", b.Location(), "no code and no state stays in the address")
			b.Picture("openid-signed-in-" + name)
			b.Press("Sign out")
			b.See("Sign in at")
			b.Open(f.url + "/")
			b.See("Sign in at")
		})
	}
}

func TestALinkThatWantsASignInInABrowser(t *testing.T) {
	for name, s := range map[string]chromiumtest.Screen{"light": chromiumtest.Desktop, "dark": chromiumtest.Night, "phone": chromiumtest.Phone, "no script": {Width: 1280, Height: 900, NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			provider := f.askAt()
			f.server.RequireSignIn = true
			link := f.link()
			b := chromiumtest.New(t, s)
			b.Open(f.url + link)
			b.See("This link is for people who have signed in")
			assert.Empty(t, b.LowContrast(), "too little contrast")
			b.Picture("link-sign-in-" + name)
			b.Press("Sign in at")
			b.See("Who begins here has to be who comes back")
			b.See("jane@example.com")
			assert.Equal(t, f.url+link, b.Location())
			assert.Zero(t, b.Overflow(), "nobody has to scroll sideways")
			b.Picture("link-signed-in-" + name)
			b.Press("Continue to")
			b.See("Account acme/triage/fake is active")

			// Somebody else at the same machine.
			link = f.link()
			b.Open(f.url + link)
			b.Press("Continue to")
			b.See("is active")
			link = f.link()
			f.auth.change(func(a *authServer) { a.refusal = "access_denied" })
			b.Open(f.url + link)
			b.Press("Continue to")
			b.See("You did not consent")
			signInAs(provider, "eve@example.com")
			b.Open(f.url + "/")
			b.Press("Sign out")
			b.See("Sign in at")
			b.Press("Sign in at")
			b.See("Signed in as eve@example.com")
			b.Open(f.url + link)
			b.See("This link was opened by somebody else")
			b.Picture("link-of-another-" + name)
		})
	}
}
