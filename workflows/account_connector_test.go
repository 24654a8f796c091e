package workflows

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// refusal is what an account meets whose app the provider refuses.
func refusal() activities.Failure {
	return activities.Failure{Kind: credential.DeadClient, Code: "invalid_client", Message: "slack: refresh: dead_client", Shared: true}
}

// paused is what it meets when another account met that before.
func paused() activities.Failure {
	return activities.Failure{Kind: credential.DeadClient, Code: activities.CodePaused, Message: "slack: refresh: dead_client"}
}

// mailbox is the connector of an account: it only listens.
type mailbox struct {
	mu      sync.Mutex
	reports []ConnectorReport // guarded by mu
}

func (m *mailbox) all() []ConnectorReport {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reports
}

// hasConnector gives the account a connector. gone is one whose Workflow does not run.
func (g *grant) hasConnector(gone bool) *mailbox {
	m := &mailbox{}
	g.env.OnSignalExternalWorkflow(mock.Anything, ConnectorWorkflowID(TaskQueue, "slack"), mock.Anything, SignalReport, mock.Anything).Return(
		func(_, _, _, _ string, arg any) error {
			report, _ := arg.(ConnectorReport)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.reports = append(m.reports, report)
			if gone {
				return errors.New("workflow execution not found")
			}
			return nil
		})
	return m
}

func (g *grant) news(n ConnectorNews) { g.env.SignalWorkflow(SignalConnector, n) }

func TestAnAccountOfARefusedAppWaitsForItsConnector(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	connector := g.hasConnector(false)
	g.issue()
	g.failures = []activities.Failure{refusal()}
	var serving, over, released AccountStatus
	g.after(8*time.Hour+time.Minute, func() { serving = g.status(t) })
	// What it asks by itself, in case the news is lost, meets the pause.
	g.heard = func(activities.RefreshInput) {
		if g.env.Now().Sub(g.now.IssuedAt) < 12*time.Hour && g.posts > 0 {
			g.failures = []activities.Failure{paused()}
		}
	}
	g.after(11*time.Hour, func() { over = g.status(t) })
	g.after(12*time.Hour+time.Minute, func() { g.news(ConnectorNews{Episode: 1, Spread: time.Minute}) })
	g.after(12*time.Hour+3*time.Minute, func() { released = g.status(t) })
	g.end(13 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, credential.Degraded, serving.Status, "the access token is good")
	assert.Equal(t, "slack", serving.HeldBy)
	assert.Equal(t, credential.ClientMisconfigured, over.Status, "the access token is over")
	assert.Equal(t, "slack", over.HeldBy)
	assert.Equal(t, credential.Active, released.Status)
	assert.Empty(t, released.HeldBy)
	assert.EqualValues(t, 2, released.Generation)
	assert.Empty(t, g.notices, "people hear of it from the connector")
	require.Len(t, connector.all(), 1, "what another account met is no news")
	assert.Equal(t, credential.DeadClient, connector.all()[0].Kind)
	assert.LessOrEqual(t, g.posts, 6, "an attempt in one to two hours")
}

func TestAnAccountTriesWhenItsConnectorSaysSo(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	connector := g.hasConnector(false)
	g.issue()
	g.failures = []activities.Failure{refusal(), refusal()}
	var tries []bool
	g.heard = func(in activities.RefreshInput) { tries = append(tries, in.Try) }
	for i := range 3 {
		g.after(8*time.Hour+time.Duration(i)*time.Minute, func() { g.news(ConnectorNews{Try: true}) })
	}
	g.end(9 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, []bool{false, true, true}, tries, "the third news is of a trouble that it does not have")
	reports := connector.all()
	require.Len(t, reports, 3)
	assert.Equal(t, credential.DeadClient, reports[1].Kind)
	assert.Empty(t, reports[2].Kind, "the app is taken")
}

