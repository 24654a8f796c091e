package e2e

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/internal/chromiumtest"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
)

// oneAccount is a status page for one account: the Temporal server has those of all other tests as well, whose workers are gone.
type oneAccount struct {
	*world

	account credential.AccountID
}

func (o oneAccount) LookAtAccounts(ctx context.Context, _ time.Duration) ([]gateway.AccountView, error) {
	status, err := o.Workflows.Account(ctx, o.account)
	return []gateway.AccountView{{AccountStatus: status}}, err
}

func (oneAccount) LookAtTriages(context.Context, time.Duration) ([]gateway.TriageView, error) {
	return nil, nil
}

// A person finds a dead grant on the status page, declines first, consents as somebody else then, and rightly at last. Gateway,
// Workflow, vault and browser are real, and what each page says is what the account is.
func TestAPersonMendsADeadGrantInABrowser(t *testing.T) {
	beside(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := newWorld(t, sandbox.Options{}, "gateway: {listen: \""+listener.Addr().String()+"\"}\n")
	account := w.connect("github")
	pages, err := w.Gateway()
	require.NoError(t, err)
	pages.Board = oneAccount{world: w, account: account}
	served := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { served <- pages.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-served)
	})
	w.sandbox.Revoke(sandbox.GitHub)
	_, err = w.refresh(t.Context(), account, 1)
	require.NoError(t, err)
	dead := w.status(account)
	require.Equal(t, credential.ReauthorizationRequired, dead.Status)
	w.eventually("the notice, whose link would void one that was made before", func() bool { return w.audited(account, vault.LinkMinted) == 1 })

	b := chromiumtest.New(t, chromiumtest.Phone)
	home := w.Config().Gateway.PublicURL + "/"
	consent := func() {
		t.Helper()
		b.Open(home)
		b.Press("Reauthorize")
		b.See("Continue to GitHub App")
		b.See("bad_refresh_token") // why
		b.Press("Continue to")
		b.See("wants access to GitHub")
	}
	readable := func(name string) {
		t.Helper()
		b.Picture(name)
		assert.Empty(t, b.LowContrast(), name)
		assert.Empty(t, b.SmallTargets(), name)
		assert.Zero(t, b.Overflow(), name)
	}

	consent()
	b.Press("Deny")
	b.See("You did not consent")
	readable("denied")
	assert.Equal(t, dead.Generation, w.status(account).Generation)

	consent()
	b.Do(chromedp.SetValue(`select[name=subject]`, sandbox.OtherLogin))
	b.Press("Allow")
	b.See("This consent does not fit the account")
	b.See("belongs to " + w.sandbox.Options().GitHubLogin)
	readable("mismatch")
	b.Open(home)
	b.See("In quarantine")
	b.See(sandbox.OtherLogin)
	readable("quarantine")
	kept := w.status(account)
	require.NotNil(t, kept.Quarantine)
	assert.Equal(t, credential.ReauthorizationRequired, kept.Status)
	assert.Equal(t, dead.Subject, kept.Subject)
	record, err := w.Vault.Get(t.Context(), account)
	require.NoError(t, err)
	assert.EqualValues(t, 1, record.Generation, "the old tokens are kept")

	consent()
	b.Press("Allow")
	b.See("Account " + account.String() + " is active")
	b.Open(home)
	b.See("Everything works: 1 account")
	mended := w.status(account)
	assert.EqualValues(t, 2, mended.Generation)
	assert.Nil(t, mended.Quarantine)

	var said []string
	const discarded = "account discarded done" // what somebody else consented to; beside everything else
	w.eventually("the other consent to be given back", func() bool {
		trail, err := w.Vault.AuditTrail(t.Context(), vault.AuditFilter{Account: account}, 20)
		require.NoError(t, err)
		said = nil
		for _, e := range trail {
			said = append(said, e.Actor+" "+string(e.Action)+" "+string(e.Outcome))
		}
		return slices.Contains(said, discarded)
	})
	said = slices.DeleteFunc(said, func(s string) bool { return s == discarded })
	assert.Equal(t, []string{
		"local consent done", "account adopted done", "local link-opened done", "local link-minted done",
		"local consent refused", "account quarantined done", "local link-opened done", "local link-minted done",
		"local consent denied", "local link-opened done", "local link-minted done",
		"notices link-minted done", "account adopted done",
	}, said, "newest first")
}
