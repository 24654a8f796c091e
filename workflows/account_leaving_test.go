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

// A pager that was told of trouble waits for its end, and nobody else tells of it when the account is gone.
func TestTroubleEndsWithItsAccountForWhoWasToldOfIt(t *testing.T) {
	for name, told := range map[string]bool{"told of trouble": true, "nothing was wrong": false} {
		t.Run(name, func(t *testing.T) {
			g := newGrant(t, 10*time.Hour)
			g.issue()
			if told {
				g.failures = []activities.Failure{{Kind: credential.DeadGrant, Message: "revoked"}}
				g.after(time.Hour, func() { g.report(t, 1) })
			}
			g.end(3 * time.Hour)
			g.run()

			require.NoError(t, g.env.GetWorkflowError())
			if !told {
				assert.Empty(t, g.ends)
				return
			}
			require.Len(t, g.notices, 1)
			require.Len(t, g.ends, 1)
			end := g.ends[0]
			assert.Equal(t, activities.NoticeRecovery, end.Kind)
			assert.Equal(t, g.notices[0].Episode, end.Episode)
			assert.NotEqual(t, g.notices[0].Key, end.Key)
			assert.Equal(t, "disconnected on request", end.Reason)
		})
	}
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

// A disconnect waits for a provider that is away, and force ends the wait.
func TestForceEndsADisconnectThatWaitsForTheProvider(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	tries := 0
	g.disconnect = func() error {
		tries++
		return temporal.NewApplicationError("slack is away", activities.ErrTypeProviderUnavailable)
	}
	var patient, forced *AccountStatus
	var waiting AccountStatus
	var consented *error
	g.after(time.Hour, func() { patient, _ = g.updated(t, UpdateDisconnect) })
	g.after(time.Hour+time.Minute, func() {
		waiting = g.status(t)
		_, consented = g.updated(t, UpdateReauthorized, ReauthorizedRequest{Authorization: "too-late-for-it"})
		forced, _ = g.updated(t, UpdateDisconnect, DisconnectRequest{Force: true})
	})
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Greater(t, tries, 1)
	assert.Equal(t, "being disconnected; the provider has not taken the revocation yet", waiting.Reason)
	assert.True(t, waiting.Disconnecting)
	assert.Equal(t, credential.Disconnected, forced.Status)
	assert.Equal(t, "slack is away", forced.Unrevoked)
	assert.Contains(t, forced.Reason, "by force")
	assert.Equal(t, forced, patient, "whoever waited without force hears the same")
	assert.Equal(t, activities.ErrTypeLeaving, errorType(*consented), "nobody is promised what is about to be destroyed")
}

func TestASignalForcesToo(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.disconnect = func() error { t.Error("a forced disconnect does not wait"); return nil }
	g.after(time.Hour, func() { g.env.SignalWorkflow(SignalDisconnect, DisconnectRequest{Force: true}) })
	g.run()

	var ended AccountStatus
	require.NoError(t, g.env.GetWorkflowResult(&ended))
	assert.Equal(t, "slack is away", ended.Unrevoked)
	assert.False(t, ended.Disconnecting)
}

// No worker serves the queue of a connector that left the configuration, and the tokens are destroyed all the same.
func TestForceNeedsNoWorkerOfTheConnector(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.disconnect = unserved
	asked := 0
	g.force = func() (activities.Disconnected, error) {
		if asked++; asked == 1 {
			return activities.Disconnected{}, unserved()
		}
		return activities.Disconnected{Unrevoked: "no such connector"}, nil
	}
	g.after(time.Hour, func() { g.env.SignalWorkflow(SignalDisconnect, DisconnectRequest{Force: true}) })
	g.run()

	var ended AccountStatus
	require.NoError(t, g.env.GetWorkflowResult(&ended))
	assert.Equal(t, credential.Disconnected, ended.Status)
	assert.Equal(t, "no such connector", ended.Unrevoked)
	assert.Equal(t, 2, asked)
}

// Force that comes while a refusal is on its way is not forgotten with it.
func TestForceOutlivesARefusal(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.disconnect = func() error {
		g.env.SignalWorkflow(SignalDisconnect, DisconnectRequest{Force: true})
		return temporal.NewNonRetryableApplicationError("the provider refuses the app itself", activities.ErrTypeRejected, nil)
	}
	g.after(time.Hour, func() { g.env.SignalWorkflow(SignalDisconnect, nil) })
	g.run()

	var ended AccountStatus
	require.NoError(t, g.env.GetWorkflowResult(&ended))
	assert.Equal(t, "slack is away", ended.Unrevoked)
}

// What is in quarantine keeps nobody waiting either.
func TestForceDestroysWhatIsInQuarantine(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.judge = func(in activities.AdoptInput) error {
		return temporal.NewNonRetryableApplicationError("another subject consented", activities.ErrTypeAuthorizationRejected, nil,
			credential.Quarantine{Authorization: in.Authorization, Until: g.env.Now().Add(72 * time.Hour)})
	}
	g.after(time.Hour, func() {
		g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "stray-authorization"})
	})
	g.after(2*time.Hour, func() { g.env.SignalWorkflow(SignalDisconnect, DisconnectRequest{Force: true}) })
	g.run()

	var ended AccountStatus
	require.NoError(t, g.env.GetWorkflowResult(&ended))
	assert.Empty(t, g.discards)
	assert.Equal(t, "slack is away", ended.Unrevoked, "as the one says who destroys all of it")
}

// A provider without revocation does all that it is asked, and the grant lives on there.
func TestWhatLivesOnIsSaidWithoutForceToo(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.left = "Zendesk revokes no grant on request"
	g.end(time.Hour)
	g.run()

	var ended AccountStatus
	require.NoError(t, g.env.GetWorkflowResult(&ended))
	assert.Equal(t, credential.Disconnected, ended.Status)
	assert.Equal(t, g.left, ended.Unrevoked)
	assert.Equal(t, "disconnected on request, and the grant may live on at the provider: "+g.left, ended.Reason)
}

// A grant that the provider refused has left nothing behind; one whose fate is unknown may have.
func TestADisconnectKnowsWhetherTheGrantWasRefused(t *testing.T) {
	for code, refused := range map[string]bool{"invalid_grant": true, activities.CodeOutcomeUnknown: false} {
		g := newGrant(t, 10*time.Hour)
		g.issue()
		g.failures = []activities.Failure{{Kind: credential.DeadGrant, Code: code, Message: "dead"}}
		g.end(9 * time.Hour)
		g.run()

		require.NoError(t, g.env.GetWorkflowError())
		assert.Equal(t, refused, g.leaves.Refused, code)
	}
}
