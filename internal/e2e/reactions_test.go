package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

// Somebody marks a message that the triage has long read and passed over.
func TestAMarkedMessageIsFiledOnce(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	w.connect("slack")
	w.connect("github")
	name := w.organization + "/bugs"
	w.Config().Triages[name].Routes[0].When = triage.When{Keywords: []string{"crashed"}, Reactions: []string{"beetle"}}
	require.NoError(t, w.Workflows.StartTriage(t.Context(), name))
	march := w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: "Thirty-two days in March", Report: true})
	fools, err := w.sandbox.Deliver("C0BUGREPORTS", sandbox.Message{User: "ada", Text: "Who crashed the party?", Report: true})
	require.NoError(t, err)
	crashed := w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: "It crashed with error 500 when I saved", Report: true})
	w.eventually("the issue of the keyword", func() bool { return w.sandbox.Books().IssuesCreated == 1 })
	w.eventually("the watermark beyond all", func() bool { return w.triage(name).Channels[0].Watermark >= crashed })
	var passed workflows.ReportResult
	require.NoError(t, w.Temporal.GetWorkflow(t.Context(), workflows.ReportWorkflowID(fools.Key()), "").Get(t.Context(), &passed))
	require.Equal(t, activities.NotReport, passed.Verdict)
	w.eventually("the end of the other report", func() bool { return w.ended() == 2 })
	require.Equal(t, 1, w.sandbox.Books().IssuesCreated)

	for _, ts := range []string{march, fools.TS, crashed} { // the last one has its issue
		require.NoError(t, w.sandbox.React("C0BUGREPORTS", ts, "bjorn", "beetle"))
	}
	w.eventually("the issues of the reactions", func() bool { return w.sandbox.Books().IssuesCreated == 3 })
	w.eventually("both to be remembered", func() bool { return len(w.triage(name).Channels[0].Taken) == 2 })
	polls := w.polls()
	w.eventually("some more polls", func() bool { return w.polls() > polls+4 })

	assert.Less(t, len(w.history(workflows.TriageWorkflowID(name)).GetEvents()), 80, "what is taken is not handed over again")
	books := w.sandbox.Books()
	assert.Equal(t, 3, books.IssuesCreated)
	assert.Zero(t, books.Duplicates+books.Missing+books.Unexpected)
	assert.WithinDuration(t, time.Now(), triage.Key{TS: w.triage(name).Channels[0].BackTo}.Time(), 2*time.Minute, "not from before the triage")
}
