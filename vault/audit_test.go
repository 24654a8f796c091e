package vault

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

func event(action Action, account credential.AccountID) Event {
	return Event{Actor: "jane@desk", Action: action, Account: account, Remote: "192.0.2.7", Outcome: Done, Detail: "as asked"}
}

func testAuditTrailIsNewestFirst(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	began := clock.Now()
	for _, e := range []Event{event(LinkMinted, slack), event(LinkMinted, github), event(Consent, slack), event("sign-in", credential.AccountID{})} {
		require.NoError(t, v.Audit(t.Context(), e))
		clock.Advance(time.Minute)
	}
	all, err := v.AuditTrail(t.Context(), AuditFilter{}, 10)
	require.NoError(t, err)
	require.Len(t, all, 4)
	want := event("sign-in", credential.AccountID{})
	want.ID, want.At = all[0].ID, began.Add(3*time.Minute)
	assert.Equal(t, want, all[0])
	assert.Equal(t, github, all[2].Account)

	of, err := v.AuditTrail(t.Context(), AuditFilter{Account: slack}, 10)
	require.NoError(t, err)
	require.Len(t, of, 2)
	assert.Equal(t, []Action{Consent, LinkMinted}, []Action{of[0].Action, of[1].Action})

	since, err := v.AuditTrail(t.Context(), AuditFilter{Since: began.Add(2 * time.Minute)}, 10)
	require.NoError(t, err)
	assert.Len(t, since, 2)
	newest, err := v.AuditTrail(t.Context(), AuditFilter{}, 1)
	require.NoError(t, err)
	assert.Equal(t, all[:1], newest)
}

func testAuditTrailOfATriage(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	paused := Event{Actor: "jane@desk", Action: Paused, Triage: "acme/bugs", Outcome: Done}
	other := paused
	other.Triage = "acme/other"
	for _, e := range []Event{event(LinkMinted, slack), paused, other} {
		require.NoError(t, v.Audit(t.Context(), e))
	}
	of, err := v.AuditTrail(t.Context(), AuditFilter{Triage: "acme/bugs"}, 10)
	require.NoError(t, err)
	require.Len(t, of, 1)
	paused.ID, paused.At = of[0].ID, of[0].At
	assert.Equal(t, paused, of[0])
	none, err := v.AuditTrail(t.Context(), AuditFilter{Account: slack, Triage: "acme/bugs"}, 10)
	require.NoError(t, err)
	assert.Empty(t, none)
}

// Also what nobody asked for by a command or a button, as with a Signal to the account's Workflow.
func testAuditTrailHasWhatBecomesOfGrants(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	_, err := v.Adopt(t.Context(), "a1")
	require.NoError(t, err, "again, which changes nothing")
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a2", slack, "T1/B2")))
	for range 2 {
		_, err = v.Quarantine(t.Context(), "a2", clock.Now().Add(time.Hour))
		require.NoError(t, err)
	}
	_, err = v.Adopt(t.Context(), "a2")
	require.ErrorIs(t, err, ErrQuarantined)
	_, err = v.Accept(t.Context(), "a2", "T1/B2")
	require.NoError(t, err)
	require.ErrorIs(t, v.Shred(t.Context(), slack, 1, ""), ErrConflict)
	require.NoError(t, v.Shred(t.Context(), slack, 2, "the provider is away"))
	require.NoError(t, v.Shred(t.Context(), slack, 2, "the provider is away"))
	connectAccount(t, v, "a3", slack, "T1/B1")
	require.NoError(t, v.Shred(t.Context(), slack, 3, ""))

	trail, err := v.AuditTrail(t.Context(), AuditFilter{}, 20)
	require.NoError(t, err)
	var told []string
	for _, e := range trail {
		assert.Equal(t, AccountOwner, e.Actor)
		assert.Equal(t, slack, e.Account)
		assert.Equal(t, Done, e.Outcome)
		told = append(told, string(e.Action)+" "+e.Detail)
	}
	assert.Equal(t, []string{
		"shredded generation 3", "adopted generation 3, of Display of T1/B1 (T1/B1)", "shredded generation 2, not revoked: the provider is away",
		"adopted generation 2, of Display of T1/B2 (T1/B2)", "quarantined of Display of T1/B2 (T1/B2)", "adopted generation 1, of Display of T1/B1 (T1/B1)",
	}, told)
}

