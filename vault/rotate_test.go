package vault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

// fromFile is the same vault, as another process sees it: with the keyset that is in the file now.
func (f fixture) fromFile(t testing.TB) fixture {
	t.Helper()
	keyset, err := LoadKeyset(f.keyset.Path())
	require.NoError(t, err)
	f.keyset = keyset
	return f
}

// verified is what Verify finds with the keyset file as it is now.
func (f fixture) verified(t testing.TB) Verification {
	t.Helper()
	found, err := Verify(t.Context(), f.fromFile(t).options())
	require.NoError(t, err)
	return found
}

// allUnder checks that everything opens, and is sealed with one key.
func (f fixture) allUnder(t testing.TB, key uint32) {
	t.Helper()
	found := f.verified(t)
	assert.Empty(t, found.Damaged)
	assert.Equal(t, key, found.KeyInForce)
	for _, use := range found.Keys {
		if use.ID != key {
			assert.Zero(t, use.Sealed, "%+v", use)
		}
	}
}

// fill puts one of everything into a vault.
func fill(t testing.TB, v *Vault) {
	t.Helper()
	connectAccount(t, v, "a1", slack, "T1/B1")
	connectAccount(t, v, "a2", github, "42")
	_, err := v.Present(t.Context(), slack, 1, 0, "one")
	require.NoError(t, err)
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a3", slack, "T1/B1")))
	require.NoError(t, v.PutLogin(t.Context(), login("s1", slack)))
}

func testRotationSealsEverythingAnew(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	fill(t, v)
	old := f.keyset.KeyIDs()[0]
	before, err := v.Get(t.Context(), slack)
	require.NoError(t, err)

	r, err := v.Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)
	assert.Equal(t, Rotation{Key: r.Key, Added: true, Resealed: Rows{Records: 2, Authorizations: 1, Logins: 1}}, r)
	assert.NotEqual(t, old, r.Key)
	f.allUnder(t, r.Key)
	assert.Equal(t, []uint32{r.Key, old}, f.fromFile(t).keyset.KeyIDs(), "backups of the vault open as before")
	info, err := os.Stat(f.keyset.Path())
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	after, err := f.fromFile(t).open(t).Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, before, after, "nothing but the seal has changed")
	_, err = v.Adopt(t.Context(), "a3")
	require.NoError(t, err)
	_, err = v.TakeLogin(t.Context(), login("s1", slack).StateHash)
	require.NoError(t, err)

	again, err := v.Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)
	assert.True(t, again.Added)
	f.allUnder(t, again.Key)
	assert.Len(t, f.fromFile(t).keyset.KeyIDs(), 3)
}

func testWorkersFollowARotation(t *testing.T, b backend) {
	f := b.newFixture(t)
	worker, idle := f.open(t), f.fromFile(t).open(t)
	fill(t, worker)
	record, err := worker.Get(t.Context(), slack)
	require.NoError(t, err)
	carried, err := worker.SealTokens(record, tokens("carried"))
	require.NoError(t, err)
	r, err := f.fromFile(t).open(t).Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)

	_, err = NewCache(idle).Access(t.Context(), slack)
	require.NoError(t, err, "who meets the new key reads the file again")
	got, err := f.fromFile(t).open(t).OpenTokens(t.Context(), slack, 1, carried)
	require.NoError(t, err, "what was sealed before the rotation")
	assert.Equal(t, tokens("carried"), got)
	_, err = worker.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)
	connectAccount(t, worker, "a9", slack2, "T9/B9")
	f.allUnder(t, r.Key)
}

func testDroppedKeysLeaveTheMemoryOfWorkers(t *testing.T, b backend) {
	f := b.newFixture(t)
	worker := f.open(t)
	fill(t, worker)
	r, err := f.fromFile(t).open(t).Rotate(t.Context(), RotateOptions{DropOld: true})
	require.NoError(t, err)
	assert.Len(t, r.Dropped, 1)
	_, err = worker.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)
	assert.Equal(t, []uint32{r.Key}, worker.keyset.KeyIDs())

	// A file that is not the vault's is not followed.
	require.NoError(t, os.Remove(f.keyset.Path()))
	_, err = CreateKeyset(f.keyset.Path())
	require.NoError(t, err)
	_, err = worker.Swap(t.Context(), slack, 2, tokens("three"))
	require.NoError(t, err)
	_, err = worker.Get(t.Context(), slack)
	require.NoError(t, err)
}

