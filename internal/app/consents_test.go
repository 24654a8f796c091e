package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

func TestAConsentIsHandedOverLessAndLessOften(t *testing.T) {
	h := handOver{}
	start := time.Now()
	waiting := []vault.Pending{{ID: "a"}}
	var turns []int
	for minute := range 60 {
		if len(h.due(waiting, start.Add(time.Duration(minute)*time.Minute), time.Minute)) > 0 {
			turns = append(turns, minute)
		}
	}
	assert.Equal(t, []int{0, 1, 3, 7, 15, 30, 45}, turns)
	assert.Len(t, h.due([]vault.Pending{{ID: "a"}, {ID: "b"}}, start.Add(59*time.Minute), time.Minute), 1, "another one is due at once")
	h.due(nil, start.Add(time.Hour), time.Minute)
	assert.Empty(t, h.tried, "what is gone is forgotten")
}

func TestTheDoctorFindsConsentsThatNobodyTakes(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.OpenVault(t.Context()))
	account := credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	put := func(id string, age time.Duration) {
		require.NoError(t, w.Vault.PutAuthorization(t.Context(), vault.Authorization{
			ID: id, Account: account, Tokens: credential.Tokens{Access: credential.NewSecret("xoxb-1")},
			CreatedAt: time.Now().Add(-age), ExpiresAt: time.Now().Add(time.Hour),
		}))
	}
	put("of-a-moment-ago", time.Minute)
	assert.True(t, w.checkConsents(t.Context()).OK)
	put("of-an-hour-ago", time.Hour)
	found := w.checkConsents(t.Context())
	assert.False(t, found.OK)
	assert.Contains(t, found.Problem, "that for account acme/triage/slack, until ")
	assert.Contains(t, found.Fix, "whether a worker runs")
	assert.Contains(t, found.Fix, "the provider has to say first")
}
