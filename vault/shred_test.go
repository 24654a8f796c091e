package vault

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestShredLeavesNothingOfTheAccount(t *testing.T) {
	f := newFixture(t)
	v := f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	connectAccount(t, v, "a2", github, "42")
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a3", slack, "T1/B1")))
	l := login("s1", slack)
	require.NoError(t, v.PutLogin(t.Context(), l))
	var access, refresh, pending, key, pendingKey []byte
	peek(t, v, `SELECT access, refresh, data_key FROM records WHERE account = 'acme/triage/slack'`, &access, &refresh, &key)
	peek(t, v, `SELECT tokens, data_key FROM authorizations`, &pending, &pendingKey)

	require.ErrorIs(t, v.Shred(t.Context(), slack, 1, ""), ErrConsentWaits)
	_, err := v.Get(t.Context(), slack)
	require.NoError(t, err, "nothing is touched while a consent waits that is to be revoked first")
	require.NoError(t, v.DropAuthorization(t.Context(), "a3", ""))
	require.NoError(t, v.Shred(t.Context(), slack, 1, ""))
	require.NoError(t, v.Shred(t.Context(), slack, 1, ""), "shredding again is fine")

	_, err = v.Get(t.Context(), slack)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.GetAuthorization(t.Context(), "a3")
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.TakeLogin(t.Context(), l.StateHash)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.Get(t.Context(), github)
	require.NoError(t, err, "the other account is untouched")
	for name, content := range filesOf(t, f) {
		for _, sealed := range [][]byte{access, refresh, pending, key, pendingKey} {
			assert.False(t, bytes.Contains(content, sealed[10:]), "not even what was sealed is left in %s", name)
		}
	}
}

func testShredOfAnUnknownAccount(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	require.NoError(t, v.Shred(t.Context(), slack, 0, ""))
	assert.EqualValues(t, 1, connectAccount(t, v, "a1", slack, "T1/B1").Generation)
}

func testGenerationsGoOnAfterShred(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	_, err := v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)
	require.NoError(t, v.Shred(t.Context(), slack, 2, ""))
	_, err = v.Swap(t.Context(), slack, 2, tokens("late"))
	require.ErrorIs(t, err, ErrNotFound)

	assert.EqualValues(t, 3, connectAccount(t, v, "a2", slack, "T1/B1").Generation)
	_, err = v.Swap(t.Context(), slack, 1, tokens("late"))
	require.ErrorIs(t, err, ErrConflict, "a late answer of the first grant never fits the second")
	require.NoError(t, v.Shred(t.Context(), slack, 3, ""))
	assert.EqualValues(t, 4, connectAccount(t, v, "a3", slack, "T1/B1").Generation)
}

func testShredFreesTheGrant(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	require.NoError(t, v.Shred(t.Context(), slack, 1, ""))
	connectAccount(t, v, "a2", slack2, "T1/B1")
}

// A worker that was thought dead goes on with the disconnect of a grant that another has taken the place of.
func testShredSparesWhatCameAfter(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	require.NoError(t, v.Shred(t.Context(), slack, 1, ""))
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a2", slack, "T1/B1")))
	require.NoError(t, v.Shred(t.Context(), slack, 1, ""))
	_, err := v.Adopt(t.Context(), "a2")
	require.NoError(t, err, "it waited for its Workflow")

	require.ErrorIs(t, v.Shred(t.Context(), slack, 1, ""), ErrConflict)
	record, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.EqualValues(t, 2, record.Generation)
}

func testWhatWasNotRevokedIsKnownUntilTheNextGrant(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	unrevoked := func() string {
		t.Helper()
		why, err := v.Unrevoked(t.Context(), slack)
		require.NoError(t, err)
		return why
	}
	assert.Empty(t, unrevoked(), "it was never there")
	connectAccount(t, v, "a1", slack, "T1/B1")
	require.ErrorIs(t, v.Shred(t.Context(), slack, 0, "slack is away"), ErrConflict)
	assert.Empty(t, unrevoked())
	require.NoError(t, v.Shred(t.Context(), slack, 1, "slack is away"))
	assert.Equal(t, "slack is away", unrevoked())
	require.NoError(t, v.Shred(t.Context(), slack, 1, ""))
	assert.Equal(t, "slack is away", unrevoked(), "who finds nothing to destroy knows no better")

	connectAccount(t, v, "a2", slack, "T1/B1")
	assert.Empty(t, unrevoked())
	require.NoError(t, v.Shred(t.Context(), slack, 2, ""))
	assert.Empty(t, unrevoked(), "this one was revoked")
}