// Rotations run one after the other, and each drops the keys before it, while workers that have the keyset of the
// beginning write without a pause.
func testRotationsWhileWorkersRun(t *testing.T, b backend) {
	f := b.newFixture(t)
	const workers, rotations = 3, 4
	var all sync.WaitGroup
	done := make(chan struct{})
	written := make([]credential.Generation, workers)
	for i := range workers {
		v, account := f.fromFile(t).open(t), accountNumber(i)
		connectAccount(t, v, account.User, account, subjectNumber(i))
		all.Go(func() {
			for g := credential.Generation(1); ; g++ {
				select {
				case <-done:
					written[i] = g
					return
				default:
				}
				if _, err := v.Swap(t.Context(), account, g, tokens(fmt.Sprint(account.User, g))); !assert.NoError(t, err) {
					return
				}
				id := fmt.Sprint(account.User, g)
				if !assert.NoError(t, v.PutAuthorization(t.Context(), authorization(id, account, subjectNumber(i)))) {
					return
				}
				if g%2 == 0 && !assert.NoError(t, v.DropAuthorization(t.Context(), id, "")) {
					return
				}
				if _, err := v.Get(t.Context(), account); !assert.NoError(t, err) {
					return
				}
			}
		})
	}
	operator := f.fromFile(t).open(t)
	for range rotations {
		r, err := operator.Rotate(t.Context(), RotateOptions{DropOld: true})
		assert.NoError(t, err)
		assert.Empty(t, r.Damaged)
	}
	close(done)
	all.Wait()

	found := f.verified(t)
	assert.Empty(t, found.Damaged, "nothing was sealed with a key that was dropped")
	for i, g := range written {
		r, err := operator.Get(t.Context(), accountNumber(i))
		require.NoError(t, err)
		assert.Equal(t, g, r.Generation, "nothing was lost")
		assert.Greater(t, g, credential.Generation(1), "it has worked")
	}
}

// A rotation may end after any statement and before or after any change of the file. Nothing is lost by that, and the next
// one finishes it.
func testRotationThatEndsAnywhereIsFinished(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	fill(t, v)
	before, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	failed := 0
	for ; ; failed++ {
		require.Less(t, failed, 100, "it never gets through")
		mend := pullAt(v, failed)
		_, err := v.Rotate(t.Context(), RotateOptions{DropOld: true})
		mend()
		if err == nil {
			break
		}
		left := f.verified(t)
		assert.Empty(t, left.Damaged, "after %d statements", failed)

		again, err := Open(t.Context(), f.fromFile(t).options())
		require.NoError(t, err)
		r, err := again.Rotate(t.Context(), RotateOptions{DropOld: true})
		require.NoError(t, err)
		f.allUnder(t, r.Key)
		assert.Equal(t, []uint32{r.Key}, again.keyset.KeyIDs())
		if !finished(left) {
			assert.False(t, r.Added, "after %d statements: no third key", failed)
		}
		after, err := again.Get(t.Context(), slack)
		require.NoError(t, err)
		assert.Equal(t, before, after)
		require.NoError(t, again.Close())
	}
	assert.Greater(t, failed, 10)
}

// finished reports whether all keys but the one in force seal nothing, and did so once.
func finished(found Verification) bool {
	if len(found.Keys) == 1 {
		return true
	}
	for _, use := range found.Keys {
		if use.ID == found.KeyInForce && use.Sealed == 1 || use.ID != found.KeyInForce && use.Sealed > 0 {
			return false
		}
	}
	return true
}

func testKilledRotationsAreFinished(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	const accounts = 12
	for i := range accounts {
		connectAccount(t, v, accountNumber(i).User, accountNumber(i), subjectNumber(i))
	}
	for lines := range 3 {
		killAfter(t, f.process(t, "rotate", ""), lines+1)
		assert.Empty(t, f.verified(t).Damaged)
		_, err := v.Get(t.Context(), accountNumber(lines))
		require.NoError(t, err)
	}
	r, err := v.Rotate(t.Context(), RotateOptions{DropOld: true})
	require.NoError(t, err)
	f.allUnder(t, r.Key)
	assert.Equal(t, []uint32{r.Key}, f.fromFile(t).keyset.KeyIDs())
	assert.Equal(t, accounts, f.verified(t).Rows.Records)
}

