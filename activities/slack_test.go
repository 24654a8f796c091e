package activities_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

const posts = "slack chat.postMessage"

// message posts a text and returns its key.
func (w *world) message(text string) triage.Key {
	w.t.Helper()
	return triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: w.Post(bugs, sandbox.Message{User: "ada", Text: text, Report: true})}
}

const crash = "Login crashes on Safari with `TypeError: undefined is not a function` since 2.14.0, steps: open <@U0BJORN>'s profile"

func (w *world) read(key triage.Key) ran[activities.Draft] {
	w.t.Helper()
	return once(w, w.slack.Read, activities.ReadInput{Triage: "acme/bug-reports", Report: key})
}

func TestAReportIsReadAndRendered(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)

	got := w.read(key)

	require.NoError(t, got.err)
	assert.Equal(t, activities.IsReport, got.out.Verdict)
	assert.NotEmpty(t, got.out.Reason)
	assert.Equal(t, slackAccount, got.out.Slack)
	assert.Equal(t, githubAccount, got.out.GitHub)
	assert.Equal(t, "acme", got.out.Issue.Owner)
	assert.Equal(t, "app", got.out.Issue.Repo)
	assert.Contains(t, got.out.Issue.Labels, "bug")
	found, ok := triage.FindMarker(got.out.Issue.Body)
	assert.True(t, ok)
	assert.Equal(t, key, found)
	for _, part := range []string{"TypeError", "bug-reports", "/archives/" + bugs} {
		assert.Contains(t, got.out.Issue.Body, part)
	}
	assert.NotContains(t, got.out.Issue.Body, "U0BJORN", "people have names")
}

func TestWhatPeopleSayBesidesIsNoReport(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)

	got := w.read(w.message("thanks everybody, have a nice weekend!"))

	require.NoError(t, got.err)
	assert.Equal(t, activities.NotReport, got.out.Verdict)
	assert.NotEmpty(t, got.out.Reason)
	assert.Empty(t, got.out.Issue)
}

func TestAMessageThatIsGoneIsGone(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.message(crash)
	gone := triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: "1700000000.000100"}

	got := w.read(gone)

	require.NoError(t, got.err)
	assert.Equal(t, activities.Gone, got.out.Verdict)
	assert.Contains(t, got.out.Reason, "a reply in a thread", "which the history of a channel does not have either")
}

func TestAForwardedMessageIsRead(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	long := crash + strings.Repeat(" and more", 1000)
	for name, m := range map[string]sandbox.Message{
		"without a comment":        {Forwards: []sandbox.Forward{{User: "chen", Text: crash}}},
		"with a comment":           {Text: "can somebody look?", Forwards: []sandbox.Forward{{User: "chen", Text: crash}}},
		"under a link":             {Text: "<https://x.slack.com/archives/C1/p1>", Forwards: []sandbox.Forward{{User: "chen", Text: crash, Linked: true}}},
		"of more than is bearable": {Forwards: []sandbox.Forward{{Text: long}, {Text: long}, {Text: long}, {Text: long}}},
	} {
		t.Run(name, func(t *testing.T) {
			m.User = "ada"
			key := triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: w.Post(bugs, m)}

			got := w.read(key)
			require.NoError(t, got.err)
			assert.Equal(t, activities.IsReport, got.out.Verdict)
			assert.Contains(t, got.out.Issue.Body, "> Login crashes on Safari")
			assert.Contains(t, got.out.Issue.Body, m.Text)
			assert.Contains(t, got.out.Issue.Body, "@bjorn", "who is mentioned in it has a name")

			fetched := once(w, w.slack.Fetch, activities.FetchInput{Account: slackAccount, Message: key}).out.Message
			assert.Len(t, fetched.Forwarded, min(len(m.Forwards), 3))
			for _, text := range fetched.Forwarded {
				assert.LessOrEqual(t, utf8.RuneCountInString(text), 4000)
			}
		})
	}
}

func TestTheFilesOfAForwardedMessageAreListed(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	ts := w.Post(bugs, sandbox.Message{User: "ada", Files: []sandbox.File{{Name: "own.png"}}, Forwards: []sandbox.Forward{
		{User: "chen", Text: crash, Files: []sandbox.File{{Name: "screen.png"}}},
	}})

	got := w.read(triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: ts})

	require.NoError(t, got.err)
	assert.Contains(t, got.out.Issue.Body, "own.png")
	assert.Contains(t, got.out.Issue.Body, "screen.png")
}

