package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
)

// attempt runs one attempt of Validate as Temporal does: it begins with what the one before left in its heartbeat, and
// leaves something itself.
func (m *minting) attempt(in activities.ValidateInput, before activities.Heard) (v activities.Validation, left activities.Heard, err error) {
	m.t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(m.Account)
	env.SetHeartbeatDetails(before)
	left = before
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		assert.NoError(m.t, details.Get(&left))
	})
	value, err := env.ExecuteActivity(m.Validate, in)
	if err == nil {
		require.NoError(m.t, value.Get(&v))
	}
	return v, left, err
}

// again returns after which time a failed attempt asks to be made again.
func again(t *testing.T, err error) time.Duration {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, activities.ErrTypeNothingNew, app.Type())
	require.Equal(t, temporal.ApplicationErrorCategoryBenign, app.Category())
	return app.NextRetryDelay()
}

func TestTheWatchReturnsWhenATokenDied(t *testing.T) {
	m := newMinting(t)
	m.mint(robot, 0)
	in := activities.ValidateInput{Account: robot, Every: 15 * time.Minute, NotBefore: m.clock().Add(10 * time.Minute)}

	_, left, err := m.attempt(in, activities.Heard{})
	assert.Equal(t, 10*time.Minute, again(t, err), "it is not time yet")
	assert.Zero(t, left)
	assert.Zero(t, m.sandbox.Books().Requests["google tokeninfo"])

	m.advance(10 * time.Minute)
	alive := m.clock()
	_, left, err = m.attempt(in, left)
	assert.Equal(t, 15*time.Minute, again(t, err))
	assert.True(t, alive.Equal(left.Alive))

	m.advance(15 * time.Minute)
	require.NoError(t, m.sandbox.Fault(sandbox.Fault{
		App: sandbox.Google, Endpoint: "tokeninfo", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: time.Hour,
	}))
	_, left, err = m.attempt(in, left)
	assert.Equal(t, time.Hour, again(t, err), "it waits as long as it is told")
	assert.True(t, alive.Equal(left.Alive), "an outage forgets nothing")
	assert.Contains(t, left.Note, "throttled")

	m.sandbox.Revoke(sandbox.Google)
	v, _, err := m.attempt(in, left)
	require.NoError(t, err)
	assert.Equal(t, activities.TokenDead, v.Verdict)
	assert.EqualValues(t, 1, v.Generation)

	in.Known = 1
	_, _, err = m.attempt(in, left)
	assert.Equal(t, 15*time.Minute, again(t, err), "what is known is no news")
	m.mint(robot, 1)
	m.sandbox.Revoke(sandbox.Google)
	v, _, err = m.attempt(in, left)
	require.NoError(t, err)
	assert.EqualValues(t, 2, v.Generation, "the newest generation is looked at, whatever was there when the watch began")
}

func TestOneLook(t *testing.T) {
	m := newMinting(t)
	look := func() activities.Validation {
		t.Helper()
		v, err := m.Validate(t.Context(), activities.ValidateInput{Account: robot})
		require.NoError(t, err)
		return v
	}
	none := look()
	assert.Equal(t, activities.TokenUnclear, none.Verdict)
	assert.Equal(t, &activities.Policy{Minted: true, ValidateEvery: 15 * time.Minute}, none.Policy)

	m.mint(robot, 0)
	assert.Equal(t, activities.TokenAlive, look().Verdict)
	for _, fault := range []sandbox.Fault{
		{Kind: sandbox.FaultStatus, Status: 503},
		{Kind: sandbox.FaultStatus, Status: 403, Code: "org_internal"},
		{Kind: sandbox.FaultDrop},
	} {
		fault.App, fault.Endpoint = sandbox.Google, "tokeninfo"
		require.NoError(t, m.sandbox.Fault(fault))
		v := look()
		assert.Equal(t, activities.TokenUnclear, v.Verdict, "%+v", fault)
		assert.NotEmpty(t, v.Note)
	}
	m.advance(time.Hour)
	asked := m.sandbox.Books().Requests["google tokeninfo"]
	assert.Equal(t, activities.TokenUnclear, look().Verdict, "a token that is over by the clock is the clock's business")
	assert.Equal(t, asked, m.sandbox.Books().Requests["google tokeninfo"])

	_, err := m.Validate(t.Context(), activities.ValidateInput{Account: credential.AccountID{Organization: "a", User: "b", Connector: "c"}})
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	assert.Equal(t, activities.ErrTypeNotConfigured, app.Type())
}
