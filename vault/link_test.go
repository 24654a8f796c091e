package vault

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

func testLinkIsBoundToOneBrowserAndSpentOnce(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	secret, err := v.NewLink(t.Context(), slack, "the grant is dead")
	require.NoError(t, err)
	hash := LinkHash(secret)
	want := Link{Hash: hash, Account: slack, Why: "the grant is dead", ExpiresAt: clock.Now().Add(LinkLife)}
	for range 2 {
		got, err := v.GetLink(t.Context(), hash)
		require.NoError(t, err)
		assert.Equal(t, want, got, "looking uses nothing up")
	}
	_, err = v.OpenLink(t.Context(), hash, nil)
	require.ErrorContains(t, err, "no browser")
	var opened atomic.Int64
	together(8, func(i int) {
		if _, err := v.OpenLink(t.Context(), hash, []byte{byte(i)}); err == nil {
			opened.Add(1)
		} else {
			assert.ErrorIs(t, err, ErrOtherBrowser)
		}
	})
	assert.EqualValues(t, 1, opened.Load())
	bound, err := v.GetLink(t.Context(), hash)
	require.NoError(t, err)
	_, err = v.OpenLink(t.Context(), hash, bound.BrowserHash)
	require.NoError(t, err, "the same browser comes again")

	clock.Advance(LinkLife)
	var spent atomic.Int64
	together(8, func(int) {
		if err := v.SpendLink(t.Context(), hash); err == nil {
			spent.Add(1)
		} else {
			assert.ErrorIs(t, err, ErrNotFound)
		}
	})
	assert.EqualValues(t, 1, spent.Load(), "a login that it led to may end after it")
}

func testNewLinkVoidsTheOld(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	old, err := v.NewLink(t.Context(), slack, "")
	require.NoError(t, err)
	_, err = v.OpenLink(t.Context(), LinkHash(old), []byte("browser"))
	require.NoError(t, err)
	other, err := v.NewLink(t.Context(), github, "")
	require.NoError(t, err)
	fresh, err := v.NewLink(t.Context(), slack, "")
	require.NoError(t, err)
	_, err = v.GetLink(t.Context(), LinkHash(old))
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorIs(t, v.SpendLink(t.Context(), LinkHash(old)), ErrNotFound)
	link, err := v.GetLink(t.Context(), LinkHash(fresh))
	require.NoError(t, err)
	assert.Nil(t, link.BrowserHash)
	_, err = v.GetLink(t.Context(), LinkHash(other))
	assert.NoError(t, err)
	require.NoError(t, v.Shred(t.Context(), slack))
	_, err = v.GetLink(t.Context(), LinkHash(fresh))
	assert.ErrorIs(t, err, ErrNotFound, "a link goes with its account")
}

func testLinksEnd(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	_, err := v.NewLink(t.Context(), credential.AccountID{}, "")
	require.ErrorContains(t, err, "organization/user")
	secret, err := v.NewLink(t.Context(), slack, "")
	require.NoError(t, err)
	clock.Advance(LinkLife - time.Second)
	_, err = v.GetLink(t.Context(), LinkHash(secret))
	require.NoError(t, err)
	clock.Advance(time.Second)
	_, err = v.GetLink(t.Context(), LinkHash(secret))
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.OpenLink(t.Context(), LinkHash(secret), []byte("browser"))
	require.ErrorIs(t, err, ErrNotFound)
	clock.Advance(clockSkew)
	require.NoError(t, v.Prune(t.Context()))
	assert.Zero(t, count(t, v, "links"))
}
