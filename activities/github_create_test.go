package activities_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
)

// filed returns the issue of a report as people see it.
func (w *world) filed(in activities.CreateIssueInput) sandbox.IssueView {
	w.t.Helper()
	for _, issue := range w.State().Issues {
		if issue.Key == in.Report.String() {
			return issue
		}
	}
	require.Fail(w.t, "no issue of report "+in.Report.String())
	return sandbox.IssueView{}
}

func TestAnIssueHasWhatItsRouteWants(t *testing.T) {
	w := newWorld(t, sandbox.Options{Milestones: []string{"2.3", "2.4"}, IssueTypes: []string{"Bug", "Task"}, GitHubLogin: "ada"})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	in.Issue.Assignees, in.Issue.Milestone, in.Issue.Type = []string{"ada"}, "2.4", "bug"

	got := once(w, w.github.CreateIssue, in)

	require.NoError(t, got.err)
	assert.Empty(t, got.out.LeftOut)
	issue := w.filed(in)
	assert.Equal(t, []string{"ada"}, issue.Assignees)
	assert.Equal(t, "2.4", issue.Milestone)
	assert.Equal(t, "Bug", issue.Type)
	assert.NotContains(t, issue.Body, "Left out")
}

// Whatever GitHub refuses of the route's wishes, the report is filed, once, and says what it is without.
func TestWhatGitHubRefusesIsLeftOutAndSaid(t *testing.T) {
	w := newWorld(t, sandbox.Options{IssueTypes: []string{"Task"}})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	in.Issue.Assignees, in.Issue.Milestone, in.Issue.Type = []string{"nobody-here"}, "9.9", "Bug"
	in.Issue.Labels = []string{strings.Repeat("x", 60)}

	got := once(w, w.github.CreateIssue, in)

	require.NoError(t, got.err)
	assert.ElementsMatch(t, []string{"milestone 9.9", "assignees nobody-here", "issue type Bug", "labels " + strings.Repeat("x", 60)}, got.out.LeftOut)
	assert.Equal(t, 1, w.Books().IssuesCreated)
	issue := w.filed(in)
	assert.Empty(t, issue.Assignees)
	for _, left := range got.out.LeftOut {
		assert.Contains(t, issue.Body, "- "+left)
	}
	assert.True(t, strings.HasSuffix(issue.Body, in.Report.Marker()), "the marker stays last")
}

// One name that GitHub does not take costs the issue that name, and none of the others.
func TestOfLabelsAndAssigneesOnlyTheBadOnesAreLeftOut(t *testing.T) {
	w := newWorld(t, sandbox.Options{GitHubLogin: "ada"})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	in.Issue.Assignees = []string{"octocat", "left-the-company", "ada"}
	in.Issue.Labels = []string{"Bug", strings.Repeat("x", 60)}

	got := once(w, w.github.CreateIssue, in)

	require.NoError(t, got.err)
	assert.ElementsMatch(t, []string{"assignees left-the-company", "labels " + strings.Repeat("x", 60)}, got.out.LeftOut)
	issue := w.filed(in)
	assert.Equal(t, []string{"octocat", "ada"}, issue.Assignees)
	assert.Equal(t, []string{"bug"}, issue.Labels)
}