// A connector whose configuration was read anew does not wait for the try that is under way with the old one.
func TestAnAccountTriesAgainWhenItIsToldSoDuringAnAttempt(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.hasConnector(false)
	g.issue()
	g.failures = []activities.Failure{refusal()}
	var attempts []time.Time
	g.heard = func(activities.RefreshInput) {
		if attempts = append(attempts, g.env.Now()); len(attempts) == 1 {
			g.news(ConnectorNews{Try: true})
		}
	}
	g.end(9 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	require.Len(t, attempts, 2)
	assert.Less(t, attempts[1].Sub(attempts[0]), time.Second)
}

func TestAPersonMayHaveAHeldAccountTry(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	connector := g.hasConnector(false)
	g.issue()
	g.failures = []activities.Failure{refusal()}
	var answer *AccountStatus
	g.after(8*time.Hour+time.Minute, func() { answer = g.report(t, 0) })
	g.end(9 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, credential.Active, answer.Status)
	assert.EqualValues(t, 2, answer.Generation)
	require.Len(t, connector.all(), 2)
}

func TestACallerOfAHeldAccountIsAnsweredAtOnce(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.hasConnector(false)
	g.issue()
	g.failures = []activities.Failure{refusal()}
	var answer *AccountStatus
	var at, answered time.Time
	g.after(8*time.Hour+time.Minute, func() { at = g.env.Now(); answer = g.report(t, 1) })
	g.after(8*time.Hour+time.Minute+time.Second, func() { answered = g.env.Now(); assert.Equal(t, credential.ClientMisconfigured, answer.Status) })
	g.end(8*time.Hour + 2*time.Minute)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, time.Second, answered.Sub(at))
	assert.Equal(t, 1, g.posts)
}

func TestAnAccountWithoutAConnectorTriesByItself(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.hasConnector(true)
	g.issue()
	g.failures = []activities.Failure{refusal(), refusal(), refusal()}
	g.after(9*time.Hour, func() { assert.Equal(t, credential.Active, g.status(t).Status) })
	g.end(9*time.Hour + time.Minute)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, 4, g.posts)
}

func TestAThrottledAccountTellsItsConnectorAndAPausedOneComesBackSpread(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	connector := g.hasConnector(false)
	g.issue()
	g.failures = []activities.Failure{
		{Kind: credential.Throttled, Code: "ratelimited", Message: "slack: refresh: throttled", RetryAfter: time.Minute, Shared: true},
		{Kind: credential.Throttled, Code: activities.CodePaused, Message: "the provider asks to wait", RetryAfter: time.Minute},
	}
	var attempts []time.Time
	g.heard = func(activities.RefreshInput) { attempts = append(attempts, g.env.Now()) }
	g.end(9 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	require.Len(t, attempts, 3)
	assert.Equal(t, time.Minute, attempts[1].Sub(attempts[0]).Round(time.Second))
	want := time.Minute + time.Duration(acmeSlack.Jitter()*float64(time.Minute))
	assert.InDelta(t, want.Seconds(), attempts[2].Sub(attempts[1]).Seconds(), 1)
	require.Len(t, connector.all(), 1)
	assert.Equal(t, credential.Throttled, connector.all()[0].Kind)
	assert.Equal(t, time.Minute, connector.all()[0].RetryAfter)
}

func TestAHeldAccountIsHeldInItsNextRun(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.hasConnector(false)
	g.issue()
	g.failures = []activities.Failure{refusal()}
	g.after(8*time.Hour+time.Minute, func() { g.env.SetContinueAsNewSuggested(true) })
	g.run()
	next, ok := continuedInput(t, g.env)
	require.True(t, ok)

	second := newGrant(t, 10*time.Hour)
	second.env.SetStartTime(g.env.Now())
	second.now = g.now
	var before, after AccountStatus
	second.after(10*time.Minute, func() { before = second.status(t); second.news(ConnectorNews{Episode: 1}) })
	second.after(11*time.Minute, func() { after = second.status(t) })
	second.end(12 * time.Minute)
	execute(second.env, ConnectedAccount, next)
	assert.Equal(t, "slack", before.HeldBy)
	assert.Equal(t, credential.Active, after.Status)
	assert.Equal(t, 1, second.posts)
}
