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

const calendar = "Thirty-two days in March"

func TestAPollTakesOnlyWhatCounts(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	in.When = triage.When{Keywords: []string{"crash"}, Mention: true, Ignore: []string{"U0BJORN"}}
	w.clock.advance(time.Minute)
	first := w.Post(bugs, sandbox.Message{User: "ada", Text: "a crash"})
	w.Post(bugs, sandbox.Message{User: "ada", Text: "it crashes"})
	w.Post(bugs, sandbox.Message{User: "bjorn", Text: "a crash as well"})
	w.Post(bugs, sandbox.Message{User: "chen", Text: "a crash in the thread", ThreadTS: first})
	second := w.Post(bugs, sandbox.Message{User: "chen", Text: "<@U0TRIAGEBOT> " + calendar})
	last := w.Post(bugs, sandbox.Message{User: "chen", Text: "lunch?"})

	got := once(w, w.slack.Poll, in)

	require.NoError(t, got.err)
	assert.Equal(t, []string{first, second}, got.out.Messages)
	assert.Equal(t, last, got.out.Watermark, "the rest was looked at")
	in.When = triage.When{Patterns: []string{"("}}
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNotConfigured, "pattern")
}

func TestWhoeverMentionsTheBotNeedNotReadLikeAReport(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message("<@U0TRIAGEBOT> " + calendar)
	assert.Equal(t, activities.NotReport, w.read(key).out.Verdict, "the route does not ask for mentions")
	w.plan.Routes[0].When.Mention = true

	got := w.read(key)

	require.NoError(t, got.err)
	assert.Equal(t, activities.IsReport, got.out.Verdict)
	assert.Equal(t, "it mentions this agent", got.out.Reason)
	assert.Equal(t, calendar, got.out.Issue.Title)
	assert.Equal(t, activities.NotReport, w.read(w.message(calendar)).out.Verdict, "taken by hand, it has to read like one")
	assert.Equal(t, activities.IsReport, w.read(w.message(crash)).out.Verdict)
}

func TestADryRunLogsAndFilesNothing(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.plan.Routes[0].DryRun = true

	got := w.read(w.message(crash))

	require.NoError(t, got.err)
	assert.Equal(t, activities.WouldFile, got.out.Verdict)
	assert.Contains(t, got.out.Issue.Title, "Login crashes")
	assert.Contains(t, w.log.String(), "would be filed")
	assert.Contains(t, w.log.String(), "Login crashes")
	assert.Equal(t, activities.NotReport, w.read(w.message("have a nice weekend")).out.Verdict)
}

func TestAPreviewSaysWhatWouldBeFiledAndWritesNothing(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	after := triage.TimestampOf(w.clock.Now())
	w.clock.advance(time.Minute)
	w.plan.Routes[0].When = triage.When{Keywords: []string{"crashes", "crash"}, Ignore: []string{"U0BJORN"}}
	w.plan.Routes[0].SeverityLabels = map[string]string{"critical": "P0"}
	root := w.Post(bugs, sandbox.Message{User: "ada", Text: "Production is down: login crashes for <@U0CHEN>, error 500"})
	w.Post(bugs, sandbox.Message{User: "ada", Text: "crash course in Go, anyone?"})
	w.Post(bugs, sandbox.Message{User: "bjorn", Text: "It crashes"})
	w.Post(bugs, sandbox.Message{User: "ada", Text: "lunch?"})
	w.Post(bugs, sandbox.Message{Bot: "Sentry", Text: "It crashes"})
	w.Post(bugs, sandbox.Message{User: "ada", Text: "It crashes", ThreadTS: root, Subtype: "thread_broadcast"})
	in := activities.PreviewInput{Triage: "acme/bug-reports", Channel: bugs, After: after}

	got := once(w, w.slack.Preview, in)

	require.NoError(t, got.err)
	require.Len(t, got.out.Messages, 4)
	assert.Equal(t, activities.Previewed{
		Report: triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: root}, Verdict: activities.IsReport, Reason: got.out.Messages[3].Reason,
		Title: got.out.Messages[3].Title, Repository: "acme/app", Labels: []string{"bug", "P0"}, Severity: "critical",
	}, got.out.Messages[3])
	assert.Contains(t, got.out.Messages[3].Title, "chen", "people have names")
	for i, reason := range map[int]string{0: "none of the triggers", 1: "author does not count"} {
		assert.Equal(t, activities.NotReport, got.out.Messages[i].Verdict)
		assert.Contains(t, got.out.Messages[i].Reason, reason)
	}
	assert.Equal(t, activities.NotReport, got.out.Messages[2].Verdict, "it counts, and does not read like a report")
	assert.Equal(t, map[string]int{triage.SkipBot: 1, triage.SkipSubtype: 1}, got.out.PassedOver)
	w.plan.Routes[0].DryRun = true
	assert.Equal(t, activities.WouldFile, once(w, w.slack.Preview, in).out.Messages[3].Verdict)
	books := w.Books()
	assert.Zero(t, books.IssuesCreated+len(books.Replies)+len(books.Reactions))
	in.Channel = "C0NONE"
	once(w, w.slack.Preview, in).fails(t, activities.ErrTypeRejected, "no route for channel C0NONE")
}