func TestWhoCannotBeAskedAboutIsLeftOut(t *testing.T) {
	w := newWorld(t, sandbox.Options{GitHubLogin: "ada"})
	w.connect(githubAccount)
	for _, endpoint := range []string{"assignees.get", "labels.list"} {
		w.fault(sandbox.Fault{Endpoint: endpoint, Kind: sandbox.FaultStatus, Status: 403, Times: -1})
	}
	in := w.report("Login crashes")
	in.Issue.Assignees, in.Issue.Labels = []string{"octocat", "left-the-company"}, []string{"bug", strings.Repeat("x", 60)}

	got := once(w, w.github.CreateIssue, in)

	require.NoError(t, got.err)
	assert.ElementsMatch(t, []string{"assignees octocat, left-the-company", "labels bug, " + strings.Repeat("x", 60)}, got.out.LeftOut)
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

func TestMissingLabelsAreCreated(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	in.Issue.Labels = []string{"bug", "severity/high"}

	got := once(w, w.github.CreateIssue, in)

	require.NoError(t, got.err)
	assert.Empty(t, got.out.LeftOut)
	assert.Equal(t, []string{"bug", "severity/high"}, w.filed(in).Labels)
	assert.Equal(t, 1, w.Books().Requests[creates])
}

// Where the app may open issues and not sort them, GitHub refuses labels that are not there, and drops all else without a word.
func TestAnAppThatMayNotSortIssuesFilesThem(t *testing.T) {
	w := newWorld(t, sandbox.Options{PullOnly: []string{"acme/app"}, Milestones: []string{"2.4"}, IssueTypes: []string{"Bug"}})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	in.Issue.Labels, in.Issue.Assignees, in.Issue.Milestone = []string{"bug", "severity/high"}, []string{"octocat"}, "2.4"
	in.Issue.Type = "Bug"

	got := once(w, w.github.CreateIssue, in)

	require.NoError(t, got.err)
	assert.Equal(t, []string{"labels severity/high", "labels bug", "assignees octocat", "milestone 2.4", "issue type Bug"}, got.out.LeftOut)
	assert.Equal(t, 1, w.Books().IssuesCreated)
	issue := w.filed(in)
	assert.Empty(t, issue.Labels)
	assert.Contains(t, issue.Body, "- labels severity/high", "what was refused; the rest GitHub did not say")
}

// An organization without issue types, or a server that does not know them, passes over the field.
func TestATypeThatGitHubPassesOverIsSaid(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	in.Issue.Type = "Bug"

	got := once(w, w.github.CreateIssue, in)

	require.NoError(t, got.err)
	assert.Equal(t, []string{"issue type Bug"}, got.out.LeftOut)
	assert.Equal(t, 1, w.Books().Requests[creates])
}

func TestARenamedRepositoryGetsTheIssueAndIsNamed(t *testing.T) {
	w := newWorld(t, sandbox.Options{Repositories: []string{"acme/app", "acme/web"}, Renamed: map[string]string{"acme/old": "acme/web"}})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	in.Issue.Repo = "old"

	got := once(w, w.github.CreateIssue, in)
	require.NoError(t, got.err)
	assert.Equal(t, "acme/web", got.out.Repository)
	assert.Equal(t, "acme/web", w.filed(in).Repository)

	in.LookFirst = true
	again := once(w, w.github.CreateIssue, in)
	require.NoError(t, again.err)
	assert.True(t, again.out.Found)
	assert.Equal(t, got.out.Number, again.out.Number)
	assert.Equal(t, "acme/web", again.out.Repository)
}

func TestOpenIssuesLikeItAreNamed(t *testing.T) {
	w := newWorld(t, sandbox.Options{SearchLag: -1})
	w.connect(githubAccount)
	first := w.report("The export button crashes in Safari")
	require.NoError(t, once(w, w.github.CreateIssue, first).err)
	require.NoError(t, once(w, w.github.CreateIssue, w.report("The search box forgets its filter")).err)
	second := w.report("Export button crashes with Safari 17")

	got := once(w, w.github.CreateIssue, second)

	require.NoError(t, got.err)
	number := w.filed(first).Number
	require.Len(t, got.out.Related, 1)
	assert.Equal(t, number, got.out.Related[0].Number)
	assert.Contains(t, w.filed(second).Body, "### Possibly related\n\n- #2\n")
}

// A search that GitHub refuses costs no report, and is not repeated for every one.
func TestWithoutASearchReportsAreFiledAllTheSame(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	w.fault(sandbox.Fault{Endpoint: "search.issues", Kind: sandbox.FaultStatus, Status: 403, Times: -1})
	for range 3 {
		got := once(w, w.github.CreateIssue, w.report("The export button crashes in Safari"))
		require.NoError(t, got.err)
		assert.Empty(t, got.out.Related)
	}
	assert.Equal(t, 1, w.Books().Requests["github search.issues"])
	assert.Equal(t, 3, w.Books().IssuesCreated)
}

func TestTheReplySaysWhatIsDifferent(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.report("Login crashes").Report

	got := once(w, w.slack.Reply, activities.ReplyInput{Account: slackAccount, Report: key, Issue: activities.CreatedIssue{
		Number: 7, URL: "https://github.example/acme/web/issues/7", Repository: "acme/web", LeftOut: []string{"milestone <9>"},
		Related: []activities.RelatedIssue{{Number: 3, URL: "https://github.example/acme/web/issues/3"}},
	}})

	require.NoError(t, got.err)
	replies := w.State().Channels[0].Messages[0].Replies
	require.Len(t, replies, 1)
	assert.Equal(t, "Filed as <https://github.example/acme/web/issues/7|issue #7>. Possibly the same: "+
		"<https://github.example/acme/web/issues/3|#3>. GitHub refused: milestone &lt;9&gt;. The repository is called acme/web now.", replies[0].Text)
}

func TestAMilestoneThatTheAppMayNotSeeIsLeftOut(t *testing.T) {
	w := newWorld(t, sandbox.Options{Milestones: []string{"2.4"}})
	w.connect(githubAccount)
	w.fault(sandbox.Fault{Endpoint: "milestones.list", Kind: sandbox.FaultStatus, Status: 403})
	in := w.report("Login crashes")
	in.Issue.Milestone = "2.4"

	got := once(w, w.github.CreateIssue, in)

	require.NoError(t, got.err)
	assert.Equal(t, []string{"milestone 2.4"}, got.out.LeftOut)
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

func TestALimitOnMilestonesIsWaitedForAndNothingIsLeftOut(t *testing.T) {
	w := newWorld(t, sandbox.Options{Milestones: []string{"2.4"}})
	w.connect(githubAccount)
	w.fault(sandbox.Fault{Endpoint: "milestones.list", Kind: sandbox.FaultStatus, Status: 403, RetryAfter: time.Minute})
	in := w.report("Login crashes")
	in.Issue.Milestone = "2.4"

	got := once(w, w.github.CreateIssue, in)

	got.fails(t, activities.ErrTypeRateLimited)
	assert.Zero(t, w.Books().IssuesCreated)
}
