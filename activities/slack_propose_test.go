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

func TestARouteThatProposesSaysWhomToAsk(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.plan.Routes[0].Propose = &triage.Proposal{By: []string{"U0ADA"}, Within: time.Hour}
	key := w.message(crash)

	assert.Equal(t, w.plan.Routes[0].Propose, w.read(key).out.Proposal)
	w.plan.Routes[0].DryRun = true
	got := w.read(key)
	assert.Nil(t, got.out.Proposal, "a dry run asks nobody")
	assert.Equal(t, activities.WouldFile, got.out.Verdict)
	w.plan.Routes[0].DryRun = false
	preview := once(w, w.slack.Preview, activities.PreviewInput{Triage: "acme/bug-reports", Channel: bugs, After: "1.000000"})
	assert.Equal(t, activities.WouldAsk, preview.out.Messages[0].Verdict)
}

// asked posts a report and a question about it, offers both answers, and returns what waits for one.
func (w *world) asked() (report triage.Key, in activities.AnswerInput) {
	w.t.Helper()
	report = w.message(crash)
	until := w.clock.Now().Add(time.Hour)
	posted := once(w, w.slack.Reply, activities.ReplyInput{
		Account: slackAccount, Report: report, Stage: "asked",
		Text: activities.QuestionText(triage.Issue{Owner: "acme", Repo: "app", Title: "It <crashes>"}, until),
	})
	require.NoError(w.t, posted.err)
	question := triage.Key{Team: report.Team, Channel: report.Channel, TS: posted.out.TS}
	for _, emoji := range []string{triage.AgreeEmoji, triage.DeclineEmoji} {
		require.NoError(w.t, once(w, noResult(w.slack.React), activities.ReactInput{Account: slackAccount, Report: question, Emoji: emoji}).err)
	}
	return report, activities.AnswerInput{
		Account: slackAccount, Report: report, Question: question, Asked: w.clock.Now(), Until: until,
		Proposal: triage.Proposal{By: []string{"U0ADA"}, Within: time.Hour},
	}
}

func TestAnAnswerIsWaitedForEverMoreRarely(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	_, in := w.asked()
	require.NoError(t, w.React(bugs, in.Question.TS, "bjorn", triage.AgreeEmoji))
	for _, c := range []struct{ age, pause time.Duration }{{0, 10 * time.Second}, {20 * time.Minute, time.Minute}, {39 * time.Minute, time.Minute}} {
		w.clock.advance(c.age)
		got := once(w, w.slack.Answer, in)
		got.fails(t, activities.ErrTypeUndecided, "nobody has answered")
		assert.Equal(t, c.pause, got.wait(t), "at most until the time is over")
	}
	w.clock.advance(time.Minute)

	assert.Equal(t, activities.Answer{Outcome: triage.Unanswered}, once(w, w.slack.Answer, in).out, "bjorn is not asked")
	require.NoError(t, w.React(bugs, in.Question.TS, "ada", triage.AgreeEmoji))
	assert.Equal(t, activities.Answer{Outcome: triage.Agreed, By: "U0ADA"}, once(w, w.slack.Answer, in).out, "read late, and not too late")
	require.NoError(t, w.React(bugs, in.Question.TS, "ada", triage.DeclineEmoji))
	assert.Equal(t, activities.Answer{Outcome: triage.Declined, By: "U0ADA"}, once(w, w.slack.Answer, in).out)
}

func TestAQuestionThatIsGoneDeclines(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	_, in := w.asked()
	in.Question.TS = "1700000000.000100"
	assert.Equal(t, activities.Answer{Outcome: triage.Declined, Gone: true}, once(w, w.slack.Answer, in).out)
	w.fault(sandbox.Fault{Endpoint: "reactions.get", Kind: sandbox.FaultStatus, Code: "missing_scope"})
	once(w, w.slack.Answer, in).fails(t, activities.ErrTypeRejected, "missing_scope", "add the scope to the connector")
}

// Who deletes a message does not want it published. In its place stands a tombstone, as our question is below it, and anybody may still
// press what is on that.
func TestAMessageThatWasDeletedIsNotFiledWhoeverAgrees(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	report, in := w.asked()
	require.NoError(t, w.React(bugs, in.Question.TS, "ada", triage.AgreeEmoji))
	require.NoError(t, w.Delete(bugs, report.TS))

	answer := once(w, w.slack.Answer, in)

	require.NoError(t, answer.err)
	assert.Equal(t, activities.Answer{Outcome: triage.Declined, Withdrawn: true}, answer.out)
	over := activities.ReplyInput{Account: slackAccount, Report: report, Stage: "over", Text: activities.OutcomeText(answer.out), LookFirst: true}
	require.NoError(t, once(w, w.slack.Reply, over).err)
	replies := w.State().Channels[0].Messages[0].Replies
	require.Len(t, replies, 1)
	assert.Equal(t, "Not filed: the message was deleted.", replies[0].Text)
	in.Report = triage.Key{}
	assert.Equal(t, triage.Agreed, once(w, w.slack.Answer, in).out.Outcome, "a Report of before does not say what it is about")
}

// The thread has one message of ours: the question becomes the answer.
func TestTheQuestionBecomesTheLink(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	report, in := w.asked()
	text := func() string {
		replies := w.State().Channels[0].Messages[0].Replies
		require.Len(t, replies, 1)
		return replies[0].Text
	}
	assert.Contains(t, text(), "File this in acme/app? _It &lt;crashes&gt;_")
	again := activities.ReplyInput{Account: slackAccount, Report: report, Stage: "asked", Text: "?", LookFirst: true}
	assert.Equal(t, activities.Posted{TS: in.Question.TS, Found: true}, once(w, w.slack.Reply, again).out, "asked once")

	declined := activities.ReplyInput{
		Account: slackAccount, Report: report, Stage: "over", Text: activities.OutcomeText(activities.Answer{Outcome: triage.Declined, By: "U0ADA"}), LookFirst: true,
	}
	require.NoError(t, once(w, w.slack.Reply, declined).err)
	assert.Equal(t, "Not filed: <@U0ADA> declined.", text())
	link := w.reply(report)
	link.LookFirst = true
	require.NoError(t, once(w, w.slack.Reply, link).err)
	assert.Contains(t, text(), "issue #7")

	got := once(w, w.slack.Reply, again)
	require.NoError(t, got.err)
	assert.True(t, got.out.Filed, "what is filed is no question any more")
	assert.Contains(t, text(), "issue #7")
}
