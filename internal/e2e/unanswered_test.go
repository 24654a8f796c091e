package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
)

// Without a worker nobody answers for an account, and it is shown as Temporal and the vault know it.
func TestAccountsAreShownWithoutAWorker(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	account := w.connect("slack")
	known := w.status(account)
	w.worker.Stop()

	views, err := w.LookAtAccounts(t.Context(), time.Second)
	require.NoError(t, err)
	for _, v := range views {
		if v.Account != account {
			continue
		}
		assert.True(t, v.Stale)
		assert.Equal(t, credential.Active, v.Status)
		assert.Equal(t, known.Provider, v.Provider)
		assert.Equal(t, known.Display, v.Display)
		assert.Equal(t, known.Generation, v.Generation)
		assert.WithinDuration(t, known.ExpiresAt, v.ExpiresAt, time.Millisecond)
		return
	}
	t.Fatalf("account %s is not shown", account)
}
