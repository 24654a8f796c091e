package vault

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testSession(t *testing.T, b backend) {
	f := b.newFixture(t)
	v, replica := f.open(t), f.open(t)
	sealed, err := v.SealSession(t.Context(), []byte("who"))
	require.NoError(t, err)
	assert.NotContains(t, string(sealed), "who")
	session, err := replica.OpenSession(t.Context(), sealed)
	require.NoError(t, err, "another process serves the next request")
	assert.Equal(t, "who", string(session))

	other, _ := b.newVault(t)
	_, err = other.OpenSession(t.Context(), sealed)
	assert.Error(t, err, "the key of another vault")
	for _, forged := range [][]byte{nil, []byte("who"), append([]byte{sealed[0] ^ 1}, sealed[1:]...), sealed[:len(sealed)-1]} {
		_, err = v.OpenSession(t.Context(), forged)
		assert.Error(t, err)
	}
}

func testSessionsThatAreOver(t *testing.T, b backend) {
	f := b.newFixture(t)
	v, replica := f.open(t), f.open(t)
	over, other := LinkHash("over"), LinkHash("other")
	for range 2 {
		require.NoError(t, v.EndSession(t.Context(), EndedSession{Hash: over, ExpiresAt: f.clock.Now().Add(time.Hour)}))
	}
	require.ErrorContains(t, v.EndSession(t.Context(), EndedSession{}), "no SHA-256")
	for hash, want := range map[string]bool{string(over): true, string(other): false, "": false} {
		ended, err := replica.SessionEnded(t.Context(), []byte(hash))
		require.NoError(t, err)
		assert.Equal(t, want, ended)
	}
	f.clock.Advance(time.Hour + clockSkew)
	require.NoError(t, v.Prune(t.Context()))
	assert.Zero(t, count(t, v, "ended_sessions"))
}
