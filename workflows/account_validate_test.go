package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// identity plays the provider's identity endpoint for Validate: it knows which generations it refuses, and since when.
type identity struct {
	*grant
	dead  map[credential.Generation]bool
	note  string // when set, the endpoint says this and nothing else
	looks int    // calls of the endpoint
	asked []activities.ValidateInput
}

func newIdentity(t *testing.T, g *grant) *identity {
	t.Helper()
	i := &identity{grant: g, dead: map[credential.Generation]bool{}}
	g.policy.ValidateEvery = 15 * time.Minute
	var a *activities.Account
	g.env.OnActivity(a.Validate, mock.Anything, mock.Anything).Return(i.validate)
	return i
}

func (i *identity) validate(_ context.Context, in activities.ValidateInput) (activities.Validation, error) {
	nothing := func(after time.Duration) error {
		return temporal.NewApplicationErrorWithOptions("nothing", activities.ErrTypeNothingNew, temporal.ApplicationErrorOptions{
			NextRetryDelay: after, Category: temporal.ApplicationErrorCategoryBenign,
		})
	}
	now := i.env.Now()
	if wait := in.NotBefore.Sub(now); in.Every > 0 && wait > 0 {
		return activities.Validation{}, nothing(wait)
	}
	i.asked = append(i.asked, in)
	i.looks++
	policy := i.policy
	v := activities.Validation{Generation: i.now.Generation, Verdict: activities.TokenAlive, At: now, Policy: &policy}
	switch {
	case i.note != "":
		v.Verdict, v.Note = activities.TokenUnclear, i.note
	case i.dead[i.now.Generation]:
		v.Verdict = activities.TokenDead
	}
	if in.Every == 0 || v.Verdict == activities.TokenDead && v.Generation > in.Known {
		return v, nil
	}
	return activities.Validation{}, nothing(in.Every)
}

// everlasting is a token that neither ends nor can be refreshed.
func everlasting(f *activities.Facts) { f.Refreshable, f.ExpiresAt = false, time.Time{} }

// validate sends Update validate and returns where its answer will be.
func (i *identity) ask(t *testing.T) *AccountStatus {
	t.Helper()
	answer := &AccountStatus{}
	i.env.UpdateWorkflow(UpdateValidate, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {},
		OnReject: func(err error) { assert.NoError(t, err) },
		OnComplete: func(v any, err error) {
			assert.NoError(t, err)
			if status, ok := v.(AccountStatus); ok {
				*answer = status
			}
		},
	})
	return answer
}

func TestARevokedTokenThatNeverExpiresIsFoundOut(t *testing.T) {
	i := newIdentity(t, newGrant(t, 0))
	i.shape = everlasting
	i.issue()
	i.failures = []activities.Failure{{Kind: credential.DeadGrant, Code: activities.CodeNoRefreshToken, Message: "revoked"}}
	var before, after AccountStatus
	i.env.RegisterDelayedCallback(func() { before = i.status(t); i.dead[1] = true }, 3*time.Hour)
	i.env.RegisterDelayedCallback(func() { after = i.status(t) }, 3*time.Hour+17*time.Minute)
	i.end(100 * time.Hour)
	i.run()

	require.NoError(t, i.env.GetWorkflowError())
	assert.Equal(t, credential.Active, before.Status)
	assert.Equal(t, credential.ReauthorizationRequired, after.Status)
	assert.Equal(t, "revoked", after.Reason)
	assert.Equal(t, 1, i.posts)
	require.Len(t, i.notices, 1)
	assert.InDelta(t, 3*4+1, i.looks, 2, "one each 15 minutes, and none once a person is needed")
}

func TestADeadTokenWithALivingGrantIsReplaced(t *testing.T) {
	i := newIdentity(t, newGrant(t, 12*time.Hour))
	i.issue()
	i.after(time.Hour, func() { i.dead[1] = true })
	var after AccountStatus
	i.after(time.Hour+17*time.Minute, func() { after = i.status(t) })
	i.end(2 * time.Hour)
	i.run()

	assert.Equal(t, credential.Active, after.Status)
	assert.EqualValues(t, 2, after.Generation)
	assert.Equal(t, 1, i.posts)
	assert.Empty(t, i.notices)
}

func TestAPolicyOrAnOutageIsANoteAndNothingElse(t *testing.T) {
	i := newIdentity(t, newGrant(t, 0))
	i.shape = everlasting
	i.issue()
	i.note = "slack: identify: misconfigured (code ekm_access_denied)"
	var answer *AccountStatus
	i.after(5*time.Hour, func() { answer = i.ask(t) })
	var after AccountStatus
	i.after(10*time.Hour, func() { after = i.status(t) })
	i.end(11 * time.Hour)
	i.run()

	assert.Equal(t, i.note, answer.ValidationNote)
	assert.Zero(t, answer.LastValidated)
	assert.Equal(t, credential.Active, after.Status)
	assert.Zero(t, i.posts)
	assert.Empty(t, i.notices)
}

