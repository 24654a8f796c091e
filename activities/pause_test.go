package activities_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
)

// connectorOf gives the world's accounts a connector that says what the test has it say.
func (w *world) connectorOf(said *activities.Pause, failing *error) (asked *int) {
	asked = new(int)
	w.account.Pauses = &activities.Pauses{Now: w.clock.Now, Ask: func(context.Context, string) (activities.Pause, error) {
		*asked++
		return *said, *failing
	}}
	return asked
}

func (w *world) refreshWith(in activities.RefreshInput) activities.RefreshResult {
	w.t.Helper()
	in.Account, in.Generation, in.Settled = slackAccount, 1, true
	got := once(w, w.account.RefreshToken, in)
	require.NoError(w.t, got.err)
	return got.out
}

func (w *world) posts() int { return w.Books().Requests[slackRefreshes] }

func refuseApp(t *testing.T, w *world) {
	t.Helper()
	require.NoError(t, w.Fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Code: "bad_client_secret", Times: -1}))
}

func TestARefusedAppIsAskedNoMore(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	var said activities.Pause
	var failing error
	w.connectorOf(&said, &failing)
	refuseApp(t, w)

	first := w.refreshWith(activities.RefreshInput{})
	requireFailure(t, first, credential.DeadClient, "bad_client_secret")
	assert.True(t, first.Failure.Shared)
	second := w.refreshWith(activities.RefreshInput{}) // before the connector can have told
	requireFailure(t, second, credential.DeadClient, activities.CodePaused)
	assert.False(t, second.Failure.Shared, "the connector knows")
	assert.Equal(t, first.Failure.Message, second.Failure.Message)
	assert.Equal(t, 1, w.posts())
	assert.Nil(t, w.held(slackAccount).Presented, "nothing was presented")
}

func TestWhatTheConnectorSaysPausesEveryProcess(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	said := activities.Pause{Episode: 3, Refused: true, Reason: "refused elsewhere"}
	var failing error
	asked := w.connectorOf(&said, &failing)

	for range 5 {
		r := w.refreshWith(activities.RefreshInput{Opened: 2})
		requireFailure(t, r, credential.DeadClient, activities.CodePaused)
		assert.Equal(t, "refused elsewhere", r.Failure.Message)
	}
	assert.Equal(t, 1, *asked, "one question for the requests of two seconds")
	assert.Zero(t, w.posts())

	said.Refused = false
	r := w.refreshWith(activities.RefreshInput{Opened: 3}) // it was told that the episode is over
	require.NotNil(t, r.Credential)
	assert.Equal(t, 1, w.posts())
}

func TestAnAccountThatIsToldToTrySends(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	said := activities.Pause{Episode: 1, Refused: true, Reason: "refused"}
	var failing error
	w.connectorOf(&said, &failing)

	require.NotNil(t, w.refreshWith(activities.RefreshInput{Try: true}).Credential)
	assert.Equal(t, 1, w.posts())
}

func TestAPauseThatTheProviderAskedForHoldsForAll(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	var said activities.Pause
	var failing error
	w.connectorOf(&said, &failing)
	require.NoError(t, w.Fault(sandbox.Fault{
		App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 429, Code: "ratelimited", RetryAfter: 90 * time.Second,
	}))

	first := w.refreshWith(activities.RefreshInput{})
	requireFailure(t, first, credential.Throttled, "ratelimited")
	assert.True(t, first.Failure.Shared)
	w.clock.advance(30 * time.Second)
	second := w.refreshWith(activities.RefreshInput{})
	requireFailure(t, second, credential.Throttled, activities.CodePaused)
	assert.Equal(t, time.Minute, second.Failure.RetryAfter)
	w.clock.advance(time.Minute)
	require.NotNil(t, w.refreshWith(activities.RefreshInput{}).Credential)
	assert.Equal(t, 2, w.posts())
}

// A pause spares a provider; it protects no grant. So a worker that cannot ask goes on.
func TestWhoCannotAskGoesOn(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	var said activities.Pause
	failing := errors.New("no worker")
	w.connectorOf(&said, &failing)

	require.NotNil(t, w.refreshWith(activities.RefreshInput{}).Credential)
}

func TestAnAttemptThatMayStillTalkPausesNobodyElse(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	var said activities.Pause
	var failing error
	w.connectorOf(&said, &failing)
	_, err := w.vault.Present(t.Context(), slackAccount, 1)
	require.NoError(t, err)

	r := w.refreshAfter(slackAccount, 1, false)
	requireFailure(t, r, credential.Transient, activities.CodeInFlight)
	assert.Positive(t, r.Failure.RetryAfter)
	assert.False(t, r.Failure.Shared)
}
