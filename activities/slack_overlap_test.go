package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

// polled polls once, and has the input of the next poll go on from there.
func (w *world) polled(in *activities.PollInput) activities.Window {
	w.t.Helper()
	got := once(w, w.slack.Poll, *in)
	require.NoError(w.t, got.err)
	in.After, in.Overlap = got.out.Watermark, got.out.Overlap
	return got.out
}

func (w *world) saysLate(lag time.Duration) (ts string) {
	w.clock.advance(time.Second)
	return w.Post(bugs, sandbox.Message{User: "ada", Text: "It crashes, and the history lags behind", Report: true, Lag: lag})
}

// Slack may show a message only when a newer one was read. It is found all the same, once, and costs no request.
func TestAMessageThatComesLateIsFound(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	late := w.saysLate(30 * time.Second)
	posted := w.say(2)
	assert.Equal(t, posted, w.polled(&in).Messages)
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)

	w.clock.advance(30 * time.Second)
	found := w.polled(&in)
	assert.Equal(t, []string{late}, found.Messages)
	assert.Equal(t, posted[1], found.Watermark, "it does not go back")
	require.Len(t, found.Contents, 1)
	assert.Equal(t, late, found.Contents[0].TS)

	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
	assert.Equal(t, 4, w.Books().Requests[history])
}

// What was there to be seen is not judged anew, whatever becomes of it: people edit, and the configuration changes.
func TestWhatWasPassedOverIsNotFiledByTheNextLook(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	in.When = triage.When{Keywords: []string{"crashes"}}
	w.clock.advance(time.Second)
	w.Post(bugs, sandbox.Message{User: "ada", Text: "Lunch?", Ref: "lunch"})
	w.say(1)
	w.polled(&in)
	w.clock.advance(time.Second)
	w.Post(bugs, sandbox.Message{User: "ada", Text: "Lunch crashes", EditOf: "lunch"})
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
	in.When = triage.When{}
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
}

// A first start, and a poll of a version that knew of no overlap, look at nothing from before.
func TestNothingFromBeforeTheBeginningIsLate(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	past := w.say(2)
	in := w.pollInput()
	in.After = past[1]
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
	got := attempt(w, t.Context(), map[string]any{"watermark": past[1]}, w.slack.Poll, in)
	got.fails(t, activities.ErrTypeNothingNew)
	next := w.say(1)
	assert.Equal(t, activities.Overlap{From: past[1], Seen: next}, w.polled(&in).Overlap)
	w.clock.advance(10 * time.Minute)
	later := w.say(1)
	overlap := w.polled(&in).Overlap
	assert.Equal(t, later, overlap.Seen, "it is a minute")
	assert.Equal(t, triage.TimestampOf(w.clock.Now().Add(-time.Minute)), overlap.From)
}

func TestWhatIsRememberedOfAnOverlapIsBounded(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	w.clock.advance(time.Second)
	var posted []string
	for range 150 { // in one second
		posted = append(posted, w.Post(bugs, sandbox.Message{User: "ada", Text: "It crashes", Report: true}))
	}
	overlap := w.polled(&in).Overlap
	assert.Equal(t, activities.Overlap{From: posted[49], Seen: posted[50:]}, overlap)
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
}

// Where requests are few, what comes late is looked for with pages that are read anyway.
func TestAChannelThatIsReadInTurnsHasNoPageMoreForWhatComesLate(t *testing.T) {
	for name, c := range map[string]struct {
		perMinute, requests int
	}{"in turns": {600, 1}, "at once": {0, 2}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{ReadsPerMinute: 5}) // pages of 15
			w.connect(slackAccount)
			w.slack.Reading = &activities.Reading{
				Channels: func(credential.AccountID) []string { return []string{bugs} },
				Rate:     func(credential.AccountID) int { return c.perMinute },
			}
			in := w.pollInput()
			posted := w.say(20)
			assert.Equal(t, posted, w.polled(&in).Messages)
			before := w.Books().Requests[history]
			once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
			assert.Equal(t, c.requests, w.Books().Requests[history]-before)
		})
	}
}
