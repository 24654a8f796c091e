package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// reset does what `temporal workflow reset --type FirstWorkflowTask` does.
func (w *world) reset(id string) {
	w.t.Helper()
	for _, event := range w.history(id).GetEvents() {
		if event.GetEventType() != enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			continue
		}
		_, err := w.Temporal.WorkflowService().ResetWorkflowExecution(w.t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
			Namespace: w.Namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id}, Reason: "a test",
			WorkflowTaskFinishEventId: event.GetEventId(), RequestId: id,
		})
		require.NoError(w.t, err)
		return
	}
	require.Fail(w.t, "no Workflow Task has completed", id)
}

// An operator resets a Report that had begun as a new one, and all that it did is done.
func TestAResetReportFilesNothingTwice(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	w.pollEvery(time.Second)
	key := w.posts(report)
	id := workflows.ReportWorkflowID(key)
	w.eventually("the end of the report", func() bool { return w.ended() == 1 })

	w.reset(id)
	var result workflows.ReportResult
	require.NoError(t, w.Temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), &result))

	assert.True(t, result.Issue.Found)
	books := w.sandbox.Books()
	assert.Equal(t, 1, books.IssuesCreated)
	assert.Equal(t, map[string]int{key: 1}, books.Replies)
	assert.Zero(t, books.Missing+books.Duplicates+books.Unexpected)
}

// A reset Triage reads once more what it had read. It knows nothing of the Reports that came of it, and the server may have
// forgotten them.
func TestAResetTriageFilesNothingTwice(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	name := w.pollEvery(time.Second)
	replies := map[string]int{}
	post := func() {
		replies[w.posts(report)] = 1
		w.eventually("the end of the report", func() bool { return w.ended() == int64(len(replies)) })
	}
	post()
	post()
	for key := range replies {
		_, err := w.Temporal.WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
			Namespace: w.Namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: workflows.ReportWorkflowID(key)},
		})
		require.NoError(t, err)
	}
	w.eventually("the server to forget the reports", func() bool { return w.ended() == 0 })
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "conversations.history", Contains: "C0BUGREPORTS", Kind: sandbox.FaultStatus, Status: 503, Times: -1}))

	id := workflows.TriageWorkflowID(name)
	w.reset(id)
	first := w.history(id).GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId()
	require.NoError(t, w.Workflows.SignalTriage(t.Context(), name, workflows.SignalReload)) // the run after the reset one was not reset itself
	w.eventually("a run after the reset one", func() bool {
		return w.history(id).GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId() != first
	})
	w.sandbox.ClearFaults()
	w.eventually("both reports to end once more", func() bool { return w.ended() == 2 })
	post()

	books := w.sandbox.Books()
	assert.Equal(t, 3, books.IssuesCreated)
	assert.Equal(t, replies, books.Replies)
	assert.Zero(t, books.Missing+books.Duplicates+books.Unexpected)
}
