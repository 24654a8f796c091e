package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

const day = 24 * time.Hour

// away returns a poll of a channel that nobody reads for months, with nothing older taken than since.
func away(t *testing.T, since triage.Since, options sandbox.Options) (w *world, in activities.PollInput) {
	t.Helper()
	w = newWorld(t, options)
	w.connect(slackAccount)
	in = w.pollInput()
	in.Since, in.When = since, triage.When{Keywords: []string{"crashes"}}
	return w, in
}

func TestATriageThatWasAwayForMonthsTakesNothingTooOldAndSaysSo(t *testing.T) {
	for name, since := range map[string]func(now time.Time) triage.Since{
		"an age": func(time.Time) triage.Since { return triage.Since{For: 30 * day} },
		"a time": func(now time.Time) triage.Since { return triage.Since{At: now.Add(61 * day)} },
	} {
		t.Run(name, func(t *testing.T) {
			w, in := away(t, triage.Since{}, sandbox.Options{})
			in.Since = since(w.clock.Now())
			began := in.After
			w.say(2)
			w.Post(bugs, sandbox.Message{User: "ada", Text: "lunch?"})
			w.clock.advance(90 * day)
			fresh := w.say(1)
			w.clock.advance(day)

			got := once(w, w.slack.Poll, in)

			require.NoError(t, got.err)
			assert.Equal(t, fresh, got.out.Messages)
			left := got.out.LeftOut
			require.NotNil(t, left)
			assert.Equal(t, activities.LeftOut{After: began, Upto: left.Upto, Messages: 2}, *left, "lunch would have been no report")
			assert.WithinDuration(t, w.clock.Now().Add(-30*day), triage.Key{TS: left.Upto}.Time(), time.Minute)
			assert.Contains(t, w.log.String(), "too old to be taken")

			in.After, in.Overlap = got.out.Watermark, got.out.Overlap
			requests := w.Books().Requests[history]
			once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
			assert.Equal(t, requests+1, w.Books().Requests[history], "it is looked for once")
		})
	}
}

// Where everything is too old, that is told at once, and not with the next report.
func TestWhatIsLeftOutIsSaidWithoutAReport(t *testing.T) {
	w, in := away(t, triage.Since{For: 30 * day}, sandbox.Options{})
	w.say(250)
	w.clock.advance(100 * day)

	got := once(w, w.slack.Poll, in)

	require.NoError(t, got.err)
	assert.Empty(t, got.out.Messages)
	require.NotNil(t, got.out.LeftOut)
	assert.Equal(t, 200, got.out.LeftOut.Messages)
	assert.True(t, got.out.LeftOut.More, "nobody counts what a page does not show")
	assert.Greater(t, got.out.Watermark, got.out.LeftOut.Upto)
}

func TestNothingIsSaidToBeLeftOutOfAQuietChannel(t *testing.T) {
	w, in := away(t, triage.Since{For: 30 * day}, sandbox.Options{})
	w.Post(bugs, sandbox.Message{User: "ada", Text: "lunch?"})
	w.clock.advance(100 * day)

	got := once(w, w.slack.Poll, in)

	require.NoError(t, got.err, "it says how far it is")
	assert.Nil(t, got.out.LeftOut)
	assert.Empty(t, got.out.Messages)
}

// A channel that is read all the time has nothing left out, however long nothing in it counts: a poll that finds nothing says how
// far it is after a tenth of the time.
func TestAPollThatFindsNothingSaysHowFarItIs(t *testing.T) {
	w, in := away(t, triage.Since{For: 30 * day}, sandbox.Options{})
	w.clock.advance(2 * day)
	last := w.Post(bugs, sandbox.Message{User: "ada", Text: "lunch?"})
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
	w.clock.advance(day + time.Minute)

	got := once(w, w.slack.Poll, in)

	require.NoError(t, got.err)
	assert.Nil(t, got.out.LeftOut)
	assert.Greater(t, got.out.Watermark, last)
	assert.WithinDuration(t, w.clock.Now().Add(-time.Hour), triage.Key{TS: got.out.Watermark}.Time(), time.Minute, "clocks may differ")
	in.After, in.Overlap = got.out.Watermark, got.out.Overlap
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)

	w.clock.advance(-time.Hour - time.Second) // Slack's clock is that much behind ours
	late := w.say(1)
	w.clock.advance(time.Hour)
	assert.Equal(t, late, once(w, w.slack.Poll, in).out.Messages)
}

// A mark does not make young again what is too old.
func TestAMarkOnWhatIsTooOldDoesNotCount(t *testing.T) {
	w, in := away(t, triage.Since{For: 2 * day}, sandbox.Options{})
	in.When, in.BackTo = triage.When{Reactions: []string{"beetle"}, ReactionsWithin: 30 * day}, in.After
	old := w.say(1)[0]
	w.clock.advance(day + 23*time.Hour)
	in.After = w.Post(bugs, sandbox.Message{User: "ada", Text: "lunch?"})
	require.NoError(t, w.React(bugs, old, "ada", "beetle"))

	assert.Equal(t, []string{old}, once(w, w.slack.Poll, in).out.Messages)
	w.clock.advance(2 * time.Hour)
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
}

// What bounds a window was decided when it began: one that takes hours under a limit is not bounded anew by each attempt.
func TestAWindowThatTakesLongIsBoundedOnce(t *testing.T) {
	w, in := away(t, triage.Since{For: 30 * day}, sandbox.Options{})
	w.say(3)
	w.clock.advance(90 * day)
	fresh := w.say(450)
	w.clock.advance(10 * day)
	for after := range 3 {
		w.fault(sandbox.Fault{
			App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: time.Hour, After: 1 + after,
		})
	}

	got := retried(w, w.slack.Poll, in, always)

	require.NoError(t, got.err)
	assert.Equal(t, fresh, got.out.Messages)
	assert.Equal(t, 3, got.out.LeftOut.Messages)
	assert.Equal(t, 1+3+3, w.Books().Requests[history], "no page twice")
}
