package workflows

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

var marked = triage.When{Reactions: []string{"beetle"}}

// onReactions has a desk whose channel takes what people mark.
func onReactions(d *desk) {
	plan, _ := d.plan() // the desk's own never fails
	plan.Routes[0].When = marked
	d.plan = func() (activities.Plan, error) { return plan, nil }
}

func (d *desk) lastPoll() (in activities.PollInput) {
	d.set(func() { in = d.polls[len(d.polls)-1] })
	return in
}

func TestWhoseReactionWasHandedOverIsNotTakenForItAgain(t *testing.T) {
	d := newDesk(bugsChannel)
	onReactions(d)
	keys := d.post(bugsChannel, epoch, 2)
	d.marked = map[string]bool{keys[1]: true}
	r := d.newRun(epoch)
	var later activities.PollInput
	r.after(5*time.Minute, func() { later = d.lastPoll() })
	r.after(6*time.Minute, func() { r.env.SetContinueAsNewSuggested(true) })
	r.after(7*time.Minute, func() { r.signal(SignalReload) })
	r.triage(TriageInput{Triage: bugTriage})

	d.requireStarted(t, keys)
	assert.Equal(t, marked, d.polls[0].When)
	assert.Equal(t, d.polls[0].After, d.polls[0].BackTo, "nothing from before the triage")
	assert.Equal(t, d.polls[0].After, later.BackTo)
	require.Len(t, later.Taken, 1)
	assert.Equal(t, keys[1], keyOf(bugsChannel, later.Taken[0]))
	next := r.next(t)
	require.NotNil(t, next)
	assert.Equal(t, later.Taken, channelOf(t, next.State.Channels, bugsChannel).Taken)
}

// A window of a worker that does not tell marks apart, and one of a history from before.
func TestOfAWindowThatNamesNoMarksAllIsTaken(t *testing.T) {
	var window activities.Window
	require.NoError(t, json.Unmarshal([]byte(`{"team":"T1","messages":["1777896000.000100"],"watermark":"1777896000.000100"}`), &window))
	require.Nil(t, window.Marked)
	text, err := json.Marshal(activities.Window{Marked: []string{}})
	require.NoError(t, err)
	assert.Contains(t, string(text), `"marked":[]`)

	d := newDesk(bugsChannel)
	onReactions(d)
	d.namesNoMarks = true
	keys := d.post(bugsChannel, epoch, 1)
	r := d.newRun(epoch)
	r.after(2*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})
	require.Len(t, d.lastPoll().Taken, 1)
	assert.Equal(t, keys[0], keyOf(bugsChannel, d.lastPoll().Taken[0]))
}

// markLater has a desk where somebody marks what was handed over before.
func markLater(d *desk, ts string) {
	d.behind = func(in activities.PollInput) []string {
		if in.After < ts || slices.Contains(in.Taken, ts) {
			return nil
		}
		return []string{ts}
	}
}

