package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-github/v62/github"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

func titles(issues []*github.Issue) []string {
	all := []string{}
	for _, i := range issues {
		all = append(all, i.GetTitle())
	}
	return all
}

func TestCreateAndReadAnIssue(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedGitHub()
	created, response, err := client.Issues.Create(t.Context(), "Acme", "APP", &github.IssueRequest{
		Title: new("Crash on start"), Body: new("It <i>crashes</i>."), Labels: &[]string{"BUG", "needs-triage"}, Assignees: &[]string{"octocat"},
	})
	require.NoError(t, err)
	assert.Equal(t, http.StatusCreated, response.StatusCode)
	assert.Equal(t, w.url+"/github/api/v3/repos/acme/app/issues/2", response.Header.Get("Location"))
	assert.Equal(t, 2, created.GetNumber(), "the seeded pull request is number 1")
	assert.Equal(t, "triage-agent", created.GetUser().GetLogin())
	assert.Equal(t, "open", created.GetState())
	assert.False(t, created.IsPullRequest())
	assert.Equal(t, []string{"bug", "needs-triage"}, []string{created.Labels[0].GetName(), created.Labels[1].GetName()})
	assert.Equal(t, "octocat", created.GetAssignee().GetLogin())
	assert.Equal(t, w.clock.Now().UTC(), created.GetCreatedAt().UTC())

	got, _, err := client.Issues.Get(t.Context(), "acme", "app", 2)
	require.NoError(t, err)
	assert.Equal(t, created, got)

	status, page := w.get(strings.TrimPrefix(got.GetHTMLURL(), w.url))
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, string(page), "It &lt;i&gt;crashes&lt;/i&gt;.")
}

func TestIssueValidation(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedGitHub()
	for name, test := range map[string]struct {
		request github.IssueRequest
		want    github.Error
	}{
		"no title":      {github.IssueRequest{}, github.Error{Resource: "Issue", Field: "title", Code: "missing_field"}},
		"blank title":   {github.IssueRequest{Title: new(" ")}, github.Error{Resource: "Issue", Field: "title", Code: "missing_field"}},
		"long title":    {github.IssueRequest{Title: new(strings.Repeat("ü", 257))}, github.Error{Resource: "Issue", Field: "title", Code: "custom", Message: "title is too long (maximum is 256 characters)"}},
		"long body":     {github.IssueRequest{Title: new("x"), Body: new(strings.Repeat("ü", 65537))}, github.Error{Resource: "Issue", Field: "body", Code: "custom", Message: "body is too long (maximum is 65536 characters)"}},
		"bad label":     {github.IssueRequest{Title: new("x"), Labels: &[]string{strings.Repeat("l", 51)}}, github.Error{Resource: "Label", Field: "name", Code: "invalid"}},
		"bad assignee":  {github.IssueRequest{Title: new("x"), Assignee: new("ghost")}, github.Error{Resource: "Issue", Field: "assignees", Code: "invalid"}},
		"bad milestone": {github.IssueRequest{Title: new("x"), Milestone: new(7)}, github.Error{Resource: "Issue", Field: "milestone", Code: "invalid"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, response, err := client.Issues.Create(t.Context(), "acme", "app", &test.request)
			var refused *github.ErrorResponse
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, http.StatusUnprocessableEntity, response.StatusCode)
			assert.Equal(t, "Validation Failed", refused.Message)
			assert.Equal(t, []github.Error{test.want}, refused.Errors)
		})
	}
	issue, err := w.createIssue(client, strings.Repeat("ü", 256), strings.Repeat("ü", 65536))
	require.NoError(t, err)
	assert.Len(t, []rune(issue.GetBody()), 65536)
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

func TestRefusalsOfRepositories(t *testing.T) {
	w := newWorld(t, sandbox.Options{IssuesDisabled: []string{"acme/wiki"}, Inaccessible: []string{"acme/secret"}})
	client := w.connectedGitHub()
	for _, test := range []struct {
		repository  string
		create, get int
	}{
		{"app", http.StatusCreated, http.StatusOK},
		{"wiki", http.StatusGone, http.StatusOK},
		{"secret", http.StatusNotFound, http.StatusNotFound},
		{"nosuch", http.StatusNotFound, http.StatusNotFound},
	} {
		_, created, _ := client.Issues.Create(t.Context(), "acme", test.repository, &github.IssueRequest{Title: new("x")})
		assert.Equal(t, test.create, created.StatusCode, test.repository)
		repository, got, _ := client.Repositories.Get(t.Context(), "acme", test.repository)
		assert.Equal(t, test.get, got.StatusCode, test.repository)
		if test.get == http.StatusOK {
			assert.Equal(t, test.create != http.StatusGone, repository.GetHasIssues())
			assert.True(t, repository.GetPermissions()["push"])
		}
	}
}

