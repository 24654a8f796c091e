package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-github/v62/github"
	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

func TestSlackRateLimit(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	w.fault(sandbox.Fault{Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: 1500 * time.Millisecond})
	read := func() error {
		_, err := client.GetConversationHistoryContext(t.Context(), history(slack.GetConversationHistoryParameters{}))
		return err
	}
	var limited *slack.RateLimitedError
	require.ErrorAs(t, read(), &limited)
	assert.Equal(t, 2*time.Second, limited.RetryAfter)
	require.NoError(t, w.authTestError(client), "other methods are not limited")
	w.clock.advance(time.Second)
	require.NoError(t, read(), "a fault hits once")
	w.clock.advance(time.Second)
	require.NoError(t, read())
	books := w.Books()
	assert.Equal(t, 1, books.RateLimited)
	assert.Equal(t, 1, books.RateLimitsIgnored, "the first of the two came too early")
	assert.Equal(t, 1, books.FaultsHit)
}

func (w *world) authTestError(client *slack.Client) error {
	_, err := client.AuthTestContext(w.t.Context())
	return err
}

func TestSlackSpeaksHTMLWhenItIsDown(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	w.fault(sandbox.Fault{App: sandbox.Slack, Kind: sandbox.FaultStatus, Status: 500})
	var status slack.StatusCodeError
	require.ErrorAs(t, w.authTestError(client), &status)
	assert.Equal(t, http.StatusInternalServerError, status.Code)

	w.fault(sandbox.Fault{App: sandbox.Slack, Kind: sandbox.FaultStatus, Status: 503})
	code, body := w.post("/slack/api/auth.test", url.Values{})
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.Contains(t, string(body), "<h1>503 Service Unavailable</h1>")
}

func TestErrorCodesInTheDialectOfTheProvider(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	w.fault(sandbox.Fault{App: sandbox.Slack, Kind: sandbox.FaultStatus, Code: "internal_error"})
	require.EqualError(t, w.authTestError(client), "internal_error")

	w.fault(sandbox.Fault{Endpoint: "token.*", App: sandbox.GitHub, Kind: sandbox.FaultStatus, Code: "bad_refresh_token"})
	assert.Equal(t, "bad_refresh_token", w.refresh(sandbox.GitHub, "ghr_x").Error)
	assert.Zero(t, w.Books().RefreshesRefused, "the server never saw it")

	w.fault(sandbox.Fault{App: sandbox.GitHub, Kind: sandbox.FaultStatus, Status: 451, Code: "Repository access blocked"})
	_, response, err := w.connectedGitHubUser()
	require.ErrorContains(t, err, "Repository access blocked")
	assert.Equal(t, http.StatusUnavailableForLegalReasons, response.StatusCode)
}

// connectedGitHubUser connects past the faults of the API.
func (w *world) connectedGitHubUser() (*github.User, *github.Response, error) {
	w.t.Helper()
	faults := w.Faults()
	w.ClearFaults()
	client := w.connectedGitHub()
	for _, f := range faults {
		w.fault(f.Fault)
	}
	return client.Users.Get(w.t.Context(), "")
}

func TestGitHubRefusals(t *testing.T) {
	for _, test := range []struct {
		fault sandbox.Fault
		check func(t *testing.T, err error)
	}{
		{sandbox.Fault{Status: 403, RetryAfter: time.Minute}, func(t *testing.T, err error) {
			var limited *github.AbuseRateLimitError
			require.ErrorAs(t, err, &limited)
			assert.Equal(t, time.Minute, limited.GetRetryAfter())
		}},
		{sandbox.Fault{Status: 429, RetryAfter: time.Minute}, func(t *testing.T, err error) {
			var refused *github.ErrorResponse
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, "60", refused.Response.Header.Get("Retry-After"))
			assert.Contains(t, refused.Message, "secondary rate limit")
		}},
		{sandbox.Fault{Status: 403}, wants("403 Resource not accessible by integration")},
		{sandbox.Fault{Status: 401}, wants("401 Bad credentials")},
		{sandbox.Fault{Status: 404}, wants("404 Not Found")},
		{sandbox.Fault{Status: 410}, wants("410 Gone")},
		{sandbox.Fault{Status: 422}, wants("422 Validation Failed")},
		{sandbox.Fault{Status: 500}, wants("500 Server Error")},
		{sandbox.Fault{Status: 502}, wants("502")},
	} {
		t.Run(http.StatusText(test.fault.Status), func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			client := w.connectedGitHub()
			test.fault.App, test.fault.Kind = sandbox.GitHub, sandbox.FaultStatus
			w.fault(test.fault)
			_, err := w.createIssue(client, "x", "")
			test.check(t, err)
			assert.Zero(t, w.Books().IssuesCreated)
		})
	}
}

func wants(text string) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		t.Helper()
		require.ErrorContains(t, err, text)
	}
}

