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
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// noAnswer is for an Update whose answer nobody wants.
var noAnswer = &testsuite.TestUpdateCallback{OnAccept: func() {}, OnReject: func(error) {}, OnComplete: func(any, error) {}}

// plan is what an installation with the default configuration returns.
func plan(n activities.Notice) activities.Told {
	if n.Kind == activities.NoticeRecovery {
		return activities.Told{Quiet: 15 * time.Minute}
	}
	return activities.Told{Again: []time.Duration{time.Hour, 24 * time.Hour, 72 * time.Hour, 144 * time.Hour}[min(n.Stage, 3)]}
}

func TestTroubleIsToldAgainWhileItLastsAndItsEndOnce(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.told = plan
	g.issue()
	g.failures = []activities.Failure{{Kind: credential.DeadGrant, Code: "invalid_grant", Message: "revoked"}}
	g.after(5*day, func() {
		g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
	})
	g.end(6 * day)
	g.run()

	require.Len(t, g.notices, 5)
	first := g.noticedAt[0]
	keys := map[string]bool{}
	for i, after := range []time.Duration{0, time.Hour, 24 * time.Hour, 72 * time.Hour} {
		assert.Equal(t, activities.NoticeTrouble, g.notices[i].Kind)
		assert.Equal(t, i, g.notices[i].Stage)
		assert.WithinDuration(t, first.Add(after), g.noticedAt[i], time.Second)
		keys[g.notices[i].Key] = true
	}
	assert.Equal(t, activities.NoticeRecovery, g.notices[4].Kind)
	keys[g.notices[4].Key] = true
	assert.Len(t, keys, 5, "each notice has a key of its own")
}

// In six hours the grant dies and is given anew every two minutes. There is one pair of notices for each quiet time.
func TestAnAccountThatBreaksAndRecoversInTurnIsToldRarely(t *testing.T) {
	g := newGrant(t, 1000*time.Hour)
	g.told = plan
	g.issue()
	for at := 2 * time.Minute; at < 6*time.Hour; at += 2 * time.Minute {
		g.after(at, func() {
			g.failures = []activities.Failure{{Kind: credential.DeadGrant, Code: "invalid_grant", Message: "revoked"}}
			g.env.UpdateWorkflow(UpdateRefresh, "", noAnswer, RefreshRequest{Generation: g.now.Generation})
		})
		g.after(at+time.Minute, func() {
			g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
		})
	}
	g.end(6 * time.Hour)
	g.run()

	assert.Greater(t, len(g.notices), 10, "it is told all the same")
	assert.LessOrEqual(t, len(g.notices), 2*24, "180 episodes in 24 quiet times")
	for i, n := range g.notices {
		want := activities.NoticeTrouble
		if i%2 == 1 {
			want = activities.NoticeRecovery
		}
		assert.Equal(t, want, n.Kind, i)
		if i > 0 && want == activities.NoticeTrouble {
			assert.GreaterOrEqual(t, g.noticedAt[i].Sub(g.noticedAt[i-1]), 15*time.Minute)
		}
	}
}

func TestTroubleThatOutlastsTheQuietTimeIsTold(t *testing.T) {
	g := newGrant(t, 1000*time.Hour)
	g.told = plan
	g.issue()
	dies := func() {
		g.failures = []activities.Failure{{Kind: credential.DeadGrant, Code: "invalid_grant", Message: "revoked"}}
		g.env.UpdateWorkflow(UpdateRefresh, "", noAnswer, RefreshRequest{Generation: g.now.Generation})
	}
	g.after(time.Minute, dies)
	g.after(2*time.Minute, func() {
		g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
	})
	g.after(5*time.Minute, dies)
	g.end(time.Hour)
	g.run()

	require.Len(t, g.notices, 3)
	assert.Equal(t, activities.NoticeTrouble, g.notices[2].Kind)
	assert.Equal(t, 15*time.Minute, g.noticedAt[2].Sub(g.noticedAt[1]).Round(time.Second))
	assert.Greater(t, g.noticedAt[2].Sub(g.notices[2].Since), 10*time.Minute, "it says since when it is broken")
}

func TestARefusedAppIsToldAgainWhileItIsRefused(t *testing.T) {
	h := newHouse(t)
	h.plan = activities.Told{Again: time.Hour}
	h.after(time.Minute, func() { h.report(acmeJane, credential.DeadClient, 0) })
	h.run(61*time.Minute + 30*time.Second)
	require.Len(t, h.alerts, 2)
	assert.Equal(t, []int{0, 1}, []int{h.alerts[0].Stage, h.alerts[1].Stage})
	assert.WithinDuration(t, h.alertAt[0].Add(time.Hour), h.alertAt[1], time.Second)
}

