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

// What the README says of Temporal's history: idle channels cost nothing, however often they are read, and reports, and windows in
// which there are some, no more events than are stated there.
func TestWhatHistoriesHold(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	name := w.pollEvery(time.Second)
	id := workflows.TriageWorkflowID(name)
	idle, polls := len(w.history(id).GetEvents()), w.polls()
	w.eventually("twenty polls of idle channels", func() bool { return w.polls() >= polls+20 })
	assert.Len(t, w.history(id).GetEvents(), idle, "events for idle channels")
	spent := func() map[enums.EventType]int { return w.costs(id, idle) }
	// ended: the reports are over, and the next poll has begun.
	ended := func(reports int) func() bool {
		return func() bool {
			events := spent()
			return events[enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED] == reports &&
				events[enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED] == events[enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED]
		}
	}

	ts := w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	w.eventually("the end of the report", ended(1))
	assert.Equal(t, costOf(1, 1), spent(), "a report alone in its window")
	assert.Equal(t, map[enums.EventType]int{
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: 1, enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: 1,
		enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: 5, enums.EVENT_TYPE_ACTIVITY_TASK_STARTED: 5, enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: 5,
	}, w.costs(workflows.ReportWorkflowID(w.sandbox.Options().Team+"/C0BUGREPORTS/"+ts), 0), "its own history")

	const many = 20
	for range many {
		w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "ada", Text: report, Report: true})
	}
	w.eventually("the end of all of them", ended(1+many))
	windows := spent()[enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED]
	assert.Equal(t, costOf(1+many, windows), spent())
	assert.LessOrEqual(t, windows, 1+many, "at the worst, each is alone in its window") // a busy machine reads them while they come
}

// costOf is what reports that come in so many windows cost their Triage.
func costOf(reports, windows int) map[enums.EventType]int {
	return map[enums.EventType]int{
		enums.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: reports, enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED: reports,
		enums.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: reports,
		enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:            windows, enums.EVENT_TYPE_ACTIVITY_TASK_STARTED: windows,
		enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: windows,
	}
}

// costs counts the events of a Workflow after the first ones. Workflow Tasks are left out: a busy server takes more of them for the
// same decisions.
func (w *world) costs(id string, after int) map[enums.EventType]int {
	w.t.Helper()
	events := map[enums.EventType]int{}
	for _, event := range w.history(id).GetEvents()[after:] {
		if !workflowTask(event.GetEventType()) {
			events[event.GetEventType()]++
		}
	}
	return events
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
