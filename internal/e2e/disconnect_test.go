package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// A provider never answers. The disconnect waits, force ends it, and the attempt that still hangs at the provider harms nothing
// that comes after it.
func TestForceEndsADisconnectThatAProviderHolds(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	account := w.connect("slack")
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "auth.revoke", Kind: sandbox.FaultHang, Times: -1}))
	patient := make(chan workflows.AccountStatus, 1)
	go func() {
		status, err := w.Workflows.Disconnect(t.Context(), account)
		assert.NoError(t, err)
		patient <- status
	}()
	w.eventually("the disconnect to wait", func() bool {
		return w.status(account).Disconnecting && w.sandbox.Books().Requests["slack auth.revoke"] > 0
	})

	forced, err := w.Workflows.ForceDisconnect(t.Context(), account)
	require.NoError(t, err)
	assert.Equal(t, credential.Disconnected, forced.Status)
	assert.NotEmpty(t, forced.Unrevoked)
	assert.Contains(t, forced.Reason, "by force")
	assert.Equal(t, forced, <-patient, "whoever waited hears the same")
	_, err = w.Vault.Get(t.Context(), account)
	require.ErrorIs(t, err, vault.ErrNotFound)
	w.replays(workflows.AccountWorkflowID(account), "forced-account")

	w.sandbox.ClearFaults()
	w.connect("slack")
	assert.Equal(t, credential.Active, w.status(account).Status)
	record, err := w.Vault.Get(t.Context(), account)
	require.NoError(t, err)
	assert.EqualValues(t, 2, record.Generation)
}

// Two accounts were disconnected, and nobody could be asked to tell when they work again. A triage and its report go on as soon
// as somebody consents, and not when they look by themselves.
func TestWhatWaitsForADisconnectedAccountGoesOnWithTheNextConsent(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	slack, github := w.connect("slack"), w.connect("github")
	name := w.organization + "/bugs"
	require.NoError(t, w.Workflows.StartTriage(t.Context(), name))
	look := func() gateway.TriageView {
		view, err := w.LookAtTriage(t.Context(), name, patience)
		require.NoError(t, err)
		return view
	}
	w.leave(github)
	w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	w.eventually("the report to wait", func() bool { return len(look().Reports.Waiting) == 1 })
	w.leave(slack)
	needsSlack := func() bool {
		return slices.ContainsFunc(look().Waiting, func(down activities.Unavailable) bool { return down.Account == slack })
	}
	w.eventually("the triage to wait", needsSlack)

	w.connect("slack")
	w.soon("the triage to read", func() bool { return !needsSlack() })
	w.connect("github")
	w.soon("the report to be filed", func() bool { return w.sandbox.Books().Missing == 0 })
	assert.Zero(t, w.sandbox.Books().Duplicates)
}

// Without an owner to ask, it would look again half an hour after the consent.
func TestWhatWaitsForAnAccountThatNobodyConnectedHasAnOwnerToAsk(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	require.NoError(t, w.Workflows.StartTriage(t.Context(), w.organization+"/bugs"))
	slack := w.account("slack")
	w.eventually("the triage to wait with the owner of the account", func() bool {
		status, err := w.Workflows.Account(t.Context(), slack)
		return err == nil && status.Status == credential.Pending && status.Waiting == 1
	})
}

// leave disconnects an account.
func (w *world) leave(account credential.AccountID) {
	w.t.Helper()
	status, err := w.Workflows.Disconnect(w.t.Context(), account)
	require.NoError(w.t, err)
	require.Equal(w.t, credential.Disconnected, status.Status)
}

// soon is eventually, of what must not take the minute after which a wait looks by itself.
func (w *world) soon(what string, condition func() bool) {
	w.t.Helper()
	w.within(patience/2, what, condition)
}

// The connector left the configuration, and the workers of its queue with it.
func TestForceNeedsNoConnector(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	account := w.connect("zendesk")
	text, err := os.ReadFile(w.Config().Path)
	require.NoError(t, err)
	_, zendesk, _ := strings.Cut(string(text), "  zendesk:\n")
	zendesk, _, _ = strings.Cut(zendesk, "providers:\n")
	w.rewrite("  zendesk:\n"+zendesk, "")

	begun := time.Now()
	forced, err := w.Workflows.ForceDisconnect(t.Context(), account)
	require.NoError(t, err)
	t.Logf("after %s", time.Since(begun).Round(time.Second))
	assert.Equal(t, credential.Disconnected, forced.Status)
	assert.Contains(t, forced.Unrevoked, "zendesk")
	_, err = w.Vault.Get(t.Context(), account)
	require.ErrorIs(t, err, vault.ErrNotFound)
}
