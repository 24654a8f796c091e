package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"

	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// GitHub creates an issue and its answer is lost. An operator who does not want to wait resets the Activity, so that it begins with
// its first attempt again: the issue is found all the same.
func TestAResetActivityFilesNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.pollEvery(time.Second)
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultDrop, Processed: true}))
	key := w.posts(report)
	id := workflows.ReportWorkflowID(key)
	w.eventually("the lost answer", func() bool { return w.sandbox.Books().IssuesCreated == 1 && w.tries(key) == 2 })

	_, err := w.Temporal.WorkflowService().ResetActivity(t.Context(), &workflowservice.ResetActivityRequest{
		Namespace: w.Namespace, Execution: &commonpb.WorkflowExecution{WorkflowId: id}, Activity: &workflowservice.ResetActivityRequest_Type{Type: "CreateIssue"},
	})
	require.NoError(t, err)
	var result workflows.ReportResult
	require.NoError(t, w.Temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), &result))

	assert.True(t, result.Issue.Found)
	books := w.sandbox.Books()
	assert.Equal(t, 1, books.IssuesCreated)
	assert.Zero(t, books.Missing+books.Duplicates+books.Unexpected)
}

// tries is how often a report has tried the step where it is.
func (w *world) tries(report string) (attempts int32) {
	w.t.Helper()
	d, err := w.Temporal.DescribeWorkflowExecution(w.t.Context(), workflows.ReportWorkflowID(report), "")
	require.NoError(w.t, err)
	for _, pending := range d.GetPendingActivities() {
		attempts = max(attempts, pending.GetAttempt())
	}
	return attempts
}
