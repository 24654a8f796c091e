package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// strange has the vault quarantine what "strange-…" is handed over, for 72 hours, until it is accepted.
func (g *grant) strange() {
	g.judge = func(in activities.AdoptInput) error {
		if in.AcceptSubject != "" {
			return nil
		}
		return temporal.NewNonRetryableApplicationError("another subject consented", activities.ErrTypeAuthorizationRejected, nil,
			credential.Quarantine{
				Authorization: in.Authorization, Expected: credential.Holder{Subject: "T1/B1"}, Got: credential.Holder{Subject: "T1/B2"},
				Since: g.env.Now(), Until: g.env.Now().Add(72 * time.Hour),
			})
	}
}

func (g *grant) hand(authorization string) {
	g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: authorization})
}

// destroyed returns the authorizations that were discarded, in order.
func (g *grant) destroyed() (ids []string) {
	for _, in := range g.discards {
		ids = append(ids, in.Authorization)
	}
	return ids
}

func TestAConsentThatDoesNotFitIsInQuarantineUntilItsTimeIsOver(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.strange()
	var verdict *error
	var during, before, after AccountStatus
	g.after(time.Hour, func() { _, verdict = g.updated(t, UpdateReauthorized, ReauthorizedRequest{Authorization: "strange-1"}) })
	g.after(2*time.Hour, func() { during = g.status(t) })
	g.after(73*time.Hour-time.Second, func() { before = g.status(t) })
	g.after(73*time.Hour+time.Minute, func() { after = g.status(t) })
	g.end(74 * time.Hour)
	g.run()

	q, kept := activities.QuarantineOf(*verdict)
	require.True(t, kept, "who asked is told what differs: %v", *verdict)
	assert.Equal(t, credential.Active, during.Status)
	assert.EqualValues(t, 1, during.Generation)
	require.Equal(t, &q, during.Quarantine)
	assert.Greater(t, int64(before.Generation), int64(5), "the old grant is refreshed as ever")
	assert.NotNil(t, before.Quarantine)
	assert.Nil(t, after.Quarantine)
	assert.Equal(t, []activities.DiscardInput{{Account: acmeSlack, Authorization: "strange-1"}}, g.discards)
}

func TestQuarantineEndsAlsoWhileTheGrantIsDead(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.strange()
	g.failures = []activities.Failure{{Kind: credential.DeadGrant, Message: "revoked"}}
	g.after(time.Hour, func() { g.report(t, 1) })
	g.after(2*time.Hour, func() { g.hand("strange-1") })
	g.end(100 * time.Hour)
	g.run()

	assert.Equal(t, []string{"strange-1"}, g.destroyed())
}

func TestAFurtherConsentVoidsWhatIsInQuarantine(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.strange()
	var second, third AccountStatus
	g.after(time.Hour, func() { g.hand("strange-1") })
	g.after(2*time.Hour, func() { g.hand("strange-2") })
	g.after(3*time.Hour, func() {
		second = g.status(t)
		assert.Equal(t, []string{"strange-1"}, g.destroyed())
		g.hand("good-authorization")
	})
	g.after(4*time.Hour, func() { third = g.status(t) })
	g.end(200 * time.Hour)
	g.run()

	assert.Equal(t, "strange-2", second.Quarantine.Authorization)
	assert.Nil(t, third.Quarantine)
	assert.Empty(t, third.Warning)
	assert.Equal(t, []string{"strange-1", "strange-2"}, g.destroyed(), "each once")
}

func TestWhatIsInQuarantineIsAcceptedOnPurpose(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.strange()
	var answer *AccountStatus
	var verdict *error
	g.after(time.Hour, func() { g.hand("strange-1") })
	g.after(2*time.Hour, func() {
		answer, verdict = g.updated(t, UpdateReauthorized, ReauthorizedRequest{Authorization: "strange-1", AcceptSubject: "T1/B2"})
	})
	g.end(100 * time.Hour)
	g.run()

	require.NoError(t, *verdict)
	assert.EqualValues(t, 2, answer.Generation)
	assert.Nil(t, answer.Quarantine)
	assert.EqualValues(t, "T1/B2", g.adoptions[1].AcceptSubject)
	assert.Empty(t, g.discards)
}

// An operator decides on what they saw: what a later consent voided is not taken, although it may still be in the vault.
func TestWhatIsVoidIsNotAccepted(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.strange()
	var late *error
	var after AccountStatus
	g.after(time.Hour, func() { g.hand("strange-1") })
	g.after(2*time.Hour, func() {
		g.hand("good-authorization")
		_, late = g.updated(t, UpdateReauthorized, ReauthorizedRequest{Authorization: "strange-1", AcceptSubject: "T1/B2"})
	})
	g.after(3*time.Hour, func() { after = g.status(t) })
	g.end(4 * time.Hour)
	g.run()

	require.ErrorContains(t, *late, "is void")
	assert.EqualValues(t, 2, after.Generation)
	require.Len(t, g.adoptions, 2)
	assert.Equal(t, "good-authorization", g.adoptions[1].Authorization)
	assert.Equal(t, []string{"strange-1"}, g.destroyed())
}

