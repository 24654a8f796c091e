package workflows

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

var acmeSlack = credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}

// grant plays vault and provider for one account: a refresh brings the next generation unless a failure is scripted.
type grant struct {
	env       *testsuite.TestWorkflowEnvironment
	now       activities.Facts
	lifetime  time.Duration
	failures  []activities.Failure // of the next attempts, in order
	posts     int
	notices   []activities.Notice
	ends      []activities.Notice // that trouble is over because the account is
	noticedAt []time.Time         // of each notice

	telling sync.Mutex      // Signals are sent side by side
	signals []string        // guarded by telling; Workflow ids that were told to go on
	gone    map[string]bool // Workflows that ended while they waited :: Workflow id
	// continueAfter is how many Signals are sent before the server suggests Continue-As-New; 0 where it does not.
	continueAfter int
	// signalTakes is how long a Signal is on its way.
	signalTakes time.Duration
	// judge says what becomes of authorizations but the good one.
	judge     func(activities.AdoptInput) error
	adoptions []activities.AdoptInput
	discard   func(activities.DiscardInput) error
	discards  []activities.DiscardInput
	lives     string // what a discard says of what lives on
	// replaced are grants in the vault that are to be revoked.
	replaced []credential.Replaced
	// adopted says that the good authorization was adopted before.
	adopted bool
	// vaultAway has a good answer come back sealed.
	vaultAway bool
	// unserved is how many of the next attempts no worker takes.
	unserved int
	// round is how long the connector's rate takes for all of its accounts.
	round      time.Duration
	heard      func(activities.RefreshInput)
	disconnect func() error
	// left is what a disconnect says of what lives on; leaves is what it was asked for last.
	left   string
	leaves activities.AccountInput
	force  func() (activities.Disconnected, error)
	// unconfigured is why nothing is known of the connector; nil where it is configured.
	unconfigured func(activities.DescribeInput) error
	policy       activities.Policy
	told         func(activities.Notice) activities.Told // what follows from a notice
	// shape changes what is issued; nil for a token that a refresh token renews.
	shape func(*activities.Facts)
}

func newGrant(t *testing.T, lifetime time.Duration) *grant {
	t.Helper()
	suite := &testsuite.WorkflowTestSuite{}
	g := &grant{
		env: suite.NewTestWorkflowEnvironment(), lifetime: lifetime,
		heard: func(activities.RefreshInput) {}, disconnect: func() error { return nil },
		judge: func(activities.AdoptInput) error {
			return temporal.NewNonRetryableApplicationError("another subject consented", activities.ErrTypeAuthorizationRejected, nil)
		},
		told:         func(activities.Notice) activities.Told { return activities.Told{} },
		discard:      func(activities.DiscardInput) error { return nil },
		unconfigured: func(activities.DescribeInput) error { return nil },
		force: func() (activities.Disconnected, error) {
			return activities.Disconnected{Unrevoked: "slack is away"}, nil
		},
	}
	g.env.SetStartWorkflowOptions(startOptions(AccountWorkflowID(acmeSlack)))
	var a *activities.Account
	g.env.OnActivity(a.Describe, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.DescribeInput) (activities.Description, error) {
			if err := g.unconfigured(in); err != nil {
				return activities.Description{}, err
			}
			d := activities.Description{Provider: "slack", Policy: g.policy, Replaced: g.replaced}
			if g.now.Generation > 0 {
				d.Credential = &g.now
			}
			return d, nil
		})
	g.env.OnActivity(a.Round, mock.Anything, mock.Anything).Maybe().Return(
		func(context.Context, activities.AccountInput) (time.Duration, error) { return g.round, nil })
	g.env.OnActivity(a.RefreshToken, mock.Anything, mock.Anything).Return(g.refresh)
	g.env.OnActivity(a.Adopt, mock.Anything, mock.Anything).After(time.Second).Return(g.adopt)
	g.env.OnActivity(a.Notify, mock.Anything, mock.Anything).Return(func(_ context.Context, n activities.Notice) (activities.Told, error) {
		if n.Status == credential.Disconnected { // as most tests end
			g.ends = append(g.ends, n)
			return activities.Told{}, nil
		}
		g.notices, g.noticedAt = append(g.notices, n), append(g.noticedAt, g.env.Now())
		return g.told(n), nil
	})
	g.env.OnActivity(a.Discard, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.DiscardInput) (activities.Discarded, error) {
		g.discards = append(g.discards, in)
		return activities.Discarded{Unrevoked: g.lives}, g.discard(in)
	})
	g.env.OnActivity(a.Disconnect, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.AccountInput) (activities.Disconnected, error) {
			g.leaves = in
			return activities.Disconnected{Unrevoked: g.left}, g.disconnect()
		})
	g.env.OnActivity(a.ForceDisconnect, mock.Anything, mock.Anything).Maybe().Return(
		func(context.Context, activities.AccountInput) (activities.Disconnected, error) { return g.force() })
	g.env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, SignalAccountActive, mock.Anything).
		AfterFn(func() time.Duration { return g.signalTakes }).Return(
		func(_, id, _, _ string, _ any) error {
			g.telling.Lock()
			defer g.telling.Unlock()
			g.signals = append(g.signals, id)
			if len(g.signals) == g.continueAfter {
				g.continueAt(0)
			}
			if g.gone[id] {
				return errors.New("no such Workflow")
			}
			return nil
		})
	return g
}

