package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

// Nobody sends events: the watch of the triage finds what people wrote, and that the issue was closed. Each becomes one comment, or
// one piece of news in the thread, however often the watch comes by.
func TestAThreadAndItsIssueFollowEachOther(t *testing.T) {
	beside(t)
	const paused = 130 * time.Second // by the clock of the providers people wrote that long ago, which is what a comment waits for
	w := newWorld(t, sandbox.Options{Now: func() time.Time { return time.Now().Add(-paused) }})
	w.connect("slack")
	w.connect("github")
	w.goOnWatching()
	posted, err := w.sandbox.Deliver("C0BUGREPORTS", sandbox.Message{Ref: "report", User: "ada", Text: report, Report: true})
	require.NoError(t, err)
	key, err := triage.ParseKey(posted.Key())
	require.NoError(t, err)
	w.eventually("the report to be told", func() bool { return w.sandbox.Books().Replies[key.String()] == 1 && w.ended() == 1 })
	says := func(text string, files ...sandbox.File) {
		_, err := w.sandbox.Deliver("", sandbox.Message{ReplyTo: "report", User: "bjorn", Text: text, Files: files})
		require.NoError(t, err)
	}

	says("It is the same in Firefox. @octocat", sandbox.File{Name: "firefox.png", Mimetype: "image/png"})
	_, err = w.sandbox.Deliver("", sandbox.Message{EditOf: "report", Text: report + " Only as a guest."})
	require.NoError(t, err)
	w.watchesThread(key)
	comments := w.issueOf(key.String()).Comments
	require.Len(t, comments, 1)
	for _, part := range []string{"The report was edited on", "Only as a guest.", "bjorn on ", "It is the same in Firefox.", "firefox.png"} {
		assert.Contains(t, comments[0].Body, part)
	}
	assert.NotContains(t, code.ReplaceAllString(comments[0].Body, ""), "@octocat")

	require.NoError(t, w.sandbox.ChangeIssue(sandbox.IssueChange{Repository: "acme/app", Number: 2, State: "closed", Reason: "not_planned"}))
	w.watchesThread(key)
	assert.Contains(t, w.lastReply(), "closed as not planned")
	w.watchesThread(key)
	assert.Equal(t, 2, w.sandbox.Books().Replies[key.String()], "it is told once")
	says("But it still crashes")
	w.watchesThread(key)
	assert.Contains(t, w.lastReply(), "reply `reopen` here")
	says("reopen")
	w.watchesThread(key)
	assert.Contains(t, w.lastReply(), "reopened")
	w.watchesThread(key)

	books := w.sandbox.Books()
	assert.Equal(t, 4, books.Replies[key.String()], "the issue, its end, the question, and that it is open again")
	assert.Equal(t, "open", w.issueOf(key.String()).State)
	assert.Len(t, w.issueOf(key.String()).Comments, 3)
	assert.Equal(t, 1, books.IssuesCreated)
	assert.Zero(t, books.Missing+books.Duplicates+books.Unexpected)
}

// goOnWatching starts the triage as if it had watched threads for an hour, and looks back as far.
func (w *world) goOnWatching() {
	w.t.Helper()
	name := w.organization + "/bugs"
	configured := w.Config().Triages[name]
	configured.Lookback = time.Hour
	w.Config().Triages[name] = configured
	_, err := w.Temporal.ExecuteWorkflow(w.t.Context(),
		client.StartWorkflowOptions{ID: workflows.TriageWorkflowID(name), TaskQueue: w.Config().Temporal.TaskQueue}, workflows.TriageType,
		workflows.TriageInput{Triage: name, State: &workflows.TriageState{Threads: activities.ThreadsWatched{Since: time.Now().Add(-time.Hour)}}})
	require.NoError(w.t, err)
}

// watchesThread has the triage watch its threads and issues once more, which it does when it reads its configuration, and waits for
// the end of the look at one of them.
func (w *world) watchesThread(key triage.Key) {
	w.t.Helper()
	looks := "WorkflowId = '" + workflows.ThreadWorkflowID(key.String()) + "' AND ExecutionStatus = 'Completed'"
	before, err := w.Count(w.t.Context(), looks)
	require.NoError(w.t, err)
	require.NoError(w.t, w.Workflows.SignalTriage(w.t.Context(), w.organization+"/bugs", workflows.SignalReload))
	w.eventually("a look at the thread", func() bool {
		now, err := w.Count(w.t.Context(), looks)
		return err == nil && now > before
	})
}

// lastReply returns what was said last in the thread of the first report.
func (w *world) lastReply() string {
	w.t.Helper()
	replies := w.sandbox.State().Channels[0].Messages[0].Replies
	require.NotEmpty(w.t, replies)
	return replies[len(replies)-1].Text
}
