package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// rewrite edits the configuration and has it read anew.
func (w *world) rewrite(old, text string) {
	w.t.Helper()
	before, err := os.ReadFile(w.Config().Path)
	require.NoError(w.t, err)
	require.Contains(w.t, string(before), old)
	w.replace(filepath.Base(w.Config().Path), strings.Replace(string(before), old, text, 1))
	require.NoError(w.t, w.Reload(w.t.Context()))
}

// limit sets how the token endpoint of connector github is treated.
func (w *world) limit(rate, concurrency int) {
	w.t.Helper()
	const connector = "  github:\n    provider: github-app\n"
	w.rewrite(connector, fmt.Sprintf("%s    token_rate: %d\n    token_concurrency: %d\n", connector, rate, concurrency))
}

// Hundreds of accounts need a token in the same moment, and two workers serve them. The provider sees no more requests in a
// second than it is meant to.
func TestTokenRequestsKeepToTheRateOverAllWorkers(t *testing.T) {
	const accounts, rate = 300, 20
	w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{Rotation: sandbox.RotationRevokeFamily}})
	w.limit(rate, 8)
	second := w.NewWorker()
	require.NoError(t, second.Start())
	t.Cleanup(second.Stop)
	ids := w.settleMany(accounts, "github")

	w.needTokens(ids)
	requests := w.sandbox.TokenRequests("github token.refresh")
	require.Len(t, requests, accounts)
	slices.SortFunc(requests, time.Time.Compare)
	// Temporal lets a second's worth through at once, so a window has that many more; the rest is for clocks and for a
	// worker that fetched a task and was slow to begin it.
	const slack = 1.25
	for _, window := range []time.Duration{2 * time.Second, 5 * time.Second, 10 * time.Second} {
		most := fullest(requests, window)
		t.Logf("at most %d of %d requests in %s, %d a second are meant", most, accounts, window, rate)
		assert.LessOrEqual(t, float64(most), slack*rate*(window.Seconds()+1), window)
	}
	books := w.sandbox.Books()
	assert.Equal(t, accounts, books.RefreshesByApp[sandbox.GitHub])
	assert.Zero(t, books.RefreshTokensPresentedTwice)
	assert.Equal(t, workflows.ConnectorTaskQueue(w.Config().Temporal.TaskQueue, "github"), w.queueOf(ids[0], "RefreshToken"))
	assert.Equal(t, w.Config().Temporal.TaskQueue, w.queueOf(ids[0], "Adopt"))
}

// fullest returns the most requests in any window.
func fullest(requests []time.Time, window time.Duration) (most int) {
	first := 0
	for i, at := range requests {
		for at.Sub(requests[first]) > window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// queueOf returns the task queue of the last Activity of a type that an account asked for.
func (w *world) queueOf(account credential.AccountID, name string) (queue string) {
	w.t.Helper()
	for _, event := range w.history(workflows.AccountWorkflowID(account)).GetEvents() {
		if a := event.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == name {
			queue = a.GetTaskQueue().GetName()
		}
	}
	return queue
}

// Many accounts meet the refusal in the same instant. Those whose requests are under way cannot know; all others do.
func TestAFreshRefusalCostsNoMoreRequestsThanAreUnderWay(t *testing.T) {
	const concurrency = 2
	w := newWorld(t, sandbox.Options{})
	w.limit(500, concurrency)
	w.ConfigureConnectors(t.Context())
	accounts := w.settleMany(40, "github")
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{
		App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Code: "incorrect_client_credentials", Times: -1,
	}))
	w.needTokens(accounts)
	for _, account := range accounts {
		w.eventually("all wait", func() bool { return w.status(account).HeldBy == "github" })
	}
	sent := len(w.sandbox.TokenRequests("github token.refresh"))
	assert.LessOrEqual(t, sent, concurrency+w.connectorStatus("github").Tries)
}