// issue puts the next generation into the vault.
func (g *grant) issue() {
	g.now = activities.Facts{
		Generation: g.now.Generation + 1, Subject: "T1/B1", Display: "Acme", Refreshable: true,
		IssuedAt: g.env.Now(), ExpiresAt: g.env.Now().Add(g.lifetime),
	}
	if g.shape != nil {
		g.shape(&g.now)
	}
}

func (g *grant) refresh(_ context.Context, in activities.RefreshInput) (activities.RefreshResult, error) {
	if g.unserved > 0 {
		g.unserved--
		return activities.RefreshResult{}, unserved()
	}
	g.heard(in)
	if g.now.Generation > in.Generation {
		facts := g.now
		return activities.RefreshResult{Credential: &facts}, nil
	}
	g.posts++
	if len(g.failures) > 0 {
		failure := g.failures[0]
		g.failures = g.failures[1:]
		return activities.RefreshResult{Failure: &failure}, nil
	}
	if g.vaultAway {
		return activities.RefreshResult{Sealed: []byte("sealed")}, nil
	}
	g.issue()
	facts := g.now
	return activities.RefreshResult{Credential: &facts}, nil
}

func (g *grant) adopt(_ context.Context, in activities.AdoptInput) (activities.Adopted, error) {
	g.adoptions = append(g.adoptions, in)
	if in.Authorization != "good-authorization" {
		if err := g.judge(in); err != nil {
			return activities.Adopted{}, err
		}
	}
	if !g.adopted {
		g.issue()
	}
	return activities.Adopted{Facts: g.now, Replaced: g.replaced}, nil
}

// after runs f at a time of the simulated clock.
func (g *grant) after(d time.Duration, f func()) { g.env.RegisterDelayedCallback(f, d) }

func (g *grant) status(t *testing.T) AccountStatus {
	t.Helper()
	value, err := g.env.QueryWorkflow(QueryStatus)
	require.NoError(t, err)
	var status AccountStatus
	require.NoError(t, value.Get(&status))
	return status
}

// report sends Update refresh and returns where its answer will be.
func (g *grant) report(t *testing.T, seen credential.Generation) *AccountStatus {
	t.Helper()
	answer := &AccountStatus{}
	g.env.UpdateWorkflow(UpdateRefresh, "", &testsuite.TestUpdateCallback{
		OnAccept: func() {},
		OnReject: func(err error) { assert.NoError(t, err) },
		OnComplete: func(v any, err error) {
			assert.NoError(t, err)
			if status, ok := v.(AccountStatus); ok {
				*answer = status
			}
		},
	}, RefreshRequest{Generation: seen})
	return answer
}

func (g *grant) run() { execute(g.env, ConnectedAccount, AccountInput{Account: acmeSlack}) }

// end disconnects the account at a time, which ends the Workflow.
func (g *grant) end(at time.Duration) {
	g.after(at, func() { g.env.SignalWorkflow(SignalDisconnect, nil) })
}

