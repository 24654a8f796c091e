package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// What the README says of Temporal's history: idle channels cost nothing, however often they are read, and each report no more
// events than are stated there. They differ by a Workflow Task, which is three events, where a reaction comes a little earlier or
// later.
func TestWhatHistoriesHold(t *testing.T) {
	beside(t)
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
	assert.LessOrEqual(t, triage, 18)
	assert.LessOrEqual(t, single, 38)

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

// A refresh costs what a timer and an Activity cost, and nothing for what nobody searches for: the expiry of a token is a
// search attribute only while no other is going to take its place.
func TestARefreshCostsATimerAndAnActivity(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{AccessLifetime: 2 * time.Second}})
	account := w.connect("slack")
	id := workflows.AccountWorkflowID(account)
	assert.False(t, w.shows(id, workflows.TokenExpiresAtKey))
	first := w.status(account).Generation
	w.eventually("refreshes by the clock", func() bool { return w.status(account).Generation >= first+5 })
	for _, cycle := range w.cycles(id)[2:] { // before them there is what comes once
		assert.Equal(t, map[enums.EventType]int{
			enums.EVENT_TYPE_TIMER_STARTED: 1, enums.EVENT_TYPE_TIMER_FIRED: 1,
			enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: 1, enums.EVENT_TYPE_ACTIVITY_TASK_STARTED: 1, enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: 1,
		}, cycle)
	}

	w.kill(sandbox.Slack, account)
	w.eventually("its end to be shown", func() bool { return w.shows(id, workflows.TokenExpiresAtKey) })
	w.reauthorize(account)
	w.eventually("its end to be shown no more", func() bool { return !w.shows(id, workflows.TokenExpiresAtKey) })
}

// cycles counts the events of an account from refresh to refresh, without Workflow Tasks: a busy server may need more.
func (w *world) cycles(id string) (cycles []map[enums.EventType]int) {
	w.t.Helper()
	refreshes, cycle := map[int64]bool{}, map[enums.EventType]int{}
	for _, event := range w.history(id).GetEvents() {
		if workflowTask(event.GetEventType()) {
			continue
		}
		cycle[event.GetEventType()]++
		if event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == "RefreshToken" {
			refreshes[event.GetEventId()] = true
		}
		if refreshes[event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()] {
			cycles, cycle = append(cycles, cycle), map[enums.EventType]int{}
		}
	}
	return cycles
}

func workflowTask(event enums.EventType) bool {
	switch event {
	case enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enums.EVENT_TYPE_WORKFLOW_TASK_STARTED, enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
		enums.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, enums.EVENT_TYPE_WORKFLOW_TASK_FAILED:
		return true
	}
	return false
}

// shows reports whether a Workflow has a search attribute now.
func (w *world) shows(id string, key temporal.SearchAttributeKey) bool {
	w.t.Helper()
	d, err := w.Temporal.DescribeWorkflowExecution(w.t.Context(), id, "")
	require.NoError(w.t, err)
	_, ok := d.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()[key.GetName()]
	return ok
}