// Slack leaves a tombstone where somebody has answered.
func TestADeletedMessageWithRepliesIsGone(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)
	w.Post(bugs, sandbox.Message{User: "bjorn", Text: "same here", ThreadTS: key.TS})
	require.NoError(t, w.Delete(bugs, key.TS))

	got := w.read(key)
	require.NoError(t, got.err)
	assert.Equal(t, activities.Gone, got.out.Verdict)
	fetched := once(w, w.slack.Fetch, activities.FetchInput{Account: slackAccount, Message: key})
	require.NoError(t, fetched.err)
	assert.Equal(t, activities.Fetched{Gone: true}, fetched.out)
}

// A report is worth more than the names in it.
func TestNamesThatAreNotToBeHadStopNoReport(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)
	for _, endpoint := range []string{"users.info", "conversations.info", "chat.getPermalink"} {
		w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: endpoint, Kind: sandbox.FaultStatus, Status: 503, Times: -1})
	}

	got := w.read(key)

	require.NoError(t, got.err)
	assert.Equal(t, activities.IsReport, got.out.Verdict)
	assert.Contains(t, got.out.Issue.Body, bugs)
}

func TestReadingWhatIsNotConfigured(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)
	once(w, w.slack.Read, activities.ReadInput{Triage: "acme/other", Report: key}).fails(t, activities.ErrTypeNotConfigured, "acme/other")
	elsewhere := key
	elsewhere.Channel = "C0SUPPORT"
	w.read(elsewhere).fails(t, activities.ErrTypeRejected, "no route for channel C0SUPPORT", "tokenkeeper.yaml")
	w.plan.Routes = append(w.plan.Routes, triage.Route{Channel: "C0SUPPORT", Repository: "acme"})
	w.read(key).fails(t, activities.ErrTypeNotConfigured, "route 2", "owner/name")
	configuration := &activities.Triage{Plans: w}
	once(w, configuration.Plan, activities.PlanInput{Triage: "acme/other"}).fails(t, activities.ErrTypeNotConfigured, "acme/other")
	plan := once(w, configuration.Plan, activities.PlanInput{Triage: "acme/bug-reports"})
	require.NoError(t, plan.err)
	assert.Equal(t, w.plan, plan.out)
}

func (w *world) reply(key triage.Key) activities.ReplyInput {
	return activities.ReplyInput{Account: slackAccount, Report: key, Issue: activities.CreatedIssue{Number: 7, URL: "https://github.com/acme/app/issues/7"}}
}

func TestTheThreadLearnsOfTheIssue(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)

	got := once(w, w.slack.Reply, w.reply(key))

	require.NoError(t, got.err)
	assert.Equal(t, map[string]int{key.String(): 1}, w.Books().Replies)
	assert.Zero(t, w.Books().Requests["slack conversations.replies"])
	replies := w.State().Channels[0].Messages[0].Replies
	require.Len(t, replies, 1)
	assert.Contains(t, replies[0].Text, "issue #7")
	assert.Equal(t, replies[0].TS, got.out.TS)
}

func TestALostAnswerMakesNoSecondReply(t *testing.T) {
	for name, c := range map[string]struct {
		fault sandbox.Fault
		found bool
	}{
		"carried out, connection lost":     {fault: sandbox.Fault{Kind: sandbox.FaultDrop, Processed: true}, found: true},
		"not carried out, connection lost": {fault: sandbox.Fault{Kind: sandbox.FaultDrop}},
		"carried out, internal_error":      {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Code: "internal_error", Processed: true}, found: true},
		"carried out, half an answer":      {fault: sandbox.Fault{Kind: sandbox.FaultTruncate}, found: true},
		"limit":                            {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429, RetryAfter: 30 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			key := w.message(crash)
			c.fault.App, c.fault.Endpoint = sandbox.Slack, "chat.postMessage"
			w.fault(c.fault)

			got := retried(w, w.slack.Reply, w.reply(key), always)

			require.NoError(t, got.err)
			require.Len(t, got.failed, 1)
			assert.Equal(t, c.found, got.out.Found)
			assert.Equal(t, 1, w.Books().Replies[key.String()])
			assert.Zero(t, w.Books().RateLimitsIgnored)
			if c.fault.Kind == sandbox.FaultDrop {
				assert.Greater(t, delayOf(got.failed[0]), 9*time.Second, "it may still be on its way")
			}
		})
	}
}