func TestAYearOfAnAccountsLifeTakesMilliseconds(t *testing.T) {
	g := newGrant(t, 12*time.Hour)
	g.issue()
	const year = 365 * 24 * time.Hour
	var last AccountStatus
	g.after(year-time.Minute, func() { last = g.status(t) })
	g.end(year)
	g.run()

	require.True(t, g.env.IsWorkflowCompleted())
	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, credential.Active, last.Status)
	// A token of 12 h is due after 0.7 to 0.8 of it.
	assert.InDelta(t, 365*24/(12*0.75), g.posts, 365*24/12*0.12)
	assert.Equal(t, int(last.Generation)-1, g.posts)
	assert.Empty(t, g.notices)
}

func TestCallersThatSawOneGenerationDieCauseOnePost(t *testing.T) {
	g := newGrant(t, 12*time.Hour)
	g.issue()
	var answers []*AccountStatus
	g.after(time.Hour, func() {
		for range 100 {
			answers = append(answers, g.report(t, 1))
		}
	})
	g.after(2*time.Hour, func() { answers = append(answers, g.report(t, 1)) }) // late news of a dead generation
	g.end(3 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, 1, g.posts)
	require.Len(t, answers, 101)
	for _, answer := range answers {
		assert.EqualValues(t, 2, answer.Generation)
		assert.Equal(t, credential.Active, answer.Status)
	}
}

func TestTroubleIsAWarningWhileTheTokenIsGood(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	for range 3 {
		g.failures = append(g.failures, activities.Failure{Kind: credential.Transient, Message: "503"})
	}
	due := credential.RefreshAt(acmeSlack, g.now.IssuedAt, g.now.ExpiresAt).Sub(g.now.IssuedAt)
	var during, after AccountStatus
	g.after(due+time.Second, func() { during = g.status(t) })
	g.after(due+time.Minute, func() { after = g.status(t) })
	g.end(due + time.Hour)
	g.run()

	assert.Equal(t, credential.Degraded, during.Status)
	assert.Equal(t, "503", during.Reason)
	assert.Equal(t, credential.Active, after.Status)
	assert.EqualValues(t, 2, after.Generation)
	assert.Equal(t, 4, g.posts)
	assert.Empty(t, g.notices, "an outage of the provider is nothing that people can mend")
}

func TestARefreshThatWasAskedForIsTriedUntilItEnds(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.failures = []activities.Failure{
		{Kind: credential.Ambiguous, Message: "the answer is lost"}, {Kind: credential.Transient, Code: activities.CodeInFlight, RetryAfter: 8 * time.Second},
	}
	var answer *AccountStatus
	var after AccountStatus
	g.after(time.Hour, func() { answer = g.report(t, 0) })
	g.after(time.Hour+time.Minute, func() { after = g.status(t) })
	g.end(2 * time.Hour)
	g.run()

	assert.Equal(t, credential.Degraded, answer.Status, "the caller hears of the first attempt")
	assert.Equal(t, credential.Active, after.Status)
	assert.EqualValues(t, 2, after.Generation)
	assert.Equal(t, 3, g.posts)
}

func TestAThrottledAccountWaitsAsLongAsItIsTold(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.failures = []activities.Failure{{Kind: credential.Throttled, Message: "429", RetryAfter: 20 * time.Minute}}
	due := credential.RefreshAt(acmeSlack, g.now.IssuedAt, g.now.ExpiresAt).Sub(g.now.IssuedAt)
	var early AccountStatus
	g.after(due+19*time.Minute, func() { early = g.status(t) })
	g.end(due + time.Hour)
	g.run()

	assert.EqualValues(t, 1, early.Generation)
	assert.Equal(t, 2, g.posts)
}

func TestADeadGrantIsServedUntilItsTokenEndsAndNeverPostedAgain(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.failures = []activities.Failure{{Kind: credential.DeadGrant, Code: "invalid_grant", Message: "revoked"}}
	due := credential.RefreshAt(acmeSlack, g.now.IssuedAt, g.now.ExpiresAt).Sub(g.now.IssuedAt)
	var during, after AccountStatus
	g.after(due+time.Second, func() { during = g.status(t) })
	g.after(10*time.Hour+time.Minute, func() { after = g.status(t) })
	g.after(11*time.Hour, func() { g.report(t, 1) })
	g.end(1000 * time.Hour)
	g.run()

	assert.Equal(t, credential.Degraded, during.Status)
	assert.Equal(t, credential.ReauthorizationRequired, after.Status)
	assert.Equal(t, 1, g.posts, "a dead grant is never presented again")
	require.Len(t, g.notices, 1, "one notice for one episode")
	assert.Equal(t, "revoked", g.notices[0].Reason)
}

