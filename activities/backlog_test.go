package activities_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
)

// queue is what visibility says of the reports under way.
type queue struct {
	open   int64
	stuck  *activities.StuckReport
	silent bool      // those that are old do not say how they are
	before time.Time // what is asked for
	err    error
}

func (q *queue) OpenReports(context.Context, string) (int64, error) { return q.open, q.err }

func (q *queue) StuckReport(_ context.Context, _ string, before time.Time) (*activities.StuckReport, bool, error) {
	q.before = before
	return q.stuck, !q.silent, q.err
}

// watched returns a watch over the reports of a queue.
func watched(t *testing.T) (*world, *queue, *activities.Triage) {
	t.Helper()
	w, q := newWorld(t, sandbox.Options{}), &queue{}
	return w, q, &activities.Triage{Reports: q, Now: w.clock.Now}
}

func TestAWatchOverReportsThatFlowEndsNever(t *testing.T) {
	w, q, tr := watched(t)
	in := activities.WatchBacklogInput{Triage: "acme/bugs"}
	q.open = 7
	first := once(w, tr.WatchBacklog, in)
	first.fails(t, activities.ErrTypeNothingNew, "acme/bugs")
	assert.Equal(t, 20*time.Minute, first.wait(t))
	require.Len(t, first.beats, 1)
	assert.Contains(t, first.beats[0], `"open":7`)
	assert.Equal(t, w.clock.Now().Add(-time.Hour), q.before)

	w.clock.advance(5 * time.Minute)
	in.Backlog.CountedAt, q.err = w.clock.Now().Add(-5*time.Minute), errors.New("nobody should be asked")
	again := once(w, tr.WatchBacklog, in)
	again.fails(t, activities.ErrTypeNothingNew)
	assert.Equal(t, 15*time.Minute, again.wait(t), "a new run of the triage counts no sooner")
	w.clock.advance(15 * time.Minute)
	require.ErrorContains(t, once(w, tr.WatchBacklog, in).err, "counting the reports of triage acme/bugs: nobody")
}

func TestAStuckReportIsToldOnce(t *testing.T) {
	w, q, tr := watched(t)
	in := activities.WatchBacklogInput{Triage: "acme/bugs"}
	q.open, q.stuck = 1, &activities.StuckReport{Report: "T1/C1/1.000100", Step: "file the issue", Began: w.clock.Now().Add(-2 * time.Hour)}
	told := once(w, tr.WatchBacklog, in)
	require.NoError(t, told.err)
	assert.Equal(t, []activities.TriageEvent{activities.EventReportStuck}, told.out.Events)
	notice := told.out.Backlog.Notice("acme/bugs", activities.EventReportStuck)
	assert.Equal(t, "T1/C1/1.000100", notice.Report)

	for range 2 { // another one is the oldest then, and stuck as well
		w.clock.advance(20 * time.Minute)
		in.Backlog = told.out.Backlog
		q.stuck = &activities.StuckReport{Report: "T1/C1/2.000100", Step: "file the issue", Began: w.clock.Now().Add(-2 * time.Hour)}
		once(w, tr.WatchBacklog, in).fails(t, activities.ErrTypeNothingNew)
	}
	q.stuck, q.silent = nil, true
	once(w, tr.WatchBacklog, in).fails(t, activities.ErrTypeNothingNew)
	q.silent = false
	over := once(w, tr.WatchBacklog, in)
	require.NoError(t, over.err)
	assert.Equal(t, []activities.TriageEvent{activities.EventReportsFlow}, over.out.Events)
	assert.Equal(t, notice.Since, over.out.Backlog.Notice("acme/bugs", activities.EventReportsFlow).Since)
	assert.Empty(t, over.out.Backlog.String())
}

// What one attempt counted the next one compares with, and a run that begins with what the last one brought home.
func TestABacklogThatGrowsIsCountedOverAttemptsAndRuns(t *testing.T) {
	w, q, tr := watched(t)
	in := activities.WatchBacklogInput{Triage: "acme/bugs"}
	var events []activities.TriageEvent
	for _, open := range []int64{20, 30, 40, 50, 45} {
		q.open = open
		got := once(w, tr.WatchBacklog, in)
		w.clock.advance(20 * time.Minute)
		if got.err == nil { // it comes home to be remembered
			in.Backlog = got.out.Backlog
			events = append(events, got.out.Events...)
		}
	}
	assert.Equal(t, []activities.TriageEvent{activities.EventBacklogGrows, activities.EventBacklogShrinks}, events)
}

func TestABurstIsNoBacklog(t *testing.T) {
	var b activities.Backlog
	now := time.Now()
	for _, open := range []int64{0, 400, 300, 200, 9, 9, 9} {
		assert.Empty(t, b.Count(open, now))
	}
	for _, open := range []int64{1, 2, 3, 4, 5} {
		assert.Empty(t, b.Count(open, now), "few are no backlog, although they become more")
	}
}
