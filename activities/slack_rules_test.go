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

// byWhen has one channel go to three repositories by what makes its messages count: a mark, being about the login, a word.
func byWhen(t *testing.T) (w *world, poll activities.PollInput) {
	t.Helper()
	w = newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	poll = w.pollInput()
	w.clock.advance(time.Minute)
	w.plan.Routes = []triage.Route{
		{Channel: bugs, Repository: "acme/design", When: triage.When{Reactions: []string{"art"}, ReactionsBy: []string{"U0ADA"}}},
		{Channel: bugs, Repository: "acme/web", Match: triage.Match{Components: []string{"login"}, Reporters: []string{"U0BJORN"}}, When: triage.When{Every: true}},
		{Channel: bugs, Repository: "acme/app", When: triage.When{Keywords: []string{"crashes"}}},
	}
	poll.Rules = triage.RulesOf(w.plan.Routes, bugs)
	return w, poll
}

func TestEachRouteSaysWhatCountsForIt(t *testing.T) {
	w, poll := byWhen(t)
	word := w.messageOf("ada", "The menu crashes with error 500")
	about := w.messageOf("bjorn", "The login page is broken: error 500")
	other := w.messageOf("bjorn", "The search page is broken: error 500")
	w.messageOf("ada", "The login page is broken: error 500")
	march := w.messageOf("ada", calendar)
	poll.BackTo = poll.After

	got := once(w, w.slack.Poll, poll)

	require.NoError(t, got.err)
	assert.Equal(t, []string{word.TS, about.TS, other.TS}, got.out.Messages, "what the last of them is about the poll cannot know")
	for _, c := range []struct {
		key     triage.Key
		verdict activities.Verdict
		repo    string
		reason  string
	}{
		{word, activities.IsReport, "app", ""},
		{about, activities.IsReport, "web", ""},
		{other, activities.NotReport, "", "it has none of the triggers"},
	} {
		read := once(w, w.slack.Read, activities.ReadInput{Triage: "acme/bug-reports", Report: c.key, Polled: true})
		require.NoError(t, read.err)
		assert.Equal(t, c.verdict, read.out.Verdict)
		assert.Equal(t, c.repo, read.out.Issue.Repo)
		assert.Contains(t, read.out.Reason, c.reason)
	}
	byHand := w.read(other)
	assert.Equal(t, activities.IsReport, byHand.out.Verdict, "whoever takes it by hand wants it")
	assert.Equal(t, "app", byHand.out.Issue.Repo)

	require.NoError(t, w.React(bugs, march.TS, "ada", "art"))
	poll.After, poll.Overlap, poll.Taken = got.out.Watermark, got.out.Overlap, got.out.Messages
	late := once(w, w.slack.Poll, poll)
	require.NoError(t, late.err)
	assert.Equal(t, []string{march.TS}, late.out.Messages)
	read := once(w, w.slack.Read, activities.ReadInput{Triage: "acme/bug-reports", Report: march, Polled: true})
	assert.Equal(t, "U0ADA marked it :art:", read.out.Reason)
	assert.Equal(t, "design", read.out.Issue.Repo)
}

func TestAPreviewSaysWhatCountsForWhichRoute(t *testing.T) {
	w, _ := byWhen(t)
	march := w.messageOf("ada", calendar)
	require.NoError(t, w.React(bugs, march.TS, "ada", "art"))
	w.messageOf("bjorn", "The login page is broken: error 500")
	w.messageOf("bjorn", "The search page is broken: error 500")
	w.messageOf("ada", "The search page is broken: error 500")

	got := once(w, w.slack.Preview, activities.PreviewInput{Triage: "acme/bug-reports", Channel: bugs, After: "1.000000"})

	require.NoError(t, got.err)
	var to, reasons []string
	for _, m := range got.out.Messages {
		to = append(to, m.Repository)
		reasons = append(reasons, m.Reason)
	}
	assert.Equal(t, []string{"", "", "acme/web", "acme/design"}, to)
	assert.Equal(t, "it has none of the triggers", reasons[0])
	assert.Equal(t, "it has none of the triggers", reasons[1])
}