func TestRevokedGrantWaitsForConsentAndWakesThoseThatWait(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.failures = []activities.Failure{{Kind: credential.DeadGrant, Code: "token_revoked", Message: "revoked"}}
	var answer *AccountStatus
	var waiting, back AccountStatus
	g.after(time.Hour, func() { answer = g.report(t, 1) })
	g.after(2*time.Hour, func() {
		for _, id := range []string{"triage/acme/bugs", "report/1", "report/1", "report/2"} {
			g.env.SignalWorkflow(SignalAwait, Waiter{WorkflowID: id})
		}
	})
	g.after(3*time.Hour, func() { waiting = g.status(t) })
	g.after(50*time.Hour, func() {
		g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
	})
	g.after(51*time.Hour, func() { back = g.status(t) })
	g.end(52 * time.Hour)
	g.run()

	assert.Equal(t, credential.ReauthorizationRequired, answer.Status)
	assert.Equal(t, credential.ReauthorizationRequired, waiting.Status)
	assert.Equal(t, 3, waiting.Waiting)
	assert.Equal(t, credential.Active, back.Status)
	assert.EqualValues(t, 2, back.Generation)
	assert.ElementsMatch(t, []string{"triage/acme/bugs", "report/1", "report/2"}, g.signals, "each once")
	require.Len(t, g.notices, 2, "one of the trouble, one of its end")
	assert.Equal(t, credential.Active, g.notices[1].Status)
}

func TestWhoWaitsForAWorkingAccountIsToldAtOnce(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.after(time.Hour, func() { g.env.SignalWorkflow(SignalAwait, Waiter{WorkflowID: "report/late"}) })
	g.end(2 * time.Hour)
	g.run()

	assert.Equal(t, []string{"report/late"}, g.signals)
}

func TestARefusedAuthorizationChangesNothing(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	var verdict error
	var after AccountStatus
	g.after(time.Hour, func() {
		g.env.UpdateWorkflow(UpdateReauthorized, "", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { assert.NoError(t, err) },
			OnComplete: func(_ any, err error) { verdict = err },
		}, ReauthorizedRequest{Authorization: "foreign-authorization"})
	})
	g.after(2*time.Hour, func() { after = g.status(t) })
	g.end(3 * time.Hour)
	g.run()

	require.ErrorContains(t, verdict, "another subject consented")
	assert.Equal(t, credential.Active, after.Status)
	assert.EqualValues(t, 1, after.Generation)
	assert.Contains(t, after.Warning, "another subject consented")
}

func TestMalformedMessagesAreRefusedWithAReason(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	rejected := func(name string, arg any, want string) {
		g.env.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
			OnAccept:   func() { assert.Fail(t, "accepted", "%s %v", name, arg) },
			OnReject:   func(err error) { assert.ErrorContains(t, err, want) },
			OnComplete: func(any, error) {},
		}, arg)
	}
	var before, after AccountStatus
	g.after(time.Hour, func() {
		before = g.status(t)
		rejected(UpdateRefresh, RefreshRequest{Generation: -1}, "generation: -1")
		rejected(UpdateReauthorized, ReauthorizedRequest{}, "authorization:")
		rejected(UpdateReauthorized, ReauthorizedRequest{Authorization: "../../etc"}, "authorization:")
		g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "?"})
		g.env.SignalWorkflow(SignalAwait, Waiter{})
		rejected(UpdateRefresh, map[string]int{"gen": 7}, `want {} for a new token`)
	})
	g.after(2*time.Hour, func() { after = g.status(t) })
	g.end(3 * time.Hour)
	g.run()

	assert.NotEmpty(t, after.Warning)
	after.Warning = ""
	assert.Equal(t, before, after)
}

func TestADeadClientWarnsTheOperatorAndTouchesNoGrant(t *testing.T) {
	g := newGrant(t, time.Hour)
	g.issue()
	for range 60 {
		g.failures = append(g.failures, activities.Failure{Kind: credential.DeadClient, Code: "invalid_client", Message: "bad secret"})
	}
	var during AccountStatus
	g.after(61*time.Minute, func() { during = g.status(t) })
	var after AccountStatus
	g.after(3*time.Hour, func() { after = g.status(t) })
	g.end(3*time.Hour + time.Second)
	g.run()

	assert.Equal(t, credential.ClientMisconfigured, during.Status)
	assert.Equal(t, credential.Active, after.Status, "it goes on by itself when the secret is right again")
	require.Len(t, g.notices, 2)
}

