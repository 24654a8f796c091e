package vault

import (
	"crypto/sha256"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (c *testClock) delivery(name string) Delivery {
	hash := sha256.Sum256([]byte(name))
	return Delivery{Hash: hash[:], ExpiresAt: c.Now().Add(time.Hour)}
}

func testOneOfManyEqualDeliveriesIsTheFirst(t *testing.T, b backend) {
	f := b.newFixture(t)
	vaults := []*Vault{f.open(t), f.open(t)}
	for _, name := range []string{"one", "two"} {
		var first atomic.Int64
		together(16, func(i int) {
			taken, err := vaults[i%2].TakeDelivery(t.Context(), f.clock.delivery(name))
			assert.NoError(t, err)
			if taken {
				first.Add(1)
			}
		})
		require.EqualValues(t, 1, first.Load(), name)
	}
}

func testDroppedDeliveryMayComeAgain(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	d := clock.delivery("one")
	require.NoError(t, v.DropDelivery(t.Context(), d.Hash), "it never came")
	for range 2 {
		first, err := v.TakeDelivery(t.Context(), d)
		require.NoError(t, err)
		require.True(t, first)
		require.NoError(t, v.DropDelivery(t.Context(), d.Hash))
	}
}

func testDeliveriesAreForgotten(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	_, err := v.TakeDelivery(t.Context(), clock.delivery("one"))
	require.NoError(t, err)
	clock.Advance(time.Hour)
	first, err := v.TakeDelivery(t.Context(), clock.delivery("one"))
	require.NoError(t, err)
	assert.True(t, first, "the one of before is over")
	clock.Advance(time.Hour + clockSkew)
	require.NoError(t, v.Prune(t.Context()))
	assert.Zero(t, count(t, v, "deliveries"))
}

func testDeliveriesThatAreRefused(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	for want, d := range map[string]Delivery{
		"no SHA-256":     {ExpiresAt: clock.Now().Add(time.Hour)},
		"time of expiry": {Hash: clock.delivery("one").Hash},
	} {
		_, err := v.TakeDelivery(t.Context(), d)
		assert.ErrorContains(t, err, want)
	}
	assert.Zero(t, count(t, v, "deliveries"))
}