func TestAMarkOnWhatWasHandedOverHasItHandedOverOnceMore(t *testing.T) {
	d := newDesk(bugsChannel)
	onReactions(d)
	key := d.post(bugsChannel, epoch, 1)[0]
	markLater(d, triage.TimestampOf(epoch))
	r := d.newRunWith(epoch, Report)
	var inputs []ReportInput
	r.env.OnWorkflow(Report, mock.Anything, mock.Anything).Return(func(_ workflow.Context, in ReportInput) (ReportResult, error) {
		inputs = append(inputs, in)
		return ReportResult{Verdict: activities.NotReport}, nil
	})
	r.after(10*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	require.Len(t, inputs, 2)
	assert.Equal(t, []string{key, key}, []string{inputs[0].Report, inputs[1].Report})
	assert.Equal(t, []bool{true, false}, []bool{inputs[0].New, inputs[1].New}, "the second one looks for what the first did")
	assert.Len(t, d.lastPoll().Taken, 1)
}

// The Report may be past its look at the message, and then it has to look again.
func TestAMarkIsToldToAReportUnderWay(t *testing.T) {
	d := newDesk(bugsChannel)
	onReactions(d)
	d.post(bugsChannel, epoch, 1)
	markLater(d, triage.TimestampOf(epoch))
	told := 0
	waiting := func(ctx workflow.Context, _ ReportInput) (ReportResult, error) {
		for workflow.GetSignalChannel(ctx, SignalMarked).Receive(ctx, nil) {
			told++
		}
		return ReportResult{}, nil
	}
	r := d.newRunWith(epoch, waiting)
	r.after(10*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	assert.Equal(t, 1, told)
	assert.Len(t, d.lastPoll().Taken, 1)
}

func TestAChannelWithoutReactionsRemembersNothing(t *testing.T) {
	d := newDesk(bugsChannel)
	d.post(bugsChannel, epoch, 2)
	r := d.newRun(epoch)
	r.after(2*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	assert.Empty(t, d.lastPoll().Taken)
	assert.Empty(t, d.lastPoll().BackTo)
}

// What was seen last goes along from poll to poll, over a pause and a new run.
func TestWhatWasSeenLastGoesAlong(t *testing.T) {
	d := newDesk(bugsChannel)
	keys := d.post(bugsChannel, epoch, 2)
	r := d.newRun(epoch)
	r.after(2*time.Minute+15*time.Second, func() { r.signal(SignalPause) })
	r.after(3*time.Minute, func() { r.signal(SignalResume) })
	r.after(6*time.Minute, func() { r.signal(SignalReload) })
	r.triage(TriageInput{Triage: bugTriage})

	first, last := d.polls[0], d.lastPoll()
	assert.Zero(t, first.Overlap, "a triage that begins has seen nothing")
	require.Len(t, last.Overlap.Seen, 1)
	assert.Equal(t, keys[1], keyOf(bugsChannel, last.Overlap.Seen[0]))
	assert.Equal(t, first.After, last.Overlap.From)
	next := r.next(t)
	require.NotNil(t, next)
	assert.Equal(t, last.Overlap, channelOf(t, next.State.Channels, bugsChannel).Overlap)
}

func TestAMarkedMessageFromBehindTheWatermarkIsLookedForFirst(t *testing.T) {
	d := newDesk(bugsChannel)
	onReactions(d)
	state := &TriageState{Channels: []ChannelState{{
		Channel: bugsChannel, Since: epoch.Add(-48 * time.Hour), Watermark: triage.TimestampOf(epoch), BackTo: triage.TimestampOf(epoch.Add(-24 * time.Hour)),
	}}}
	old := triage.TimestampOf(epoch.Add(-time.Hour))
	d.behind = func(in activities.PollInput) []string {
		if len(in.Taken) > 0 {
			return nil
		}
		return []string{old}
	}
	r := d.newRun(epoch)
	var status TriageStatus
	r.after(5*time.Minute, func() { status = r.status(t) })
	r.after(6*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage, State: state})

	d.requireStarted(t, []string{keyOf(bugsChannel, old)})
	assert.False(t, d.inputs[keyOf(bugsChannel, old)].New, "it was read before, so it may have been filed before")
	c := channelOf(t, status.Channels, bugsChannel)
	assert.Equal(t, triage.TimestampOf(epoch), c.Watermark, "it does not go back")
	assert.Zero(t, c.Lag, "whoever marks an old message is not late")
}

func TestHowFarAChannelLooksBack(t *testing.T) {
	ts := func(age time.Duration) string { return triage.TimestampOf(epoch.Add(-age)) }
	c, day := ChannelState{Watermark: ts(30 * time.Hour)}, marked.ReactionsCountFor()
	c.lookBack(0)
	assert.Empty(t, c.BackTo)
	c.lookBack(day)
	assert.Equal(t, ts(30*time.Hour), c.BackTo)
	c.take([]string{ts(25 * time.Hour), ts(time.Hour)}, day, epoch)
	assert.Equal(t, ts(24*time.Hour), c.BackTo)
	assert.Equal(t, []string{ts(time.Hour)}, c.Taken)
	c.take([]string{ts(time.Hour)}, day, epoch)
	assert.Len(t, c.Taken, 1, "each once")

	var many []string
	for i := range maxTaken + 10 {
		many = append(many, ts(time.Hour-time.Duration(i)*time.Second))
	}
	c.take(many, day, epoch)
	assert.Len(t, c.Taken, maxTaken)
	assert.Equal(t, many[9], c.BackTo, "what is forgotten is not looked at again")
	c.lookBack(0)
	assert.Empty(t, c.BackTo+c.lastTaken())
}

func (c ChannelState) lastTaken() string {
	if len(c.Taken) == 0 {
		return ""
	}
	return c.Taken[len(c.Taken)-1]
}