func TestAWorkerThatDiedWhileItRepliedIsGivenTime(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)

	got := retried(w, w.slack.Reply, w.reply(key), func(attempt int32) error {
		if attempt == 1 {
			return errDied
		}
		return nil
	})

	require.NoError(t, got.err)
	assert.True(t, got.out.Found)
	require.Len(t, got.failed, 2)
	assert.Equal(t, 10*time.Second, delayOf(got.failed[1]))
	assert.Equal(t, 1, w.Books().Requests[posts])
}

func TestAReplyIsFoundBehindAnyNumberOfOthers(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)
	for range 250 {
		w.Post(bugs, sandbox.Message{User: "bjorn", Text: "same here", ThreadTS: key.TS})
	}
	in := w.reply(key)
	first := once(w, w.slack.Reply, in)
	require.NoError(t, first.err)
	in.LookFirst = true

	again := once(w, w.slack.Reply, in)

	require.NoError(t, again.err)
	assert.Equal(t, activities.Posted{TS: first.out.TS, Found: true}, again.out)
	assert.Equal(t, 1, w.Books().Replies[key.String()])
}

func TestAThreadThatIsGoneNeedsNoReply(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	gone := w.message(crash)
	require.NoError(t, w.Delete(bugs, gone.TS))
	for _, lookFirst := range []bool{false, true} {
		in := w.reply(gone)
		in.LookFirst = lookFirst
		got := once(w, w.slack.Reply, in)
		require.NoError(t, got.err)
		assert.Equal(t, activities.Posted{Gone: true}, got.out)
	}
	require.NoError(t, w.react(gone).err)
	assert.Zero(t, w.Books().Requests[posts], "it would stand in the open channel")
}

func TestAReplyToAMessageThatGoesMeanwhileIsTakenBack(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"at once":          {},
		"when Slack is up": {App: sandbox.Slack, Endpoint: "chat.delete", Kind: sandbox.FaultStatus, Status: http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			key := w.message(crash)
			if fault.Kind != "" {
				w.fault(fault)
			}
			w.when("/slack/api/chat.postMessage", func() { assert.NoError(t, w.Delete(bugs, key.TS)) })

			got := once(w, w.slack.Reply, w.reply(key))

			require.NoError(t, got.err)
			assert.Equal(t, activities.Posted{Gone: true}, got.out)
			assert.Equal(t, 1, w.Books().Requests[posts])
			assert.Empty(t, w.State().Channels[0].Messages)
		})
	}
}

func TestTheThreadOfADeletedMessageIsStillTold(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)
	w.Post(bugs, sandbox.Message{User: "bjorn", Text: "same here", ThreadTS: key.TS})
	require.NoError(t, w.Delete(bugs, key.TS))

	got := once(w, w.slack.Reply, w.reply(key))

	require.NoError(t, got.err)
	assert.NotEmpty(t, got.out.TS)
	assert.Equal(t, 1, w.Books().Replies[key.String()])
}

func (w *world) react(key triage.Key) ran[struct{}] {
	w.t.Helper()
	return once(w, noResult(w.slack.React), activities.ReactInput{Account: slackAccount, Report: key, Emoji: "white_check_mark"})
}

func TestAReactionIsThereOnce(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)

	require.NoError(t, w.react(key).err)
	require.NoError(t, w.react(key).err, "already_reacted is what we wanted")

	assert.Equal(t, []string{"white_check_mark"}, w.Books().Reactions[key.String()])
	w.fault(sandbox.Fault{Endpoint: "reactions.add", Kind: sandbox.FaultStatus, Code: "missing_scope"})
	w.react(key).fails(t, activities.ErrTypeRejected, "missing_scope", key.String())
}

func TestWritingToAnArchivedChannelSaysWhatToDo(t *testing.T) {
	w := newWorld(t, sandbox.Options{Channels: []sandbox.Channel{{ID: bugs, Name: "bug-reports", Archived: true}}})
	w.connect(slackAccount)
	key := w.message(crash)
	once(w, w.slack.Reply, w.reply(key)).fails(t, activities.ErrTypeRejected, "is_archived", "unarchive")
}

