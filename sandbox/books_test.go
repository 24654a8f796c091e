package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-github/v62/github"
	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

func (w *world) report(text string) string {
	return w.Post(bugs, sandbox.Message{User: "ada", Text: text, Report: true})
}

func TestBooksOfIssues(t *testing.T) {
	w := newWorld(t, sandbox.Options{Repositories: []string{"acme/app", "acme/web"}})
	client := w.connectedGitHub()
	good, twice, forgotten := w.report("good"), w.report("twice"), w.report("forgotten")
	chat := w.say("chat")
	w.Post("random", sandbox.Message{Text: "a report where the app cannot read", Report: true})
	for title, body := range map[string]string{
		"good":            "text\n\n" + markerOf(good),
		"twice, first":    markerOf(twice),
		"twice, again":    markerOf(twice) + "\n" + markerOf(twice),
		"chat":            markerOf(chat),
		"nothing marked":  "text",
		"too much marked": markerOf(good) + markerOf(forgotten),
		"nonsense":        "<!-- tokenkeeper: T0/C0/9.9 -->",
	} {
		_, err := w.createIssue(client, title, body)
		require.NoError(t, err)
	}
	books := w.Books()
	assert.Equal(t, 5, books.MessagesPosted)
	assert.Equal(t, 3, books.ReportsPosted)
	assert.Equal(t, 7, books.IssuesCreated)
	assert.Equal(t, 1, books.Duplicates)
	assert.Equal(t, []string{key(twice)}, books.DuplicateReports)
	assert.Equal(t, 1, books.Missing)
	assert.Equal(t, []string{key(forgotten)}, books.MissingReports)
	assert.Equal(t, 4, books.Unexpected)
	assert.Len(t, books.UnexpectedIssues, 4)
	assert.Equal(t, books.ReportsPosted-books.Missing+books.Duplicates+books.Unexpected, books.IssuesCreated)
}

func TestBooksOfThreads(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	ts := w.report("broken")
	w.Post(bugs, sandbox.Message{User: "chen", Text: "same here", ThreadTS: ts})
	for range 2 {
		_, _, err := client.PostMessageContext(t.Context(), bugs, slack.MsgOptionText("filed", false), slack.MsgOptionTS(ts))
		require.NoError(t, err)
	}
	require.NoError(t, w.Edit(bugs, ts, "very broken"))
	books := w.Books()
	assert.Equal(t, map[string]int{key(ts): 2}, books.Replies)
	assert.Equal(t, 2, books.MessagesPosted, "what the app says is not what people say")
	assert.Equal(t, 1, books.Edits)
	assert.Equal(t, 2, books.Requests["slack chat.postMessage"])
	assert.Equal(t, 1, books.Requests["slack token.exchange"])
}

func TestUnreplayedAuthFailures(t *testing.T) {
	w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{AccessLifetime: time.Minute}})
	answer := w.connect(sandbox.GitHub)
	stale := w.gitHub(answer.Access)
	w.clock.advance(time.Minute)
	for _, title := range []string{"a", "b", "a"} {
		_, err := w.createIssue(stale, title, "")
		require.ErrorContains(t, err, "401")
	}
	books := w.Books()
	assert.Equal(t, 3, books.AuthFailures)
	assert.Equal(t, 2, books.UnreplayedAuthFailures, "a was the same request twice")
	assert.Equal(t, []string{"github issues.create", "github issues.create"}, books.OpenAuthFailures)

	fresh := w.gitHub(w.refresh(sandbox.GitHub, answer.Refresh).Access)
	_, err := w.createIssue(fresh, "a", "")
	require.NoError(t, err)
	assert.Equal(t, 1, w.Books().UnreplayedAuthFailures)

	w.fault(sandbox.Fault{Endpoint: "issues.create", Kind: sandbox.FaultDrop})
	_, err = w.createIssue(fresh, "b", "")
	require.Error(t, err)
	assert.Equal(t, 1, w.Books().UnreplayedAuthFailures, "it never arrived")
	_, err = w.createIssue(fresh, "b", "")
	require.NoError(t, err)
	assert.Zero(t, w.Books().UnreplayedAuthFailures)
	assert.Equal(t, 3, w.Books().AuthFailures)
}

// An issue that is asked for again may say something else than the first time, but it is for the same report.
func TestAnIssueThatIsAskedForAgainMayReadDifferently(t *testing.T) {
	w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{AccessLifetime: time.Minute}})
	answer := w.connect(sandbox.GitHub)
	stale := w.gitHub(answer.Access)
	w.clock.advance(time.Minute)
	for _, ts := range []string{"1.000000", "2.000000"} {
		_, err := w.createIssue(stale, "Crash", "It crashes\n"+markerOf(ts))
		require.ErrorContains(t, err, "401")
	}
	fresh := w.gitHub(w.refresh(sandbox.GitHub, answer.Refresh).Access)
	_, err := w.createIssue(fresh, "Crash", "It crashes, like #7\n"+markerOf("1.000000"))
	require.NoError(t, err)
	assert.Equal(t, 1, w.Books().UnreplayedAuthFailures, "the other report")
}

