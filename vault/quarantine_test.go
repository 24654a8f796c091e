package vault

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

// quarantined puts a consent into quarantine for two days.
func quarantined(t testing.TB, v *Vault, id string, account credential.AccountID, subject credential.Subject) Authorization {
	t.Helper()
	a := authorization(id, account, subject)
	a.ExpiresAt = v.now().Add(10 * time.Minute)
	require.NoError(t, v.PutAuthorization(t.Context(), a))
	kept, err := v.Quarantine(t.Context(), id, v.now().Add(48*time.Hour))
	require.NoError(t, err)
	return kept
}

func testQuarantinedTokensAreAdoptedOnPurposeOnly(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	first := connectAccount(t, v, "a1", slack, "T1/B1")
	clock.Advance(time.Minute)
	kept := quarantined(t, v, "a2", slack, "T1/B2")
	assert.True(t, kept.Quarantined())
	assert.Equal(t, clock.Now(), kept.QuarantinedAt)
	assert.Equal(t, clock.Now().Add(48*time.Hour), kept.ExpiresAt)
	assert.Equal(t, tokens("a2"), kept.Tokens)

	clock.Advance(time.Hour) // longer than a consent waits for its account
	got, err := v.GetAuthorization(t.Context(), "a2")
	require.NoError(t, err)
	assert.Equal(t, kept, got)
	again, err := v.Quarantine(t.Context(), "a2", clock.Now().Add(1000*time.Hour))
	require.NoError(t, err)
	assert.Equal(t, kept, again, "nobody makes it last longer by asking again")

	_, err = v.Adopt(t.Context(), "a2")
	require.ErrorIs(t, err, ErrQuarantined)
	_, err = v.Accept(t.Context(), "a2", "T1/B3")
	var wrong *SubjectError
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, &SubjectError{Authorization: "a2", Subject: "T1/B2", Accepted: "T1/B3"}, wrong)
	record, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, first, record, "the account has what it had")

	accepted, err := v.Accept(t.Context(), "a2", "T1/B2")
	require.NoError(t, err)
	assert.EqualValues(t, 2, accepted.Generation)
	assert.EqualValues(t, "T1/B2", accepted.Subject)
	assert.Equal(t, tokens("a2"), accepted.Tokens)
	repeated, err := v.Accept(t.Context(), "a2", "T1/B2")
	require.NoError(t, err)
	assert.Equal(t, accepted, repeated)
	_, err = v.GetStray(t.Context(), "a2")
	require.ErrorIs(t, err, ErrNotFound, "its tokens are the account's now")

	quarantined(t, v, "a3", slack2, "T1/B2")
	_, err = v.Accept(t.Context(), "a3", "T1/B2")
	var owned *OwnedError
	assert.ErrorAs(t, err, &owned, "nobody can accept a second owner of one grant")
}

func testQuarantineEnds(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("pending", slack, "T1/B1")))
	_, err := v.GetStray(t.Context(), "pending")
	require.ErrorIs(t, err, ErrNotFound, "it is not in quarantine")
	require.NoError(t, v.Retoken(t.Context(), "pending", tokens("other")))
	pending, err := v.GetAuthorization(t.Context(), "pending")
	require.NoError(t, err)
	assert.Equal(t, tokens("other"), pending.Tokens)
	_, err = v.Quarantine(t.Context(), "unknown", clock.Now().Add(time.Hour))
	require.ErrorIs(t, err, ErrNotFound)

	kept := quarantined(t, v, "a1", slack, "T1/B2")
	clock.Advance(48 * time.Hour)
	_, err = v.GetAuthorization(t.Context(), "a1")
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.Accept(t.Context(), "a1", "T1/B2")
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.Quarantine(t.Context(), "a1", clock.Now().Add(time.Hour))
	require.ErrorIs(t, err, ErrNotFound)
	stray, err := v.GetStray(t.Context(), "a1")
	require.NoError(t, err, "there to be revoked")
	assert.Equal(t, Stray{Authorization: kept}, stray)
	clock.Advance(365 * 24 * time.Hour)
	require.NoError(t, v.Prune(t.Context()))
	require.NoError(t, v.Retoken(t.Context(), "a1", tokens("renewed")))
	stray, err = v.GetStray(t.Context(), "a1")
	require.NoError(t, err, "its grant lives on, however long nobody is there to see to it")
	assert.Equal(t, tokens("renewed"), stray.Tokens)
	all, err := v.Strays(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, []credential.Replaced{{Authorization: "a1", Holder: credential.Holder{Subject: "T1/B2", Display: kept.Display}, Since: kept.QuarantinedAt}}, all)
	require.NoError(t, v.DropStray(t.Context(), "a1", "slack is gone"))
	_, err = v.GetStray(t.Context(), "a1")
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorIs(t, v.Retoken(t.Context(), "a1", tokens("late")), ErrNotFound)
	require.ErrorIs(t, v.Retoken(t.Context(), "pending", tokens("late")), ErrNotFound)
	trail, err := v.AuditTrail(t.Context(), AuditFilter{Account: slack}, 1)
	require.NoError(t, err)
	assert.Equal(t, Discarded, trail[0].Action)
	assert.Contains(t, trail[0].Detail, "T1/B2")
	assert.Contains(t, trail[0].Detail, ", not revoked: slack is gone")

	quarantined(t, v, "a3", slack, "T1/B2")
	require.NoError(t, v.Shred(t.Context(), slack, 1, ""))
	assert.Zero(t, count(t, v, "authorizations"))
}

