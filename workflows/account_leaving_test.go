package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// Who waits for an account that goes away asks again, and finds the next owner of it.
func TestWhoWaitsForAnAccountThatLeavesIsSentAway(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.failures = []activities.Failure{{Kind: credential.DeadGrant, Message: "revoked"}}
	g.after(time.Hour, func() { g.report(t, 1) })
	g.after(2*time.Hour, func() { g.env.SignalWorkflow(SignalAwait, Waiter{WorkflowID: "triage/acme/bugs"}) })
	g.end(3 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, []string{"triage/acme/bugs"}, g.signals)
}

// A provider that refuses the app will never take the revocation. The account says so, and goes on.
func TestADisconnectThatTheProviderRefusesIsTold(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	refused := true
	g.disconnect = func() error {
		if refused {
			return temporal.NewNonRetryableApplicationError("the provider refuses the app itself", activities.ErrTypeRejected, nil)
		}
		return nil
	}
	var after AccountStatus
	g.after(time.Hour, func() { g.env.SignalWorkflow(SignalDisconnect, nil) })
	g.after(2*time.Hour, func() { after = g.status(t); refused = false })
	g.end(3 * time.Hour)
	g.run()

	assert.Equal(t, credential.Active, after.Status)
	assert.Contains(t, after.Warning, "disconnecting failed: the provider refuses the app itself")
}

func TestASignalThatDoesNotDecodeIsTold(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	var after AccountStatus
	g.after(time.Hour, func() { g.env.SignalWorkflow(SignalReauthorized, "just words") })
	g.after(2*time.Hour, func() { after = g.status(t) })
	g.end(3 * time.Hour)
	g.run()

	assert.Contains(t, after.Warning, "Signal reauthorized refused")
	assert.Equal(t, credential.Active, after.Status)
}
