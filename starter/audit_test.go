package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
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

// audited returns what the audit log says that people did to an account, the newest last, as action, outcome and detail.
func (w *world) audited(account string) []string {
	w.t.Helper()
	return w.auditedBy("--account", account)
}

// auditedBy is audited for what the flags choose.
func (w *world) auditedBy(flags ...string) []string {
	w.t.Helper()
	var trail auditTrail
	got := w.run(append([]string{"audit", "--json"}, flags...)...).exits(exitOK)
	require.NoError(w.t, json.Unmarshal([]byte(got.stdout), &trail))
	lines := []string{}
	for _, e := range trail.Events {
		if e.Actor == vault.AccountOwner {
			continue
		}
		assert.Contains(w.t, e.Actor, "@", "who runs the command, and where")
		lines = append(lines, strings.TrimSpace(string(e.Action)+" "+string(e.Outcome)+" "+e.Detail))
	}
	return lines
}

func TestTheAuditLogHasWhatCommandsDid(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack")
	temporal := w.serveTemporal()
	temporal.account(statusOf(credential.ReauthorizationRequired, 7))
	w.run("account", "show", "acme/triage/slack").exits(exitNeedsPerson)
	assert.Empty(t, w.audited("acme/triage/slack"), "looking changes nothing")

	page := w.invite("--json").Page
	w.run("account", "reauthorize", "acme/triage/slack").exits(exitOK)
	temporal.account(statusOf(credential.Active, 7)).updated = statusOf(credential.Degraded, 7)
	w.run("account", "validate", "acme/triage/slack").exits(exitOK)
	server := echo(t)
	w.configure(server.URL)
	w.run("call", "acme/triage/slack", "POST", "auth.test?key=hidden", "-d", "body").exits(exitOK)
	w.run("call", "acme/triage/slack", "GET", "https://attacker.example/x").exits(exitFailure)
	trail := w.audited("acme/triage/slack")
	assert.Equal(t, []string{
		"link-minted done", "link-minted done", "validate done degraded", "call done POST " + server.URL + "/api/auth.test: 200 OK",
		"call failed GET https://attacker.example/x",
	}, trail)
	_, secret, _ := strings.Cut(page, "/c/")
	assert.NotContains(t, strings.Join(trail, " "), secret)
}

func TestTheAuditLogHasWhatCommandsDidToTriagesAndTheVault(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack")
	temporal := w.serveTemporal()
	temporal.account(statusOf(credential.Active, 7))
	w.run("triage", "pause", "acme/bug-reports").exits(exitFailure)
	w.run("triage", "start", "acme/bug-reports").exits(exitOK)
	temporal.counts["WorkflowId = 'triage/acme/bug-reports'"] = 1
	w.run("triage", "start", "acme/bug-reports").exits(exitOK) // it runs already
	workingTriage(t, temporal)
	for _, verb := range []string{"pause", "resume", "reload", "retry"} {
		w.run("triage", verb, "acme/bug-reports").exits(exitOK)
	}
	w.run("triage", "retry", "acme/bug-reports", "T1/C0123456789/1795649604.999999").exits(exitFailure)
	w.run("triage", "status", "acme/bug-reports")
	assert.Equal(t, []string{
		"pause failed triage acme/bug-reports does not run; fix: tokenkeeper triage start acme/bug-reports", "start done", "pause done", "resume done", "reload done", "retry done T1/C0123456789/1.1",
		"retry failed report T1/C0123456789/1795649604.999999 is not under way; fix: tokenkeeper triage status acme/bug-reports",
	}, w.auditedBy("--triage", "acme/bug-reports"))
	w.run("audit").exits(exitOK).prints("triage acme/bug-reports")

	w.run("vault", "rotate", "--stage").exits(exitOK)
	w.run("vault", "rotate", "--drop-old", "--keep", "0s").exits(exitOK)
	key := w.verify().KeyInForce
	last := w.auditedBy()
	assert.Equal(t, fmt.Sprintf("rotate done key %d is staged", key), last[len(last)-2])
	assert.Contains(t, last[len(last)-1], fmt.Sprintf("rotate done key %d is in force, key ", key))
}

// What was refused was tried all the same. A mistyped name is no triage.
func TestTheAuditLogHasTriagesThatWereNotStarted(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack")
	w.serveTemporal().account(statusOf(credential.Active, 7))
	slack := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, `{"ok":false,"error":"not_in_channel"}`)
	}))
	t.Cleanup(slack.Close)
	w.configure(slack.URL)
	w.run("triage", "start", "acme/bug-reports").exits(exitConfig).complains("is not started")
	w.run("triage", "resume", "acme/bug-reports").exits(exitFailure)
	w.run("triage", "resume", "acme/bugs").exits(exitConfig)
	w.run("triage", "start", "acme/bugs").exits(exitConfig)
	trail := w.auditedBy()
	require.Len(t, trail, 2)
	assert.Contains(t, trail[0], "start failed triage acme/bug-reports is not started")
	assert.Contains(t, trail[1], "resume failed triage acme/bug-reports does not run")
}

func TestTheAuditLogHasAccountsThatNobodyConsentsFor(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack") // makes the vault
	w.minting()
	active := statusOf(credential.Active, 1)
	active.Account = gitHubAccount
	w.serveTemporal().account(active)
	w.run("account", "connect", "acme/triage/github").exits(exitOK)
	assert.Equal(t, []string{"connect done"}, w.audited("acme/triage/github"))
}