func TestListIssuesPages(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedGitHub()
	want := []string{"Update dependencies"}
	for i := range 12 {
		w.clock.advance(time.Second)
		_, err := w.createIssue(client, fmt.Sprint("issue ", i), "")
		require.NoError(t, err)
		want = append([]string{fmt.Sprint("issue ", i)}, want...)
	}
	options := &github.IssueListByRepoOptions{State: "all", ListOptions: github.ListOptions{PerPage: 5}}
	var got []string
	var pages [][4]int
	for {
		issues, response, err := client.Issues.ListByRepo(t.Context(), "acme", "app", options)
		require.NoError(t, err)
		got = append(got, titles(issues)...)
		pages = append(pages, [4]int{response.FirstPage, response.PrevPage, response.NextPage, response.LastPage})
		if response.NextPage == 0 {
			break
		}
		options.Page = response.NextPage
	}
	assert.Equal(t, want, got)
	assert.Equal(t, [][4]int{{0, 0, 2, 3}, {1, 1, 3, 3}, {1, 2, 0, 0}}, pages)
}

func TestListIssuesFilters(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedGitHub()
	start := w.clock.Now()
	for _, title := range []string{"a", "b", "c"} {
		w.clock.advance(time.Minute)
		_, _, err := client.Issues.Create(t.Context(), "acme", "app", &github.IssueRequest{Title: &title, Labels: &[]string{title, "bug"}})
		require.NoError(t, err)
	}
	w.clock.advance(time.Minute)
	_, _, err := client.Issues.CreateComment(t.Context(), "acme", "app", 2, &github.IssueComment{Body: new("bump")})
	require.NoError(t, err)
	for _, test := range []struct {
		name    string
		options github.IssueListByRepoOptions
		want    []string
	}{
		{"open is the default, and pull requests are in", github.IssueListByRepoOptions{}, []string{"c", "b", "a", "Update dependencies"}},
		{"closed", github.IssueListByRepoOptions{State: "closed"}, []string{}},
		{"creator", github.IssueListByRepoOptions{Creator: "Triage-Agent"}, []string{"c", "b", "a"}},
		{"labels", github.IssueListByRepoOptions{Labels: []string{"bug", "b"}}, []string{"b"}},
		{"ascending", github.IssueListByRepoOptions{Direction: "asc"}, []string{"Update dependencies", "a", "b", "c"}},
		{"by update", github.IssueListByRepoOptions{Sort: "updated"}, []string{"a", "c", "b", "Update dependencies"}},
		{"by comments", github.IssueListByRepoOptions{Sort: "comments"}, []string{"a", "c", "b", "Update dependencies"}},
		{"since looks at updates", github.IssueListByRepoOptions{Since: start.Add(3 * time.Minute)}, []string{"c", "a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			issues, _, err := client.Issues.ListByRepo(t.Context(), "acme", "app", &test.options)
			require.NoError(t, err)
			assert.Equal(t, test.want, titles(issues))
			for _, i := range issues {
				assert.Equal(t, i.GetTitle() == "Update dependencies", i.IsPullRequest())
			}
		})
	}
	_, response, err := client.Issues.ListByRepo(t.Context(), "acme", "app", &github.IssueListByRepoOptions{State: "half"})
	require.Error(t, err)
	assert.Equal(t, http.StatusUnprocessableEntity, response.StatusCode)
}

func TestComments(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedGitHub()
	for _, body := range []string{"one", "two"} {
		comment, _, err := client.Issues.CreateComment(t.Context(), "acme", "app", 1, &github.IssueComment{Body: &body})
		require.NoError(t, err)
		assert.Equal(t, "triage-agent", comment.GetUser().GetLogin())
	}
	comments, _, err := client.Issues.ListComments(t.Context(), "acme", "app", 1, nil)
	require.NoError(t, err)
	require.Len(t, comments, 2)
	assert.Equal(t, "two", comments[1].GetBody())

	for status, attempt := range map[int]func() (*github.Response, error){
		http.StatusNotFound: func() (*github.Response, error) {
			_, r, err := client.Issues.CreateComment(t.Context(), "acme", "app", 99, &github.IssueComment{Body: new("x")})
			return r, err
		},
		http.StatusUnprocessableEntity: func() (*github.Response, error) {
			_, r, err := client.Issues.CreateComment(t.Context(), "acme", "app", 1, &github.IssueComment{Body: new("")})
			return r, err
		},
	} {
		response, err := attempt()
		require.Error(t, err)
		assert.Equal(t, status, response.StatusCode)
	}
}

func TestLabels(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedGitHub()
	created, _, err := client.Issues.CreateLabel(t.Context(), "acme", "app", &github.Label{Name: new("from slack"), Color: new("4a154b")})
	require.NoError(t, err)
	assert.Equal(t, "4a154b", created.GetColor())
	labels, _, err := client.Issues.ListLabels(t.Context(), "acme", "app", nil)
	require.NoError(t, err)
	assert.Len(t, labels, 4)
	got, _, err := client.Issues.GetLabel(t.Context(), "acme", "app", "From%20Slack")
	require.NoError(t, err)
	assert.Equal(t, created.GetID(), got.GetID())
	_, _, err = client.Issues.GetLabel(t.Context(), "acme", "app", "nosuch")
	require.ErrorContains(t, err, "404")
	_, _, err = client.Issues.CreateLabel(t.Context(), "acme", "app", &github.Label{Name: new("Bug")})
	require.ErrorContains(t, err, "already_exists")
}

