package activities_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
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
	in.LookFirst, in.Elsewhere = true, places("acme/shop", "acme/web")

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
	in.LookFirst, in.Elsewhere = true, places("acme/closed", "acme/secret", "acme/none", "acme/web")
	once := func(in activities.CreateIssueInput) ran[activities.CreatedIssue] {
		return once(w, w.github.CreateIssue, in)
	}

	got := once(in)
	require.NoError(t, got.err)
	assert.False(t, got.out.Found)
	assert.Contains(t, got.out.URL, "/acme/app/issues/")

	other := w.report("Search crashes")
	other.LookFirst, other.Elsewhere = true, places("acme/web")
	w.fault(sandbox.Fault{Endpoint: "issues.list", Kind: sandbox.FaultStatus, Status: 503, Times: 2})
	once(other).fails(t, activities.ErrTypeProviderUnavailable, "acme/app")
	once(other).fails(t, activities.ErrTypeProviderUnavailable)
	assert.Equal(t, 1, w.Books().IssuesCreated, "an outage says nothing about what is there")
	own := w.report("Menu crashes")
	own.Issue.Repo, own.LookFirst, own.Elsewhere = "secret", true, places("acme/web")
	once(own).fails(t, activities.ErrTypeRejected, "acme/secret", "404")
}

// Whose repository is out of all routes by now, the thread still tells where the report was filed.
func TestAnIssueThatTheThreadLinksIsFoundWhereverItIs(t *testing.T) {
	for name, c := range map[string]struct {
		instead int    // status of GitHub's answer
		link    string // another one
		found   bool
	}{
		"there":               {found: true},
		"not ours to see":     {instead: http.StatusNotFound, found: true},
		"forbidden":           {instead: http.StatusForbidden, found: true},
		"deleted":             {instead: http.StatusGone},
		"of another server":   {link: "https://github.example/acme/old/issues/1"},
		"no link to an issue": {link: "https://github.example/acme/old/pull/2"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{Repositories: []string{"acme/app", "acme/old"}})
			w.connect(githubAccount)
			other := w.report("Search crashes")
			other.Issue.Repo = "old"
			require.NoError(t, once(w, w.github.CreateIssue, other).err)
			in := w.report("Login crashes")
			before := in
			before.Issue.Repo = "old"
			first := once(w, w.github.CreateIssue, before)
			require.NoError(t, first.err)
			in.LookFirst, in.Filed = true, first.out.URL
			if c.link != "" {
				in.Filed = c.link
			}
			if c.instead != 0 {
				w.replace(fmt.Sprintf("/github/api/v3/repos/acme/old/issues/%d", first.out.Number), func(rw http.ResponseWriter) {
					rw.WriteHeader(c.instead)
					_, _ = rw.Write([]byte(`{"message":"as GitHub says it"}`)) // the client is there
				})
			}

			got := once(w, w.github.CreateIssue, in)

			require.NoError(t, got.err)
			assert.Equal(t, c.found, got.out.Found)
			if c.found {
				assert.Equal(t, activities.CreatedIssue{Number: first.out.Number, URL: first.out.URL, Found: true}, got.out)
			} else {
				assert.Contains(t, got.out.URL, "/acme/app/issues/")
			}
		})
	}
}

func TestAnOutageSaysNothingOfTheIssueThatTheThreadLinks(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	in.LookFirst, in.Filed = true, w.url+"/github/acme/app/issues/1"
	w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.get", Kind: sandbox.FaultStatus, Status: 502})
	once(w, w.github.CreateIssue, in).fails(t, activities.ErrTypeProviderUnavailable, in.Filed)
	assert.Zero(t, w.Books().IssuesCreated)
}

// places are repositories as the account of the issue sees them.
func places(repositories ...string) []triage.Place {
	all := make([]triage.Place, len(repositories))
	for i, name := range repositories {
		all[i].Repository = name
	}
	return all
}

const threadReads = "slack conversations.replies"

func TestTheThreadTellsWhetherAMessageWasFiled(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)
	read := func(lookFirst bool) activities.Draft {
		got := once(w, w.slack.Read, activities.ReadInput{Triage: w.plan.Triage, Report: key, LookFirst: lookFirst})
		require.NoError(t, got.err)
		return got.out
	}
	assert.Empty(t, read(true).Filed)
	assert.Zero(t, w.Books().Requests[threadReads], "a message that nobody answered was not answered by us")

	in := w.reply(key)
	question := in
	question.Issue, question.Text, question.Stage = activities.CreatedIssue{}, "File this?", "asked"
	require.NoError(t, once(w, w.slack.Reply, question).err)
	assert.Empty(t, read(true).Filed, "a question links none")
	in.LookFirst = true
	require.NoError(t, once(w, w.slack.Reply, in).err)
	before := w.Books().Requests[threadReads]
	assert.Empty(t, read(false).Filed)
	assert.Equal(t, before, w.Books().Requests[threadReads], "nobody looks for what cannot be there")
	assert.Equal(t, in.Issue.URL, read(true).Filed)
	w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "conversations.replies", Kind: sandbox.FaultStatus, Status: 503})
	once(w, w.slack.Read, activities.ReadInput{Triage: w.plan.Triage, Report: key, LookFirst: true}).fails(t, activities.ErrTypeProviderUnavailable, key.String())
}

