package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// A consent of somebody else changes nothing, until it is accepted: then the account is theirs.
func TestAConsentOfSomebodyElseIsKeptApart(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	account := w.connect("github")
	before := w.status(account)
	refused := func(authorization string) credential.Quarantine {
		t.Helper()
		_, err := w.Workflows.Reauthorized(t.Context(), account, authorization)
		q, kept := activities.QuarantineOf(err)
		require.True(t, kept, "%v", err)
		require.Equal(t, authorization, q.Authorization)
		require.Equal(t, &q, w.status(account).Quarantine)
		return q
	}
	first := refused(w.consentAs(account, sandbox.OtherLogin))
	assert.Equal(t, before.Subject, first.Expected.Subject)
	assert.Equal(t, sandbox.OtherLogin, first.Got.Display)
	assert.Equal(t, before.Generation, w.status(account).Generation)
	second := refused(w.consentAs(account, sandbox.OtherLogin))
	w.eventually("the first to be destroyed", func() bool { return !w.inQuarantine(first) })

	after, err := w.Workflows.Accept(t.Context(), account, second)
	require.NoError(t, err)
	assert.Equal(t, credential.Active, after.Status)
	assert.Equal(t, second.Got.Subject, after.Subject)
	assert.Equal(t, before.Generation+1, after.Generation)
	assert.Nil(t, after.Quarantine)
	w.eventually("the grant before to be revoked", func() bool { return len(w.status(account).Replaced) == 0 })
	assert.Equal(t, workflows.ConnectorTaskQueue(w.Config().Temporal.TaskQueue, "github"), w.queueOf(account, "Discard"), "it is a request like others")

	third := refused(w.consent(account))
	after, err = w.Workflows.Reject(t.Context(), account, third.Authorization)
	require.NoError(t, err)
	assert.Nil(t, after.Quarantine)
	assert.False(t, w.inQuarantine(third))
	refused(w.consent(account))
	_, err = w.Workflows.Disconnect(t.Context(), account)
	require.NoError(t, err)
	w.replays(workflows.AccountWorkflowID(account), "quarantine")
}

func (w *world) inQuarantine(q credential.Quarantine) bool {
	w.t.Helper()
	_, err := w.Vault.GetStray(w.t.Context(), q.Authorization)
	if err != nil {
		require.ErrorIs(w.t, err, vault.ErrNotFound)
	}
	return err == nil
}
