package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

const report = "The export button crashes the app with a 500 error. Steps to reproduce: open a project, click Export."

// An account goes through what a year can bring: refreshes by the clock and by callers, an outage, the end of its grant,
// a refused and a good authorization, and its own end.
func TestAnAccountLives(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{AccessLifetime: 5 * time.Second}})
	account := w.connect("slack")
	w.eventually("a refresh by the clock", func() bool { return w.status(account).Generation >= 2 })
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 503, Times: 2}))
	w.eventually("an outage", func() bool { return w.status(account).Failures > 0 })
	w.eventually("its end", func() bool { s := w.status(account); return s.Status == credential.Active && s.Failures == 0 })

	w.sandbox.Revoke(sandbox.Slack)
	answer, err := w.refresh(t.Context(), account, w.status(account).Generation)
	require.NoError(t, err)
	require.Equal(t, credential.ReauthorizationRequired, answer.Status, answer.Reason)
	_, err = w.Workflows.Reauthorized(t.Context(), account, "no-such-authorization")
	require.ErrorContains(t, err, "unknown or expired")
	assert.Equal(t, credential.ReauthorizationRequired, w.status(account).Status)
	status, err := w.Workflows.Reauthorized(t.Context(), account, w.consent(account))
	require.NoError(t, err)
	require.Equal(t, credential.Active, status.Status)

	ended, err := w.Workflows.Disconnect(t.Context(), account)
	require.NoError(t, err)
	assert.Equal(t, credential.Disconnected, ended.Status)
	w.replays(workflows.AccountWorkflowID(account), "account")
	books := w.sandbox.Books()
	assert.Zero(t, books.RefreshTokensPresentedTwice)
}

// A triage reads, waits for a grant, goes on, and obeys its operator.
func TestATriageWorks(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	slack := w.connect("slack")
	w.connect("github")
	name := w.organization + "/bugs"
	require.NoError(t, w.Workflows.StartTriage(t.Context(), name))
	first := w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "bjorn", Text: "Lunch at noon?"})
	w.eventually("an issue", func() bool { return w.sandbox.Books().IssuesCreated == 1 })

	w.sandbox.Revoke(sandbox.Slack)
	w.eventually("the triage to wait", func() bool { return w.triage(name).State == workflows.TriageWaiting })
	w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	_, err := w.Workflows.Reauthorized(t.Context(), slack, w.consent(slack))
	require.NoError(t, err)
	w.eventually("the issue of what was posted meanwhile", func() bool { return w.sandbox.Books().IssuesCreated == 2 })

	require.NoError(t, w.Workflows.SignalTriage(t.Context(), name, workflows.SignalPause))
	w.eventually("the triage to pause", func() bool { return w.triage(name).State == workflows.TriagePaused })
	require.NoError(t, w.Workflows.SignalTriage(t.Context(), name, workflows.SignalResume))
	w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "chen", Text: report, Report: true})
	w.eventually("the third issue, its reply and its mark", func() bool {
		b := w.sandbox.Books()
		return b.IssuesCreated == 3 && len(b.Replies) == 3 && len(b.Reactions) == 3
	})
	w.replays(workflows.TriageWorkflowID(name), "triage")
	w.replays(workflows.ReportWorkflowID(w.sandbox.Options().Team+"/C0BUGREPORTS/"+first), "report")
	books := w.sandbox.Books()
	assert.Zero(t, books.Duplicates+books.Missing+books.Unexpected)
}

// That its issue is closed GitHub tells us, and we tell the thread, at once; the watch of the triage would find it too.
func TestAThreadIsFollowed(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	w.connect("slack")
	w.connect("github")
	name := w.organization + "/bugs"
	require.NoError(t, w.Workflows.StartTriage(t.Context(), name))
	key := triage.Key{Team: w.sandbox.Options().Team, Channel: "C0BUGREPORTS"}
	key.TS = w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	w.eventually("the mark of a filed report", func() bool {
		return slices.Equal(w.sandbox.Books().Reactions[key.String()], []string{"white_check_mark"})
	})
	require.NoError(t, w.sandbox.Subscribe(w.listening()(sandbox.GitHub)))
	require.NoError(t, w.sandbox.ChangeIssue(sandbox.IssueChange{Repository: "acme/app", Number: 2, State: "closed"}))
	w.eventually("the news of its end", func() bool { return w.sandbox.Books().Replies[key.String()] == 2 })
	id := workflows.ThreadWorkflowID(key.String())
	require.NoError(t, w.Temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), nil))
	require.NoError(t, w.Workflows.LookAtThread(t.Context(), name, key))
	require.NoError(t, w.Temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), nil))
	require.Equal(t, 2, w.sandbox.Books().Replies[key.String()], "another look finds nothing to say")
	w.replays(id, "thread")
}

func (w *world) triage(name string) workflows.TriageStatus {
	w.t.Helper()
	return answered(w, func() (workflows.TriageStatus, error) { return w.Workflows.TriageStatus(w.t.Context(), name) })
}
