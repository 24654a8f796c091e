package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/vault/internal/storage"
)

// Whoever cannot write hears of it while there is time to say so, however many wait.
func TestALineOfWritersIsNotEndless(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "vault.db"), storage.Opening{
		Create: func(context.Context, storage.Queryer) error { return nil },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	s.line = 10 * time.Millisecond
	nothing := func(storage.Queryer) error { return nil }
	require.NoError(t, s.Write(t.Context(), func(storage.Queryer) error {
		require.ErrorIs(t, s.Write(t.Context(), nothing), errLine)
		return nil
	}))
	assert.NoError(t, s.Write(t.Context(), nothing), "the line moves on")
}
