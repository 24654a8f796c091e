package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"tokenkeeper/connector"
	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// The secret of the app is replaced at the provider while fifty accounts need tokens. One account meets it, and tells the
// others by way of their connector; people hear of it once. When the secret is right again, all go on by themselves: no
// Workflow is restarted, and nobody touches an account.
func TestARefusedAppPausesAllItsAccountsUntilItIsTaken(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{Rotation: sandbox.RotationRevokeFamily}})
	w.ConfigureConnectors(t.Context())
	accounts := w.settleMany(50, "github")
	posts := func() int { return w.sandbox.Books().Requests["github token.refresh"] }
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{
		App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Code: "incorrect_client_credentials", Times: -1,
	}))

	w.needTokens(accounts[:1])
	w.eventually("the first account waits", func() bool { return w.status(accounts[0]).HeldBy == "github" })
	w.needTokens(accounts[1:])
	for _, account := range accounts {
		w.eventually("all others wait", func() bool { return w.status(account).HeldBy == "github" })
		assert.Equal(t, credential.ClientMisconfigured, w.status(account).Status)
	}
	sent := posts()
	refused := w.connectorStatus("github")
	assert.Equal(t, workflows.ConnectorRefused, refused.Status)
	assert.Contains(t, refused.Reason, "incorrect_client_credentials")
	assert.LessOrEqual(t, sent, 1+refused.Tries, "one account met it, and one in a minute tries")
	assert.Equal(t, 1, w.activitiesOf(workflows.ConnectorWorkflowID(w.Config().Temporal.TaskQueue, "github"), "Alert"))
	finding := w.finding("connector github")
	assert.Contains(t, finding.Problem, "the provider refuses its app")
	assert.Contains(t, finding.Fix, `correct client id and secret of connector "github"`)

	w.sandbox.ClearFaults()
	w.ConfigureConnectors(t.Context()) // as a worker does that has read the corrected configuration
	for _, account := range accounts {
		w.eventually("all go on", func() bool { return w.status(account).Status == credential.Active })
		assert.EqualValues(t, 2, w.status(account).Generation)
		assert.Zero(t, w.activitiesOf(workflows.AccountWorkflowID(account), "Notify"), "people hear of it from the connector")
	}
	books := w.sandbox.Books()
	assert.Equal(t, len(accounts), books.RefreshesByApp[sandbox.GitHub])
	assert.Zero(t, books.RefreshTokensPresentedTwice)
	assert.Equal(t, workflows.ConnectorActive, w.connectorStatus("github").Status)

	w.replays(workflows.AccountWorkflowID(accounts[1]), "held-account")
	w.eventually("people hear that it is over", func() bool {
		return w.activitiesOf(workflows.ConnectorWorkflowID(w.Config().Temporal.TaskQueue, "github"), "Alert") == 2
	})
	w.replays(workflows.ConnectorWorkflowID(w.Config().Temporal.TaskQueue, "github"), "connector")
}

// A refused app is tried at once when its configuration was read anew, and then after pauses that double. They are minutes, so
// all but the first try are waited for only to be recorded.
func TestTheTriesOfARefusedApp(t *testing.T) {
	beside(t)
	tries := 1
	if *update {
		tries = 3
	}
	w := newWorld(t, sandbox.Options{})
	w.ConfigureConnectors(t.Context())
	account := w.settleMany(1, "github")[0]
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{
		App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Code: "incorrect_client_credentials", Times: -1,
	}))
	w.needTokens([]credential.AccountID{account})
	w.eventually("the account waits", func() bool { return w.status(account).HeldBy == "github" })
	w.ConfigureConnectors(t.Context())
	w.within(5*time.Minute, "tries", func() bool { return w.connectorStatus("github").Tries >= tries })
	next := time.Until(w.connectorStatus("github").NextTry)
	assert.InDelta(t, (time.Minute << (tries - 1)).Seconds(), next.Seconds(), 30, "one minute, and then twice as long each time")
	w.sandbox.ClearFaults()
	w.ConfigureConnectors(t.Context())
	w.eventually("the account goes on", func() bool { return w.status(account).Status == credential.Active })
	w.replays(workflows.ConnectorWorkflowID(w.Config().Temporal.TaskQueue, "github"), "pausing-connector")
}

// settleMany makes accounts of a connector active.
func (w *world) settleMany(n int, connector string) []credential.AccountID {
	w.t.Helper()
	ids := make([]credential.AccountID, n)
	group, ctx := errgroup.WithContext(w.t.Context())
	group.SetLimit(16)
	for i := range ids {
		ids[i] = credential.AccountID{Organization: w.organization, User: fmt.Sprintf("user-%04d", i), Connector: connector}
		group.Go(func() error { return w.settle(ctx, ids[i]) })
	}
	require.NoError(w.t, group.Wait())
	return ids
}

// needTokens reports the first generation of the accounts dead, all at once, and waits for the answers.
func (w *world) needTokens(accounts []credential.AccountID) {
	w.t.Helper()
	require.NoError(w.t, w.reportDead(accounts))
}

func (w *world) reportDead(accounts []credential.AccountID) error {
	var group errgroup.Group
	for _, account := range accounts {
		group.Go(func() error {
			_, err := w.refresh(w.t.Context(), account, 1)
			return err
		})
	}
	return group.Wait()
}

// refresh reports a generation dead until the owner has answered, for some minutes where ctx has no bound: a server at its limits may
// not pass an answer on in time.
func (w *world) refresh(ctx context.Context, account credential.AccountID, seen credential.Generation) (connector.Answer, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 2*patience)
		defer cancel()
	}
	for {
		answer, err := w.Workflows.Refresh(ctx, account, seen)
		if ctx.Err() != nil || !app.Unanswered(err) {
			return answer, err
		}
	}
}

func (w *world) connectorStatus(name string) workflows.ConnectorStatus {
	w.t.Helper()
	return answered(w, func() (workflows.ConnectorStatus, error) { return w.Workflows.Connector(w.t.Context(), name) })
}

// activitiesOf counts the Activities of a type that a Workflow has asked for.
func (w *world) activitiesOf(id, name string) (n int) {
	w.t.Helper()
	for _, event := range w.history(id).GetEvents() {
		if event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == name {
			n++
		}
	}
	return n
}

// finding returns what the doctor finds about a subject.
func (w *world) finding(subject string) app.Finding {
	w.t.Helper()
	for _, f := range w.Check(w.t.Context(), 10*time.Second) {
		if f.Subject == subject {
			return f
		}
	}
	w.t.Fatalf("the doctor does not speak of %s", subject)
	return app.Finding{}
}