func TestAnEndpointThatRefusesWhatARefreshJustBroughtIsNotBelieved(t *testing.T) {
	i := newIdentity(t, newGrant(t, 100*time.Hour))
	i.issue()
	for g := range credential.Generation(100) {
		i.dead[g] = true
	}
	var after AccountStatus
	i.after(60*time.Hour, func() { after = i.status(t) })
	i.end(61 * time.Hour)
	i.run()

	assert.Equal(t, 1, i.posts, "one refresh may be worth the try, and no more")
	assert.Equal(t, credential.Active, after.Status)
	assert.Contains(t, after.ValidationNote, "not believed")
	assert.Empty(t, i.notices)
}

func TestWhoAsksHearsWhatBecameOfIt(t *testing.T) {
	i := newIdentity(t, newGrant(t, 12*time.Hour))
	i.issue()
	var alive, replaced *AccountStatus
	i.after(time.Minute, func() { alive = i.ask(t) })
	i.after(2*time.Minute, func() { i.dead[1] = true; replaced = i.ask(t) })
	i.end(3 * time.Minute)
	i.run()

	assert.NotZero(t, alive.LastValidated)
	assert.EqualValues(t, 1, alive.Generation)
	assert.EqualValues(t, 2, replaced.Generation, "the answer waits for the refresh")
	assert.Equal(t, credential.Active, replaced.Status)
}

func TestSignalsOfManyWorkersThatStartCostOneLook(t *testing.T) {
	i := newIdentity(t, newGrant(t, 12*time.Hour))
	i.issue()
	i.policy.ValidateEvery = 0
	i.after(time.Hour, func() {
		for range 20 {
			i.env.SignalWorkflow(SignalValidate, nil)
		}
	})
	i.after(time.Hour+10*time.Second, func() { i.env.SignalWorkflow(SignalValidate, nil) })
	i.after(2*time.Hour, func() { i.env.SignalWorkflow(SignalValidate, nil) })
	i.end(3 * time.Hour)
	i.run()

	assert.Equal(t, 2, i.looks)
}

func TestAPolicyThatChangedIsTakenOver(t *testing.T) {
	i := newIdentity(t, newGrant(t, 0))
	i.shape = everlasting
	i.issue()
	i.policy.ValidateEvery = 0 // never
	i.after(10*time.Hour, func() {
		assert.Zero(t, i.looks)
		i.policy.ValidateEvery = time.Hour // another configuration, and the worker was started again
		i.env.SignalWorkflow(SignalValidate, nil)
	})
	i.end(15*time.Hour + 30*time.Minute)
	i.run()

	assert.InDelta(t, 1+5, i.looks, 1)
}

func TestLooksAreMadeAtIntervalsOfTheAccount(t *testing.T) {
	i := newIdentity(t, newGrant(t, 0))
	i.shape = everlasting
	i.issue()
	i.end(10 * time.Hour)
	i.run()

	require.NotEmpty(t, i.asked)
	assert.Equal(t, acmeSlack.Every(15*time.Minute), i.asked[0].Every)
	assert.InDelta(t, 40, i.looks, 5)
}

func TestTriageHasItsAccountsLookedAtWhenItStarts(t *testing.T) {
	suite := &testsuite.WorkflowTestSuite{}
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartWorkflowOptions(startOptions(TriageWorkflowID("acme/bugs")))
	plan := activities.Plan{
		Triage: "acme/bugs", Slack: acmeSlack, GitHub: credential.AccountID{Organization: "acme", User: "triage", Connector: "github"},
		Routes: []triage.Route{
			{Channel: bugsChannel, Repository: "acme/app"},
			{Channel: supportChannel, Repository: "acme/app", GitHub: credential.AccountID{Organization: "acme", User: "triage", Connector: "ghes"}},
		},
	}
	var t1 *activities.Triage
	env.OnActivity(t1.Plan, mock.Anything, mock.Anything).Return(plan, nil)
	var slack *activities.Slack
	resting := temporal.NewNonRetryableApplicationError("others read first", activities.ErrTypeOutOfTurn, nil)
	env.OnActivity(slack.Poll, mock.Anything, mock.Anything).Return(activities.Window{}, resting)
	var asked []string
	env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, SignalValidate, mock.Anything).Return(
		func(_, id, _, _ string, _ any) error {
			asked = append(asked, id)
			return nil
		})
	env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true); env.SignalWorkflow(SignalReload, nil) }, time.Minute)
	execute(env, Triage, TriageInput{Triage: "acme/bugs"})

	require.ErrorContains(t, env.GetWorkflowError(), "continue as new")
	assert.Equal(t, []string{"account/acme/triage/slack", "account/acme/triage/github", "account/acme/triage/ghes"}, asked)
	asked = nil
	again := suite.NewTestWorkflowEnvironment()
	again.SetStartWorkflowOptions(startOptions(TriageWorkflowID("acme/bugs")))
	again.OnActivity(t1.Plan, mock.Anything, mock.Anything).Return(plan, nil)
	again.OnActivity(slack.Poll, mock.Anything, mock.Anything).Return(activities.Window{}, resting)
	again.RegisterDelayedCallback(func() { again.SignalWorkflow(SignalReload, nil) }, time.Minute)
	execute(again, Triage, TriageInput{Triage: "acme/bugs", State: &TriageState{}})
	assert.Empty(t, asked, "another run of the same triage is no start")
}