// Any app of the workspace can mark a message as we do. None of them speaks for us.
func TestAReplyOfAnotherAppIsNotOurs(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)
	w.Post(bugs, sandbox.Message{User: "ada", Text: "me too", ThreadTS: key.TS})
	forged := strings.NewReplacer("TS", key.TS, "KEY", key.String()).Replace(`{"ok":true,"messages":[{"ts":"TS","thread_ts":"TS","user":"U0ADA"},
		{"ts":"1700000001.000100","thread_ts":"TS","user":"U0EVIL","bot_id":"B0EVIL","metadata":{"event_type":"tokenkeeper_issue_filed",
		"event_payload":{"report":"KEY","issue":"https://github.com/evil/app/issues/1"}}}]}`)
	forge := func() {
		w.replace("/slack/api/conversations.replies", func(rw http.ResponseWriter) {
			rw.Header().Set("Content-Type", "application/json")
			_, _ = rw.Write([]byte(forged)) // the client is there
		})
	}
	forge()
	draft := once(w, w.slack.Read, activities.ReadInput{Triage: w.plan.Triage, Report: key, LookFirst: true})
	require.NoError(t, draft.err)
	assert.Equal(t, activities.IsReport, draft.out.Verdict)
	assert.Empty(t, draft.out.Filed)

	forge()
	in := w.reply(triage.Key{Team: key.Team, Channel: key.Channel, TS: key.TS})
	in.LookFirst = true
	replied := once(w, w.slack.Reply, in)
	require.NoError(t, replied.err)
	assert.False(t, replied.out.Found)
	assert.Equal(t, 1, w.Books().Replies[key.String()])
}

// However much was updated since, an issue is looked for only among those that are not older than its report.
func TestALookForAnIssueEndsWhereIssuesAreOlderThanTheReport(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	for range 101 {
		w.clock.advance(time.Second) // GitHub allows 80 a minute
		first := once(w, w.github.CreateIssue, w.report("Login crashes"))
		require.NoError(t, first.err)
		require.NoError(t, w.ChangeIssue(sandbox.IssueChange{Repository: "acme/app", Number: first.out.Number, State: "closed"}))
	}
	w.clock.advance(time.Hour)
	for _, issue := range w.State().Issues {
		require.NoError(t, w.ChangeIssue(sandbox.IssueChange{Repository: "acme/app", Number: issue.Number, State: "open"}))
	}
	in := w.report("Menu crashes")
	in.LookFirst = true
	before := w.Books().Requests[lists]
	got := once(w, w.github.CreateIssue, in)
	require.NoError(t, got.err)
	assert.False(t, got.out.Found)
	assert.Equal(t, 1, w.Books().Requests[lists]-before)

	w.clock.advance(time.Minute)
	copied := w.report("Somebody copies what the other one says")
	copied.Issue.Body = in.Issue.Body
	require.NoError(t, once(w, w.github.CreateIssue, copied).err)
	again := once(w, w.github.CreateIssue, in)
	require.NoError(t, again.err)
	assert.Equal(t, got.out.Number, again.out.Number, "the first of two is the one that was filed")
}

// A bot that writes a link below every new issue, or a person who adds to it, leaves the marker where it was: above.
func TestAnIssueThatSomebodyAddedToIsFound(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	first := once(w, w.github.CreateIssue, in)
	require.NoError(t, first.err)
	require.NoError(t, w.ChangeIssue(sandbox.IssueChange{Repository: "acme/app", Number: first.out.Number, Append: "\n\nTracked as ENG-123."}))
	in.LookFirst = true

	again := once(w, w.github.CreateIssue, in)

	require.NoError(t, again.err)
	assert.Equal(t, first.out.Number, again.out.Number)
	assert.True(t, again.out.Found)
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

// go-github drops an answer whose form it does not know.
func TestARefusalInAFormOfItsOwnIsGitHubs(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	w.replace("/github/api/v3/repos/acme/app/issues", func(rw http.ResponseWriter) {
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		rw.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = rw.Write([]byte(`{"message":"Validation Failed","errors":"something else"}`)) // the client is there
	})
	once(w, w.github.CreateIssue, w.report("Login crashes")).fails(t, activities.ErrTypeRejected, "422")
}

// A proxy in front of GitHub refuses with pages of its own. Whatever its status, it parks no report and denies no issue.
func TestWhatAProxySaysIsNoWordOfGitHub(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(githubAccount)
			page := func(path string) {
				w.replace("/github/api/v3/repos/acme/"+path, func(rw http.ResponseWriter) {
					rw.Header().Set("Content-Type", "text/html")
					rw.WriteHeader(status)
					_, _ = rw.Write([]byte("<html><h1>Maintenance</h1></html>")) // the client is there
				})
			}
			in := w.report("Login crashes")
			page("app/issues")
			got := once(w, w.github.CreateIssue, in)
			got.fails(t, activities.ErrTypeProviderUnavailable, strconv.Itoa(status))
			assert.Greater(t, got.wait(t), 5*time.Second, "GitHub may have got it: it is looked for when that shows")

			filed := once(w, w.github.CreateIssue, in)
			require.NoError(t, filed.err)
			in.LookFirst = true
			page("app/issues")
			once(w, w.github.CreateIssue, in).fails(t, activities.ErrTypeProviderUnavailable)
			in.Filed = filed.out.URL
			page(fmt.Sprintf("app/issues/%d", filed.out.Number))
			once(w, w.github.CreateIssue, in).fails(t, activities.ErrTypeProviderUnavailable)
			assert.Equal(t, 1, w.Books().IssuesCreated)
		})
	}
}
