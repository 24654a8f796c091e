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

// A channel that people rename keeps its id: it is read as before, and new issues have the new name.
func TestARenamedChannelIsReadOnAndCalledByItsNewName(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	require.NoError(t, w.ChangeChannel(sandbox.Channel{ID: bugs, Name: "bugs-and-crashes"}))
	posted := w.say(1)
	window := once(w, w.slack.Poll, in)
	require.NoError(t, window.err)
	assert.Equal(t, posted, window.out.Messages)
	draft := w.read(triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: posted[0]})
	require.NoError(t, draft.err)
	assert.Contains(t, draft.out.Issue.Body, "#bugs-and-crashes")
}

// While the app is not in a channel it is told so; what was posted meanwhile is found when it is invited again.
func TestWhatWasPostedWhileTheAppWasNotInTheChannelIsFoundLater(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	require.NoError(t, w.ChangeChannel(sandbox.Channel{ID: bugs, Name: "bug-reports", BotAbsent: true}))
	posted := w.say(2)
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeRejected, "not_in_channel", "/invite")
	require.NoError(t, w.ChangeChannel(sandbox.Channel{ID: bugs, Name: "bug-reports"}))
	window := once(w, w.slack.Poll, in)
	require.NoError(t, window.err)
	assert.Equal(t, posted, window.out.Messages)
}

func TestWhatTheFreePlanHidesIsSaid(t *testing.T) {
	const day = 24 * time.Hour
	w := newWorld(t, sandbox.Options{HistoryWindow: 90 * day})
	w.connect(slackAccount)
	in := w.pollInput()
	w.say(1) // and nobody reads it for a hundred days
	w.clock.advance(50 * day)
	seen := w.say(1)
	w.clock.advance(50 * day)
	seen = append(seen, w.say(1)...)
	window := once(w, w.slack.Poll, in)
	require.NoError(t, window.err)
	assert.Equal(t, seen, window.out.Messages)
	assert.Equal(t, seen[0], window.out.Hidden)

	in.After = triage.TimestampOf(w.clock.Now().Add(-60 * day))
	window = once(w, w.slack.Poll, in)
	require.NoError(t, window.err)
	assert.Empty(t, window.out.Hidden, "nothing of this window is")
}

// A message that came along with the poll is not read again, but for what the history does not have: names and a link.
func TestAMessageAtHandIsNotReadAgain(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)
	read := w.read(key)
	require.NoError(t, read.err)
	before := w.Books().Requests[history]
	m := triage.Message{Key: key, User: "U0ADA", Text: crash}
	atHand := once(w, w.slack.Read, activities.ReadInput{Triage: w.plan.Triage, Report: key, Message: &m})
	require.NoError(t, atHand.err)
	assert.Equal(t, read.out, atHand.out)
	assert.Equal(t, before, w.Books().Requests[history])

	w.clock.advance(time.Second)
	m.TS = triage.TimestampOf(w.clock.Now()) // as of one that was deleted since
	gone := once(w, w.slack.Read, activities.ReadInput{Triage: w.plan.Triage, Report: m.Key, Message: &m})
	require.NoError(t, gone.err)
	assert.Equal(t, activities.Gone, gone.out.Verdict)
}
