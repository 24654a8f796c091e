package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// unserved is what Temporal says of an Activity that no worker took.
func unserved() error { return temporal.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_START, nil) }

// The connector left the configuration of all workers. Hours after the token ended it comes back.
func TestAnAccountThatNoWorkerServesSaysSoAndGoesOn(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.unserved = 1_000_000
	var serving, over, served AccountStatus
	var inputs []activities.RefreshInput
	g.heard = func(in activities.RefreshInput) { inputs = append(inputs, in) }
	g.after(9*time.Hour, func() { serving = g.status(t) })
	g.after(12*time.Hour, func() { over = g.status(t); g.unserved = 0 })
	g.after(12*time.Hour+2*time.Minute, func() { served = g.status(t) })
	g.end(13 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	for _, status := range []AccountStatus{serving, over} {
		assert.Equal(t, credential.Degraded, status.Status)
		assert.Contains(t, status.Reason, "no worker took the request from task queue tokenkeeper/connector/slack within 5m0s")
		assert.Contains(t, status.Reason, `has connector "slack"`)
		assert.Positive(t, status.Failures)
	}
	assert.Equal(t, credential.Active, served.Status)
	assert.EqualValues(t, 2, served.Generation)
	assert.Equal(t, 1, g.posts)
	require.Len(t, inputs, 1)
}

func TestACallerHearsThatNoWorkerServes(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.unserved = 1
	var answer *AccountStatus
	g.after(time.Hour, func() { answer = g.report(t, 1) })
	g.end(2 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, credential.Degraded, answer.Status)
	assert.Contains(t, answer.Reason, "no worker took the request")
	assert.EqualValues(t, 2, g.now.Generation, "it was tried again")
}

func TestADisconnectThatNoWorkerTakesStaysAskedFor(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	attempts := 0
	g.disconnect = func() error {
		if attempts++; attempts < 4 {
			return unserved()
		}
		return nil
	}
	g.after(time.Hour, func() { g.env.SignalWorkflow(SignalDisconnect, nil) })
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	var end AccountStatus
	require.NoError(t, g.env.GetWorkflowResult(&end))
	assert.Equal(t, credential.Disconnected, end.Status)
	assert.Equal(t, 4, attempts)
	assert.Contains(t, end.Warning, "disconnecting waits: no worker took the request")
}

// Histories of before have a consent of another subject adopted where the old grant was to be taken back at once.
func TestAnAcceptedConsentWasAdoptedThoughNoWorkerServedTheConnector(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.env.OnGetVersion(changeRevokesApart, workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	g.issue()
	asked := 0
	g.judge = func(activities.AdoptInput) error {
		if asked++; asked == 1 {
			return unserved()
		}
		return nil
	}
	var after AccountStatus
	g.after(time.Hour, func() {
		g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "of-somebody-else", AcceptSubject: "T1/B2"})
	})
	g.after(time.Hour+time.Minute, func() { after = g.status(t) })
	g.end(2 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, 2, asked)
	assert.EqualValues(t, 2, after.Generation)
	assert.Empty(t, after.Warning)
}
