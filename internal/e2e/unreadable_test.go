package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// Something answers in place of the authorization server. People hear of it after the second answer, while the access token
// is good, and the account asks on and goes on by itself.
func TestAnswersThatNobodyCanReadAreTold(t *testing.T) {
	beside(t)
	w := newWorld(t, signing(time.Hour))
	machine := w.account("machine")
	id := workflows.AccountWorkflowID(machine)
	w.active(machine)
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.Google, Endpoint: "token.mint", Kind: sandbox.FaultStatus, Status: 200, Times: -1}))

	_, err := w.Workflows.RefreshNow(t.Context(), machine)
	require.NoError(t, err)
	w.eventually("people to hear", func() bool { return w.activitiesOf(id, "Notify") == 1 })
	status := w.status(machine)
	assert.Equal(t, credential.Degraded, status.Status)
	assert.GreaterOrEqual(t, status.Failures, 2)
	w.eventually("another attempt", func() bool { return w.status(machine).Failures > status.Failures })

	w.sandbox.ClearFaults()
	w.eventually("people to hear that it is over", func() bool { return w.activitiesOf(id, "Notify") == 2 })
	assert.Equal(t, credential.Active, w.status(machine).Status)
	assert.EqualValues(t, 2, w.status(machine).Generation)
	w.replays(id, "unread-account")
}
