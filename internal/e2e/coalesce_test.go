package e2e

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"tokenkeeper/connector"
	"tokenkeeper/credential"
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

// People ask too, and each of them anew: for a token, or a look at it. While the owner waits for its provider, their Updates must
// not be so many that the server aborts those of all others.
func TestManyWhoAskWhileTheOwnerIsHeldUp(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	account := w.connect("slack")
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultDelay, Delay: 5 * time.Second}))
	const each = 25
	errs := make([]error, 2*each)
	var group sync.WaitGroup
	ask := func(i int, how func(context.Context, credential.AccountID) (workflows.AccountStatus, error)) {
		group.Go(func() { _, errs[i] = how(t.Context(), account) })
	}
	ask(0, w.Workflows.RefreshNow)
	w.eventually("an owner that waits for its provider", func() bool { return w.sandbox.Faults()[0].Hit > 0 })
	for i := 1; i < each; i++ {
		ask(i, w.Workflows.RefreshNow)
	}
	for i := range each {
		ask(each+i, w.Workflows.Validate)
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	assert.Equal(t, 1, w.refreshes(sandbox.Slack))
	assert.LessOrEqual(t, w.accepted(workflows.AccountWorkflowID(account)), 10, "the consent and a few that all of them shared")

	before := w.status(account).Generation
	for range 2 {
		after, err := w.Workflows.RefreshNow(t.Context(), account)
		require.NoError(t, err)
		before++
		assert.Equal(t, before, after.Generation, "who asks again after the answer gets another token")
	}
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
