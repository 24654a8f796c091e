package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

// A project has a form for bugs: its issues are written by it, each once, even where GitHub's answer is lost and the form
// changes meanwhile.
func TestTemplates(t *testing.T) {
	beside(t)
	form, err := os.ReadFile(filepath.Join("..", "..", "testdata", "triage", "templates", "bug_report.yml"))
	require.NoError(t, err)
	file := sandbox.RepositoryFile{Repository: "acme/app", Path: ".github/ISSUE_TEMPLATE/bug_report.yml", Text: string(form)}
	w := newWorld(t, sandbox.Options{IssueTypes: []string{"Bug"}, Files: []sandbox.RepositoryFile{file}})
	w.connect("slack")
	w.connect("github")
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultDrop, Processed: true}))
	name := w.organization + "/bugs"
	require.NoError(t, w.Workflows.StartTriage(t.Context(), name))
	ts := w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report + " <!channel> @octocat", Report: true})
	w.eventually("the issue whose answer is lost", func() bool { return w.sandbox.Books().IssuesCreated == 1 })
	file.Text = ""
	require.NoError(t, w.sandbox.SetFile(file))

	id := workflows.ReportWorkflowID(w.sandbox.Options().Team + "/C0BUGREPORTS/" + ts)
	var result workflows.ReportResult
	require.NoError(t, w.Temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), &result))
	assert.True(t, result.Issue.Found)
	issues := w.sandbox.State().Issues
	issue := issues[len(issues)-1]
	assert.Equal(t, "[Bug]: The export button crashes the app with a 500 error", issue.Title)
	assert.Equal(t, "Bug", issue.Type)
	assert.ElementsMatch(t, []string{"bug", "triage"}, issue.Labels)
	assert.True(t, strings.HasPrefix(issue.Body, "### Contact Details\n\n"), issue.Body)
	assert.Contains(t, issue.Body, "### Code of Conduct\n\n- [ ] I agree")
	key, found := triage.FindMarker(issue.Body)
	assert.True(t, found && key.TS == ts)
	books := w.sandbox.Books()
	assert.Equal(t, 1, books.IssuesCreated)
	assert.Zero(t, books.Duplicates+books.Missing+books.Unexpected)
	w.replays(id, "templated-report")
}
