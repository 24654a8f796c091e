package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// A provider never answers. The disconnect waits, force ends it, and the attempt that still hangs at the provider harms nothing
// that comes after it.
func TestForceEndsADisconnectThatAProviderHolds(t *testing.T) {
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

// The connector left the configuration, and the workers of its queue with it.
func TestForceNeedsNoConnector(t *testing.T) {
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