func TestARefreshThatMeetsA503SpendsNothing(t *testing.T) {
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: sandbox.RotationRevokeFamily}})
	answer := w.connect(sandbox.Slack)
	w.fault(sandbox.Fault{Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 503, RetryAfter: time.Second})
	status, _ := w.post(w.tokenPath(sandbox.Slack), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {answer.Refresh}})
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.True(t, w.refresh(sandbox.Slack, answer.Refresh).OK)
	assert.Zero(t, w.Books().RefreshTokensPresentedTwice)
}

func TestALostAnswerOfARefreshSpendsTheToken(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.FaultDrop, sandbox.FaultTruncate} {
		w := newWorld(t, sandbox.Options{})
		answer := w.connect(sandbox.GitHub)
		w.fault(sandbox.Fault{Endpoint: "token.refresh", Kind: kind, Processed: true})
		_, err := w.http.PostForm(w.url+w.tokenPath(sandbox.GitHub), url.Values{
			"client_id": {w.App(sandbox.GitHub).ClientID}, "client_secret": {w.App(sandbox.GitHub).ClientSecret},
			"grant_type": {"refresh_token"}, "refresh_token": {answer.Refresh},
		})
		assert.Equal(t, kind == sandbox.FaultDrop, err != nil)
		assert.Equal(t, "bad_refresh_token", w.refresh(sandbox.GitHub, answer.Refresh).Error)
		books := w.Books()
		assert.Equal(t, 1, books.Refreshes)
		assert.Equal(t, 1, books.RefreshTokensPresentedTwice)
		assert.Equal(t, 4, books.TokensIssued, "the lost tokens were issued all the same")
	}
}

func TestDrops(t *testing.T) {
	for name, processed := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			client := w.connectedGitHub()
			w.fault(sandbox.Fault{Endpoint: "issues.create", Kind: sandbox.FaultDrop, Processed: processed})
			_, err := w.createIssue(client, "lost?", "")
			require.ErrorIs(t, err, io.EOF)
			want := 0
			if processed {
				want = 1
			}
			assert.Equal(t, want, w.Books().IssuesCreated)
			issues, _, err := client.Issues.ListByRepo(t.Context(), "acme", "app", nil)
			require.NoError(t, err)
			assert.Len(t, issues, 1+want)
		})
	}
}

// arrived waits until a request to the endpoint has reached the sandbox.
func (w *world) arrived(endpoint string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.Books().Requests[endpoint] > 0 }, 20*time.Second, time.Millisecond)
}

func TestHangs(t *testing.T) {
	for name, processed := range map[string]bool{"unprocessed": false, "processed": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			client := w.connectedGitHub()
			w.fault(sandbox.Fault{Endpoint: "issues.create", Kind: sandbox.FaultHang, Processed: processed})
			ctx, leave := context.WithCancel(soon(t))
			ended := make(chan error, 1)
			go func() {
				_, _, err := client.Issues.Create(ctx, "acme", "app", &github.IssueRequest{Title: new("x")})
				ended <- err
			}()
			w.arrived("github issues.create")
			want := 0
			if processed {
				want = 1
			}
			require.Eventually(t, func() bool { return w.Books().IssuesCreated == want }, 20*time.Second, time.Millisecond)
			assert.Empty(t, ended)
			leave()
			require.ErrorIs(t, <-ended, context.Canceled)
		})
	}
}

func TestCloseReleasesWhatHangs(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	w.fault(sandbox.Fault{Endpoint: "auth.test", Kind: sandbox.FaultHang})
	w.fault(sandbox.Fault{Endpoint: "auth.test", Kind: sandbox.FaultDelay, Delay: time.Hour})
	ended := make(chan error, 2)
	for range 2 {
		go func() { ended <- w.authTestError(client) }()
	}
	require.Eventually(t, func() bool { return w.Books().FaultsHit == 2 }, 20*time.Second, time.Millisecond)
	w.Close()
	w.Close()
	require.ErrorIs(t, <-ended, io.EOF)
	require.ErrorIs(t, <-ended, io.EOF)
}

func TestADelayedRequestTakesEffectAfterItsClientHasLeft(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedGitHub()
	const delay = time.Second // within it the client leaves, on a busy machine too
	w.fault(sandbox.Fault{Endpoint: "issues.create", Kind: sandbox.FaultDelay, Delay: delay})
	began := time.Now()
	ctx, leave := context.WithCancel(soon(t))
	ended := make(chan error, 1)
	go func() {
		_, _, err := client.Issues.Create(ctx, "acme", "app", &github.IssueRequest{Title: new("late")})
		ended <- err
	}()
	w.arrived("github issues.create")
	leave()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.Eventually(t, func() bool { return w.Books().IssuesCreated == 1 }, 20*time.Second, time.Millisecond)
	assert.GreaterOrEqual(t, time.Since(began), delay)
}

