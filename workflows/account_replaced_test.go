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

var ofOctocat = credential.Replaced{
	Authorization: "replaced/acme/triage/slack/g1", Holder: credential.Holder{Subject: "T1/B1", Display: "Acme"},
}

// accept has the account take a consent of another subject, as the vault then says.
func (g *grant) accept() {
	g.judge = func(activities.AdoptInput) error { return nil }
	g.replaced = []credential.Replaced{ofOctocat}
	g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "of-somebody-else", AcceptSubject: "T1/B2"})
}

// refuse has the provider take back nothing until a time.
func (g *grant) refuse(until time.Duration) {
	back := g.env.Now().Add(until)
	g.discard = func(activities.DiscardInput) error {
		if g.env.Now().Before(back) {
			return temporal.NewApplicationError("slack is away", activities.ErrTypeProviderUnavailable)
		}
		g.replaced = nil
		return nil
	}
}

func TestAGrantThatWasReplacedIsRevokedBesideEverythingElse(t *testing.T) {
	g := newGrant(t, 20*time.Minute)
	g.issue()
	g.refuse(time.Hour + 10*time.Minute)
	var during, after AccountStatus
	g.after(time.Hour, g.accept)
	g.after(time.Hour+9*time.Minute, func() { during = g.status(t) })
	g.after(time.Hour+30*time.Minute, func() { after = g.status(t) })
	g.end(2 * time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, []credential.Replaced{ofOctocat}, during.Replaced)
	assert.Equal(t, credential.Active, during.Status)
	assert.Empty(t, after.Replaced)
	assert.Greater(t, after.Generation, during.Generation, "refreshed as ever")
	assert.Greater(t, len(g.discards), 2)
	for _, in := range g.discards {
		assert.Equal(t, activities.DiscardInput{Account: acmeSlack, Authorization: ofOctocat.Authorization}, in)
	}
}

// Its Workflow was lost, and the next one finds in the vault what was left to do.
func TestWhatIsLeftToRevokeIsFoundInTheVault(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.refuse(0)
	g.replaced = []credential.Replaced{ofOctocat}
	var after AccountStatus
	g.after(time.Minute, func() { after = g.status(t) })
	g.end(time.Hour)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Len(t, g.discards, 1)
	assert.Empty(t, after.Replaced)
}

func TestContinueAsNewCarriesWhatIsLeftToRevoke(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.refuse(24 * time.Hour)
	g.after(time.Hour, g.accept)
	g.after(time.Hour+5*time.Minute, func() { g.env.SetContinueAsNewSuggested(true) })
	g.run()

	next, ok := continuedInput(t, g.env)
	require.True(t, ok)
	h := newGrant(t, 10*time.Hour)
	h.now = g.now
	h.env.SetStartTime(g.env.Now())
	var after AccountStatus
	h.after(time.Minute, func() { after = h.status(t) })
	h.end(time.Hour)
	execute(h.env, ConnectedAccount, next)

	assert.Equal(t, []string{ofOctocat.Authorization}, h.destroyed())
	assert.Empty(t, after.Replaced)
}

// Who goes leaves nothing of those before either.
func TestADisconnectWaitsForWhatIsLeftToRevoke(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.refuse(time.Hour + 10*time.Minute)
	g.disconnect = func() error {
		assert.Empty(t, g.replaced, "while there is a vault entry to revoke by")
		return nil
	}
	var during AccountStatus
	g.after(time.Hour, g.accept)
	g.after(time.Hour+5*time.Minute, func() { g.env.SignalWorkflow(SignalDisconnect, nil) })
	g.after(time.Hour+9*time.Minute, func() { during = g.status(t) })
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.True(t, during.Disconnecting)
	assert.Equal(t, []credential.Replaced{ofOctocat}, during.Replaced)
	var end AccountStatus
	require.NoError(t, g.env.GetWorkflowResult(&end))
	assert.Equal(t, credential.Disconnected, end.Status)
	assert.Empty(t, end.Replaced)
	assert.Empty(t, end.Unrevoked)
}

func TestForceLeavesWhatIsLeftToRevoke(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.refuse(24 * time.Hour)
	g.after(time.Hour, g.accept)
	g.after(time.Hour+5*time.Minute, func() { g.env.SignalWorkflow(SignalDisconnect, nil) })
	g.after(time.Hour+6*time.Minute, func() { g.env.SignalWorkflow(SignalDisconnect, DisconnectRequest{Force: true}) })
	g.run()

	var end AccountStatus
	require.NoError(t, g.env.GetWorkflowResult(&end))
	assert.Equal(t, credential.Disconnected, end.Status)
	assert.Empty(t, end.Replaced)
	assert.Equal(t, "slack is away", end.Unrevoked, "as the one who destroyed it said")
	for _, in := range g.discards {
		assert.False(t, in.Unrevoked)
	}
}

// The provider refuses the app. Whoever disconnects is told, as without a grant that was replaced, and can mend that or force it.
func TestADisconnectSaysThatARefusedAppIsInTheWayOfWhatIsLeftToRevoke(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	mended := false
	g.discard = func(in activities.DiscardInput) error {
		switch {
		case mended:
			g.replaced = nil
			return nil
		case in.Awaited:
			return temporal.NewNonRetryableApplicationError("slack refuses the app", activities.ErrTypeRejected, nil)
		}
		return temporal.NewApplicationError("slack refuses the app", activities.ErrTypeProviderUnavailable)
	}
	var during AccountStatus
	g.after(time.Hour, g.accept)
	g.after(time.Hour+5*time.Minute, func() { g.env.SignalWorkflow(SignalDisconnect, nil) })
	g.after(time.Hour+6*time.Minute, func() { during = g.status(t); mended = true })
	g.after(3*time.Hour, func() { g.env.SignalWorkflow(SignalDisconnect, nil) })
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.False(t, during.Disconnecting)
	assert.Equal(t, "disconnecting failed: slack refuses the app", during.Warning)
	assert.Equal(t, []credential.Replaced{ofOctocat}, during.Replaced, "it is revoked still, beside everything else")
	var end AccountStatus
	require.NoError(t, g.env.GetWorkflowResult(&end))
	assert.Equal(t, credential.Disconnected, end.Status)
	assert.Empty(t, end.Replaced)
}