func testOldKeysAreKeptWhileTheyMayBeNeeded(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	fill(t, v)
	old := f.keyset.KeyIDs()[0]
	o := RotateOptions{DropOld: true, Keep: 24 * time.Hour}
	first, err := v.Rotate(t.Context(), o)
	require.NoError(t, err)
	assert.Empty(t, first.Dropped)
	assert.Equal(t, []KeptKey{{ID: old, Reason: "it ceased to seal 0s ago, and is kept for 24h0m0s"}}, first.Kept)

	f.clock.Advance(25 * time.Hour)
	second, err := v.Rotate(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, []uint32{old}, second.Dropped)
	assert.Equal(t, []KeptKey{{ID: first.Key, Reason: "it ceased to seal 0s ago, and is kept for 24h0m0s"}}, second.Kept)

	// A row that does not open keeps the key it names.
	tamper(t, v, `UPDATE records SET generation = 7 WHERE account = 'acme/triage/slack'`)
	third, err := v.Rotate(t.Context(), RotateOptions{DropOld: true})
	require.NoError(t, err)
	require.Len(t, third.Damaged, 1)
	assert.Equal(t, Damage{
		Account: "acme/triage/slack", Generation: 7, Field: "data key", Problem: "it does not open: it was altered, or sealed for another place",
	}, third.Damaged[0])
	assert.Equal(t, []KeptKey{{ID: second.Key, Reason: "1 values are sealed with it"}}, third.Kept)
	tamper(t, v, `UPDATE records SET generation = 1 WHERE account = 'acme/triage/slack'`)
	_, err = v.Get(t.Context(), slack)
	require.NoError(t, err, "so it can be mended")
}

func testStagedKeyReachesAllMachinesFirst(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	fill(t, v)
	staged, err := v.Rotate(t.Context(), RotateOptions{Stage: true})
	require.NoError(t, err)
	assert.True(t, staged.Added)
	again, err := v.Rotate(t.Context(), RotateOptions{Stage: true})
	require.NoError(t, err)
	assert.Equal(t, Rotation{Key: staged.Key}, again, "one is enough")
	connectAccount(t, v, "a9", slack2, "T9/B9")
	found := f.verified(t)
	assert.NotEqual(t, staged.Key, found.KeyInForce)
	for _, use := range found.Keys {
		assert.Equal(t, use.ID != staged.Key, use.Sealed > 0, "the staged key seals nothing yet")
	}

	elsewhere := filepath.Join(t.TempDir(), "vault.key")
	content, err := os.ReadFile(f.keyset.Path())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(elsewhere, content, 0o600))
	other := f
	other.keyset, err = LoadKeyset(elsewhere)
	require.NoError(t, err)
	far := other.open(t)

	r, err := v.Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)
	assert.Equal(t, staged.Key, r.Key)
	assert.False(t, r.Added)
	_, err = far.Swap(t.Context(), slack, 1, tokens("far"))
	require.NoError(t, err)
	f.allUnder(t, r.Key)
}

func TestOneRotationAtATime(t *testing.T) {
	f := newFixture(t)
	v := f.open(t)
	unlock, err := f.fromFile(t).keyset.lock()
	require.NoError(t, err)
	_, err = v.Rotate(t.Context(), RotateOptions{})
	require.ErrorIs(t, err, errRotating)
	assert.Len(t, f.fromFile(t).keyset.KeyIDs(), 1)
	require.NoError(t, unlock())
	_, err = v.Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)
}

func TestRotationWithoutItsFile(t *testing.T) {
	f := newFixture(t)
	v := f.open(t)
	fill(t, v)
	require.NoError(t, os.Remove(f.keyset.Path()))
	_, err := v.Rotate(t.Context(), RotateOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = v.Get(t.Context(), slack)
	require.NoError(t, err)
}

func TestRotationFollowsASymbolicLink(t *testing.T) {
	f := newFixture(t)
	link := filepath.Join(t.TempDir(), "link.key")
	require.NoError(t, os.Symlink(f.keyset.Path(), link))
	var err error
	f.keyset, err = LoadKeyset(link)
	require.NoError(t, err)
	r, err := f.open(t).Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink)
	f.allUnder(t, r.Key)
}

func TestKeysetThatWasRestoredFromBeforeARotation(t *testing.T) {
	f := newFixture(t)
	v := f.open(t)
	fill(t, v)
	backup, err := os.ReadFile(f.keyset.Path())
	require.NoError(t, err)
	_, err = v.Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.keyset.Path(), backup, 0o600))
	_, err = Open(t.Context(), f.fromFile(t).options())
	_, wrong := errors.AsType[*WrongKeyError](err)
	assert.True(t, wrong, "%v", err)
}
