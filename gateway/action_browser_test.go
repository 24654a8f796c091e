package gateway_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/internal/chromiumtest"
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

func TestTheWholeWayFromADeadGrant(t *testing.T) {
	for name, s := range map[string]chromiumtest.Screen{"light": chromiumtest.Desktop, "dark": chromiumtest.Night, "phone": chromiumtest.Phone, "no script": {Width: 1280, Height: 900, NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			deadAccount(f)
			b := chromiumtest.New(t, s)
			b.Open(f.url + "/")
			b.See("reauthorization required")
			b.Press("Reauthorize")
			b.See("Continue to Fake & Co")
			b.See("dead grant (code token_revoked, HTTP 200)")
			b.Press("Continue to")
			b.See("Account acme/triage/fake is active")
			b.Open(f.url + "/")
			b.See("Everything works: 1 account")
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
	b := chromiumtest.New(t, chromiumtest.Phone)
	b.Open(f.url + "/")
	b.Press("Reauthorize")
	b.See("Continue to Fake & Co")
	b.Press("Continue to")
	b.See("You did not consent")
	b.Open(f.url + "/")
	b.See("reauthorization required")
	f.requireNothingConnected()
}

func TestAnotherSubjectOnTheWayFromADeadGrant(t *testing.T) {
	f := newFixture(t)
	f.browser().connect()
	before, err := f.vault.Get(t.Context(), account)
	require.NoError(t, err)
	deadAccount(f)
	f.auth.change(func(a *authServer) { a.subject = "U2" })
	b := chromiumtest.New(t, chromiumtest.Night)
	b.Open(f.url + "/")
	b.Press("Reauthorize")
	b.See("Continue to Fake & Co")
	b.Press("Continue to")
	b.See("account acme/triage/fake belongs to person U1 (U1), but person U2 (U2) consented")
	b.See("tokenkeeper account accept acme/triage/fake --subject U2")
	b.Picture("quarantine")
	assert.Empty(t, b.LowContrast(), "too little contrast")
	b.Open(f.url + "/")
	b.See("reauthorization required")
	after, err := f.vault.Get(t.Context(), account)
	require.NoError(t, err)
	assert.Equal(t, before.Generation, after.Generation)
}

func TestDisconnectInABrowser(t *testing.T) {
	for name, s := range map[string]chromiumtest.Screen{"light": chromiumtest.Desktop, "dark": chromiumtest.Night, "phone": chromiumtest.Phone} {
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
			b := chromiumtest.New(t, s)
			b.Open(f.url + "/")
			b.Do(chromedp.Click(`//a[starts-with(normalize-space(.), 'Disconnect')]`))
			b.See("What stops")
			b.Picture("disconnect-" + name)
			assert.Empty(t, b.LowContrast(), "too little contrast")
			b.Press("Disconnect")
			b.See("Account acme/triage/fake is disconnected")
			b.Picture("banner-" + name)
			assert.Zero(t, b.Overflow(), "nobody has to scroll sideways")
			assert.Empty(t, b.LowContrast(), "too little contrast")
		})
	}
}

func TestDisconnectByForceInABrowser(t *testing.T) {
	for name, s := range map[string]chromiumtest.Screen{"dark": chromiumtest.Night, "phone": chromiumtest.Phone, "no script": {Width: 1280, Height: 900, NoScript: true}} {
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
			b := chromiumtest.New(t, s)
			b.Open(f.url + "/")
			b.See("the provider has not taken the revocation yet")
			b.Do(chromedp.Click(`//a[starts-with(normalize-space(.), 'Disconnect')]`))
			b.See("It waits for Fake & Co")
			b.Picture("force-" + name)
			assert.Empty(t, b.LowContrast(), "too little contrast")
			b.Press("Destroy the tokens without Fake & Co")
			b.See("its tokens are destroyed here, but the provider has not revoked the grant")
			assert.Zero(t, b.Overflow(), "nobody has to scroll sideways")
			assert.Equal(t, []string{"disconnect by force"}, f.owner.deeds)
		})
	}
}

func TestTheWholeWayWithAKeyboard(t *testing.T) {
	f := newFixture(t)
	deadAccount(f)
	b := chromiumtest.New(t, chromiumtest.Desktop)
	b.Open(f.url + "/")
	b.See("reauthorization required")
	b.TabTo("Reauthorize")
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.See("Continue to Fake & Co")
	b.TabTo("Continue to")
	b.Do(chromedp.KeyEvent(" "))
	b.See("Account acme/triage/fake is active")
	b.TabTo("tokenkeeper")
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.See("Everything works: 1 account")
}

func TestDisconnectWithAKeyboard(t *testing.T) {
	f := newFixture(t)
	f.owner.deed = func() (workflows.AccountStatus, error) {
		return workflows.AccountStatus{Status: credential.Disconnected}, nil
	}
	f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), nil)})
	b := chromiumtest.New(t, chromiumtest.Desktop)
	b.Open(f.url + "/")
	b.TabTo("Disconnect")
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.See("What stops")
	b.TabTo("Keep it")
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.See("Everything works")
	assert.Empty(t, f.owner.deeds)
	b.TabTo("Disconnect")
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.See("What stops")
	b.TabTo("Disconnect")
	b.Do(chromedp.KeyEvent(kb.Enter))
	b.See("is disconnected")
	assert.Equal(t, "#result", chromiumtest.Ask[string](b, `location.hash`), "reading goes on at what was done")
}
