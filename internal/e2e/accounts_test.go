package e2e

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

const enterpriseConnector = `  ghes:
    provider: github-app
    client_id: Iv23liSandboxTriage0
    client_secret_env: GHES_CLIENT_SECRET
    endpoints:
      authorize: SANDBOX/github/login/oauth/authorize
      token: SANDBOX/github/login/oauth/access_token
      api: SANDBOX/github/api/v3/
`

// newWorldOfTwoServers is a world whose reports of one channel go to a GitHub of their own, with an account of theirs.
func newWorldOfTwoServers(t *testing.T) (w *world, enterprise *sandbox.Sandbox) {
	t.Helper()
	w = newIdleWorld(t, server, sandbox.Options{})
	enterprise = sandbox.New(sandbox.Options{Team: w.sandbox.Options().Team})
	at := httptest.NewServer(enterprise.Handler())
	t.Cleanup(at.Close)
	t.Cleanup(enterprise.Close)
	w.settings["GHES_CLIENT_SECRET"] = enterprise.App(sandbox.GitHub).ClientSecret
	w.rewrite("  bot:\n", strings.ReplaceAll(enterpriseConnector, "SANDBOX", at.URL)+"  bot:\n")
	const route = "{channel: C0SUPPORT, repository: acme/app"
	w.rewrite(route, route+", github: "+w.account("ghes").String())
	w.worker = w.NewWorker()
	require.NoError(t, w.worker.Start())
	t.Cleanup(w.worker.Stop)
	return w, enterprise
}

// Each of the two accounts dies once. What is for the other goes on, the triage is not paused, and everybody who looks sees which
// account is waited for, by how many. Given back, each report is filed once, where it belongs.
func TestReportsWaitForTheAccountOfTheirRouteAlone(t *testing.T) {
	beside(t)
	w, enterprise := newWorldOfTwoServers(t)
	github, ghes := w.account("github"), w.connect("ghes")
	name := w.pollEvery(time.Second)
	at := map[credential.AccountID]*sandbox.Sandbox{github: w.sandbox, ghes: enterprise}
	channels := map[credential.AccountID]string{github: "C0BUGREPORTS", ghes: "C0SUPPORT"}
	posted := map[credential.AccountID][]string{}
	posts := func(account credential.AccountID) {
		message, err := w.sandbox.Deliver(channels[account], sandbox.Message{User: "ada", Text: report, Report: true})
		require.NoError(t, err)
		posted[account] = append(posted[account], message.Key())
	}
	filed := func(account credential.AccountID) (keys []string) {
		for _, issue := range at[account].State().Issues {
			if issue.Key != "" {
				keys = append(keys, issue.Key)
			}
		}
		return keys
	}
	for dead, alive := range map[credential.AccountID]credential.AccountID{ghes: github, github: ghes} {
		before, others := filed(dead), len(filed(alive))
		at[dead].Revoke(sandbox.GitHub)
		status, err := w.Workflows.Refresh(t.Context(), dead, w.status(dead).Generation)
		require.NoError(t, err)
		require.Equal(t, credential.ReauthorizationRequired, status.Status)
		for range 2 {
			posts(dead)
			posts(alive)
		}
		w.eventually("the others to be filed", func() bool { return len(filed(alive)) == others+2 })
		w.eventually("two to wait", func() bool { return w.status(dead).Waiting == 2 })
		assert.ElementsMatch(t, before, filed(dead))
		assert.Equal(t, workflows.TriagePolling, w.triage(name).State)
		shown := w.types("triage", "status", name)
		assert.Contains(t, shown, "2 wait for account "+dead.String()+", which is reauthorization_required")
		assert.NotContains(t, shown, "for account "+alive.String())
		assert.Contains(t, shown, "acme/app via "+ghes.String())

		w.reauthorize(dead)
		w.eventually("the waiting to be filed", func() bool { return len(filed(dead)) == len(before)+2 })
	}
	w.eventually("the end of all reports", func() bool { return w.ended() == 8 })
	for account := range at {
		assert.ElementsMatch(t, posted[account], filed(account), "each once")
	}

	closed := posted[ghes][0]
	for _, issue := range enterprise.State().Issues {
		if issue.Key == closed {
			require.NoError(t, enterprise.ChangeIssue(sandbox.IssueChange{Repository: issue.Repository, Number: issue.Number, State: "closed"}))
		}
	}
	key, err := triage.ParseKey(closed)
	require.NoError(t, err)
	require.NoError(t, w.Workflows.LookAtThread(t.Context(), name, key))
	w.eventually("the thread to be told of its issue", func() bool { return w.sandbox.Books().Replies[closed] == 2 })
}
