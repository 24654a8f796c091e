package vault

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (c *testClock) delivery(name string) Delivery {
	hash := sha256.Sum256([]byte(name))
	return Delivery{Hash: hash[:], ExpiresAt: c.Now().Add(time.Hour)}
}

// known reports whether a vault remembers a delivery.
func known(t *testing.T, v *Vault, d Delivery) bool {
	t.Helper()
	known, err := v.HasDelivery(t.Context(), d.Hash)
	require.NoError(t, err)
	return known
}

func testDeliveriesAreRememberedByAllProcesses(t *testing.T, b backend) {
	f := b.newFixture(t)
	vaults := []*Vault{f.open(t), f.open(t)}
	d, other := f.clock.delivery("one"), f.clock.delivery("two")
	assert.False(t, known(t, vaults[0], d))
	together(16, func(i int) { assert.NoError(t, vaults[i%2].KeepDelivery(t.Context(), d)) })
	for _, v := range vaults {
		assert.True(t, known(t, v, d))
		assert.False(t, known(t, v, other))
	}
	assert.Equal(t, 1, count(t, vaults[0], "deliveries"))
}

func testDeliveriesAreForgotten(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	one := clock.delivery("one")
	require.NoError(t, v.KeepDelivery(t.Context(), one))
	sooner := one
	sooner.ExpiresAt = sooner.ExpiresAt.Add(-time.Minute)
	require.NoError(t, v.KeepDelivery(t.Context(), sooner))
	clock.Advance(time.Hour - time.Second)
	assert.True(t, known(t, v, one), "the longer time counts")
	clock.Advance(time.Second)
	assert.False(t, known(t, v, one))
	require.NoError(t, v.KeepDelivery(t.Context(), clock.delivery("one")))
	assert.True(t, known(t, v, one))
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
		assert.ErrorContains(t, v.KeepDelivery(t.Context(), d), want)
	}
	assert.Zero(t, count(t, v, "deliveries"))
}
