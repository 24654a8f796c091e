package vault

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testBudgetIsOfAllProcessesAndOfADay(t *testing.T, b backend) {
	f := b.newFixture(t)
	vaults := []*Vault{f.open(t), f.open(t)}
	var granted atomic.Int64
	together(16, func(i int) {
		_, ok, err := vaults[i%2].Spend(t.Context(), "tokens", 10, 100)
		assert.NoError(t, err)
		if ok {
			granted.Add(1)
		}
	})
	require.EqualValues(t, 10, granted.Load(), "one limit for both")

	v := vaults[0]
	today, ok, err := v.Spend(t.Context(), "tokens", 1, 100)
	require.NoError(t, err)
	assert.False(t, ok)
	require.NoError(t, v.Settle(t.Context(), "tokens", today, 3, ""))
	_, ok, err = vaults[1].Spend(t.Context(), "tokens", 3, 100)
	require.NoError(t, err)
	assert.True(t, ok, "what was given back is there for everybody")
	_, ok, err = v.Spend(t.Context(), "tokens", 1_000_000, 0)
	require.NoError(t, err)
	assert.True(t, ok, "no limit")
	_, ok, err = v.Spend(t.Context(), "others", 100, 100)
	require.NoError(t, err)
	assert.True(t, ok, "another budget")

	f.clock.Advance(24 * time.Hour)
	tomorrow, ok, err := v.Spend(t.Context(), "tokens", 100, 100)
	require.NoError(t, err)
	assert.True(t, ok, "another day")
	assert.Greater(t, tomorrow, today)
	require.NoError(t, v.Settle(t.Context(), "tokens", today, 50, ""), "of yesterday nothing comes back")
	require.NoError(t, v.Settle(t.Context(), "tokens", tomorrow, -20, ""), "it cost more than was taken")
	f.clock.Advance(-24 * time.Hour)
	_, ok, err = v.Spend(t.Context(), "tokens", 1, 100)
	require.NoError(t, err)
	assert.False(t, ok, "a clock that is behind gets no second yesterday")
	spent, err := v.Budget(t.Context(), "tokens")
	require.NoError(t, err)
	assert.Equal(t, Budget{Day: tomorrow, Spent: 120}, spent)
}

func testBudgetTellsSinceWhenNothingComesOfIt(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	none, err := v.Budget(t.Context(), "tokens")
	require.NoError(t, err)
	assert.Zero(t, none)
	began := clock.Now()
	for _, failure := range []string{"it is slow", "it is away"} {
		require.NoError(t, v.Settle(t.Context(), "tokens", "2026-03-01", 0, failure))
		clock.Advance(time.Hour)
	}
	failing, err := v.Budget(t.Context(), "tokens")
	require.NoError(t, err)
	assert.WithinDuration(t, began, failing.FailingSince, time.Millisecond)
	assert.Equal(t, "it is away", failing.Failure)
	assert.Equal(t, 2, failing.Failures)
	require.NoError(t, v.Settle(t.Context(), "tokens", "2026-03-01", 0, ""))
	well, err := v.Budget(t.Context(), "tokens")
	require.NoError(t, err)
	assert.Equal(t, Budget{}, well)
}
