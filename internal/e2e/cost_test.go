package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// What the README says of Temporal's history: idle channels cost nothing, however often they are read, and each report a
// known number of events.
func TestWhatHistoriesHold(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	name := w.pollEvery(time.Second)
	id := workflows.TriageWorkflowID(name)
	idle, polls := len(w.history(id).GetEvents()), w.polls()
	w.eventually("twenty polls of idle channels", func() bool { return w.polls() >= polls+20 })
	assert.Len(t, w.history(id).GetEvents(), idle, "events for idle channels")

	ts := w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	reportID := workflows.ReportWorkflowID(w.sandbox.Options().Team + "/C0BUGREPORTS/" + ts)
	w.eventually("the report to be told", func() bool { return len(w.sandbox.Books().Replies) == 1 })
	w.eventually("its end", func() bool {
		status, err := w.Workflows.ReportStatus(t.Context(), reportID)
		return err == nil && status.Step == "done"
	})
	w.eventually("the hand-over", func() bool { return w.triage(name).Channels[0].Reports == 1 })
	triage, single := len(w.history(id).GetEvents())-idle, len(w.history(reportID).GetEvents())
	t.Logf("a report alone in its window: %d events in its Triage, %d in its own history", triage, single)
	require.LessOrEqual(t, triage, 30)
	require.LessOrEqual(t, single, 45)

	before := len(w.history(id).GetEvents())
	const many = 20
	for range many {
		w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "ada", Text: report, Report: true})
	}
	w.eventually("all of them to be handed over", func() bool { return w.triage(name).Channels[1].Reports == many })
	together := len(w.history(id).GetEvents()) - before
	t.Logf("%d reports in few windows: %d events in their Triage", many, together)
	assert.LessOrEqual(t, together, 8*many)
}
