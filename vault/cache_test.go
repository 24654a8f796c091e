package vault

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/internal/bubbletest"
)

// countingCache is a cache in front of v that counts the reads.
func countingCache(v *Vault) (*Cache, *atomic.Int64) {
	var reads atomic.Int64
	return newCache(func(ctx context.Context, account credential.AccountID) (Access, error) {
		reads.Add(1)
		return v.access(ctx, account)
	}, v.clock), &reads
}

func testCacheReadsOnceWhileTheTokenIsGood(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	connectAccount(t, v, "a2", github, "42")
	c, reads := countingCache(v)
	for range 3 {
		a, err := c.Access(t.Context(), slack)
		require.NoError(t, err)
		want := tokens("a1")
		assert.Equal(t, Access{Account: slack, Generation: 1, Token: want.Access, ExpiresAt: want.ExpiresAt}, a)
		assert.True(t, a.ValidAt(clock.Now()))
	}
	assert.EqualValues(t, 1, reads.Load())
	a, err := c.Access(t.Context(), github)
	require.NoError(t, err)
	assert.Equal(t, tokens("a2").Access, a.Token, "keyed by account")
}

func testExpiredTokenMakesTheCacheLookAgain(t *testing.T, b backend) {
	f := b.newFixture(t)
	v, elsewhere := f.open(t), f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	c, reads := countingCache(v)
	_, err := c.Access(t.Context(), slack)
	require.NoError(t, err)

	f.clock.Advance(time.Hour)
	a, err := c.Access(t.Context(), slack)
	require.NoError(t, err)
	assert.False(t, a.ValidAt(f.clock.Now()), "the vault has no better one")
	assert.EqualValues(t, 1, a.Generation)
	assert.EqualValues(t, 2, reads.Load())

	fresh := tokens("two")
	fresh.ExpiresAt = f.clock.Now().Add(time.Hour)
	_, err = elsewhere.Swap(t.Context(), slack, 1, fresh)
	require.NoError(t, err)
	for range 2 {
		a, err = c.Access(t.Context(), slack)
		require.NoError(t, err)
		assert.EqualValues(t, 2, a.Generation)
	}
	assert.EqualValues(t, 3, reads.Load())
}

func testTokenThatNeverExpiresIsReadOnce(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	a := authorization("a1", slack, "T1/B1")
	a.Tokens.ExpiresAt = time.Time{}
	require.NoError(t, v.PutAuthorization(t.Context(), a))
	_, err := v.Adopt(t.Context(), "a1")
	require.NoError(t, err)
	c, reads := countingCache(v)
	for range 3 {
		clock.Advance(24 * 365 * time.Hour)
		got, err := c.Access(t.Context(), slack)
		require.NoError(t, err)
		assert.True(t, got.ValidAt(clock.Now()))
	}
	assert.EqualValues(t, 1, reads.Load())
}

func testReloadSeesWhatAnyProcessWrote(t *testing.T, b backend) {
	f := b.newFixture(t)
	v, elsewhere := f.open(t), f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	c := NewCache(v)
	_, err := c.Access(t.Context(), slack)
	require.NoError(t, err)
	_, err = elsewhere.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)

	a, err := c.Access(t.Context(), slack)
	require.NoError(t, err)
	assert.EqualValues(t, 1, a.Generation, "good by the clock: no read")
	a, err = c.Reload(t.Context(), slack)
	require.NoError(t, err)
	assert.EqualValues(t, 2, a.Generation)
	a, err = c.Access(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, tokens("two").Access, a.Token)
}

func testASweepForgetsWhatAnyProcessTookAway(t *testing.T, b backend) {
	f := b.newFixture(t)
	v, elsewhere := f.open(t), f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	connectAccount(t, v, "a2", github, "42")
	c := NewCache(v)
	both := func() (ofSlack, ofGitHub Access, err error) {
		ofSlack, err = c.Access(t.Context(), slack)
		if err == nil {
			ofGitHub, err = c.Access(t.Context(), github)
		}
		return ofSlack, ofGitHub, err
	}
	_, _, err := both()
	require.NoError(t, err)

	require.NoError(t, elsewhere.Shred(t.Context(), slack, 1, ""))
	_, err = elsewhere.Swap(t.Context(), github, 1, tokens("two"))
	require.NoError(t, err)
	_, before, err := both()
	require.NoError(t, err, "nobody has looked since")
	assert.EqualValues(t, 1, before.Generation)

	away := c.newest
	c.newest = untold
	assert.Equal(t, 2, c.sweep(), "a vault that is away takes nothing away")
	c.newest = away
	assert.Zero(t, c.sweep())
	_, err = c.Access(t.Context(), slack)
	require.ErrorIs(t, err, ErrNotFound)
	after, err := c.Access(t.Context(), github)
	require.NoError(t, err)
	assert.Equal(t, tokens("two").Access, after.Token)
	assert.Equal(t, 1, c.sweep(), "what is the newest stays")
}

