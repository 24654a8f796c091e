package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

func TestEveryMessageGetsOneReport(t *testing.T) {
	d := newDesk(bugsChannel, supportChannel)
	keys := d.post(bugsChannel, epoch.Add(-time.Minute), 3)
	r := d.newRun(epoch)
	r.after(time.Minute, func() { keys = append(keys, d.post(supportChannel, epoch.Add(time.Minute), 2)...) })
	var status TriageStatus
	r.after(5*time.Minute, func() { status = r.status(t) })
	r.after(6*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	d.requireStarted(t, keys)
	bugs := channelOf(t, status.Channels, bugsChannel)
	assert.Equal(t, 3, bugs.Reports)
	assert.Equal(t, keys[2], keyOf(bugsChannel, bugs.Watermark))
	assert.False(t, bugs.LastWindow.IsZero())
	assert.Equal(t, "polling", status.State)
	assert.Equal(t, acmeSlack, status.Plan.Slack)
	for _, key := range keys {
		assert.Equal(t, key, d.inputs[key].Report)
		assert.Equal(t, bugTriage, d.inputs[key].Triage)
		assert.True(t, d.inputs[key].Claims, "its history need not hold a version for it")
	}
	assert.False(t, d.inputs[keys[0]].New, "it is older than this triage, which may have had an earlier life")
	assert.True(t, d.inputs[keys[3]].New)
	assert.True(t, temporal.IsCanceledError(r.env.GetWorkflowError()))
}

func TestAChannelWithSeveralRoutesIsReadOnce(t *testing.T) {
	d := newDesk(bugsChannel, supportChannel, bugsChannel)
	plan, _ := d.plan() // the desk's own never fails
	plan.Routes[0].Match = triage.Match{Patterns: []string{"login"}}
	plan.Routes[2].When = triage.When{Keywords: []string{"crash"}}
	d.plan = func() (activities.Plan, error) { return plan, nil }
	keys := d.post(bugsChannel, epoch, 2)
	r := d.newRun(epoch)
	var status TriageStatus
	r.after(2*time.Minute, func() { status = r.status(t) })
	r.after(3*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	d.requireStarted(t, keys)
	require.Len(t, status.Channels, 2)
	for _, poll := range d.polls {
		want := plan.Routes[2].When
		if poll.Channel == supportChannel {
			want = triage.When{}
		}
		assert.Equal(t, want, poll.When, "the last route of a channel says which messages count")
		assert.Empty(t, poll.Rules)
	}
}

func TestAPollKnowsWhatCountsForEachRoute(t *testing.T) {
	d := newDesk(bugsChannel, bugsChannel, bugsChannel)
	plan, _ := d.plan() // the desk's own never fails
	plan.Routes[0].When = triage.When{Reactions: []string{"art"}, ReactionsWithin: 72 * time.Hour}
	plan.Routes[1].Match = triage.Match{Patterns: []string{"login"}}
	plan.Routes[2].When = triage.When{Keywords: []string{"crash"}}
	d.plan = func() (activities.Plan, error) { return plan, nil }
	keys := d.post(bugsChannel, epoch, 1)
	r := d.newRun(epoch)
	r.after(2*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	poll := d.lastPoll()
	assert.True(t, poll.When.IsZero())
	assert.Equal(t, []triage.Rule{
		{When: plan.Routes[0].When}, {Match: plan.Routes[1].Match, When: plan.Routes[2].When}, {When: plan.Routes[2].When},
	}, poll.Rules)
	assert.NotEmpty(t, poll.BackTo, "a reaction of one route has the channel looked through again")
	assert.True(t, d.inputs[keys[0]].Polled, "it has to count for the route that takes it")
}

func TestAFirstStartLooksBackAsFarAsThePlanSays(t *testing.T) {
	d := newDesk(bugsChannel)
	d.post(bugsChannel, epoch.Add(-61*time.Minute), 1)
	keys := d.post(bugsChannel, epoch.Add(-59*time.Minute), 1)
	r := d.newRun(epoch)
	r.after(2*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	d.requireStarted(t, keys)
}

func TestTheWatermarkMovesOnlyAfterEveryReportOfItsWindowHasBegun(t *testing.T) {
	d := newDesk(bugsChannel)
	keys := d.post(bugsChannel, epoch, 5)
	d.badStarts[keys[2]] = 1
	r := d.newRun(epoch)
	var during TriageStatus
	r.after(2*time.Minute, func() { during = r.status(t) })
	r.after(3*time.Minute, func() { r.signal(SignalReload) })
	r.triage(TriageInput{Triage: bugTriage})
	stuck := channelOf(t, during.Channels, bugsChannel)
	assert.Equal(t, triage.TimestampOf(epoch.Add(-time.Hour)), stuck.Watermark)
	assert.Contains(t, stuck.Trouble, "starting a Report of channel "+bugsChannel)
	assert.NotContains(t, d.inputs, keys[2])

	next := r.next(t)
	require.NotNil(t, next)
	second := d.newRun(epoch.Add(5 * time.Minute))
	var after TriageStatus
	second.after(2*time.Minute, func() { after = second.status(t) })
	second.after(3*time.Minute, second.env.CancelWorkflow)
	second.triage(*next)
	assert.Len(t, d.inputs, 5)
	done := channelOf(t, after.Channels, bugsChannel)
	assert.Equal(t, keys[4], keyOf(bugsChannel, done.Watermark))
	assert.Empty(t, done.Trouble, "it is over")
}

// A window is read again when its hand-over failed in the middle. Temporal knows which of its Reports it has.
func TestAReportThatRunsAlreadyIsTakenCareOf(t *testing.T) {
	d := newDesk(bugsChannel)
	keys := d.post(bugsChannel, epoch, 3)
	d.badStarts[keys[1]] = 1
	r := d.newRun(epoch)
	var after TriageStatus
	r.after(10*time.Minute, func() { after = r.status(t) })
	r.after(11*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	// The test environment takes a start that failed for one that went well, from the second time on.
	assert.Equal(t, map[string]int{keys[0]: 1, keys[2]: 1}, d.offered)
	done := channelOf(t, after.Channels, bugsChannel)
	assert.Equal(t, keys[2], keyOf(bugsChannel, done.Watermark))
	assert.Equal(t, 2, done.Reports, "what runs already is not counted again")
}

func TestPauseStopsReadingAndResumeLosesNothing(t *testing.T) {
	d := newDesk(bugsChannel)
	r := d.newRun(epoch)
	var paused TriageStatus
	var before, during int
	var keys []string
	r.after(time.Minute, func() { r.signal(SignalPause) })
	r.after(2*time.Minute, func() {
		paused = r.status(t)
		d.set(func() { before = len(d.polls) })
		keys = d.post(bugsChannel, epoch.Add(2*time.Minute), 4)
	})
	r.after(time.Hour, func() {
		d.set(func() { during = len(d.polls) })
		r.signal(SignalResume)
	})
	r.after(2*time.Hour, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	assert.Equal(t, "paused", paused.State)
	assert.Equal(t, before, during, "no poll while it is paused")
	d.requireStarted(t, keys)
}

func TestATriageThatWasPausedStaysSoInItsNextRun(t *testing.T) {
	d := newDesk(bugsChannel)
	r := d.newRun(epoch)
	r.after(time.Minute, func() { r.signal(SignalPause) })
	r.after(2*time.Minute, func() { r.signal(SignalReload) })
	r.triage(TriageInput{Triage: bugTriage})

	next := r.next(t)
	require.NotNil(t, next)
	assert.True(t, next.State.Paused)
}

func TestAnAccountThatNeedsAPersonIsWaitedForAndToldWhoWaits(t *testing.T) {
	d := newDesk(bugsChannel, supportChannel)
	d.down[acmeSlack] = true
	keys := d.post(bugsChannel, epoch, 2)
	r := d.newRun(epoch)
	var waiting, after TriageStatus
	var during int
	r.after(2*time.Hour+10*time.Minute, func() {
		waiting = r.status(t)
		d.set(func() { during = len(d.polls) })
	})
	r.after(3*time.Hour, func() { r.mend(acmeSlack) })
	r.after(3*time.Hour+2*time.Minute, func() { after = r.status(t) })
	r.after(4*time.Hour, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	assert.Equal(t, "waiting", waiting.State)
	assert.Equal(t, []activities.Unavailable{{Account: acmeSlack, Status: credential.ReauthorizationRequired}}, waiting.Waiting)
	assert.Equal(t, 2, during, "one poll for each channel, then nothing")
	assert.Equal(t, []credential.AccountID{acmeSlack, acmeSlack, acmeSlack}, d.asked, "both channels ask once, and once more each hour")
	assert.Equal(t, "polling", after.State)
	assert.Empty(t, after.Waiting)
	d.requireStarted(t, keys)
}

func TestAChannelThatIsRefusedStopsNoOther(t *testing.T) {
	d := newDesk(bugsChannel, supportChannel)
	d.refused[supportChannel] = true
	bugs := d.post(bugsChannel, epoch, 2)
	support := d.post(supportChannel, epoch, 2)
	r := d.newRun(epoch)
	var during, idle TriageStatus
	r.after(2*time.Minute, func() {
		during = r.status(t)
		d.requireStarted(t, bugs)
		d.set(func() { delete(d.refused, supportChannel); d.posted[supportChannel] = nil })
	})
	r.after(15*time.Minute, func() {
		idle = r.status(t)
		d.set(func() {
			d.posted[supportChannel] = []string{support[0][len("T1/C0SUPPORT/"):], support[1][len("T1/C0SUPPORT/"):]}
		})
	})
	r.after(20*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	assert.Contains(t, channelOf(t, during.Channels, supportChannel).Trouble, "not_in_channel")
	assert.Empty(t, channelOf(t, during.Channels, bugsChannel).Trouble)
	assert.Empty(t, channelOf(t, idle.Channels, supportChannel).Trouble, "trouble that is over is not shown until the next message")
	d.requireStarted(t, append(bugs, support...))
}

// What a poll found travels to its Report.
func TestMessagesThatAPollBringsAlongAreHandedOver(t *testing.T) {
	d := newDesk(bugsChannel)
	keys := d.post(bugsChannel, epoch, 2)
	d.text = map[string]string{keys[0]: "It crashes"}
	d.hidden = triage.TimestampOf(epoch.Add(-time.Minute))
	r := d.newRun(epoch)
	var status TriageStatus
	r.after(2*time.Minute, func() { status = r.status(t) })
	r.after(3*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})
	d.requireStarted(t, keys)
	require.NotNil(t, d.inputs[keys[0]].Message)
	assert.Equal(t, "It crashes", d.inputs[keys[0]].Message.Text)
	assert.Nil(t, d.inputs[keys[1]].Message, "too much for one window: the Report reads it")
	assert.Equal(t, &Gap{After: triage.TimestampOf(epoch.Add(-time.Hour)), Before: d.hidden}, channelOf(t, status.Channels, bugsChannel).Hidden)

	d = newDesk(bugsChannel)
	d.post(bugsChannel, epoch, 1)
	d.hidden = triage.TimestampOf(epoch.Add(-2 * time.Hour))
	r = d.newRun(epoch)
	r.after(2*time.Minute, func() { status = r.status(t) })
	r.after(3*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})
	assert.Nil(t, channelOf(t, status.Channels, bugsChannel).Hidden, "what is hidden was read before")
}

// What was too old stays in the status of all runs.
func TestWhatAPollLeavesOutIsInTheStatus(t *testing.T) {
	d := newDesk(bugsChannel)
	plan, _ := d.plan() // the desk's own never fails
	plan.Since = triage.Since{For: 720 * time.Hour}
	d.plan = func() (activities.Plan, error) { return plan, nil }
	left := activities.LeftOut{After: "1700000000.000100", Upto: "1710000000.000100", Messages: 12}
	d.leftOut = &left
	r := d.newRun(epoch)
	r.after(time.Minute, func() { d.set(func() { d.leftOut = nil }) })
	r.after(5*time.Minute, func() { r.signal(SignalReload) })
	r.triage(TriageInput{Triage: bugTriage})

	next := r.next(t)
	require.NotNil(t, next)
	assert.Equal(t, &left, channelOf(t, next.State.Channels, bugsChannel).LeftOut)
	assert.Equal(t, plan.Since, d.lastPoll().Since)
}

func TestContinueAsNewCarriesTheWatermarks(t *testing.T) {
	d := newDesk(bugsChannel)
	keys := d.post(bugsChannel, epoch, 2)
	r := d.newRun(epoch)
	r.after(2*time.Minute, func() { r.env.SetContinueAsNewSuggested(true) })
	r.triage(TriageInput{Triage: bugTriage})
	next := r.next(t)
	require.NotNil(t, next)
	assert.Equal(t, bugTriage, next.Triage)
	c := channelOf(t, next.State.Channels, bugsChannel)
	assert.Equal(t, keys[1], keyOf(bugsChannel, c.Watermark))
	assert.Equal(t, 2, c.Reports)
	assert.True(t, c.Since.Equal(epoch))

	late := d.post(bugsChannel, epoch.Add(3*time.Minute), 1)
	second := d.newRun(epoch.Add(5 * time.Minute))
	second.after(2*time.Minute, second.env.CancelWorkflow)
	second.triage(*next)
	d.requireStarted(t, append(keys, late...))
	assert.True(t, d.inputs[late[0]].New, "the triage was there when it was posted")
}

// A Report lives for as long as its account needs a person. The run that started it does not.
func TestTheEndOfARunCancelsNoReport(t *testing.T) {
	for name, end := range map[string]func(*testsuite.TestWorkflowEnvironment){
		"reload":          func(env *testsuite.TestWorkflowEnvironment) { env.SignalWorkflow(SignalReload, nil) },
		"continue as new": func(env *testsuite.TestWorkflowEnvironment) { env.SetContinueAsNewSuggested(true) },
		"cancel":          func(env *testsuite.TestWorkflowEnvironment) { env.CancelWorkflow() },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(bugsChannel)
			d.post(bugsChannel, epoch, 3)
			var ends []error
			waiting := func(ctx workflow.Context, _ ReportInput) (ReportResult, error) {
				err := workflow.Sleep(ctx, 24*time.Hour)
				ends = append(ends, err)
				return ReportResult{}, err
			}
			r := d.newRunWith(epoch, waiting)
			r.env.SetDetachedChildWait(true)
			r.after(2*time.Minute, func() { end(r.env) })
			r.triage(TriageInput{Triage: bugTriage})

			require.True(t, r.env.IsWorkflowCompleted())
			assert.Equal(t, []error{nil, nil, nil}, ends)
		})
	}
}

// The server allows 2,000 children that are open, in one run.
func TestARunThatStartedManyReportsLeavesTheRestToTheNext(t *testing.T) {
	d := newDesk("C01", "C02", "C03")
	r := d.newRun(epoch)
	var keys []string
	for i, channel := range []string{"C01", "C02", "C03"} {
		at := time.Duration(2*i+1) * time.Minute
		r.after(at, func() { keys = append(keys, d.post(channel, epoch.Add(at), 340)...) })
	}
	r.after(10*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})
	next := r.next(t)
	require.NotNil(t, next, "1,020 are too many for one run")
	assert.Len(t, d.offered, 680)

	second := d.newRun(epoch.Add(10 * time.Minute))
	second.after(2*time.Minute, second.env.CancelWorkflow)
	second.triage(*next)
	d.requireStarted(t, keys)
}

func TestAChannelThatGetsItsRouteBackGoesOnWhereItStopped(t *testing.T) {
	for name, c := range map[string]struct {
		away  time.Duration
		taken bool
	}{
		"within a week": {7 * 24 * time.Hour, true},
		"later":         {7*24*time.Hour + time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(bugsChannel, supportChannel)
			keys := d.post(supportChannel, epoch, 1)
			run := func(at time.Time, in TriageInput, plan func() (activities.Plan, error)) TriageInput {
				d.set(func() { d.plan = plan })
				r := d.newRun(at)
				r.after(2*time.Minute, func() { r.signal(SignalReload) })
				r.triage(in)
				next := r.next(t)
				require.NotNil(t, next)
				return *next
			}
			both, one := d.plan, newDesk(bugsChannel).plan
			next := run(epoch, TriageInput{Triage: bugTriage}, both)
			left := epoch.Add(3 * time.Minute)
			next = run(left, next, one)
			missed := d.post(supportChannel, left.Add(time.Hour), 1)
			next = run(left.Add(time.Hour), next, one)
			back := left.Add(c.away)
			next = run(back, next, both)

			if !c.taken {
				d.requireStarted(t, keys)
				return
			}
			d.requireStarted(t, append(keys, missed...))
			assert.False(t, d.inputs[missed[0]].New, "another triage may have had it")
			state := channelOf(t, next.State.Channels, supportChannel)
			assert.Equal(t, 2, state.Reports)
			assert.Zero(t, state.Left)
			assert.Empty(t, next.State.Former)
		})
	}
}

func TestReloadReadsTheConfigurationAgain(t *testing.T) {
	d := newDesk(bugsChannel)
	keys := d.post(bugsChannel, epoch, 1)
	r := d.newRun(epoch)
	r.after(time.Minute, func() { r.signal(SignalReload) })
	r.triage(TriageInput{Triage: bugTriage})
	next := r.next(t)
	require.NotNil(t, next)

	d.set(func() { d.plan = newDesk(bugsChannel, supportChannel).plan })
	before := d.post(supportChannel, epoch.Add(30*time.Second), 1)
	second := d.newRun(epoch.Add(2 * time.Minute))
	second.after(2*time.Minute, second.env.CancelWorkflow)
	second.triage(*next)
	d.requireStarted(t, append(keys, before...))
	assert.False(t, d.inputs[before[0]].New,
		"it is younger than the triage, but older than the route: it may have been filed when the channel was routed before")
}

func TestAMistakeInTheConfigurationEndsNoTriageThatHasBegun(t *testing.T) {
	d := newDesk(bugsChannel)
	good := d.plan
	state := &TriageState{Channels: []ChannelState{{Channel: bugsChannel, Watermark: triage.TimestampOf(epoch), Since: epoch, Reports: 7}}}
	bad := temporal.NewNonRetryableApplicationError("triage acme/bug-reports is not in tokenkeeper.yaml", activities.ErrTypeNotConfigured, nil)
	d.plan = func() (activities.Plan, error) { return activities.Plan{}, bad }
	keys := d.post(bugsChannel, epoch.Add(time.Minute), 1)
	r := d.newRun(epoch.Add(time.Hour))
	var during, after TriageStatus
	r.after(time.Minute, func() {
		during = r.status(t)
		d.set(func() { d.plan = good })
	})
	r.after(2*time.Minute, func() { r.signal(SignalReload) }) // an operator need not wait for the next look
	r.after(4*time.Minute, func() { after = r.status(t) })
	r.after(5*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage, State: state})

	assert.Equal(t, "misconfigured", during.State)
	assert.Contains(t, during.Trouble, "not in tokenkeeper.yaml")
	assert.Equal(t, 7, channelOf(t, during.Channels, bugsChannel).Reports, "it has forgotten nothing")
	assert.Equal(t, "polling", after.State)
	assert.Empty(t, after.Trouble)
	d.requireStarted(t, keys)
}

func TestATriageThatIsNotConfiguredDoesNotBegin(t *testing.T) {
	d := newDesk(bugsChannel)
	d.plan = func() (activities.Plan, error) {
		return activities.Plan{}, temporal.NewNonRetryableApplicationError("triage x is not in tokenkeeper.yaml", activities.ErrTypeNotConfigured, nil)
	}
	r := d.newRun(epoch)
	r.triage(TriageInput{Triage: bugTriage})
	require.ErrorContains(t, r.env.GetWorkflowError(), "not in tokenkeeper.yaml")
	status := r.status(t)
	assert.Equal(t, TriageMisconfigured, status.State, "whoever asks afterwards")
	assert.Contains(t, status.Trouble, "not in tokenkeeper.yaml")
}

func TestATriageWithoutANameSaysHowToStartIt(t *testing.T) {
	r := newDesk().newRun(epoch)
	r.triage(TriageInput{})
	require.ErrorContains(t, r.env.GetWorkflowError(), `--input '{"triage":"acme/bug-reports"}'`)
}
