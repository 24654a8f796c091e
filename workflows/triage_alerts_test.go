package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

func TestAChannelThatCannotBeReadIsToldOnceAndSoIsItsRecovery(t *testing.T) {
	d := newDesk(bugsChannel, supportChannel)
	since := epoch.Add(-2 * time.Minute)
	d.failing[bugsChannel] = since
	r := d.newRun(epoch)
	var during, after TriageStatus
	r.after(time.Hour, func() {
		during = r.status(t)
		d.set(func() { delete(d.failing, bugsChannel) })
	})
	r.after(2*time.Hour, func() { after = r.status(t) })
	r.after(3*time.Hour, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	require.Len(t, d.notices, 2, "an hour of trouble is one notice")
	unread, read := d.notices[0], d.notices[1]
	assert.Equal(t, activities.EventChannelUnread, unread.Event)
	assert.Equal(t, bugsChannel, unread.Channel)
	assert.Contains(t, unread.Reason, "HTTP 503")
	assert.True(t, unread.Since.Equal(since), "since the first poll that failed, not since somebody noticed")
	assert.Equal(t, activities.EventChannelRead, read.Event)
	bad := channelOf(t, during.Channels, bugsChannel)
	assert.Contains(t, bad.Trouble, "HTTP 503")
	assert.True(t, bad.FailingSince.Equal(since))
	assert.Empty(t, channelOf(t, during.Channels, supportChannel).Trouble)
	good := channelOf(t, after.Channels, bugsChannel)
	assert.Empty(t, good.Trouble)
	assert.True(t, good.FailingSince.IsZero())
}

func TestABotThatWasRemovedFromItsChannelIsToldAtOnce(t *testing.T) {
	d := newDesk(bugsChannel)
	d.refused[bugsChannel] = true
	r := d.newRun(epoch)
	r.after(time.Hour, func() { d.set(func() { delete(d.refused, bugsChannel) }) })
	r.after(2*time.Hour, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	require.Len(t, d.notices, 2)
	assert.Contains(t, d.notices[0].Reason, "not_in_channel")
	assert.Equal(t, activities.EventChannelRead, d.notices[1].Event)
}

func TestTroubleThatWasToldIsNotToldAgainInTheNextRun(t *testing.T) {
	d := newDesk(bugsChannel)
	d.refused[bugsChannel] = true
	r := d.newRun(epoch)
	r.after(time.Minute, func() { r.signal(SignalReload) })
	r.triage(TriageInput{Triage: bugTriage})
	next := r.next(t)
	require.NotNil(t, next)
	second := d.newRun(epoch.Add(time.Hour))
	second.after(time.Hour, second.env.CancelWorkflow)
	second.triage(*next)

	require.Len(t, d.notices, 1)
}

func TestABacklogThatOnlyGrowsIsToldAndSoIsItsEnd(t *testing.T) {
	d := newDesk(bugsChannel)
	r := d.newRun(epoch)
	var during TriageStatus
	for i, open := range []int64{20, 30, 40, 50, 45, 60} {
		at := time.Duration(i)*25*time.Minute + time.Minute
		r.after(at, func() {
			d.set(func() { d.open = open })
			d.post(bugsChannel, epoch.Add(at), 1)
		})
	}
	r.after(95*time.Minute, func() { during = r.status(t) })
	r.after(4*time.Hour, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	var events []activities.TriageEvent
	for _, n := range d.notices {
		events = append(events, n.Event)
	}
	assert.Equal(t, []activities.TriageEvent{activities.EventBacklogGrows, activities.EventBacklogShrinks}, events)
	assert.Contains(t, during.Backlog, "reports are under way")
}

// One report that goes on for hours is told of, although it is the only one and nobody writes any more.
func TestAReportThatIsStuckIsToldAndSoIsItsEnd(t *testing.T) {
	d := newDesk(bugsChannel)
	d.open = 1
	r := d.newRun(epoch)
	stuck := activities.StuckReport{Report: "T1/C1/1.000100", Step: "file the issue", Began: epoch.Add(-time.Hour)}
	var during TriageStatus
	r.after(time.Hour, func() { d.set(func() { d.stuck = &stuck }) })
	r.after(2*time.Hour, func() { during = r.status(t) })
	r.after(3*time.Hour, func() { d.set(func() { d.stuck = nil }) })
	r.after(5*time.Hour, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	require.Len(t, d.notices, 2, "once, however long it takes")
	assert.Equal(t, activities.TriageNotice{
		Triage: bugTriage, Event: activities.EventReportStuck, Report: stuck.Report, Reason: stuck.Step, Since: stuck.Began, Open: 1,
	}, d.notices[0])
	assert.Equal(t, activities.EventReportsFlow, d.notices[1].Event)
	assert.True(t, d.notices[1].Since.Equal(stuck.Began), "they are the beginning and the end of one trouble")
	assert.Contains(t, during.Backlog, "report T1/C1/1.000100 is under way since 2026-05-04T11:00:00Z (file the issue)")
}

// People write faster than the app may read: each window is older than the one before.
func TestAChannelThatIsReadLaterAndLaterIsTold(t *testing.T) {
	d := newDesk(bugsChannel)
	d.cut = func() int { return 1 }
	d.pollTakes = 10 * time.Minute
	r := d.newRun(epoch)
	for i := range 30 {
		d.posted[bugsChannel] = append(d.posted[bugsChannel], triage.TimestampOf(epoch.Add(time.Duration(i)*time.Minute)))
	}
	r.after(2*time.Hour, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	require.NotEmpty(t, d.notices)
	assert.Equal(t, activities.EventChannelBehind, d.notices[0].Event)
	assert.Equal(t, bugsChannel, d.notices[0].Channel)
}