func TestAnOperatorRejects(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.strange()
	var answer *AccountStatus
	var verdict, again, malformed *error
	g.after(time.Hour, func() { g.hand("strange-1") })
	g.after(2*time.Hour, func() { answer, verdict = g.updated(t, UpdateReject, RejectRequest{Authorization: "strange-1"}) })
	g.after(3*time.Hour, func() {
		_, again = g.updated(t, UpdateReject, RejectRequest{Authorization: "strange-1"})
		_, malformed = g.updated(t, UpdateReject, RejectRequest{})
	})
	g.end(100 * time.Hour)
	g.run()

	require.NoError(t, *verdict)
	assert.Nil(t, answer.Quarantine)
	assert.Empty(t, answer.Warning)
	assert.EqualValues(t, 1, answer.Generation)
	require.NoError(t, *again, "it may be repeated")
	require.ErrorContains(t, *malformed, "authorization:")
	assert.Equal(t, []string{"strange-1"}, g.destroyed())
}

func TestWhoLeavesLeavesNothingInQuarantine(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.strange()
	g.disconnect = func() error {
		assert.Equal(t, []string{"strange-1"}, g.destroyed(), "while there is a vault entry to revoke by")
		return nil
	}
	g.after(time.Hour, func() { g.hand("strange-1") })
	g.end(2 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, []string{"strange-1"}, g.destroyed())
}

// It stays sealed until the provider has taken it back, and the account goes on meanwhile.
func TestWhatWasInQuarantineIsRevokedHoweverLongTheProviderIsAway(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.strange()
	g.refuse(100 * time.Hour)
	var rejected, during, after AccountStatus
	var answer *AccountStatus
	var verdict *error
	g.after(time.Hour, func() { g.hand("strange-1") })
	g.after(74*time.Hour, func() { during = g.status(t); g.hand("strange-2") })
	g.after(75*time.Hour, func() {
		answer, verdict = g.updated(t, UpdateReject, RejectRequest{Authorization: "strange-2"})
	})
	g.after(75*time.Hour+time.Minute, func() { rejected = *answer })
	g.after(102*time.Hour, func() { after = g.status(t) })
	g.end(103 * time.Hour)
	g.run()

	of := func(id string) credential.Replaced {
		return credential.Replaced{Authorization: id, Holder: credential.Holder{Subject: "T1/B2"}}
	}
	ids := func(s AccountStatus) (all []credential.Replaced) {
		for _, r := range s.Replaced {
			assert.False(t, r.Since.IsZero())
			r.Since = time.Time{}
			all = append(all, r)
		}
		return all
	}
	assert.Nil(t, during.Quarantine)
	assert.Equal(t, []credential.Replaced{of("strange-1")}, ids(during))
	assert.Greater(t, during.Generation, credential.Generation(5), "refreshed as ever")
	require.NoError(t, *verdict)
	assert.Nil(t, rejected.Quarantine)
	assert.Equal(t, []credential.Replaced{of("strange-1"), of("strange-2")}, ids(rejected), "who rejects it does not wait for ever")
	assert.Empty(t, after.Replaced)
	for _, in := range g.discards {
		assert.False(t, in.Unrevoked)
	}
	assert.Equal(t, "strange-2", g.discards[len(g.discards)-1].Authorization)
}

// The provider has no way to take it back. Nobody takes its end for that of the grant.
func TestWhatLivesOnOfAQuarantineIsSaid(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.strange()
	g.lives = "slack revokes no grant on request"
	var answer, after AccountStatus
	g.after(time.Hour, func() { g.hand("strange-1") })
	g.after(2*time.Hour, func() {
		updated, _ := g.updated(t, UpdateReject, RejectRequest{Authorization: "strange-1"})
		g.after(time.Minute, func() { answer = *updated; g.hand("strange-2") })
	})
	g.after(3*time.Hour, func() { after = g.status(t) })
	g.end(4 * time.Hour)
	g.run()

	assert.Empty(t, answer.Replaced)
	assert.Contains(t, answer.Warning, "has not revoked the grant of T1/B2: slack revokes no grant on request")
	assert.NotNil(t, after.Quarantine)
	var ended AccountStatus
	require.NoError(t, g.env.GetWorkflowResult(&ended))
	assert.Equal(t, "the provider has not revoked the grant of T1/B2: slack revokes no grant on request", ended.Unrevoked)
}

func TestContinueAsNewCarriesWhatIsInQuarantine(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.strange()
	g.after(time.Hour, func() { g.hand("strange-1") })
	g.after(2*time.Hour, func() { g.env.SetContinueAsNewSuggested(true) })
	g.run()

	next, ok := continuedInput(t, g.env)
	require.True(t, ok)
	h := newGrant(t, 10*time.Hour)
	h.now = g.now
	var during AccountStatus
	h.env.SetStartTime(g.env.Now())
	h.after(time.Hour, func() { during = h.status(t) })
	h.end(100 * time.Hour)
	execute(h.env, ConnectedAccount, next)

	assert.Equal(t, "strange-1", during.Quarantine.Authorization)
	assert.Equal(t, []string{"strange-1"}, h.destroyed())
}
