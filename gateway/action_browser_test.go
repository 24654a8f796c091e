package gateway_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/workflows"
)

// deadAccount is an account whose grant is dead until the owner takes a consent.
func deadAccount(f *fixture) {
	var alive atomic.Bool
	status := func() credential.AccountStatus {
		if alive.Load() {
			return viewOf(f.clock.Now(), account.String(), nil).AccountStatus
		}
		return deadView(f.clock.Now(), account.String()).AccountStatus
	}
	f.owner.account = func(context.Context) (workflows.AccountStatus, error) { return status(), nil }
	f.owner.verdict = func(ctx context.Context, id string) (workflows.AccountStatus, error) {
		taken, err := f.owner.adopt(ctx, account, id)
		alive.Store(err == nil)
		f.board.show([]gateway.AccountView{{AccountStatus: status()}})
		return taken, err
	}
	f.board.show([]gateway.AccountView{{AccountStatus: status()}})
}

// pressButton presses the button with this text, as a person does.
func (b *tab) pressButton(text string) {
	b.t.Helper()
	b.do(chromedp.Click(`//button[starts-with(normalize-space(.), '` + text + `')]`))
}

func TestTheWholeWayFromADeadGrant(t *testing.T) {
	for name, s := range map[string]screen{"light": desktop, "dark": night, "phone": phone, "no script": {width: 1280, height: 900, noScript: true}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			deadAccount(f)
			b := newTab(t, s)
			b.open(f.url + "/")
			b.see("reauthorization required")
			b.pressButton("Reauthorize")
			b.see("Continue to Fake & Co")
			b.see("dead grant (code token_revoked, HTTP 200)")
			b.pressButton("Continue to")
			b.see("Account acme/triage/fake is active")
			b.open(f.url + "/")
			b.see("Everything works: 1 account")
			record, err := f.vault.Get(t.Context(), account)
			require.NoError(t, err)
			assert.Equal(t, credential.Generation(1), record.Generation)
		})
	}
}

func TestDenialOnTheWayFromADeadGrant(t *testing.T) {
	f := newFixture(t)
	deadAccount(f)
	f.auth.change(func(a *authServer) { a.refusal = "access_denied" })
	b := newTab(t, phone)
	b.open(f.url + "/")
	b.pressButton("Reauthorize")
	b.see("Continue to Fake & Co")
	b.pressButton("Continue to")
	b.see("You did not consent")
	b.open(f.url + "/")
	b.see("reauthorization required")
	f.requireNothingConnected()
}

func TestAnotherSubjectOnTheWayFromADeadGrant(t *testing.T) {
	f := newFixture(t)
	f.browser().connect()
	before, err := f.vault.Get(t.Context(), account)
	require.NoError(t, err)
	deadAccount(f)
	f.auth.change(func(a *authServer) { a.subject = "U2" })
	b := newTab(t, night)
	b.open(f.url + "/")
	b.pressButton("Reauthorize")
	b.see("Continue to Fake & Co")
	b.pressButton("Continue to")
	b.see("account acme/triage/fake belongs to person U1 (U1), but person U2 (U2) consented")
	b.see("tokenkeeper account accept acme/triage/fake --subject U2")
	b.picture("quarantine")
	assert.Empty(t, ask[[]string](b, lowContrast), "too little contrast")
	b.open(f.url + "/")
	b.see("reauthorization required")
	after, err := f.vault.Get(t.Context(), account)
	require.NoError(t, err)
	assert.Equal(t, before.Generation, after.Generation)
}

