package sandbox_test

import (
	"net/http"
	"testing"

	"github.com/google/go-github/v62/github"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

func TestARepositoryThatMovesTakesItsIssuesAlong(t *testing.T) {
	w := newWorld(t, sandbox.Options{Repositories: []string{"acme/app", "acme/web"}})
	client := w.connectedGitHub()
	_, err := w.createIssue(client, "Crash", "")
	require.NoError(t, err)
	require.Error(t, w.MoveRepository("acme/none", "umbrella/none"))
	require.Error(t, w.MoveRepository("acme/app", "acme/web"))
	require.NoError(t, w.MoveRepository("acme/app", "umbrella/app"))
	require.NoError(t, w.MoveRepository("umbrella/app", "umbrella/shop"))

	issues, _, err := client.Issues.ListByRepo(t.Context(), "acme", "app", nil)
	require.NoError(t, err)
	require.Len(t, issues, 2)
	assert.Contains(t, issues[0].GetRepositoryURL(), "/repos/umbrella/shop")
	created, err := w.createIssue(client, "Another crash", "")
	require.NoError(t, err)
	assert.Contains(t, created.GetHTMLURL(), "/umbrella/shop/issues/3")
}

func TestWhoMayOnlyOpenIssuesSortsNone(t *testing.T) {
	w := newWorld(t, sandbox.Options{PullOnly: []string{"acme/app"}, Milestones: []string{"2.4"}})
	client := w.connectedGitHub()
	asked := &github.IssueRequest{Title: new("Crash"), Labels: &[]string{"bug", "new"}, Assignees: &[]string{"octocat"}, Milestone: new(1)}
	_, response, err := client.Issues.Create(t.Context(), "acme", "app", asked)
	require.ErrorContains(t, err, "permission to create labels")
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	asked.Labels = &[]string{"bug"}
	issue, _, err := client.Issues.Create(t.Context(), "acme", "app", asked)
	require.NoError(t, err)
	assert.Empty(t, issue.Labels)
	assert.Empty(t, issue.Assignees)
	assert.Nil(t, issue.Milestone)

	for login, want := range map[string]bool{"octocat": true, "nobody": false} {
		can, _, err := client.Issues.IsAssignee(t.Context(), "acme", "app", login)
		require.NoError(t, err)
		assert.Equal(t, want, can)
	}
}