func testUnknownAccountIsNotRemembered(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	c := NewCache(v)
	_, err := c.Access(t.Context(), slack)
	require.ErrorIs(t, err, ErrNotFound)
	assert.ErrorContains(t, err, "acme/triage/slack")
	_, err = c.Reload(t.Context(), slack)
	require.ErrorIs(t, err, ErrNotFound)
	assert.Nil(t, c.slots.find(slack))
	connectAccount(t, v, "a1", slack, "T1/B1")
	_, err = c.Access(t.Context(), slack)
	assert.NoError(t, err)
}

func testShreddedAccountLeavesTheCache(t *testing.T, b backend) {
	f := b.newFixture(t)
	v, elsewhere := f.open(t), f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	here, there := NewCache(v), NewCache(elsewhere)
	for _, c := range []*Cache{here, there} {
		_, err := c.Access(t.Context(), slack)
		require.NoError(t, err)
	}
	require.NoError(t, v.Shred(t.Context(), slack, 1, ""))
	_, err := here.Access(t.Context(), slack)
	require.ErrorIs(t, err, ErrNotFound, "at once where it was shredded")
	c := there
	_, err = c.Reload(t.Context(), slack)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = c.Access(t.Context(), slack)
	require.ErrorIs(t, err, ErrNotFound)
}

// scriptedCache is a cache whose vault answers what the test says.
func scriptedCache(answer func() (Access, error)) *Cache {
	return newCache(func(context.Context, credential.AccountID) (Access, error) { return answer() }, time.Now)
}

func generation(g credential.Generation) Access {
	return Access{Account: slack, Generation: g, Token: credential.NewSecret("t")}
}

func TestCacheNeverGoesBack(t *testing.T) {
	var g credential.Generation
	c := scriptedCache(func() (Access, error) { return generation(g), nil })
	for _, step := range []struct{ vault, want credential.Generation }{{2, 2}, {1, 2}, {3, 3}, {2, 3}} {
		g = step.vault
		a, err := c.Reload(t.Context(), slack)
		require.NoError(t, err)
		assert.Equal(t, step.want, a.Generation)
	}
	c.Forget(slack)
	a, err := c.Access(t.Context(), slack)
	require.NoError(t, err)
	assert.EqualValues(t, 2, a.Generation, "after Forget the vault alone decides")
	c.Forget(github)
}

func TestFailedReadLeavesTheCacheAlone(t *testing.T) {
	broken := errors.New("disk on fire")
	err := error(nil)
	c := scriptedCache(func() (Access, error) { return generation(1), err })
	_, first := c.Access(t.Context(), slack)
	require.NoError(t, first)
	err = broken
	_, again := c.Reload(t.Context(), slack)
	require.ErrorIs(t, again, broken)
	_, cached := c.Access(t.Context(), slack)
	assert.NoError(t, cached)
}

func TestConcurrentMissesReadOnce(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		var reads atomic.Int64
		release := make(chan struct{})
		c := scriptedCache(func() (Access, error) {
			reads.Add(1)
			<-release
			return generation(1), nil
		})
		for range 64 {
			go func() {
				a, err := c.Access(t.Context(), slack)
				assert.NoError(t, err)
				assert.EqualValues(t, 1, a.Generation)
			}()
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		assert.EqualValues(t, 1, reads.Load())
	})
}

func testManyMissesOfManyAccounts(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	const accounts = 8
	for i := range accounts {
		connectAccount(t, v, accountNumber(i).User, accountNumber(i), subjectNumber(i))
	}
	c, reads := countingCache(v)
	together(64, func(i int) {
		account := accountNumber(i % accounts)
		a, err := c.Access(t.Context(), account)
		assert.NoError(t, err)
		assert.Equal(t, tokens(account.User).Access, a.Token)
	})
	assert.EqualValues(t, accounts, reads.Load(), "once for each account")
}

func TestTheSharedReadOutlivesItsFirstCaller(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		release := make(chan struct{})
		var reads atomic.Int64
		c := newCache(func(ctx context.Context, _ credential.AccountID) (Access, error) {
			reads.Add(1)
			select {
			case <-release:
				return generation(1), nil
			case <-ctx.Done():
				return Access{}, ctx.Err()
			}
		}, time.Now)
		impatient, cancel := context.WithCancel(t.Context())
		go func() {
			_, err := c.Access(impatient, slack)
			assert.ErrorIs(t, err, context.Canceled)
		}()
		synctest.Wait()
		go func() {
			a, err := c.Access(t.Context(), slack)
			assert.NoError(t, err)
			assert.EqualValues(t, 1, a.Generation)
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(release)
		synctest.Wait()
		assert.EqualValues(t, 1, reads.Load())
	})
}