// elsewhere has a connector's server at another name: an app has one connector.
func elsewhere(t *testing.T, connector string) string {
	t.Helper()
	require.Contains(t, connector, "127.0.0.1")
	return strings.ReplaceAll(connector, "127.0.0.1", "localhost")
}

// A connector comes into the configuration, and goes, while the worker runs.
func TestAConnectorThatIsAddedIsServedWithoutARestart(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	text, err := os.ReadFile(w.Config().Path)
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(text), "  github:\n")
	github, _, _ := strings.Cut(rest, "  bot:\n")
	github = elsewhere(t, github)
	const place = "  bot:\n"
	w.rewrite(place, "  added:\n"+github+place)
	account := w.settleMany(1, "added")[0]
	w.needTokens([]credential.AccountID{account})
	assert.EqualValues(t, 2, w.status(account).Generation)
	w.ConfigureConnectors(t.Context())
	w.eventually("the doctor to find its workers", func() bool { return w.finding("connector added").OK })

	w.rewrite("  added:\n"+github, "")
	_, configured := w.Config().Connector("added")
	assert.False(t, configured)
	other := credential.AccountID{Organization: w.organization, User: "other", Connector: "github"}
	require.NoError(t, w.settle(t.Context(), other))
	w.needTokens([]credential.AccountID{other})
	assert.EqualValues(t, 2, w.status(other).Generation, "the others are served as before")
}

// The workers still have the configuration of yesterday, in which the connector was not.
func TestTheDoctorFindsAConnectorThatNoWorkerServes(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	text, err := os.ReadFile(w.Config().Path)
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(text), "  github:\n")
	github, rest, _ := strings.Cut(rest, "  bot:\n")
	before, _, _ := strings.Cut(string(text), "  bot:\n")
	github = elsewhere(t, github)
	path := filepath.Join(filepath.Dir(w.Config().Path), "newer.yaml")
	require.NoError(t, os.WriteFile(path, []byte(before+"  late:\n"+github+"  bot:\n"+rest), 0o600))
	newer := *w
	newer.App, err = app.Open(app.Options{
		ConfigPath: path, Log: w.Log, Env: func(name string) (string, bool) { value, ok := w.settings[name]; return value, ok },
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, newer.Close()) })
	newer.ConfigureConnectors(t.Context())

	late := newer.finding("connector late")
	assert.Equal(t, "no worker polls task queue "+w.Config().Temporal.TaskQueue+"/connector/late, so none of its accounts is refreshed", late.Problem)
	assert.Contains(t, late.Fix, "whose tokenkeeper.yaml has the connector")
	w.eventually("the other to be found served", func() bool { return newer.finding("connector github").OK })
}

// The token ended a day ago, while nothing ran.
func TestAnAccountThatOversleptIsRecorded(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	account := w.account("github")
	tokens, err := w.grant(t.Context(), account, "")
	require.NoError(t, err)
	tokens.IssuedAt, tokens.ExpiresAt = tokens.IssuedAt.Add(-24*time.Hour), tokens.IssuedAt.Add(-16*time.Hour)
	require.NoError(t, w.Vault.PutAuthorization(t.Context(), vault.Authorization{
		ID: "authorization-overslept", Account: account, Subject: "overslept", Tokens: tokens, ExpiresAt: time.Now().Add(time.Hour),
	}))
	_, err = w.Vault.Adopt(t.Context(), "authorization-overslept")
	require.NoError(t, err)
	require.NoError(t, w.Workflows.Connect(t.Context(), account))
	w.eventually("the account to wait for its turn", func() bool {
		return w.status(account).Status == credential.Degraded && w.activitiesOf(workflows.AccountWorkflowID(account), "Round") == 1
	})
	assert.Contains(t, w.status(account).Reason, "it is replaced in its turn")
	w.needTokens([]credential.AccountID{account})
	w.eventually("the account to work", func() bool { return w.status(account).Status == credential.Active })
	assert.EqualValues(t, 2, w.status(account).Generation)
	w.replays(workflows.AccountWorkflowID(account), "overslept-account")
}
