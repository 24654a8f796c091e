package activities_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
)

// A report that somebody takes up again may have gone along another route before: the message was edited, or the
// configuration was.
func TestAReportThatWasFiledElsewhereIsNotFiledAgain(t *testing.T) {
	w := newWorld(t, sandbox.Options{Repositories: []string{"acme/app", "acme/web", "acme/shop"}})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	before := in
	before.Issue.Repo = "web"
	first := once(w, w.github.CreateIssue, before)
	require.NoError(t, first.err)
	in.LookFirst, in.Elsewhere = true, []string{"acme/shop", "acme/web"}

	again := once(w, w.github.CreateIssue, in)

	require.NoError(t, again.err)
	assert.True(t, again.out.Found)
	assert.Equal(t, first.out.URL, again.out.URL)
	assert.Empty(t, again.out.Repository, "it was not renamed")
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

func TestTroubleWithAnotherRoutesRepositoryStopsNoReport(t *testing.T) {
	w := newWorld(t, sandbox.Options{
		Repositories: []string{"acme/app", "acme/web"}, IssuesDisabled: []string{"acme/closed"}, Inaccessible: []string{"acme/secret"},
	})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	in.LookFirst, in.Elsewhere = true, []string{"acme/closed", "acme/secret", "acme/none", "acme/web"}
	once := func(in activities.CreateIssueInput) ran[activities.CreatedIssue] {
		return once(w, w.github.CreateIssue, in)
	}

	got := once(in)
	require.NoError(t, got.err)
	assert.False(t, got.out.Found)
	assert.Contains(t, got.out.URL, "/acme/app/issues/")

	other := w.report("Search crashes")
	other.LookFirst, other.Elsewhere = true, []string{"acme/web"}
	w.fault(sandbox.Fault{Endpoint: "issues.list", Kind: sandbox.FaultStatus, Status: 503, Times: 2})
	once(other).fails(t, activities.ErrTypeProviderUnavailable, "acme/app")
	once(other).fails(t, activities.ErrTypeProviderUnavailable)
	assert.Equal(t, 1, w.Books().IssuesCreated, "an outage says nothing about what is there")
	own := w.report("Menu crashes")
	own.Issue.Repo, own.LookFirst, own.Elsewhere = "secret", true, []string{"acme/web"}
	once(own).fails(t, activities.ErrTypeRejected, "acme/secret", "404")
}
