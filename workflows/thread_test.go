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

// talk is one Thread with the looks it takes; each fails as scripted, then works.
type talk struct {
	env     *testsuite.TestWorkflowEnvironment
	looks   []activities.FollowInput
	fails   []error
	notices []activities.TriageNotice
	asked   []string
}

func newTalk() *talk {
	var suite testsuite.WorkflowTestSuite
	k := &talk{env: suite.NewTestWorkflowEnvironment()}
	k.env.SetStartTime(epoch)
	k.env.SetStartWorkflowOptions(startOptions(ThreadWorkflowID(reportKey)))
	var threads *activities.Threads
	var configuration *activities.Triage
	k.env.OnActivity(threads.FollowThread, mock.Anything, mock.Anything).After(time.Minute).Return(
		func(_ context.Context, in activities.FollowInput) (activities.ThreadLook, error) {
			k.looks = append(k.looks, in)
			if len(k.fails) == 0 {
				return activities.ThreadLook{Comments: len(k.looks)}, nil
			}
			err := k.fails[0]
			k.fails = k.fails[1:]
			return activities.ThreadLook{}, err
		})
	k.env.OnActivity(configuration.NotifyTriage, mock.Anything, mock.Anything).Return(func(_ context.Context, n activities.TriageNotice) error {
		k.notices = append(k.notices, n)
		return nil
	})
	k.env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, SignalAwait, mock.Anything).Return(
		func(_, id, _, _ string, _ any) error {
			k.asked = append(k.asked, id)
			return nil
		})
	return k
}

func (k *talk) after(d time.Duration, f func()) { k.env.RegisterDelayedCallback(f, d) }

func (k *talk) look() { k.env.SignalWorkflow(SignalLook, nil) }

func (k *talk) run(t *testing.T) ThreadResult {
	t.Helper()
	execute(k.env, Thread, ThreadInput{Report: reportKey, Triage: bugTriage})
	require.True(t, k.env.IsWorkflowCompleted())
	require.NoError(t, k.env.GetWorkflowError())
	var result ThreadResult
	require.NoError(t, k.env.GetWorkflowResult(&result))
	return result
}

func TestAThreadIsLookedAtOnceAndOnceMoreForWhatCameMeanwhile(t *testing.T) {
	k := newTalk()
	k.after(0, k.look) // with which it was started
	assert.Equal(t, ThreadResult{Look: activities.ThreadLook{Comments: 1}}, k.run(t))
	key, err := triage.ParseKey(reportKey)
	require.NoError(t, err)
	assert.Equal(t, []activities.FollowInput{{Triage: bugTriage, Report: key}}, k.looks)

	k = newTalk()
	for range 5 {
		k.after(30*time.Second, k.look)
	}
	assert.Equal(t, 2, k.run(t).Look.Comments, "five Signals while it looks are one more look")
}

func TestWhatAProviderRefusesEndsAThreadAndIsTold(t *testing.T) {
	k := newTalk()
	k.fails = []error{rejection("commenting: 403; the issue is locked")}
	assert.Contains(t, k.run(t).Trouble, "the issue is locked")
	require.Len(t, k.notices, 1)
	assert.Equal(t, activities.TriageNotice{
		Triage: bugTriage, Event: activities.EventThreadUnfollowed, Report: reportKey, Reason: "commenting: 403; the issue is locked",
	}, k.notices[0])

	k = newTalk()
	k.fails = []error{rejection("commenting: 403; the issue is locked")}
	k.after(30*time.Second, k.look)
	assert.Empty(t, k.run(t).Trouble, "the next look makes it good")
}

func TestAThreadWaitsForItsAccount(t *testing.T) {
	k := newTalk()
	k.fails = []error{unavailableError(acmeGitHub)}
	k.after(3*7*24*time.Hour, func() { k.env.SignalWorkflow(SignalAccountActive, AccountActive{Account: acmeGitHub}) })
	assert.Empty(t, k.run(t).Trouble)
	assert.Len(t, k.looks, 2)
	assert.Empty(t, k.notices, "its account tells")
	assert.Contains(t, k.asked, AccountWorkflowID(acmeGitHub))
}

