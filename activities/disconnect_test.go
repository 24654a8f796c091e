package activities_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
)

func (w *world) forceDisconnect(account credential.AccountID) activities.ForcedDisconnect {
	w.t.Helper()
	got := once(w, w.account.ForceDisconnect, activities.AccountInput{Account: account})
	require.NoError(w.t, got.err)
	return got.out
}

func TestForceDestroysWhatTheProviderDoesNotRevoke(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"outage":      {Kind: sandbox.FaultStatus, Status: 503},
		"no answer":   {Kind: sandbox.FaultDrop},
		"refused app": {Kind: sandbox.FaultStatus, Code: "bad_client_secret"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			held := w.held(slackAccount).Tokens
			fault.App, fault.Endpoint = sandbox.Slack, "auth.revoke"
			w.fault(fault)

			ended := w.forceDisconnect(slackAccount)

			assert.Contains(t, ended.Unrevoked, "slack")
			assert.NotContains(t, ended.Unrevoked, held.Access.Reveal())
			_, err := w.vault.Vault.Get(t.Context(), slackAccount)
			require.ErrorIs(t, err, vault.ErrNotFound)
			assert.Empty(t, w.forceDisconnect(slackAccount), "again")
		})
	}
}

func TestForceRevokesWhereTheProviderTakesIt(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	conn, err := w.Connection(slackAccount)
	require.NoError(t, err)
	access := w.held(slackAccount).Tokens.Access

	assert.Empty(t, w.forceDisconnect(slackAccount).Unrevoked)
	_, err = conn.OAuth.Identify(t.Context(), access)
	require.Error(t, err, "the provider knows the token no more")
}

func TestForceNeedsNoConnector(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	delete(w.providers, slackAccount.Connector)
	assert.Contains(t, w.forceDisconnect(slackAccount).Unrevoked, "slack")
	_, err := w.vault.Vault.Get(t.Context(), slackAccount)
	require.ErrorIs(t, err, vault.ErrNotFound)
}
