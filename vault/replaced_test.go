package vault

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

func testWhatIsReplacedStaysToBeRevoked(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	replaced := func() []credential.Replaced {
		t.Helper()
		all, err := v.Strays(t.Context(), slack)
		require.NoError(t, err)
		return all
	}
	connectAccount(t, v, "a1", slack, "T1/B1")
	old := connectAccount(t, v, "a2", slack, "T1/B1")
	assert.Empty(t, replaced(), "the same subject's new tokens are often of the same grant")
	clock.Advance(time.Minute)
	connectAccount(t, v, "a3", slack, "T1/B2")

	all := replaced()
	require.Len(t, all, 1)
	assert.Equal(t, credential.Holder{Subject: old.Subject, Display: old.Display}, all[0].Holder)
	assert.Equal(t, clock.Now(), all[0].Since)
	id := all[0].Authorization
	stray, err := v.GetStray(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, old.Tokens, stray.Tokens)
	assert.False(t, stray.Shared)
	_, err = v.Accept(t.Context(), id, "T1/B1")
	require.ErrorIs(t, err, ErrNotFound, "it is about to be revoked")

	clock.Advance(365 * 24 * time.Hour)
	require.NoError(t, v.Prune(t.Context()))
	adopt := func(id string, account credential.AccountID, subject credential.Subject) {
		t.Helper()
		a := authorization(id, account, subject)
		a.ExpiresAt = clock.Now().Add(time.Hour)
		require.NoError(t, v.PutAuthorization(t.Context(), a))
		_, err := v.Adopt(t.Context(), id)
		require.NoError(t, err)
	}
	adopt("a4", slack, "T1/B3")
	all = replaced()
	require.Len(t, all, 2, "no time is too long for a provider")
	assert.Equal(t, id, all[0].Authorization)
	_, err = v.Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)

	adopt("a5", slack2, "T1/B1")
	stray, err = v.GetStray(t.Context(), id)
	require.NoError(t, err)
	assert.True(t, stray.Shared, "its subject is another account's by now")
	require.NoError(t, v.DropStray(t.Context(), id, ""))
	require.Len(t, replaced(), 1)
	require.NoError(t, v.Shred(t.Context(), slack, 4, ""))
	assert.Empty(t, replaced())
}
