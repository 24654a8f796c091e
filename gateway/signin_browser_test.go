package gateway_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"

	"tokenkeeper/gateway"
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
