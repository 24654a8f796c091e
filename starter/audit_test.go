package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// openVault opens the vault of the world.
func (w *world) openVault() *vault.Vault {
	w.t.Helper()
	keyset, err := vault.LoadKeyset(filepath.Join(w.dir, "vault.key"))
	require.NoError(w.t, err)
	v, err := vault.Open(w.t.Context(), vault.Options{Path: filepath.Join(w.dir, "vault.db"), Keyset: keyset})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, v.Close()) })
	return v
}

func TestAudit(t *testing.T) {
	w := newWorld(t)
	w.run("audit").exits(exitConfig).complains("vault.key", "fix: ", "tokenkeeper vault init")
	w.run("vault", "init").exits(exitOK)
	w.run("audit", "--json").exits(exitOK).prints(`"events": []`)

	slack := credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	v := w.openVault()
	for _, e := range []vault.Event{
		{Actor: "jane@desk", Action: vault.Disconnect, Account: slack, Outcome: vault.Done, At: time.Now().Add(-48 * time.Hour)},
		{Actor: "mallory\x1b[2J", Action: vault.Consent, Account: slack, Remote: "192.0.2.7", Outcome: vault.Refused, Detail: "another subject"},
		{Actor: "jane", Action: "sign-in", Outcome: vault.Done},
	} {
		require.NoError(t, v.Audit(t.Context(), e))
	}
	got := w.run("audit").exits(exitOK).prints("WHEN", "jane@desk", "disconnect", "192.0.2.7", "refused", "another subject", "sign-in")
	assert.NotContains(t, got.stdout, "\x1b")

	var trail auditTrail
	got = w.run("audit", "--account", "acme/triage/slack", "--since", "24h", "--json").exits(exitOK)
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &trail))
	require.Len(t, trail.Events, 1)
	assert.Equal(t, vault.Consent, trail.Events[0].Action)

	got = w.run("audit", "--limit", "2", "--json").exits(exitOK)
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &trail))
	require.Len(t, trail.Events, 2)
	assert.Equal(t, vault.Action("sign-in"), trail.Events[1].Action, "the newest comes last, where a person looks")
}