// One target is away for a while, another for good; the third does not wait for them. The test environment gives up after ten
// attempts, which a server does not.
func TestTargetsDoNotWaitForEachOther(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	began := env.Now()
	arrived := map[string][]time.Duration{}
	var n *activities.Notices
	env.OnActivity(n.Deliver, mock.Anything, mock.Anything).Return(func(ctx context.Context, in activities.DeliverInput) error {
		since := env.Now().Sub(began)
		assert.Equal(t, deliverFor, activity.GetInfo(ctx).ScheduleToCloseTimeout, "it is tried for days")
		if in.Target == "dead" || in.Target == "slow" && since < 20*time.Minute {
			return errors.New("it answers 503")
		}
		arrived[in.Target] = append(arrived[in.Target], since)
		return nil
	})
	execute(env, Notice, NoticeInput{Announcement: activities.Announcement{ID: "ntc_1"}, Targets: []string{"dead", "slow", "pager"}})

	var failure *temporal.ApplicationError
	require.ErrorAs(t, env.GetWorkflowError(), &failure, "nobody would see it otherwise")
	assert.Equal(t, "1 of 3 targets did not get notice ntc_1", failure.Message())
	var results []NoticeResult
	require.NoError(t, failure.Details(&results))
	require.Len(t, results, 3)
	assert.Contains(t, results[0].Error, "503")
	assert.Equal(t, []NoticeResult{{Target: "slow"}, {Target: "pager"}}, results[1:])
	require.Len(t, arrived["slow"], 1)
	require.Len(t, arrived["pager"], 1)
	assert.Less(t, arrived["pager"][0], time.Minute)
	assert.Greater(t, arrived["slow"][0], 20*time.Minute)
}

// What is paused is what waits, and while the access token serves nothing does.
func TestANoticeSaysWhatWaits(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.told = plan
	g.issue()
	g.failures = []activities.Failure{{Kind: credential.DeadGrant, Code: "invalid_grant", Message: "revoked"}}
	g.ask(10*time.Hour+time.Minute, []string{
		TriageWorkflowID("acme/bugs"), ReportWorkflowID("T1/C1/1700000000.000100"), ReportWorkflowID("T1/C1/1700000000.000200"),
		ReportWorkflowID("T1/C2/1700000000.000100"), "desk/acme",
	})
	g.after(40*time.Hour, func() {
		g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
	})
	g.end(50 * time.Hour)
	g.run()

	require.GreaterOrEqual(t, len(g.notices), 4)
	first, last, over := g.notices[0], g.notices[len(g.notices)-2], g.notices[len(g.notices)-1]
	assert.Equal(t, credential.Degraded, first.Status)
	assert.Empty(t, first.Triages)
	assert.True(t, first.Until.After(g.noticedAt[0]), "it is told long before that")
	assert.Equal(t, credential.ReauthorizationRequired, last.Status)
	assert.True(t, last.Until.IsZero(), "it serves no more")
	assert.Equal(t, []string{"acme/bugs"}, last.Triages)
	assert.Equal(t, map[string]int{"C1": 2, "C2": 1}, last.Channels)
	assert.Equal(t, []int{5, 3}, []int{last.Waiting, last.Reports})
	for _, n := range g.notices {
		assert.Equal(t, first.Episode, n.Episode)
		assert.True(t, n.Began.Equal(g.noticedAt[0]), "they tell of one trouble, although its state changed")
	}
	assert.Equal(t, activities.NoticeRecovery, over.Kind)
}

// Somebody waits for the answer to a test, so that no target is tried twice.
func TestATestTriesEachTargetOnce(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	var mu sync.Mutex // guards tried
	tried := map[string]int{}
	var n *activities.Notices
	env.OnActivity(n.Deliver, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.DeliverInput) error {
		mu.Lock()
		defer mu.Unlock()
		tried[in.Target]++
		if in.Target == "dead" {
			return errors.New("it answers 503")
		}
		return nil
	})
	execute(env, Notice, NoticeInput{Announcement: activities.Announcement{ID: "ntc_1"}, Targets: []string{"dead", "pager"}, Test: true})
	var results []NoticeResult
	require.NoError(t, env.GetWorkflowResult(&results))
	assert.Equal(t, map[string]int{"dead": 1, "pager": 1}, tried)
	assert.Contains(t, results[0].Error, "503")
	assert.Empty(t, results[1].Error)
}