// A consent that no account took is a grant that somebody may have to end by hand.
func testAuditTrailHasTheConsentsThatNobodyTook(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	for id, subject := range map[string]credential.Subject{"dropped": "T1/B1", "revoked": "T1/B2", "late": "T1/B3", "nobody's": ""} {
		require.NoError(t, v.PutAuthorization(t.Context(), authorization(id, slack, subject)))
	}
	for range 2 {
		require.NoError(t, v.DropAuthorization(t.Context(), "dropped", "the provider is away"))
	}
	require.NoError(t, v.DropAuthorization(t.Context(), "revoked", ""))
	clock.Advance(48 * time.Hour)
	require.NoError(t, v.Prune(t.Context()))
	require.NoError(t, v.Prune(t.Context()))

	trail, err := v.AuditTrail(t.Context(), AuditFilter{Account: slack}, 20)
	require.NoError(t, err)
	var told []string
	for _, e := range trail {
		assert.Equal(t, AccountOwner, e.Actor)
		assert.Equal(t, Discarded, e.Action)
		told = append(told, e.Detail)
	}
	assert.ElementsMatch(t, []string{
		"of Display of T1/B1 (T1/B1), not revoked: the provider is away", "of Display of T1/B2 (T1/B2)",
		"of Display of T1/B3 (T1/B3), not revoked: no account took it in time", "of nobody knows whom, not revoked: no account took it in time",
	}, told)
}

// changes are the statements that would rewrite what happened.
var changes = map[string][]string{
	onSQLite.name: {
		`UPDATE audit SET actor = 'nobody'`, `DELETE FROM audit`, `DELETE FROM audit WHERE id = 1`,
		`REPLACE INTO audit (id, at, actor, action, account, remote, outcome, detail) SELECT id, at, 'nobody', action, account, remote, outcome, detail FROM audit`,
	},
	onPostgres.name: {
		`UPDATE audit SET actor = 'nobody'`, `DELETE FROM audit`, `TRUNCATE audit`,
		`INSERT INTO audit OVERRIDING SYSTEM VALUE SELECT id, at, 'nobody', action, account, remote, outcome, detail FROM audit
			ON CONFLICT (id) DO UPDATE SET actor = 'nobody'`,
	},
}

func testAuditLogIsOnlyAddedTo(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	require.NoError(t, v.Audit(t.Context(), event(Disconnect, slack)))
	connectAccount(t, v, "a1", slack, "T1/B1")
	before, err := v.AuditTrail(t.Context(), AuditFilter{}, 10)
	require.NoError(t, err)
	for _, statement := range changes[b.name] {
		err := v.store.Write(t.Context(), func(tx storage.Queryer) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		})
		require.ErrorContains(t, err, "the audit log is append-only", statement)
	}
	require.NoError(t, v.Shred(t.Context(), slack, 1, ""))
	require.NoError(t, v.Prune(t.Context()))
	after, err := v.AuditTrail(t.Context(), AuditFilter{}, 10)
	require.NoError(t, err)
	assert.Equal(t, before, after[1:], "what was done to an account outlives it")
}

func testAuditKeepsWhatStrangersWrite(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	e := event(LinkOpened, slack)
	e.Actor, e.Detail = "j\x00ane\xff'; DROP TABLE audit; --", strings.Repeat("ü", maxAuditText)
	require.NoError(t, v.Audit(t.Context(), e))
	got, err := v.AuditTrail(t.Context(), AuditFilter{}, 1)
	require.NoError(t, err)
	assert.Equal(t, "jane'; DROP TABLE audit; --", got[0].Actor)
	assert.Equal(t, strings.Repeat("ü", maxAuditText/2), got[0].Detail)
}

func testEventsThatAreRefused(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	for want, spoil := range map[string]func(*Event){
		"nobody":    func(e *Event) { e.Actor = "" },
		"no action": func(e *Event) { e.Action = "" },
		"outcome":   func(e *Event) { e.Outcome = "" },
	} {
		e := event(Refresh, slack)
		spoil(&e)
		assert.ErrorContains(t, v.Audit(t.Context(), e), want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, v.Audit(ctx, event(Refresh, slack)))
	assert.Zero(t, count(t, v, "audit"))
}
