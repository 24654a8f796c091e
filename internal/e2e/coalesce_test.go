package e2e

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"tokenkeeper/connector"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// Temporal takes ten Updates of one Workflow at a time and aborts all of them when there are more, so callers of one
// generation share one. The one-flight-per-process that usually stands in front is left out here.
func TestManyCallersShareOneRefresh(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	account := w.connect("slack")
	const callers = 200
	answers := make([]connector.Answer, callers)
	errs := make([]error, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() { answers[i], errs[i] = w.Workflows.Refresh(t.Context(), account, 1) })
	}
	group.Wait()
	for i := range callers {
		require.NoError(t, errs[i])
		assert.EqualValues(t, 2, answers[i].Generation)
	}
	assert.Equal(t, 1, w.refreshes(sandbox.Slack))
	assert.Equal(t, 2, w.accepted(workflows.AccountWorkflowID(account)), "the consent and the refresh")

	late, err := w.Workflows.Refresh(t.Context(), account, 1)
	require.NoError(t, err)
	assert.EqualValues(t, 2, late.Generation)
	assert.Equal(t, 1, w.refreshes(sandbox.Slack))
}

// accepted counts the Updates in the history of a Workflow.
func (w *world) accepted(id string) int {
	w.t.Helper()
	n := 0
	for _, event := range w.history(id).GetEvents() {
		if event.GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED {
			n++
		}
	}
	return n
}