func TestAThreadOfNothingSaysWhatItWants(t *testing.T) {
	for want, in := range map[string]ThreadInput{
		"want team/channel/ts": {Triage: bugTriage}, "triage: missing": {Report: reportKey},
		"start it with --workflow-id thread/T1/C1/1777896009.000100": {Report: "T1/C1/1777896009.000100", Triage: bugTriage},
	} {
		k := newTalk()
		execute(k.env, Thread, in)
		require.ErrorContains(t, k.env.GetWorkflowError(), want)
		assert.Empty(t, k.looks)
	}
}

// watched has the triage's threads watched; each watch takes an hour, and returns how many there were.
func (r *run) watched(watch func(n int, in activities.WatchInput) error) *[]activities.WatchInput {
	plan, _ := r.plan()
	plan.Follow = 14 * 24 * time.Hour
	r.plan = func() (activities.Plan, error) { return plan, nil }
	inputs := &[]activities.WatchInput{}
	var threads *activities.Threads
	r.env.OnActivity(threads.WatchThreads, mock.Anything, mock.Anything).After(time.Hour).Return(
		func(_ context.Context, in activities.WatchInput) (activities.ThreadsWatched, error) {
			*inputs = append(*inputs, in)
			in.Watched.LastNews = epoch.Add(time.Duration(len(*inputs)) * time.Hour)
			return in.Watched, watch(len(*inputs), in)
		})
	return inputs
}

func TestATriageWatchesItsThreadsBesideItsChannels(t *testing.T) {
	d := newDesk(bugsChannel)
	keys := d.post(bugsChannel, epoch, 2)
	r := d.newRun(epoch)
	inputs := r.watched(func(int, activities.WatchInput) error { return nil })
	r.after(150*time.Minute, func() { r.signal(SignalReload) })
	r.triage(TriageInput{Triage: bugTriage})

	d.requireStarted(t, keys)
	require.Len(t, *inputs, 2)
	assert.True(t, (*inputs)[0].Watched.Since.Equal(epoch), "what was before it is no news")
	assert.True(t, (*inputs)[1].Watched.LastNews.Equal(epoch.Add(time.Hour)), "each begins where the one before stopped")
	next := r.next(t)
	require.NotNil(t, next, "a watch under way holds no run up")
	assert.True(t, next.State.Threads.LastNews.Equal(epoch.Add(2*time.Hour)))
	assert.True(t, next.State.Threads.Since.Equal(epoch))
}

func TestAPausedTriageWatchesNothing(t *testing.T) {
	d := newDesk(bugsChannel)
	r := d.newRun(epoch)
	inputs := r.watched(func(int, activities.WatchInput) error { return nil })
	r.after(90*time.Minute, func() { r.signal(SignalPause) })
	r.after(10*time.Hour, func() { r.signal(SignalResume) })
	r.after(10*time.Hour+90*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	require.GreaterOrEqual(t, len(*inputs), 2)
	assert.LessOrEqual(t, len(*inputs), 4)
	assert.True(t, temporal.IsCanceledError(r.env.GetWorkflowError()))
}

func TestAWatchWaitsForItsAccountAndStopsNoChannel(t *testing.T) {
	d := newDesk(bugsChannel)
	r := d.newRun(epoch)
	d.down[acmeGitHub] = true
	inputs := r.watched(func(int, activities.WatchInput) (err error) {
		d.set(func() {
			if d.down[acmeGitHub] {
				err = unavailableError(acmeGitHub)
			}
		})
		return err
	})
	var keys []string
	var waiting TriageStatus
	r.after(2*time.Hour, func() {
		keys = d.post(bugsChannel, epoch.Add(2*time.Hour), 1)
		waiting = r.status(t)
	})
	r.after(3*time.Hour, func() { r.mend(acmeGitHub) })
	r.after(5*time.Hour+time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	assert.Equal(t, []activities.Unavailable{{Account: acmeGitHub, Status: credential.ReauthorizationRequired}}, waiting.Waiting)
	assert.GreaterOrEqual(t, len(*inputs), 2)
	d.requireStarted(t, keys)
}