func TestSearchLagsBehind(t *testing.T) {
	w := newWorld(t, sandbox.Options{SearchLag: 30 * time.Second})
	client := w.connectedGitHub()
	_, err := w.createIssue(client, "Crash on start", markerOf("1.000000"))
	require.NoError(t, err)
	find := func(query string) []string {
		found, _, err := client.Search.Issues(t.Context(), query, nil)
		require.NoError(t, err)
		assert.Equal(t, len(found.Issues), found.GetTotal())
		return titles(found.Issues)
	}
	assert.Empty(t, find("repo:acme/app crash"), "the index does not know it yet")
	listed, _, err := client.Issues.ListByRepo(t.Context(), "acme", "app", nil)
	require.NoError(t, err)
	assert.Contains(t, titles(listed), "Crash on start", "the list does")

	w.clock.advance(30 * time.Second)
	for query, want := range map[string][]string{
		"repo:acme/app crash":                             {"Crash on start"},
		"repo:acme/app is:issue":                          {"Crash on start"},
		"repo:acme/app is:pr":                             {"Update dependencies"},
		`repo:acme/app in:body "` + key("1.000000") + `"`: {"Crash on start"},
		"org:acme author:triage-agent is:open":            {"Crash on start"},
		"crash is:closed":                                 {},
		"label:enhancement":                               {"Update dependencies"},
		"repo:acme/other crash":                           {},
		"crash burn":                                      {},
	} {
		assert.Equal(t, want, find(query), query)
	}
	_, _, err = client.Search.Issues(t.Context(), " ", nil)
	require.ErrorContains(t, err, "422")
}

func TestPrimaryRateLimit(t *testing.T) {
	w := newWorld(t, sandbox.Options{RateLimit: 2})
	token := w.connect(sandbox.GitHub).Access
	_, response, err := w.gitHub(token).Users.Get(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, 2, response.Rate.Limit)
	assert.Equal(t, 1, response.Rate.Remaining)
	_, _, err = w.gitHub(token).Users.Get(t.Context(), "")
	require.NoError(t, err)

	_, _, err = w.gitHub(token).Users.Get(t.Context(), "")
	var limited *github.RateLimitError
	require.ErrorAs(t, err, &limited)
	assert.Equal(t, w.clock.Now().Add(time.Hour).UTC(), limited.Rate.Reset.UTC())

	limits, _, err := w.gitHub(token).RateLimit.Get(t.Context())
	require.NoError(t, err, "asking for the limit costs nothing")
	assert.Zero(t, limits.GetCore().Remaining)
	w.clock.advance(time.Hour)
	_, _, err = w.gitHub(token).Users.Get(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, 1, w.Books().RateLimited)
}

func TestGitHubWantsAUserAgentAndAToken(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	token := w.connect(sandbox.GitHub).Access
	for _, test := range []struct {
		path, authorization, agent string
		status                     int
		message                    string
	}{
		{"/user", "token " + token, "test", http.StatusOK, ""},
		{"/user", "Bearer " + token, "", http.StatusForbidden, "User-Agent"},
		{"/user", "", "test", http.StatusUnauthorized, "Requires authentication"},
		{"/user", "Bearer ghu_guess", "test", http.StatusUnauthorized, "Bad credentials"},
		{"/zen", "Bearer " + token, "test", http.StatusNotFound, "Not Found"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/github/api/v3"+test.path, nil)
		require.NoError(t, err)
		request.Header.Set("User-Agent", test.agent)
		if test.authorization != "" {
			request.Header.Set("Authorization", test.authorization)
		}
		response, body := w.do(request)
		assert.Equal(t, test.status, response.StatusCode)
		assert.Contains(t, string(body), test.message)
	}
}

func TestNullIsNoList(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	token := w.connect(sandbox.GitHub).Access
	post := func(body string) (*http.Response, []byte) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/github/api/v3/repos/acme/app/issues", strings.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+token)
		return w.do(request)
	}
	for _, field := range []string{"labels", "assignees"} {
		response, body := post(`{"title":"x","` + field + `":null}`)
		assert.Equal(t, http.StatusUnprocessableEntity, response.StatusCode)
		assert.Contains(t, string(body), "For 'properties/"+field+"', nil is not an array.")
		assert.NotContains(t, string(body), `"errors"`)
	}
	response, _ := post(`{"title":"x","labels":[],"assignee":null,"milestone":null}`)
	assert.Equal(t, http.StatusCreated, response.StatusCode)
}

func TestBadJSONIsRefused(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	token := w.connect(sandbox.GitHub).Access
	for _, path := range []string{"/repos/acme/app/issues", "/repos/acme/app/issues/1/comments", "/repos/acme/app/labels"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/github/api/v3"+path, strings.NewReader(`{"title":`))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+token)
		response, body := w.do(request)
		assert.Equal(t, http.StatusBadRequest, response.StatusCode)
		assert.Contains(t, string(body), "Problems parsing JSON")
	}
}