func TestTheMarkOfWhatIsDoneTakesThePlaceOfTheClaim(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)
	in := activities.ReactInput{Account: slackAccount, Report: key, Emoji: "eyes"}
	require.NoError(t, once(w, noResult(w.slack.React), in).err)
	assert.Equal(t, []string{"eyes"}, w.Books().Reactions[key.String()])
	in.Emoji, in.Instead = "white_check_mark", "eyes"
	for range 2 {
		require.NoError(t, once(w, noResult(w.slack.React), in).err)
		assert.Equal(t, []string{"white_check_mark"}, w.Books().Reactions[key.String()])
	}
	w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "reactions.remove", Kind: sandbox.FaultStatus, Code: "internal_error"})
	once(w, noResult(w.slack.React), in).fails(t, activities.ErrTypeProviderUnavailable, "taking a reaction back")
}

func TestAThreadHasOneReplyWhichIsEdited(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)
	in := w.reply(key)
	first := once(w, w.slack.Reply, in)
	require.NoError(t, first.err)
	in.LookFirst = true
	same := once(w, w.slack.Reply, in)
	require.NoError(t, same.err)
	assert.Equal(t, activities.Posted{TS: first.out.TS, Found: true}, same.out)

	in.Issue = activities.CreatedIssue{Number: 9, URL: "https://github.com/acme/app/issues/9"}
	for _, edited := range []bool{true, false} {
		got := once(w, w.slack.Reply, in)
		require.NoError(t, got.err)
		assert.Equal(t, activities.Posted{TS: first.out.TS, Found: true, Edited: edited}, got.out)
	}
	replies := w.State().Channels[0].Messages[0].Replies
	require.Len(t, replies, 1)
	assert.Contains(t, replies[0].Text, "issue #9")
}

func TestWhereAReplyMayNotBeEditedTheIssueGetsOneOfItsOwn(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.reply(w.message(crash))
	question := in
	question.Issue, question.Text, question.Stage = activities.CreatedIssue{}, "File this?", "asked"
	require.NoError(t, once(w, w.slack.Reply, question).err)
	w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "chat.update", Kind: sandbox.FaultStatus, Code: "edit_window_closed", Times: -1})
	in.LookFirst = true
	first := once(w, w.slack.Reply, in)
	require.NoError(t, first.err)
	assert.False(t, first.out.Found)

	again := once(w, w.slack.Reply, in)
	require.NoError(t, again.err)
	assert.Equal(t, activities.Posted{TS: first.out.TS, Found: true}, again.out, "an answer that was lost")
	question.LookFirst, question.Text, question.Stage = true, "Not filed.", "declined"
	asked := once(w, w.slack.Reply, question)
	require.NoError(t, asked.err)
	assert.Equal(t, activities.Posted{TS: first.out.TS, Found: true, Filed: true}, asked.out)
	replies := w.State().Channels[0].Messages[0].Replies
	require.Len(t, replies, 2)
	assert.Equal(t, "File this?", replies[0].Text)
	assert.Contains(t, replies[1].Text, "issue #")
}

func TestAnEditThatMayHaveFailedIsTriedAgain(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.reply(w.message(crash))
	require.NoError(t, once(w, w.slack.Reply, in).err)
	in.LookFirst, in.Issue.URL = true, "https://github.com/acme/app/issues/9"
	w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "chat.update", Kind: sandbox.FaultStatus, Code: "internal_error"})
	once(w, w.slack.Reply, in).fails(t, activities.ErrTypeProviderUnavailable, "editing the reply")
}

func TestAnOutageOfSlackMayHideAReply(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.reply(w.message(crash))
	for _, f := range []sandbox.Fault{{Status: http.StatusServiceUnavailable}, {Code: "fatal_error"}} {
		f.App, f.Endpoint, f.Kind = sandbox.Slack, "chat.postMessage", sandbox.FaultStatus
		w.fault(f)
		got := once(w, w.slack.Reply, in)
		got.fails(t, activities.ErrTypeProviderUnavailable)
		assert.Greater(t, got.wait(t), 5*time.Second, "the next attempt looks when it shows")
	}
	w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "chat.postMessage", Kind: sandbox.FaultStatus, Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second})
	assert.LessOrEqual(t, once(w, w.slack.Reply, in).wait(t), 3*time.Second, "what Slack refused did nothing")
}
