package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// A refusal that could not be compared with the vault goes into every attempt until one could, and into none for newer tokens.
func TestARefusalIsKeptUntilItIsChecked(t *testing.T) {
	g := newGrant(t, time.Hour)
	g.issue()
	refusal := activities.Failure{Kind: credential.DeadGrant, Code: "invalid_grant", Message: "revoked"}
	away := activities.Failure{Kind: credential.Transient, Code: activities.CodeVault, Message: "the vault is away"}
	unchecked := away
	unchecked.Refusal = &refusal
	g.failures = []activities.Failure{unchecked, away, refusal}
	var heard []*activities.Failure
	g.heard = func(in activities.RefreshInput) { heard = append(heard, in.Refusal) }
	var during AccountStatus
	g.after(58*time.Minute, func() {
		during = g.status(t)
		g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
	})
	g.end(118 * time.Minute)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, "revoked", during.Reason)
	assert.Zero(t, during.NextRefresh, "it is believed")
	require.Len(t, heard, 4)
	assert.Nil(t, heard[0])
	assert.Equal(t, &refusal, heard[1])
	assert.Equal(t, &refusal, heard[2])
	assert.Nil(t, heard[3], "it was of the tokens before")
}
