package vault

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

func testLoginIsTakenOnce(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	want := login("s1", slack)
	want.LinkHash, want.PersonHash = LinkHash("link"), []byte("person")
	require.NoError(t, v.PutLogin(t.Context(), want))
	require.NoError(t, v.PutLogin(t.Context(), login("s2", slack)))
	got, err := v.TakeLogin(t.Context(), want.StateHash)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	_, err = v.TakeLogin(t.Context(), want.StateHash)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.TakeLogin(t.Context(), login("s2", slack).StateHash)
	assert.NoError(t, err, "the other is still there")
}

func testLoginWithoutAVerifier(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	l := login("s1", slack)
	l.Verifier = credential.Secret{}
	require.NoError(t, v.PutLogin(t.Context(), l), "not every provider knows PKCE")
	got, err := v.TakeLogin(t.Context(), l.StateHash)
	require.NoError(t, err)
	assert.True(t, got.Verifier.IsZero())
}

func testOneOfManyTakesTheLogin(t *testing.T, b backend) {
	f := b.newFixture(t)
	vaults := []*Vault{f.open(t), f.open(t)}
	for range 5 {
		l := login("s1", slack)
		require.NoError(t, vaults[0].PutLogin(t.Context(), l))
		var taken atomic.Int64
		together(16, func(i int) {
			if _, err := vaults[i%2].TakeLogin(t.Context(), l.StateHash); err == nil {
				taken.Add(1)
			} else {
				assert.ErrorIs(t, err, ErrNotFound)
			}
		})
		require.EqualValues(t, 1, taken.Load())
	}
}

func testExpiredLoginIsNeitherReturnedNorKept(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	l := login("s1", slack)
	require.NoError(t, v.PutLogin(t.Context(), l))
	clock.Advance(10 * time.Minute)
	_, err := v.TakeLogin(t.Context(), l.StateHash)
	require.ErrorIs(t, err, ErrNotFound)
	clock.Advance(clockSkew)
	require.NoError(t, v.Prune(t.Context()))
	assert.Zero(t, count(t, v, "logins"))
}

func testLoginsThatAreRefused(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	for want, spoil := range map[string]func(*Login){
		"no SHA-256":        func(l *Login) { l.StateHash = nil },
		"no browser":        func(l *Login) { l.BrowserHash = nil },
		"time of expiry":    func(l *Login) { l.ExpiresAt = time.Time{} },
		"organization/user": func(l *Login) { l.Account = credential.AccountID{} },
	} {
		l := login("s1", slack)
		spoil(&l)
		assert.ErrorContains(t, v.PutLogin(t.Context(), l), want)
	}
	for _, hash := range [][]byte{nil, {}, []byte("short")} {
		_, err := v.TakeLogin(t.Context(), hash)
		assert.ErrorIs(t, err, ErrNotFound)
	}
	require.NoError(t, v.PutLogin(t.Context(), login("s1", slack)))
	assert.Error(t, v.PutLogin(t.Context(), login("s1", slack2)), "a state is never taken over")
}