func TestReadingAgainWithAnotherWindowIsAReplay(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	answer := w.connect(sandbox.Slack)
	w.Revoke(sandbox.Slack)
	read := func(token, channel, oldest string) error {
		_, err := w.slack(token).GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: channel, Oldest: oldest})
		return err
	}
	require.EqualError(t, read(answer.Access, bugs, "1.000000"), "token_revoked")
	require.EqualError(t, read(answer.Access, "C0SUPPORT", "1.000000"), "token_revoked")
	fresh := w.connect(sandbox.Slack)
	require.NoError(t, read(fresh.Access, bugs, "2.000000"))
	books := w.Books()
	assert.Equal(t, 1, books.UnreplayedAuthFailures, "the other channel was not read again")
	assert.Equal(t, 1, books.Reauthorizations)
}

// Whoever cannot say in time that a report is taken says that it is filed; nobody needs to say the first any more.
func TestTheMarkOfAFiledReportReplaysThatOfATakenOne(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	stale := w.connectedSlack()
	taken, other := slack.NewRefToMessage(bugs, w.report("broken")), slack.NewRefToMessage(bugs, w.report("also broken"))
	w.Revoke(sandbox.Slack)
	require.EqualError(t, stale.AddReactionContext(t.Context(), "eyes", taken), "token_revoked")
	require.EqualError(t, stale.AddReactionContext(t.Context(), "eyes", other), "token_revoked")
	require.NoError(t, w.connectedSlack().AddReactionContext(t.Context(), "white_check_mark", taken))
	assert.Equal(t, 1, w.Books().UnreplayedAuthFailures, "the other message")
}

func TestScriptedAuthFailuresAreBooked(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	w.fault(sandbox.Fault{Endpoint: "auth.test", Kind: sandbox.FaultStatus, Code: "token_expired"})
	require.EqualError(t, w.authTestError(client), "token_expired")
	assert.Equal(t, 1, w.Books().UnreplayedAuthFailures)
	require.NoError(t, w.authTestError(client))
	assert.Zero(t, w.Books().UnreplayedAuthFailures)
}

func TestRequestsWithoutATokenAreNoAuthFailures(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	require.EqualError(t, w.authTestError(w.slack("")), "not_authed")
	status, _ := w.get("/github/api/v3/user")
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Zero(t, w.Books().AuthFailures)
}

func TestBooksAsJSON(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	data, err := json.Marshal(w.Books())
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(data, &got))
	for _, name := range []string{
		"reports_posted", "issues_created", "duplicates", "missing", "refreshes", "refresh_tokens_presented_twice",
		"unreplayed_auth_failures", "reauthorizations",
	} {
		assert.Contains(t, got, name)
	}
}

// Many people, refreshes and issues at once: the books stay consistent at every moment.
func TestBooksUnderConcurrency(t *testing.T) {
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{ActiveTokens: -1}, GitHub: sandbox.AppOptions{OldAccess: sandbox.OldAccessLives}})
	client := w.connectedGitHub()
	grants := make([]tokens, 8)
	for i := range grants {
		grants[i] = w.connect(sandbox.Slack)
	}
	var all sync.WaitGroup
	for i := range grants {
		all.Go(func() {
			for n := range 10 {
				ts := w.report(fmt.Sprint("report ", i, n))
				_, _, err := client.Issues.Create(t.Context(), "acme", "app", &github.IssueRequest{Title: &ts, Body: new(markerOf(ts))})
				assert.NoError(t, err)
				grants[i] = w.refresh(sandbox.Slack, grants[i].Refresh)
				b := w.Books()
				assert.Equal(t, b.IssuesCreated, b.ReportsPosted-b.Missing+b.Duplicates+b.Unexpected)
			}
		})
	}
	all.Wait()
	books := w.Books()
	assert.Equal(t, 80, books.ReportsPosted)
	assert.Equal(t, 80, books.IssuesCreated)
	assert.Equal(t, 80, books.Refreshes)
	assert.Equal(t, map[sandbox.App]int{sandbox.Slack: 80}, books.RefreshesByApp)
	assert.Zero(t, books.Missing+books.Duplicates+books.Unexpected+books.RefreshTokensPresentedTwice+books.UnreplayedAuthFailures)
	assert.Equal(t, 7, books.Reauthorizations)
	assert.Len(t, w.IssuedTokens(), books.TokensIssued)
	assert.Equal(t, 2*(8+1+80), books.TokensIssued)
}
