package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

// Two reports are proposed: people want one of them.
func TestProposals(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	w.connect("slack")
	w.connect("github")
	name := w.organization + "/bugs"
	for i := range w.Config().Triages[name].Routes {
		w.Config().Triages[name].Routes[i].Mode = config.ModePropose
	}
	require.NoError(t, w.Workflows.StartTriage(t.Context(), name))
	wanted := w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	unwanted := w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "ada", Text: report})
	w.eventually("both questions with both answers", func() bool {
		return w.sandbox.Books().Requests["slack reactions.get"] >= 2
	})
	assert.Zero(t, w.sandbox.Books().IssuesCreated)
	w.eventually("both to be counted as waiting for an answer", func() bool {
		view, err := w.LookAtTriage(t.Context(), name, patience)
		require.NoError(t, err)
		return view.Reports.Asking == 2 && view.Reports.UnderWay() == 0
	})
	open, err := w.OpenReports(t.Context(), name)
	require.NoError(t, err)
	assert.Zero(t, open, "what waits for people is no backlog")
	for channel, emoji := range []string{triage.AgreeEmoji, triage.DeclineEmoji} {
		question := w.sandbox.State().Channels[channel].Messages[0].Replies[0]
		require.NoError(t, w.sandbox.React(w.sandbox.State().Channels[channel].ID, question.TS, "bjorn", emoji))
	}
	id := func(channel, ts string) string {
		return workflows.ReportWorkflowID(w.sandbox.Options().Team + "/" + channel + "/" + ts)
	}
	results := map[string]workflows.ReportResult{}
	for channel, ts := range map[string]string{"C0BUGREPORTS": wanted, "C0SUPPORT": unwanted} {
		var result workflows.ReportResult
		require.NoError(t, w.Temporal.GetWorkflow(t.Context(), id(channel, ts), "").Get(t.Context(), &result))
		results[ts] = result
	}

	assert.Equal(t, activities.IsReport, results[wanted].Verdict)
	assert.Equal(t, activities.NotWanted, results[unwanted].Verdict)
	books := w.sandbox.Books()
	assert.Equal(t, 1, books.IssuesCreated)
	assert.Zero(t, books.Duplicates+books.Missing+books.Unexpected)
	for key, replies := range books.Replies {
		assert.Equal(t, 1, replies, "one reply in the thread of %s, whatever it says", key)
	}
	w.replays(id("C0BUGREPORTS", wanted), "proposed-report")
	w.replays(id("C0SUPPORT", unwanted), "unwanted-report")
}