func testStrayIsSharedWithTokensOfItsSubject(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	get := func(id string) Stray {
		t.Helper()
		stray, err := v.GetStray(t.Context(), id)
		require.NoError(t, err)
		return stray
	}
	shared := func(id string) bool {
		t.Helper()
		return get(id).Shared
	}
	quarantined(t, v, "fewer scopes", slack, "T1/B1")
	assert.True(t, shared("fewer scopes"), "to revoke it would end the account's own")
	quarantined(t, v, "owned", slack2, "T1/B1")
	assert.True(t, shared("owned"), "or another account's")
	quarantined(t, v, "another", slack, "T1/B2")
	assert.False(t, shared("another"))
	quarantined(t, v, "kin", slack, "T1/B3")
	quarantined(t, v, "more kin", slack, "T1/B3")
	assert.True(t, get("kin").Shared)
	assert.True(t, get("kin").Kin, "nothing but what the same account has in quarantine")
	quarantined(t, v, "no kin", slack2, "T1/B3")
	assert.True(t, get("kin").Shared)
	assert.False(t, get("kin").Kin)
	elsewhere := authorization("elsewhere", github, "T1/B2")
	elsewhere.ExpiresAt = clock.Now().Add(time.Minute)
	require.NoError(t, v.PutAuthorization(t.Context(), elsewhere))
	assert.False(t, shared("another"), "the subject of another provider")
	unknown := authorization("unknown", github, "")
	unknown.ExpiresAt = clock.Now().Add(time.Minute)
	require.NoError(t, v.PutAuthorization(t.Context(), unknown))
	assert.False(t, get("another").Unclear)
	unknown.ID, unknown.Account = "unknown here", slack2
	require.NoError(t, v.PutAuthorization(t.Context(), unknown))
	assert.True(t, get("another").Unclear, "it may be of the same grant")
	clock.Advance(time.Minute)
	assert.Equal(t, 9, count(t, v, "authorizations"), "nobody has pruned them")
	assert.False(t, get("another").Unclear, "nobody adopts it any more")
	pending := authorization("pending", slack2, "T1/B2")
	pending.ExpiresAt = clock.Now().Add(time.Minute)
	require.NoError(t, v.PutAuthorization(t.Context(), pending))
	assert.True(t, shared("another"), "or those of a consent that waits for its account")
	clock.Advance(time.Minute)
	assert.False(t, shared("another"), "which it does no more")
}

func testOneOfManyOfOneSubjectIsTheLast(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	const many = 8
	for i := range many {
		stray := quarantined(t, v, fmt.Sprint(i), []credential.AccountID{slack, slack2}[i%2], "T1/B2")
		got, err := v.GetStray(t.Context(), stray.ID)
		require.NoError(t, err)
		assert.Equal(t, i > 0, got.Shared)
		assert.False(t, got.Kin, "another account has one of it too")
	}
	var last atomic.Int32
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			if err := v.DropShared(t.Context(), fmt.Sprint(i)); errors.Is(err, ErrUnshared) {
				last.Add(1)
			} else {
				assert.NoError(t, err)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, last.Load(), "which has to be revoked")
	assert.Equal(t, 1, count(t, v, "authorizations"))
	require.NoError(t, v.DropShared(t.Context(), "unknown"))
}

func TestWhatWasInQuarantineLeavesNothing(t *testing.T) {
	f := newFixture(t)
	v := f.open(t)
	quarantined(t, v, "a1", slack, "T1/B2")
	var sealed []byte
	peek(t, v, `SELECT tokens FROM authorizations`, &sealed)
	require.NoError(t, v.DropStray(t.Context(), "a1", ""))
	for name, content := range filesOf(t, f) {
		assert.False(t, bytes.Contains(content, sealed[10:]), "not even what was sealed is left in %s", name)
	}
}