func TestTheTenSecondKill(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedGitHub()
	w.fault(sandbox.Fault{
		Name: "killed after 10 s, shortened", Endpoint: "issues.create", Kind: sandbox.FaultStatus, Status: 502,
		Delay: time.Millisecond, Processed: true,
	})
	_, err := w.createIssue(client, "killed", "")
	require.ErrorContains(t, err, "502")
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

func TestTruncatedJSON(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	w.fault(sandbox.Fault{Endpoint: "auth.test", Kind: sandbox.FaultTruncate})
	require.ErrorContains(t, w.authTestError(client), "unexpected EOF")
	require.NoError(t, w.authTestError(client))
}

func TestWhichRequestsAFaultHits(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	parent := w.say("parent")
	w.fault(sandbox.Fault{Name: "third and fourth", Endpoint: "auth.*", After: 2, Times: 2, Kind: sandbox.FaultStatus, Code: "fatal_error"})
	w.fault(sandbox.Fault{Name: "never", App: sandbox.GitHub, Kind: sandbox.FaultDrop})
	w.fault(sandbox.Fault{Name: "other method", Method: "DELETE", Kind: sandbox.FaultDrop})
	w.fault(sandbox.Fault{Name: "one thread", Contains: parent, Times: -1, Kind: sandbox.FaultStatus, Code: "thread_locked"})
	var got []bool
	for range 6 {
		got = append(got, w.authTestError(client) == nil)
	}
	assert.Equal(t, []bool{true, true, false, false, true, true}, got)
	for range 3 {
		require.EqualError(t, client.AddReactionContext(t.Context(), "eyes", slack.NewRefToMessage(bugs, parent)), "thread_locked")
	}
	hits := map[string][2]int{}
	for _, f := range w.Faults() {
		hits[f.Name] = [2]int{f.Seen, f.Hit}
	}
	assert.Equal(t, map[string][2]int{"third and fourth": {4, 2}, "never": {}, "other method": {}, "one thread": {3, 3}}, hits)
	w.ClearFaults()
	require.NoError(t, client.AddReactionContext(t.Context(), "eyes", slack.NewRefToMessage(bugs, parent)))
}

func TestACountedFaultHitsNoMoreUnderConcurrency(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedSlack()
	w.fault(sandbox.Fault{Endpoint: "auth.test", Times: 5, Kind: sandbox.FaultStatus, Code: "fatal_error"})
	var failures sync.Map
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			if w.authTestError(client) != nil {
				failures.Store(i, true)
			}
		})
	}
	all.Wait()
	count := 0
	failures.Range(func(any, any) bool { count++; return true })
	assert.Equal(t, 5, count)
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	for want, f := range map[string]sandbox.Fault{
		`fault kind "": want`:                 {},
		`fault kind "explode": want`:          {Kind: "explode"},
		"kind status: set status":             {Kind: sandbox.FaultStatus},
		"799 is no HTTP status":               {Kind: sandbox.FaultStatus, Status: 799},
		"kind delay: set delay":               {Kind: sandbox.FaultDelay},
		`fault app "gitlab": want`:            {Kind: sandbox.FaultDrop, App: "gitlab"},
		`fault endpoint "[": syntax error in`: {Kind: sandbox.FaultDrop, Endpoint: "["},
	} {
		assert.ErrorContains(t, w.Fault(f), want)
	}
	assert.Empty(t, w.Faults())
}

func TestFaultsAsJSON(t *testing.T) {
	want := sandbox.Fault{
		Name: "n", App: sandbox.GitHub, Endpoint: "issues.*", Method: "POST", Contains: "x", After: 1, Times: -1,
		Kind: sandbox.FaultStatus, Status: 429, Code: "c", RetryAfter: 90 * time.Second, Delay: 1500 * time.Millisecond, Processed: true,
	}
	data, err := json.Marshal(want)
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"n","app":"github","endpoint":"issues.*","method":"POST","contains":"x","after":1,"times":-1,
		"kind":"status","status":429,"code":"c","retry_after":"1m30s","delay":"1.5s","processed":true}`, string(data))
	var got sandbox.Fault
	require.NoError(t, json.Unmarshal(data, &got))
	assert.Equal(t, want, got)

	for _, bad := range []string{`{"kind":"drop","retry_after":"soon"}`, `{"kind":"drop","delay":"-1s"}`, `{"kind":"drop","dealy":"1s"}`} {
		assert.Error(t, json.Unmarshal([]byte(bad), &got), bad)
	}
	state, err := json.Marshal(sandbox.FaultState{Fault: sandbox.Fault{Kind: sandbox.FaultDrop}, Seen: 2, Hit: 1})
	require.NoError(t, err)
	assert.JSONEq(t, `{"kind":"drop","seen":2,"hit":1}`, string(state))
}

func TestFaultsInFrontOfTokenEndpointsAreNoAuthFailures(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.fault(sandbox.Fault{Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 401, Times: -1})
	for _, app := range []sandbox.App{sandbox.Slack, sandbox.GitHub} {
		status, body := w.post(w.tokenPath(app), url.Values{"grant_type": {"refresh_token"}})
		assert.Equal(t, http.StatusUnauthorized, status)
		assert.True(t, strings.HasPrefix(string(body), "<!doctype html>"))
	}
	assert.Zero(t, w.Books().AuthFailures)
}
