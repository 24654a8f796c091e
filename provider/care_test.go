package provider_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/provider"
)

func TestHowTheTokenEndpointIsTreated(t *testing.T) {
	assert.InDelta(t, 20, provider.Token{}.RequestRate(), 0)
	assert.Equal(t, 16, provider.Token{}.AtOnce())
	assert.InDelta(t, 0.5, provider.Token{Rate: 0.5}.RequestRate(), 0)
	assert.Equal(t, 4, provider.Token{Concurrency: 4}.AtOnce())
	for _, rate := range []float64{0, -1, 0.001, 1001, math.NaN(), math.Inf(1)} {
		assert.Error(t, provider.CheckRate(rate), rate)
	}
	for _, n := range []int{0, -1, 1001} {
		assert.Error(t, provider.CheckConcurrency(n), n)
	}
	catalogue, err := provider.Embedded()
	require.NoError(t, err)
	p, _ := catalogue.Get("github-oauth-app")
	assert.InDelta(t, 0.5, p.Token.RequestRate(), 0, "2,000 an hour")
	p.Token.Rate, p.Token.Concurrency = -1, 5000
	require.ErrorContains(t, p.Validate(), "token.rate: -1 is outside")
	assert.ErrorContains(t, p.Validate(), "token.concurrency: 5000 is outside")
}