func TestAPreviewIsReadPageByPage(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := activities.PreviewInput{Triage: "acme/bug-reports", Channel: bugs, After: triage.TimestampOf(w.clock.Now())}
	posted := w.say(250)
	first := once(w, w.slack.Preview, in)
	in.Cursor = first.out.Cursor
	second := once(w, w.slack.Preview, in)

	require.NoError(t, second.err)
	assert.Len(t, first.out.Messages, 200)
	require.Len(t, second.out.Messages, 50)
	assert.Equal(t, posted[0], second.out.Messages[49].Report.TS)
	assert.Empty(t, second.out.Cursor)
	w.fault(sandbox.Fault{Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: time.Minute})
	limited := once(w, w.slack.Preview, in)
	limited.fails(t, activities.ErrTypeRateLimited)
	assert.Equal(t, time.Minute, limited.wait(t))
}

func TestAMessageIsTakenWhenSomebodyMarksItLater(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	in.When, in.BackTo = triage.When{Reactions: []string{"beetle"}, ReactionsBy: []string{"U0ADA"}}, in.After
	w.clock.advance(time.Minute)
	past := w.Post(bugs, sandbox.Message{User: "bjorn", Text: calendar})
	other := w.Post(bugs, sandbox.Message{User: "bjorn", Text: "lunch?"})

	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
	require.NoError(t, w.React(bugs, past, "bjorn", "beetle"))
	in.After = other
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew, bugs)
	require.NoError(t, w.React(bugs, past, "ada", "beetle"))
	got := once(w, w.slack.Poll, in)

	require.NoError(t, got.err)
	assert.Equal(t, []string{past}, got.out.Messages)
	assert.Equal(t, other, got.out.Watermark, "it does not go back")
	w.plan.Routes[0].When = in.When
	read := w.read(triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: past})
	assert.Equal(t, activities.IsReport, read.out.Verdict)
	assert.Equal(t, "U0ADA marked it :beetle:", read.out.Reason)

	in.Taken = []string{past}
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
	in.Taken, in.BackTo = nil, past
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
	in.BackTo = "1.000000"
	w.clock.advance(24 * time.Hour)
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
	in.When.ReactionsWithin = 48 * time.Hour
	assert.Equal(t, []string{past}, once(w, w.slack.Poll, in).out.Messages)
}

// Words count for what is new, reactions for what is not.
func TestAWindowHoldsNewMessagesAndMarkedOnes(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	in.When, in.BackTo = triage.When{Keywords: []string{"crashes"}, Reactions: []string{"beetle"}}, in.After
	posted := w.say(250)
	in.After = posted[249]
	require.NoError(t, w.React(bugs, posted[3], "ada", "beetle"))
	fresh := w.say(1)

	got := once(w, w.slack.Poll, in)

	require.NoError(t, got.err)
	assert.Equal(t, []string{posted[3], fresh[0]}, got.out.Messages)
	assert.Equal(t, posted[3:4], got.out.Marked)
	assert.Equal(t, fresh[0], got.out.Watermark)
}

// A word had it handed over, and no report came of it. Who marks it wants it filed, which it is where our own mark says so.
func TestAMarkOnAMessageThatWasHandedOverCounts(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	in.When, in.BackTo = triage.When{Keywords: []string{"crash"}, Reactions: []string{"beetle"}}, in.After
	w.clock.advance(time.Minute)
	course := w.messageOf("ada", "crash course, anyone?")
	filed := w.messageOf("ada", "It says crash when I save")
	first := once(w, w.slack.Poll, in)
	require.NoError(t, first.err)
	require.Equal(t, []string{course.TS, filed.TS}, first.out.Messages)
	assert.Equal(t, []string{}, first.out.Marked, "which tells it from the window of an older worker")
	require.NoError(t, once(w, noResult(w.slack.React), activities.ReactInput{
		Account: slackAccount, Report: filed, Emoji: activities.FiledReaction,
	}).err)
	for _, key := range []triage.Key{course, filed} {
		require.NoError(t, w.React(bugs, key.TS, "bjorn", "beetle"))
	}
	in.After, in.Overlap = first.out.Watermark, first.out.Overlap

	got := once(w, w.slack.Poll, in)

	require.NoError(t, got.err)
	assert.Equal(t, []string{course.TS}, got.out.Messages)
	assert.Equal(t, []string{course.TS}, got.out.Marked)
	in.Taken = got.out.Marked
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
}
