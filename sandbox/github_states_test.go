package sandbox_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-github/v62/github"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

func TestAnIssueIsClosedAndReopened(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedGitHub()
	_, _, err := client.Issues.Create(t.Context(), "acme", "app", &github.IssueRequest{Title: new("Crash on start")})
	require.NoError(t, err)
	w.clock.advance(time.Minute)

	require.NoError(t, w.ChangeIssue(sandbox.IssueChange{Repository: "acme/app", Number: 2, State: "closed", Reason: "not_planned"}))
	closed, _, err := client.Issues.Get(t.Context(), "acme", "app", 2)
	require.NoError(t, err)
	assert.Equal(t, "closed", closed.GetState())
	assert.Equal(t, "not_planned", closed.GetStateReason())
	assert.Equal(t, w.clock.Now().UTC(), closed.GetClosedAt().UTC())
	assert.Equal(t, closed.GetClosedAt(), closed.GetUpdatedAt())

	open, _, err := client.Issues.Edit(t.Context(), "acme", "app", 2, &github.IssueRequest{State: new("open")})
	require.NoError(t, err)
	assert.Equal(t, "open", open.GetState())
	assert.Equal(t, "reopened", open.GetStateReason())
	assert.True(t, open.GetClosedAt().IsZero())
	_, resp, err := client.Issues.Edit(t.Context(), "acme", "app", 2, &github.IssueRequest{State: new("gone")})
	require.Error(t, err)
	assert.Equal(t, http.StatusUnprocessableEntity, resp.StatusCode)

	for _, change := range []sandbox.IssueChange{
		{Repository: "acme/none", Number: 2, State: "closed"}, {Repository: "acme/app", Number: 9, State: "closed"},
		{Repository: "acme/app", Number: 2, State: "gone"}, {Repository: "acme/app", Number: 2, State: "closed", Reason: "fixed"},
	} {
		require.Error(t, w.ChangeIssue(change))
	}
	status, body := w.postJSON("/control/issues", `{"repository":"acme/app","number":2,"state":"closed"}`)
	require.Equal(t, http.StatusOK, status, string(body))
	assert.Equal(t, "completed", w.State().Issues[1].Reason)
}

func TestAConditionalRequestCostsNothingWhileNothingChanges(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedGitHub()
	list := func(etag string) *github.Response {
		request, err := client.NewRequest(http.MethodGet, "repos/acme/app/issues?state=all", nil)
		require.NoError(t, err)
		if etag != "" {
			request.Header.Set("If-None-Match", etag)
		}
		resp, _ := client.Do(t.Context(), request, nil) // 304 is an error to go-github
		require.NotNil(t, resp)
		return resp
	}
	first := list("")
	etag := first.Header.Get("ETag")
	require.NotEmpty(t, etag)
	again := list(etag)
	assert.Equal(t, http.StatusNotModified, again.StatusCode)
	assert.Equal(t, first.Header.Get("X-RateLimit-Used"), again.Header.Get("X-RateLimit-Used"))
	_, _, err := client.Issues.Create(t.Context(), "acme", "app", &github.IssueRequest{Title: new("Crash on start")})
	require.NoError(t, err)
	changed := list(etag)
	assert.Equal(t, http.StatusOK, changed.StatusCode)
	assert.NotEqual(t, etag, changed.Header.Get("ETag"))
}