func TestDisconnectInABrowser(t *testing.T) {
	for name, s := range map[string]screen{"light": desktop, "dark": night, "phone": phone} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.owner.deed = func() (workflows.AccountStatus, error) {
				return workflows.AccountStatus{Status: credential.Disconnected}, nil
			}
			f.owner.account = func(context.Context) (workflows.AccountStatus, error) {
				return viewOf(f.clock.Now(), account.String(), nil).AccountStatus, nil
			}
			f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), nil)},
				triageOf(f.clock.Now(), func(v *gateway.TriageView) { v.Accounts = []credential.AccountID{account} }))
			b := newTab(t, s)
			b.open(f.url + "/")
			b.do(chromedp.Click(`//a[starts-with(normalize-space(.), 'Disconnect')]`))
			b.see("What stops")
			b.picture("disconnect-" + name)
			assert.Empty(t, ask[[]string](b, lowContrast), "too little contrast")
			b.pressButton("Disconnect")
			b.see("Account acme/triage/fake is disconnected")
			b.picture("banner-" + name)
			assert.LessOrEqual(t, ask[int](b, `document.documentElement.scrollWidth`), int(s.width), "nobody has to scroll sideways")
			assert.Empty(t, ask[[]string](b, lowContrast), "too little contrast")
		})
	}
}

func TestDisconnectByForceInABrowser(t *testing.T) {
	for name, s := range map[string]screen{"dark": night, "phone": phone, "no script": {width: 1280, height: 900, noScript: true}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			stuck := viewOf(f.clock.Now(), account.String(), func(v *gateway.AccountView) {
				v.Disconnecting, v.Reason = true, "being disconnected; the provider has not taken the revocation yet"
			})
			f.owner.account = func(context.Context) (workflows.AccountStatus, error) { return stuck.AccountStatus, nil }
			f.owner.deed = func() (workflows.AccountStatus, error) {
				return workflows.AccountStatus{Status: credential.Disconnected, Unrevoked: "fake: revoke: transient (HTTP 503)"}, nil
			}
			f.board.show([]gateway.AccountView{stuck})
			b := newTab(t, s)
			b.open(f.url + "/")
			b.see("the provider has not taken the revocation yet")
			b.do(chromedp.Click(`//a[starts-with(normalize-space(.), 'Disconnect')]`))
			b.see("It waits for Fake & Co")
			b.picture("force-" + name)
			assert.Empty(t, ask[[]string](b, lowContrast), "too little contrast")
			b.pressButton("Destroy the tokens without Fake & Co")
			b.see("its tokens are destroyed here, but the provider has not revoked the grant")
			assert.LessOrEqual(t, ask[int](b, `document.documentElement.scrollWidth`), int(s.width), "nobody has to scroll sideways")
			assert.Equal(t, []string{"disconnect by force"}, f.owner.deeds)
		})
	}
}

// tabTo moves the focus with the Tab key alone until an element whose text begins with this has it.
func (b *tab) tabTo(text string) {
	b.t.Helper()
	const most = 40 // elements that take the focus on any page of the tests
	for range most {
		b.do(chromedp.KeyEvent(kb.Tab))
		if strings.HasPrefix(ask[string](b, `document.activeElement.innerText`), text) {
			assert.NotEqual(b.t, "none", ask[string](b, `getComputedStyle(document.activeElement).outlineStyle`), "nobody sees where the focus is")
			return
		}
	}
	b.t.Fatalf("the Tab key does not lead to %q", text)
}

func TestTheWholeWayWithAKeyboard(t *testing.T) {
	f := newFixture(t)
	deadAccount(f)
	b := newTab(t, desktop)
	b.open(f.url + "/")
	b.see("reauthorization required")
	b.tabTo("Reauthorize")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.see("Continue to Fake & Co")
	b.tabTo("Continue to")
	b.do(chromedp.KeyEvent(" "))
	b.see("Account acme/triage/fake is active")
	b.tabTo("tokenkeeper")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.see("Everything works: 1 account")
}

func TestDisconnectWithAKeyboard(t *testing.T) {
	f := newFixture(t)
	f.owner.deed = func() (workflows.AccountStatus, error) {
		return workflows.AccountStatus{Status: credential.Disconnected}, nil
	}
	f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), nil)})
	b := newTab(t, desktop)
	b.open(f.url + "/")
	b.tabTo("Disconnect")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.see("What stops")
	b.tabTo("Keep it")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.see("Everything works")
	assert.Empty(t, f.owner.deeds)
	b.tabTo("Disconnect")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.see("What stops")
	b.tabTo("Disconnect")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.see("is disconnected")
	assert.Equal(t, "#result", ask[string](b, `location.hash`), "reading goes on at what was done")
}
