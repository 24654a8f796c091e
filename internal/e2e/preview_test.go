package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/internal/app"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// What a preview says becomes of messages is what becomes of them once the triage runs, and before that nothing does. In one of the
// channels only those count that mention the bot, whatever they read like.
func TestAPreviewSaysWhatWillBeFiled(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	w.rewrite("{channel: C0SUPPORT, repository: acme/app}", "{channel: C0SUPPORT, repository: acme/app, labels: [support], when: {mention: true}}")
	w.connect("slack")
	w.connect("github")
	name := w.organization + "/bugs"
	posts := func(channel, text string, report bool) (key string) {
		posted, err := w.sandbox.Deliver(channel, sandbox.Message{User: "ada", Text: text, Report: report})
		require.NoError(t, err)
		return posted.Key()
	}
	crash := posts("C0BUGREPORTS", report, true)
	lunch := posts("C0BUGREPORTS", "Lunch at noon?", false)
	mention := posts("C0SUPPORT", "<@U0TRIAGEBOT> there are thirty-two days in March", true)
	unasked := posts("C0SUPPORT", report, false)

	assert.Contains(t, w.types("triage", "preview", name, "--since", "1h"), "2 of 4 messages would be filed")
	var preview app.Preview
	require.NoError(t, json.Unmarshal([]byte(w.types("triage", "preview", name, "--since", "1h", "--json")), &preview))
	said := map[string]activities.Previewed{}
	for _, p := range preview.Messages {
		said[p.Report.String()] = p
	}
	for key, verdict := range map[string]activities.Verdict{
		crash: activities.IsReport, lunch: activities.NotReport, mention: activities.IsReport, unasked: activities.NotReport,
	} {
		assert.Equal(t, verdict, said[key].Verdict, said[key].Title)
	}
	assert.Contains(t, said[mention].Reason, "mentions this agent")
	books := w.sandbox.Books()
	assert.Zero(t, books.IssuesCreated)
	assert.Empty(t, books.Replies)
	assert.Empty(t, books.Reactions)

	require.NoError(t, w.startWith(2))
	w.eventually("the end of all that count", func() bool {
		channels := w.triage(name).Channels
		return channels[0].Reports == 2 && channels[1].Reports == 1 && w.ended() == 3
	})
	for _, key := range []string{crash, mention} {
		issue := w.issueOf(key)
		assert.Equal(t, said[key].Title, issue.Title)
		assert.Equal(t, said[key].Repository, issue.Repository)
		assert.ElementsMatch(t, said[key].Labels, issue.Labels)
	}
	var ended workflows.ReportResult
	require.NoError(t, w.Temporal.GetWorkflow(t.Context(), workflows.ReportWorkflowID(lunch), "").Get(t.Context(), &ended))
	assert.Equal(t, said[lunch].Verdict, ended.Verdict)
	assert.Equal(t, said[lunch].Reason, ended.Reason)
	books = w.sandbox.Books()
	assert.Equal(t, 2, books.IssuesCreated)
	assert.Zero(t, books.Duplicates+books.Missing+books.Unexpected)
}
