package workflows

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

func TestAGenerationThatNeverWasCausesOneRefresh(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	var answer *AccountStatus
	g.after(time.Hour, func() { answer = g.report(t, 70_000) })
	var after AccountStatus
	g.after(2*time.Hour, func() { after = g.status(t) })
	g.end(2*time.Hour + time.Minute)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, 1, g.posts, "no number that somebody types may burn the grant")
	assert.Equal(t, credential.Active, answer.Status)
	assert.EqualValues(t, 2, after.Generation)
}

func TestAVaultThatIsAheadIsBelieved(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.after(time.Hour, func() { g.now.Generation = 5 }) // as after a run that was reset
	var answer *AccountStatus
	g.after(2*time.Hour, func() { answer = g.report(t, 5) })
	g.end(3 * time.Hour)
	g.run()

	assert.Zero(t, g.posts, "the vault had a newer one")
	assert.EqualValues(t, 5, answer.Generation)
}

func TestAFailureOfAnUnknownKindWaitsLikeAnOutage(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.failures = []activities.Failure{{Kind: "of a later version", Message: "?"}}
	due := credential.RefreshAt(acmeSlack, g.now.IssuedAt, g.now.ExpiresAt).Sub(g.now.IssuedAt)
	var during AccountStatus
	g.after(due+500*time.Millisecond, func() { during = g.status(t) })
	g.end(due + time.Hour)
	g.run()

	assert.Equal(t, credential.Degraded, during.Status)
	assert.True(t, during.NextRefresh.After(g.now.IssuedAt.Add(-10*time.Hour)))
	assert.Equal(t, 2, g.posts)
}

func TestARetryIsToldTheMarksOfTheAttemptBeforeIt(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	var told []activities.Marks
	left := activities.Marks{Of: 1, Ended: 2}
	g.failures = []activities.Failure{{Kind: credential.Ambiguous, Message: "no answer", Marks: left}}
	g.heard = func(in activities.RefreshInput) { told = append(told, in.Marks) }
	g.end(9 * time.Hour)
	g.run()

	assert.Equal(t, []activities.Marks{{}, left}, told)
}

func TestSealedTokensThatNoVaultTakesLeaveAState(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	var a *activities.Account
	g.env.OnActivity(a.StoreTokens, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.StoreInput) (activities.Facts, error) {
			g.vaultAway = false
			return activities.Facts{}, temporal.NewNonRetryableApplicationError("the keyset is another one", activities.ErrTypeRejected, nil)
		})
	g.vaultAway = true
	var during AccountStatus
	g.after(9*time.Hour, func() { during = g.status(t) })
	g.end(9*time.Hour + time.Minute)
	g.run()

	require.NoError(t, g.env.GetWorkflowError(), "an account never ends by accident")
	assert.EqualValues(t, 2, during.Generation)
	assert.Equal(t, 2, g.posts)
}

// updated sends an Update and returns where its answer will be.
func (g *grant) updated(t *testing.T, name string, args ...any) (*AccountStatus, *error) {
	t.Helper()
	answer, verdict := &AccountStatus{}, new(error)
	*verdict = errors.New("not answered")
	g.env.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {}, OnReject: func(err error) { *verdict = err },
		OnComplete: func(v any, err error) {
			*verdict = err
			if status, ok := v.(AccountStatus); ok {
				*answer = status
			}
		},
	}, args...)
	return answer, verdict
}

func TestADisconnectThatIsImpossibleIsAnsweredAndTheAccountStays(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	refuse := true
	g.disconnect = func() error {
		if refuse {
			return temporal.NewNonRetryableApplicationError(`connector "slack" is not in tokenkeeper.yaml`, activities.ErrTypeNotConfigured, nil)
		}
		return nil
	}
	var first, second *AccountStatus
	g.after(time.Hour, func() { first, _ = g.updated(t, UpdateDisconnect) })
	g.after(2*time.Hour, func() {
		assert.Equal(t, credential.Active, first.Status)
		assert.Contains(t, first.Warning, "not in tokenkeeper.yaml")
		refuse = false
		second, _ = g.updated(t, UpdateDisconnect)
	})
	g.end(3 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, credential.Disconnected, second.Status)
}

func TestContinueAsNewComesAfterTheVerdicts(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	var first, second *error
	g.after(time.Hour, func() {
		_, first = g.updated(t, UpdateReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
		_, second = g.updated(t, UpdateReauthorized, ReauthorizedRequest{Authorization: "foreign-authorization"})
	})
	g.after(time.Hour+time.Second/2, func() { g.env.SetContinueAsNewSuggested(true) }) // the first is being judged
	g.run()

	next, ok := continuedInput(t, g.env)
	require.True(t, ok)
	assert.Empty(t, next.State.Adoptions)
	require.NoError(t, *first)
	require.ErrorContains(t, *second, "another subject consented")
}

func TestWhoConsentsWhileTheAccountDisconnectsIsNotToldThatItWorks(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	var verdict *error
	g.after(time.Hour, func() {
		g.env.SignalWorkflow(SignalDisconnect, nil)
		_, verdict = g.updated(t, UpdateReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
	})
	g.run()

	require.ErrorContains(t, *verdict, "disconnect")
}

// bare makes of what is issued a token that nothing renews and that never ends.
func bare(f *activities.Facts) { f.Refreshable, f.ExpiresAt = false, time.Time{} }

func TestWhoWantsANewTokenWhereThereIsNoWayToGetOneIsAnswered(t *testing.T) {
	g := newGrant(t, time.Hour)
	g.shape = bare
	g.issue()
	var verdict *error
	g.after(time.Hour, func() { _, verdict = g.updated(t, UpdateRefresh, RefreshRequest{}) })
	g.after(time.Hour+time.Second, func() { assert.NoError(t, *verdict, "the caller waits for an attempt that nobody plans") })
	g.end(2 * time.Hour)
	g.run()

	assert.Zero(t, g.posts)
}

func TestAnAuthorizationThatComesAgainRaisesNoDeadGrant(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.failures = []activities.Failure{{Kind: credential.DeadGrant, Message: "revoked"}}
	again := func() {
		g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
	}
	var after AccountStatus
	g.after(time.Hour, again)
	g.after(2*time.Hour, func() { g.report(t, 1) })
	g.after(3*time.Hour, func() {
		g.adopted = true
		again()
	})
	g.after(4*time.Hour, func() { after = g.status(t) })
	g.end(100 * time.Hour)
	g.run()

	assert.Equal(t, credential.ReauthorizationRequired, after.Status)
	assert.Equal(t, 1, g.posts, "a dead grant is never presented again")
	require.Len(t, g.notices, 1)
}

func TestTokensThatDiedBeforeTheirConsentWasAdoptedAreReplaced(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	var answer *AccountStatus
	g.after(time.Hour, func() {
		g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
	})
	g.after(time.Hour+time.Second/2, func() { answer = g.report(t, 2) }) // the vault has them already
	g.after(time.Hour+2*time.Second, func() { assert.EqualValues(t, 3, answer.Generation) })
	g.end(2 * time.Hour)
	g.run()

	assert.Equal(t, 1, g.posts)
}
