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

// lacking is a worker whose configuration lacks the connector until a time.
func (g *grant) lacking(until time.Duration) {
	has := g.env.Now().Add(until)
	g.unconfigured = func(in activities.DescribeInput) error {
		const problem = `connector "slack" is not in tokenkeeper.yaml`
		switch {
		case !g.env.Now().Before(has):
			return nil
		case in.Await:
			return temporal.NewApplicationError(problem, activities.ErrTypeNotConfigured)
		}
		return temporal.NewNonRetryableApplicationError(problem, activities.ErrTypeNotConfigured, nil)
	}
}

// The worker that is asked first has not read the configuration yet that has the connector.
func TestAnAccountWaitsForItsConnector(t *testing.T) {
	for name, c := range map[string]struct {
		held bool
		want credential.Status
	}{
		"with tokens":    {true, credential.Active},
		"without tokens": {false, credential.Pending},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGrant(t, 10*time.Hour)
			if c.held {
				g.issue()
			}
			g.lacking(2 * time.Minute)
			var waiting, after AccountStatus
			g.after(time.Minute, func() { waiting = g.status(t) })
			g.after(time.Hour, func() { after = g.status(t) })
			g.end(2 * time.Hour)
			g.run()

			require.NoError(t, g.env.GetWorkflowError())
			assert.Equal(t, credential.ClientMisconfigured, waiting.Status)
			assert.Contains(t, waiting.Reason, `connector "slack" is not in tokenkeeper.yaml`)
			assert.Equal(t, c.want, after.Status)
			assert.Equal(t, "slack", after.Provider)
		})
	}
}

// Its connector never comes, and somebody wants the tokens destroyed.
func TestAnAccountThatWaitsForItsConnectorCanLeave(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.lacking(365 * day)
	g.after(time.Minute, func() { g.env.SignalWorkflow(SignalDisconnect, DisconnectRequest{Force: true}) })
	g.run()

	var ended AccountStatus
	require.NoError(t, g.env.GetWorkflowResult(&ended))
	assert.Equal(t, credential.Disconnected, ended.Status)
	assert.Equal(t, "slack is away", ended.Unrevoked)
}