func TestForgetBeatsAReadUnderWay(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		release := make(chan struct{})
		g := credential.Generation(7)
		var reads atomic.Int64
		c := scriptedCache(func() (Access, error) {
			a := generation(g)
			if reads.Add(1) == 1 {
				<-release
			}
			return a, nil
		})
		go func() { _, _ = c.Access(t.Context(), slack) }()
		synctest.Wait()
		c.Forget(slack)
		g = 1
		close(release)
		synctest.Wait()
		a, err := c.Access(t.Context(), slack)
		require.NoError(t, err)
		assert.EqualValues(t, 1, a.Generation, "the old read did not bring its token back")
	})
}

func testCacheUnderConcurrentSwaps(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	c := NewCache(v)
	together(9, func(i int) {
		var last credential.Generation
		for step := range 20 {
			if i == 0 {
				_, err := v.Swap(t.Context(), slack, credential.Generation(step+1), tokens("next"))
				assert.NoError(t, err)
				continue
			}
			read := c.Access
			if step%2 == 0 {
				read = c.Reload
			}
			a, err := read(t.Context(), slack)
			assert.NoError(t, err)
			assert.GreaterOrEqual(t, a.Generation, last, "never back")
			last = a.Generation
		}
	})
	a, err := c.Reload(t.Context(), slack)
	require.NoError(t, err)
	assert.EqualValues(t, 21, a.Generation)
}

func TestWarmAccessAllocatesNothing(t *testing.T) {
	v, _ := newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	c, reads := countingCache(v)
	ctx := t.Context()
	_, err := c.Access(ctx, slack)
	require.NoError(t, err)
	var failed bool
	allocs := testing.AllocsPerRun(1000, func() {
		a, err := c.Access(ctx, slack)
		failed = failed || err != nil || a.Generation != 1
	})
	assert.False(t, failed)
	assert.Zero(t, allocs)
	assert.EqualValues(t, 1, reads.Load())
}

func (c *Cache) holds(account credential.AccountID) bool { return c.slots.find(account) != nil }

func TestCacheForgetsWhatHasExpired(t *testing.T) {
	v, clock := newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	lasting := authorization("a2", github, "42")
	lasting.Tokens.ExpiresAt = time.Time{}
	require.NoError(t, v.PutAuthorization(t.Context(), lasting))
	_, err := v.Adopt(t.Context(), "a2")
	require.NoError(t, err)
	c := NewCache(v)
	for _, account := range []credential.AccountID{slack, github} {
		_, err := c.Access(t.Context(), account)
		require.NoError(t, err)
	}
	assert.Equal(t, 2, c.sweep())
	clock.Advance(time.Hour)
	assert.Equal(t, 1, c.sweep())
	assert.False(t, c.holds(slack))
	assert.True(t, c.holds(github))
}

func TestCacheForgetsWhatNobodyAsksFor(t *testing.T) {
	c := scriptedCache(func() (Access, error) { return generation(1), nil })
	for i := range 200 {
		_, err := c.Access(t.Context(), accountNumber(i))
		require.NoError(t, err)
	}
	for range idleSweeps {
		assert.Equal(t, 200, c.sweep())
		_, err := c.Access(t.Context(), accountNumber(7))
		require.NoError(t, err)
	}
	assert.Equal(t, 1, c.sweep())
	assert.True(t, c.holds(accountNumber(7)))
}

func TestCacheSweepsItselfUntilItIsEmpty(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		var reads atomic.Int64
		c := scriptedCache(func() (Access, error) {
			reads.Add(1)
			a := generation(1)
			a.ExpiresAt = time.Now().Add(time.Hour)
			return a, nil
		})
		ask := func() {
			_, err := c.Access(t.Context(), slack)
			require.NoError(t, err)
		}
		wait := func(d time.Duration) {
			<-time.After(d)
			synctest.Wait()
		}
		ask()
		for range 10 {
			wait(5 * time.Minute)
			ask()
		}
		assert.EqualValues(t, 1, reads.Load(), "what is in use stays")
		wait((idleSweeps + 2) * sweepEvery)
		assert.False(t, c.holds(slack))
		assert.False(t, c.sweeping.Load(), "an empty cache does nothing")
		ask()
		assert.True(t, c.sweeping.Load())
		assert.EqualValues(t, 2, reads.Load())
	})
}

func TestCacheIsSweptWhileItIsUsed(t *testing.T) {
	c := scriptedCache(func() (Access, error) { return generation(1), nil })
	together(8, func(i int) {
		for step := range 500 {
			if i == 0 {
				c.sweep()
				continue
			}
			a, err := c.Access(t.Context(), accountNumber(step%50))
			assert.NoError(t, err)
			assert.EqualValues(t, 1, a.Generation)
		}
	})
}
