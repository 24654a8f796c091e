package vault

import (
	"context"
	"errors"
	"testing"

	"tokenkeeper/vault/internal/storage"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testReadersDoNotWaitForAWriter(t *testing.T, b backend) {
	f := b.newFixture(t)
	busy, v := f.open(t), f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	giveUp := errors.New("rolled back")
	err := busy.store.Write(t.Context(), func(tx storage.Queryer) error {
		_, err := tx.ExecContext(t.Context(), `DELETE FROM records`)
		require.NoError(t, err)
		r, err := v.Get(t.Context(), slack)
		require.NoError(t, err)
		assert.Equal(t, tokens("a1"), r.Tokens, "what is not committed is not seen")

		over, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = v.Swap(over, slack, 1, tokens("two"))
		require.ErrorIs(t, err, context.Canceled)
		return giveUp
	})
	require.ErrorIs(t, err, giveUp)

	g, err := v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err, "a write that was given up leaves nothing behind")
	assert.EqualValues(t, 2, g)
}

func TestOpeningIsGivenUpWithItsContext(t *testing.T) {
	f := newFixture(t)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(over, f.options())
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, filesOf(t, f), "no half vault is left")
	f.open(t)
	_, err = Open(over, f.options())
	require.ErrorIs(t, err, context.Canceled)
}
