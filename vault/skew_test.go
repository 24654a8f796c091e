package vault

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ahead is the same vault, as a process sees it whose clock is ahead, or behind.
func (f fixture) ahead(d time.Duration) fixture {
	f.clock = &testClock{now: f.clock.Now().Add(d)}
	return f
}

func testSkewedClocksFenceAlike(t *testing.T, b backend) {
	for _, skew := range []time.Duration{30 * time.Minute, -30 * time.Minute, 365 * 24 * time.Hour, -365 * 24 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			f := b.newFixture(t)
			ours, theirs := f.open(t), f.ahead(skew).open(t)
			connectAccount(t, ours, "a1", slack, "T1/B1")
			first, err := ours.Present(t.Context(), slack, 1, 0, "one")
			require.NoError(t, err)
			second, err := theirs.Present(t.Context(), slack, 1, 1, "two")
			require.NoError(t, err)
			assert.Equal(t, Presentation{Generation: 1, At: first.At, Attempts: 2, By: "two"}, second, "grace counts from the first, by its clock")
			g, err := theirs.Swap(t.Context(), slack, 1, tokens("theirs"))
			require.NoError(t, err)
			assert.EqualValues(t, 2, g)
			_, err = ours.Swap(t.Context(), slack, 1, tokens("ours, late"))
			require.ErrorIs(t, err, ErrConflict)
			_, err = ours.Swap(t.Context(), slack, 2, tokens("ours"))
			require.NoError(t, err)
			for _, v := range []*Vault{ours, theirs} {
				r, err := v.Get(t.Context(), slack)
				require.NoError(t, err)
				assert.EqualValues(t, 3, r.Generation)
				assert.Equal(t, tokens("ours"), r.Tokens)
			}
		})
	}
}

func testOneClockDoesNotDeleteWhatIsGoodForAnother(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	l := login("s1", slack)
	require.NoError(t, v.PutLogin(t.Context(), l))
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a1", slack, "T1/B1")))

	fast := f.ahead(30 * time.Minute).open(t)
	require.NoError(t, fast.Prune(t.Context()))
	_, err := fast.GetAuthorization(t.Context(), "a1")
	require.ErrorIs(t, err, ErrNotFound, "for itself it has expired")
	_, err = fast.TakeLogin(t.Context(), l.StateHash)
	require.ErrorIs(t, err, ErrNotFound)

	_, err = v.Adopt(t.Context(), "a1")
	require.NoError(t, err)
	_, err = v.TakeLogin(t.Context(), l.StateHash)
	require.NoError(t, err)
}

func testAClockThatJumpsAYear(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	want := connectAccount(t, v, "a1", slack, "T1/B1")
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a2", github, "42")))
	c := NewCache(v)
	_, err := c.Access(t.Context(), slack)
	require.NoError(t, err)

	const year = 365 * 24 * time.Hour
	f.clock.Advance(year)
	require.NoError(t, v.Prune(t.Context()))
	got, err := v.Get(t.Context(), slack)
	require.NoError(t, err, "a credential is never forgotten for its age")
	assert.Equal(t, want, got)
	a, err := c.Access(t.Context(), slack)
	require.NoError(t, err)
	assert.False(t, a.ValidAt(f.clock.Now()))
	p, err := v.Present(t.Context(), slack, 1, 0, "one")
	require.NoError(t, err)
	assert.Equal(t, f.clock.Now(), p.At)
	_, err = v.Adopt(t.Context(), "a2")
	require.ErrorIs(t, err, ErrNotFound, "a consent is not adopted a year later")

	f.clock.Advance(-year)
	_, err = v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)
	a, err = c.Reload(t.Context(), slack)
	require.NoError(t, err)
	assert.True(t, a.ValidAt(f.clock.Now()))
	connectAccount(t, v, "a3", github, "42")
}
