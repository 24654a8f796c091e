package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"tokenkeeper/config"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

// What is posted to one channel goes to four repositories: by what it says, what it is about, and who says it. One of them
// was renamed since the configuration was written.
func TestRoutesOfOneChannel(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{
		Repositories: []string{"acme/app", "acme/shop", "acme/web", "acme/mobile"}, Renamed: map[string]string{"acme/phone": "acme/mobile"},
	})
	w.connect("slack")
	w.connect("github")
	name := w.organization + "/bugs"
	configured := w.Config().Triages[name]
	configured.Teams, configured.Logins = map[string][]string{"mobile": {"U0ADA"}}, map[string]string{"U0ADA": "octocat"}
	configured.Routes = []config.Route{
		{Channel: "C0BUGREPORTS", Repository: "acme/shop", Mode: config.ModeFile, Match: config.Match{Patterns: []string{`(?i)\bcheckout\b`}}},
		{Channel: "C0BUGREPORTS", Repository: "acme/web", Mode: config.ModeFile, Match: config.Match{Components: []string{"export"}}},
		{Channel: "C0BUGREPORTS", Repository: "acme/phone", Mode: config.ModeFile, Match: config.Match{Teams: []string{"mobile"}}, AssignReporter: true},
		{Channel: "C0BUGREPORTS", Repository: "acme/app", Mode: config.ModeFile, Milestone: "9.9", Assignees: []string{"octocat", "left-the-company"}, When: triage.When{Keywords: []string{"crashes"}}},
	}
	w.Config().Triages[name] = configured
	require.NoError(t, w.Workflows.StartTriage(t.Context(), name))
	want := map[string]string{} // :: key → repository
	post := func(user, text, repository string) (key string) {
		ts := w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: user, Text: text, Report: repository != ""})
		key = triage.Key{Team: w.sandbox.Options().Team, Channel: "C0BUGREPORTS", TS: ts}.String()
		if repository != "" {
			want[key] = repository
		}
		return key
	}
	post("ada", "Checkout crashes with a 500 error when I export", "acme/shop")
	post("ada", report, "acme/web")
	byTeam := post("ada", "The menu crashes with a 500 error", "acme/mobile")
	rest := post("bjorn", "The menu crashes with a 500 error", "acme/app")
	post("bjorn", "Checkout shows a 500 error", "") // the last route says which messages count

	w.eventually("every issue and its reply", func() bool {
		b := w.sandbox.Books()
		return b.IssuesCreated == 4 && len(b.Replies) == 4
	})
	got := map[string]string{}
	for _, issue := range w.sandbox.State().Issues {
		if issue.Key == "" {
			continue // there before us
		}
		got[issue.Key] = issue.Repository
		switch issue.Key {
		case byTeam:
			assert.Equal(t, []string{"octocat"}, issue.Assignees)
			assert.Contains(t, issue.Body, "(`octocat` at GitHub)")
		case rest:
			assert.Equal(t, []string{"octocat"}, issue.Assignees)
			assert.Contains(t, issue.Body, "- milestone 9.9\n- assignees left-the-company", "GitHub knows neither")
		default:
			assert.Empty(t, issue.Assignees)
		}
	}
	assert.Equal(t, want, got)
	assert.Len(t, w.triage(name).Channels, 1, "a channel is read once, however many routes it has")
	books := w.sandbox.Books()
	assert.Zero(t, books.Duplicates+books.Missing+books.Unexpected)
}

// Temporal has forgotten a report, its channel goes to another repository by now, and somebody takes the message up again by hand.
func TestAReportIsFoundWhereNoRouteLeadsAnyMore(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{Repositories: []string{"acme/app", "acme/web"}})
	name := w.pollEvery(time.Second)
	key := w.posts(report)
	id := workflows.ReportWorkflowID(key)
	var first, again workflows.ReportResult
	w.eventually("the report", func() bool {
		return w.Temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), &first) == nil
	})
	w.rewrite("{channel: C0BUGREPORTS, repository: acme/app", "{channel: C0BUGREPORTS, repository: acme/web")

	run, err := w.Temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: w.Config().Temporal.TaskQueue},
		workflows.ReportType, workflows.ReportInput{Report: key, Triage: name})
	require.NoError(t, err)
	require.NoError(t, run.Get(t.Context(), &again))

	assert.Equal(t, first.Issue.URL, again.Issue.URL)
	assert.True(t, again.Issue.Found)
	w.replays(id, "found-report")
	books := w.sandbox.Books()
	assert.Equal(t, 1, books.IssuesCreated)
	assert.Equal(t, 1, books.Replies[key])
	assert.Zero(t, books.Duplicates+books.Missing+books.Unexpected)
}
