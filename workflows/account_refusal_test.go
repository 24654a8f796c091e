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

// Nothing tells whether the token was revoked, or the worker's address is not allowed. The operator hears of both, the account
// asks again, and goes on with the same token when it is taken.
func TestATokenThatMayNotBeUsedFromHereIsNoDeadGrant(t *testing.T) {
	g := newGrant(t, 0)
	g.shape = func(f *activities.Facts) { f.Refreshable, f.ExpiresAt = false, time.Time{} }
	g.issue()
	for range 5 {
		g.failures = append(g.failures, activities.Failure{Kind: credential.Misconfigured, Code: activities.CodeUnsure, Message: "invalid_auth"})
	}
	g.after(time.Hour, func() { g.report(t, 1) })
	var during, after AccountStatus
	g.after(time.Hour+2*time.Minute, func() { during = g.status(t) })
	g.after(2*time.Hour, func() { after = g.status(t) })
	g.end(3 * time.Hour)
	g.run()

	assert.Equal(t, credential.ClientMisconfigured, during.Status)
	assert.Equal(t, "invalid_auth", during.Reason)
	assert.Equal(t, credential.Active, after.Status)
	require.Len(t, g.notices, 2)
	assert.Equal(t, activities.CodeUnsure, g.notices[0].Code)
	assert.Empty(t, g.notices[1].Code)
}