func TestSealedTokensAreStoredBeforeAnythingElse(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	var a *activities.Account
	g.env.OnActivity(a.StoreTokens, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.StoreInput) (activities.Facts, error) {
			assert.Equal(t, []byte("sealed"), in.Sealed)
			assert.EqualValues(t, 1, in.Generation)
			g.issue()
			return g.now, nil
		})
	g.vaultAway = true
	var after AccountStatus
	g.after(9*time.Hour, func() { after = g.status(t) })
	g.end(9*time.Hour + time.Minute)
	g.run()

	assert.EqualValues(t, 2, after.Generation)
}

func TestContinueAsNewCarriesEverything(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.failures = []activities.Failure{{Kind: credential.DeadGrant, Message: "revoked"}}
	g.after(time.Hour, func() { g.report(t, 1) })
	g.after(2*time.Hour, func() { g.env.SignalWorkflow(SignalAwait, Waiter{WorkflowID: "report/1"}) })
	g.after(2*time.Hour, func() { g.env.SignalWorkflow(SignalAwait, Waiter{WorkflowID: "report/2"}) })
	g.after(3*time.Hour, func() { g.env.SetContinueAsNewSuggested(true) })
	g.run()

	next, ok := continuedInput(t, g.env)
	require.True(t, ok)
	assert.Equal(t, credential.ReauthorizationRequired, next.State.Status)
	assert.True(t, next.State.GrantDead)
	assert.True(t, next.State.Noticed)
	assert.Equal(t, []string{"report/1", "report/2"}, next.State.Waiting)

	// The new run knows all of it without asking anybody.
	h := newGrant(t, 10*time.Hour)
	h.now = g.now
	h.after(time.Minute, func() {
		assert.Equal(t, credential.ReauthorizationRequired, h.status(t).Status)
		h.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
	})
	h.end(time.Hour)
	execute(h.env, ConnectedAccount, next)
	assert.ElementsMatch(t, []string{"report/1", "report/2"}, h.signals)
	assert.Zero(t, h.posts)
}

// signalInLastTask has a Signal arrive in the very Workflow Task in which the run is to continue as new.
func signalInLastTask(env *testsuite.TestWorkflowEnvironment, at time.Duration, name string, message any) {
	env.RegisterDelayedCallback(func() { env.SignalWorkflowSkippingWorkflowTask(name, message) }, at)
	env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, at+time.Millisecond)
}

func TestContinueAsNewCarriesWhatComesInItsLastTask(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.failures = []activities.Failure{{Kind: credential.DeadGrant, Message: "revoked"}}
	g.after(time.Hour, func() { g.report(t, 1) })
	signalInLastTask(g.env, 2*time.Hour, SignalAwait, Waiter{WorkflowID: "report/1"})
	g.run()
	next, ok := continuedInput(t, g.env)
	require.True(t, ok)
	assert.Equal(t, []string{"report/1"}, next.State.Waiting)

	h := newGrant(t, 10*time.Hour)
	h.now = g.now
	signalInLastTask(h.env, time.Hour, SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
	execute(h.env, ConnectedAccount, next)
	next, ok = continuedInput(t, h.env)
	require.True(t, ok)
	assert.Equal(t, []string{"good-authorization"}, next.State.Adoptions, "a consent is not lost")
}

func continuedInput(t *testing.T, env *testsuite.TestWorkflowEnvironment) (AccountInput, bool) {
	t.Helper()
	var next *workflow.ContinueAsNewError
	if !assert.ErrorAs(t, env.GetWorkflowError(), &next) {
		return AccountInput{}, false
	}
	var in AccountInput
	require.NoError(t, defaultConverter.FromPayloads(next.Input, &in))
	return in, true
}

func TestAnAccountHasOneWorkflowID(t *testing.T) {
	suite := &testsuite.WorkflowTestSuite{}
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartWorkflowOptions(startOptions("account/acme/triage/other"))
	execute(env, ConnectedAccount, AccountInput{Account: acmeSlack})
	require.ErrorContains(t, env.GetWorkflowError(), "account/acme/triage/slack")
}
