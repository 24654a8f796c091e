package e2e

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

const eventSecret = "secret-of-events-of-the-sandbox"

// listening serves the gateway, and returns where events of an app go.
func (w *world) listening() func(sandbox.App) sandbox.Subscription {
	w.t.Helper()
	pages, err := w.Gateway()
	require.NoError(w.t, err)
	served := httptest.NewServer(pages.Handler())
	w.t.Cleanup(served.Close)
	return func(app sandbox.App) sandbox.Subscription {
		name := string(app)
		return sandbox.Subscription{App: app, URL: served.URL + "/events/" + name + "/" + name, Secret: eventSecret}
	}
}

// send sends one event, and demands the answer.
func (w *world) send(to sandbox.Subscription, e sandbox.Event, want int) {
	w.t.Helper()
	status, err := w.sandbox.Send(w.t.Context(), to, e)
	require.NoError(w.t, err)
	require.Equal(w.t, want, status)
}

// A provider that says that a grant ended is not believed, and has the account look at once.
func TestAnEventHasTheAccountLook(t *testing.T) {
	beside(t)
	w := newWorld(t, signing(time.Hour))
	slack, github, bot := w.connect("slack"), w.connect("github"), w.account("bot")
	w.active(bot)
	events := w.listening()
	uninstalled := sandbox.Event{Name: "app_uninstalled"}
	looks := func() int { return w.sandbox.Books().Requests["slack auth.test"] }
	before := looks()

	forged := events(sandbox.Slack)
	forged.Secret = "guessed by somebody else"
	w.send(forged, uninstalled, http.StatusUnauthorized)
	w.send(events(sandbox.Slack), uninstalled, http.StatusOK)
	w.eventually("the look", func() bool { return looks() > before && !w.status(slack).LastValidated.IsZero() })
	assert.Equal(t, before+1, looks(), "the forged one had nobody look")
	healthy := w.status(slack)
	assert.Equal(t, credential.Active, healthy.Status, "the provider said so, and it was not true")
	assert.EqualValues(t, 1, healthy.Generation)

	for _, app := range []sandbox.App{sandbox.Slack, sandbox.GitHub} {
		require.NoError(t, w.sandbox.Subscribe(events(app)))
	}
	begun := time.Now()
	for app, account := range map[sandbox.App]credential.AccountID{sandbox.Slack: slack, sandbox.GitHub: github} {
		w.sandbox.Revoke(app)
		w.eventually("the end of "+account.String(), func() bool { return w.status(account).Status == credential.ReauthorizationRequired })
	}
	t.Logf("two grants revoked, and both known to be dead after %s", time.Since(begun).Round(time.Millisecond))
	w.eventually("a new token of the installation", func() bool {
		s := w.status(bot)
		return s.Generation == 2 && s.Status == credential.Active
	})
	for _, account := range []credential.AccountID{github, bot} { // one app, one webhook
		assert.Equal(t, 1, w.audited(account, vault.GrantEnded))
	}
	w.replays(workflows.AccountWorkflowID(slack), "ended-account")
}

// audited counts what the audit log has of an account and an action.
func (w *world) audited(account credential.AccountID, action vault.Action) (n int) {
	w.t.Helper()
	trail, err := w.Vault.AuditTrail(w.t.Context(), vault.AuditFilter{Account: account}, 100)
	require.NoError(w.t, err)
	for _, e := range trail {
		if e.Action == action {
			n++
		}
	}
	return n
}
