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
	"tokenkeeper/vault"
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
	in.Account, in.Generation = slackAccount, 1
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

// meanwhile is a vault before or after whose write-ahead something else happens.
type meanwhile struct {
	activities.Vault
	before, after func() // nil for nothing
}

func (m meanwhile) Present(ctx context.Context, account credential.AccountID, g credential.Generation, known int, name string) (vault.Presentation, error) {
	if m.before != nil {
		m.before()
	}
	presentation, err := m.Vault.Present(ctx, account, g, known, name)
	if m.after != nil {
		m.after()
	}
	return presentation, err
}

// Two accounts are about to send when one of them hears that the app is refused.
func TestARefusalIsHeardUntilJustBeforeTheRequest(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	var said activities.Pause
	var failing error
	w.connectorOf(&said, &failing)
	refuseApp(t, w)
	other := credential.AccountID{Organization: "acme", User: "other", Connector: "slack"}
	require.NoError(t, w.vault.PutAuthorization(t.Context(), vault.Authorization{
		ID: "authorization-of-another", Account: other, Subject: "T1/U-other", ExpiresAt: w.clock.Now().Add(time.Hour),
		Tokens: credential.Tokens{
			Access: credential.NewSecret("access"), Refresh: credential.NewSecret("refresh"),
			IssuedAt: w.clock.Now(), ExpiresAt: w.clock.Now().Add(time.Hour),
		},
	}))
	_, err := w.vault.Adopt(t.Context(), "authorization-of-another")
	require.NoError(t, err)
	honest := w.account.Vault
	w.account.Vault = meanwhile{Vault: honest, after: func() {
		w.account.Vault = honest
		got := once(w, w.account.RefreshToken, activities.RefreshInput{Account: other, Generation: 1})
		requireFailure(t, got.out, credential.DeadClient, "bad_client_secret")
	}}

	requireFailure(t, w.refreshWith(activities.RefreshInput{}), credential.DeadClient, activities.CodePaused)
	assert.Equal(t, 1, w.posts())
	assert.Nil(t, w.held(slackAccount).Presented, "nothing was presented")
}

func TestARoundIsAsLongAsTheRateTakesForAllAccounts(t *testing.T) {
	connections := rated{rate: 5}
	account := &activities.Account{Connections: &connections, Count: func(_ context.Context, connector string) (int, error) {
		assert.Equal(t, "slack", connector)
		return 1200, nil
	}}
	round, err := account.Round(t.Context(), activities.AccountInput{Account: slackAccount})
	require.NoError(t, err)
	assert.Equal(t, 4*time.Minute, round)
	connections.rate = 0
	round, err = account.Round(t.Context(), activities.AccountInput{Account: slackAccount})
	require.NoError(t, err)
	assert.Zero(t, round, "nothing limits them")
}

// rated is connectors with a rate.
type rated struct{ rate float64 }

func (r *rated) Connection(credential.AccountID) (activities.Connection, error) {
	return activities.Connection{TokenRate: r.rate}, nil
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
	_, err := w.vault.Present(t.Context(), slackAccount, 1, 0, "one")
	require.NoError(t, err)

	r := w.refreshAfter(slackAccount, 1, activities.Marks{})
	requireFailure(t, r, credential.Transient, activities.CodeInFlight)
	assert.Positive(t, r.Failure.RetryAfter)
	assert.False(t, r.Failure.Shared)
}
