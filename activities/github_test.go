package activities_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/connector"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

const (
	creates    = "github issues.create"
	lists      = "github issues.list"
	issuesPath = "/github/api/v3/repos/acme/app/issues"
)

// report posts a bug report and returns what is asked of GitHub for it.
func (w *world) report(text string) activities.CreateIssueInput {
	w.t.Helper()
	ts := w.Post(bugs, sandbox.Message{User: "ada", Text: text, Report: true})
	key := triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: ts}
	return activities.CreateIssueInput{Account: githubAccount, Report: key, Issue: triage.Issue{
		Owner: "acme", Repo: "app", Title: text, Body: "It broke.\n\n" + key.Marker(), Labels: []string{"bug"},
	}}
}

func TestAnIssueIsCreatedWithOneRequest(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")

	got := once(w, w.github.CreateIssue, in)

	require.NoError(t, got.err)
	assert.Positive(t, got.out.Number)
	assert.Contains(t, got.out.URL, "/acme/app/issues/"+strconv.Itoa(got.out.Number))
	assert.False(t, got.out.Found)
	assert.Equal(t, 1, w.Books().IssuesCreated)
	assert.Zero(t, w.Books().Requests[lists])
	assert.Empty(t, got.beats, "success costs no heartbeat")
}

func TestWhoLooksFirstFindsWhatIsThere(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	first := once(w, w.github.CreateIssue, in)
	require.NoError(t, first.err)
	w.clock.advance(40 * 24 * time.Hour)
	in.LookFirst = true

	again := once(w, w.github.CreateIssue, in)

	require.NoError(t, again.err)
	assert.Equal(t, first.out.Number, again.out.Number)
	assert.True(t, again.out.Found)
	assert.Zero(t, w.Books().Duplicates)

	other := w.report("Another one")
	other.LookFirst = true
	require.NoError(t, once(w, w.github.CreateIssue, other).err)
	assert.Equal(t, 2, w.Books().IssuesCreated)
}

func TestAMarkerInAQuotationIsNotTheIssue(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	quoting := in
	quoting.Issue.Body = "Somebody wrote:\n> " + in.Report.Marker() + "\nand I agree"
	require.NoError(t, once(w, w.github.CreateIssue, quoting).err)
	in.LookFirst = true

	got := once(w, w.github.CreateIssue, in)

	require.NoError(t, got.err)
	assert.False(t, got.out.Found)
}

func TestTheIssueIsFoundBehindManyPages(t *testing.T) {
	w := newWorld(t, sandbox.Options{SearchLag: time.Hour, CreationsPerMinute: -1})
	w.connect(githubAccount)
	var last activities.CreateIssueInput
	for i := range 130 {
		last = w.report("Report " + strconv.Itoa(i))
		if i == 0 {
			require.NoError(t, once(w, w.github.CreateIssue, last).err)
			continue
		}
		require.NoError(t, w.create(last))
	}
	last.LookFirst = true

	got := once(w, w.github.CreateIssue, last)

	require.NoError(t, got.err)
	assert.True(t, got.out.Found)
	assert.GreaterOrEqual(t, w.Books().Requests[lists], 2)
	assert.Zero(t, w.Books().Requests["github search.issues"])
	assert.Zero(t, w.Books().Duplicates)
}

// create files an issue without an Activity around it.
func (w *world) create(in activities.CreateIssueInput) error {
	w.t.Helper()
	return once(w, w.github.CreateIssue, in).err
}

// A request may be carried out although its answer never comes. None of these may make a second issue.
func TestALostAnswerMakesNoSecondIssue(t *testing.T) {
	for name, c := range map[string]struct {
		fault sandbox.Fault
		found bool
	}{
		"carried out, connection lost":     {fault: sandbox.Fault{Kind: sandbox.FaultDrop, Processed: true}, found: true},
		"not carried out, connection lost": {fault: sandbox.Fault{Kind: sandbox.FaultDrop}},
		"carried out, half an answer":      {fault: sandbox.Fault{Kind: sandbox.FaultTruncate}, found: true},
		"carried out, 500":                 {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500, Processed: true}, found: true},
		"carried out, 502":                 {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502, Processed: true}, found: true},
		"not carried out, 503":             {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(githubAccount)
			in := w.report("Login crashes")
			c.fault.App, c.fault.Endpoint = sandbox.GitHub, "issues.create"
			w.fault(c.fault)

			got := retried(w, w.github.CreateIssue, in, always)

			require.NoError(t, got.err)
			require.Len(t, got.failed, 1)
			failsWith(t, got.failed[0], activities.ErrTypeProviderUnavailable, in.Report.String(), "acme/app")
			assert.Equal(t, c.found, got.out.Found)
			assert.Equal(t, 1, w.Books().Requests[lists])
			assert.Equal(t, 1, w.Books().IssuesCreated)
			if c.fault.Kind != sandbox.FaultTruncate {
				assert.Greater(t, delayOf(got.failed[0]), 9*time.Second, "not before GitHub ends the request by itself")
			}
		})
	}
}

// A worker that is killed cannot say that its request is on its way, and GitHub works on it for up to 10 s.
func TestAWorkerThatDiedIsGivenTimeBeforeAnybodyLooks(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	requests := map[int32]int{}

	got := retried(w, w.github.CreateIssue, in, func(attempt int32) error {
		requests[attempt] = w.Books().Requests[lists]
		if attempt == 1 {
			return errDied
		}
		return nil
	})

	require.NoError(t, got.err)
	assert.True(t, got.out.Found)
	require.Len(t, got.failed, 2)
	failsWith(t, got.failed[1], activities.ErrTypeInterrupted, "a worker died")
	assert.Equal(t, 10*time.Second, delayOf(got.failed[1]))
	assert.Zero(t, requests[3], "the second attempt does not look yet")
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

// Whoever resets an Activity has Temporal count its attempts from 1 again.
func TestAResetActivityIsNotTriedForTheFirstTime(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultDrop, Processed: true})
	lost := once(w, w.github.CreateIssue, in)
	require.Error(t, lost.err)

	got := attempt(w, t.Context(), json.RawMessage(lost.beats[len(lost.beats)-1]), w.github.CreateIssue, in)

	got.fails(t, activities.ErrTypeInterrupted, "somebody reset it")
	assert.Equal(t, 10*time.Second, got.wait(t), "the request may be on its way")
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

func TestGitHubsLimitsAreObeyedInTheirOrder(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(h http.Header) int
		body   string
		least  time.Duration
		most   time.Duration
	}{
		"Retry-After first": {
			answer: func(h http.Header) int {
				h.Set("Retry-After", "77")
				h.Set("X-RateLimit-Remaining", "0")
				h.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(20*time.Minute).Unix(), 10))
				return http.StatusForbidden
			}, least: 77 * time.Second, most: 77 * time.Second,
		},
		"then the reset of the primary limit": {
			answer: func(h http.Header) int {
				h.Set("X-RateLimit-Remaining", "0")
				h.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(20*time.Minute).Unix(), 10))
				return http.StatusForbidden
			}, least: 19 * time.Minute, most: 20 * time.Minute,
		},
		"the same as 429": {
			answer: func(h http.Header) int {
				h.Set("X-RateLimit-Remaining", "0")
				h.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(20*time.Minute).Unix(), 10))
				return http.StatusTooManyRequests
			}, least: 19 * time.Minute, most: 20 * time.Minute,
		},
		"then a minute": {
			answer: func(http.Header) int { return http.StatusTooManyRequests }, least: time.Minute, most: time.Minute,
		},
		"a secondary limit that says so in its body only": {
			answer: func(http.Header) int { return http.StatusForbidden },
			body: `{"message":"You have exceeded a secondary rate limit.","documentation_url":` +
				`"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`,
			least: time.Minute, most: time.Minute,
		},
		"a reset that is over": {
			answer: func(h http.Header) int {
				h.Set("X-RateLimit-Remaining", "0")
				h.Set("X-RateLimit-Reset", "1")
				return http.StatusForbidden
			}, least: time.Second, most: time.Second,
		},
		"a year is too long": {
			answer: func(h http.Header) int {
				h.Set("Retry-After", "31536000")
				return http.StatusTooManyRequests
			}, least: time.Hour, most: time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(githubAccount)
			w.replace(issuesPath, func(rw http.ResponseWriter) {
				rw.Header().Set("Content-Type", "application/json")
				rw.WriteHeader(c.answer(rw.Header()))
				_, _ = rw.Write([]byte(c.body)) // the client is there
			})

			got := once(w, w.github.CreateIssue, w.report("Login crashes"))

			got.fails(t, activities.ErrTypeRateLimited, "acme/app")
			assert.GreaterOrEqual(t, got.wait(t), c.least)
			assert.LessOrEqual(t, got.wait(t), c.most)
		})
	}
}

func TestARefusalSaysWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		options sandbox.Options
		change  func(*activities.CreateIssueInput)
		fault   *sandbox.Fault
		want    []string
	}{
		"no such repository": {
			change: func(in *activities.CreateIssueInput) { in.Issue.Repo = "typo" }, want: []string{"404", "acme/typo", "installed at acme", "correct the route"},
		},
		"no access": {options: sandbox.Options{Inaccessible: []string{"acme/app"}}, want: []string{"404", "not installed at acme", "install it there"}},
		"no issues": {options: sandbox.Options{IssuesDisabled: []string{"acme/app"}}, want: []string{"410", "enable issues"}},
		"not allowed": {
			fault: &sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403}, want: []string{"403", "Resource not accessible", "permission to write issues"},
		},
		"too long": {
			change: func(in *activities.CreateIssueInput) { in.Issue.Title = strings.Repeat("x", 300) }, want: []string{"422", "title is too long"},
		},
	} {
		for _, looks := range []bool{false, true} { // as the first try does, and each one after it
			t.Run(name+", looking first: "+strconv.FormatBool(looks), func(t *testing.T) {
				w := newWorld(t, c.options)
				w.connect(githubAccount)
				in := w.report("Login crashes")
				in.LookFirst = looks
				if c.change != nil {
					c.change(&in)
				}
				if c.fault != nil {
					c.fault.Endpoint = "issues.create"
					w.fault(*c.fault)
				}

				got := retried(w, w.github.CreateIssue, in, always)

				got.fails(t, activities.ErrTypeRejected, append(c.want, in.Report.String())...)
				assert.Empty(t, got.failed, "it is not tried again")
			})
		}
	}
}

// The token of an installation may not ask where the app is installed, and knows what it was given.
func TestARefusalSaysWhatToDoToTheAccountOfAnInstallation(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		given  string
		want   string
	}{
		"another repository": {200, `{"total_count":1,"repositories":[{"name":"web","owner":{"login":"Acme"}}]}`, "installed at acme, and has no repository app there"},
		"another owner":      {200, `{"total_count":1,"repositories":[{"name":"app","owner":{"login":"umbrella"}}]}`, "installation of the app is at umbrella, and not at acme"},
		"nothing":            {200, `{"total_count":0,"repositories":[]}`, "has access to no repository: give it access to acme/app"},
		"it does not tell":   {403, `{"message":"Resource not accessible"}`, "correct the repository of the route, or give the app access to it"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{Inaccessible: []string{"acme/app"}})
			w.connect(githubAccount)
			says := func(path string, status int, body string) {
				w.replace("/github/api/v3/"+path, func(rw http.ResponseWriter) {
					rw.Header().Set("Content-Type", "application/json")
					rw.WriteHeader(status)
					_, _ = rw.Write([]byte(body)) // the client is there
				})
			}
			says("user/installations", http.StatusForbidden, `{"message":"Resource not accessible by integration"}`)
			says("installation/repositories", c.status, c.given)

			once(w, w.github.CreateIssue, w.report("Login crashes")).fails(t, activities.ErrTypeRejected, "404", c.want)
		})
	}
}

// Issues can be disabled between two attempts: then nobody knows whether the first one had an effect, and nothing is filed.
func TestIssuesThatAreDisabledAfterALostAnswer(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	in.LookFirst = true
	w.fault(sandbox.Fault{Endpoint: "issues.list", Kind: sandbox.FaultStatus, Status: 410})

	once(w, w.github.CreateIssue, in).fails(t, activities.ErrTypeRejected, "410", "acme/app", "enable issues")
	assert.Zero(t, w.Books().IssuesCreated)

	require.NoError(t, once(w, w.github.CreateIssue, in).err, "somebody enabled them and asked for another try")
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

// A repository can move to another owner while a report waits for its next attempt.
func TestARepositoryThatIsTransferredAfterALostAnswer(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultDrop, Processed: true})

	got := retried(w, w.github.CreateIssue, in, func(attempt int32) error {
		if attempt == 2 {
			require.NoError(t, w.MoveRepository("acme/app", "umbrella/app"))
		}
		return nil
	})

	require.NoError(t, got.err)
	assert.True(t, got.out.Found)
	assert.Equal(t, "umbrella/app", got.out.Repository)
	assert.Contains(t, got.out.URL, "/umbrella/app/issues/")
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

func TestADeadTokenIsReplacedUnderTheActivity(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	w.ExpireAccessTokens(sandbox.GitHub)

	got := once(w, w.github.CreateIssue, w.report("Login crashes"))

	require.NoError(t, got.err)
	assert.Equal(t, 1, w.Books().RefreshesByApp[sandbox.GitHub])
	assert.Zero(t, w.Books().UnreplayedAuthFailures)
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

// Every attempt with a token that is refused again costs the account a refresh.
func TestAFreshTokenThatIsRefusedTooIsNotTriedAgainSoon(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultStatus, Status: 401, Times: 2})

	got := once(w, w.github.CreateIssue, w.report("Login crashes"))

	got.fails(t, activities.ErrTypeProviderUnavailable, "a fresh token is refused too")
	assert.Equal(t, 5*time.Minute, got.wait(t))
}

func TestAnAccountThatNeedsAPersonIsToldToTheWorkflow(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	w.Revoke(sandbox.GitHub)

	got := retried(w, w.github.CreateIssue, w.report("Login crashes"), always)

	got.fails(t, activities.ErrTypeAccountUnavailable, "acme/triage/github", "tokenkeeper account reauthorize")
	assert.Empty(t, got.failed, "the Workflow waits for the Signal instead")
	var detail activities.Unavailable
	require.NoError(t, applicationError(t, got.err).Details(&detail))
	assert.Equal(t, activities.Unavailable{
		Account: githubAccount, Generation: 1, Status: credential.ReauthorizationRequired, Reason: detail.Reason,
	}, detail)
	assert.NotEmpty(t, detail.Reason)
}

func TestARefreshThatIsUnderWayIsWaitedForAndNotForLong(t *testing.T) {
	for name, c := range map[string]struct {
		retryAt time.Duration
		want    time.Duration
	}{
		"nothing said":   {want: time.Second},
		"over":           {retryAt: -time.Hour, want: time.Second},
		"soon":           {retryAt: 30 * time.Second, want: 30 * time.Second},
		"in eight hours": {retryAt: 8 * time.Hour, want: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(githubAccount)
			w.ExpireAccessTokens(sandbox.GitHub)
			w.answer = &connector.Answer{Generation: 1, Status: credential.Degraded, Reason: "503"}
			if c.retryAt != 0 {
				w.answer.RetryAt = time.Now().Add(c.retryAt)
			}

			got := once(w, w.github.CreateIssue, w.report("Login crashes"))

			got.fails(t, activities.ErrTypeRefreshPending, "503")
			assert.InDelta(t, c.want, got.wait(t), float64(5*time.Second))
		})
	}
}

func TestATokenLeavesForTheProvidersHostsOnly(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	w.base = &url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/"}

	once(w, w.github.CreateIssue, w.report("Login crashes")).fails(t, activities.ErrTypeRejected, "127.0.0.1:1", "may not receive a token")
}

func TestCheckingARepository(t *testing.T) {
	w := newWorld(t, sandbox.Options{IssuesDisabled: []string{"acme/silent"}, Inaccessible: []string{"acme/secret"}})
	w.connect(githubAccount)
	check := func(repository string) ran[struct{}] {
		return once(w, noResult(w.github.CheckRepository), activities.RepositoryInput{Account: githubAccount, Repository: repository})
	}
	require.NoError(t, check("acme/app").err)
	check("acme/silent").fails(t, activities.ErrTypeRejected, "acme/silent", "issues are disabled; enable them")
	check("acme/secret").fails(t, activities.ErrTypeRejected, "acme/secret", "acme/triage/github", "give it access")
	check("acme/none").fails(t, activities.ErrTypeRejected, "finds no such repository")
	check("acme").fails(t, activities.ErrTypeRejected, "owner/name")
	w.fault(sandbox.Fault{Endpoint: "repos.get", Kind: sandbox.FaultStatus, Status: 503})
	check("acme/app").fails(t, activities.ErrTypeProviderUnavailable)
	unknown := credential.AccountID{Organization: "acme", User: "triage", Connector: "jira"}
	once(w, noResult(w.github.CheckRepository), activities.RepositoryInput{Account: unknown, Repository: "acme/app"}).
		fails(t, activities.ErrTypeNotConfigured, "acme/triage/jira")
}

// Whoever resets a Workflow has its Activities begin anew, without a heartbeat of those before, while the last request may be on
// its way.
func TestAfterAResetOfTheWorkflowNobodyLooksAtOnce(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	require.NoError(t, once(w, w.github.CreateIssue, in).err)
	in.Reset = true

	got := retried(w, w.github.CreateIssue, in, always)

	require.NoError(t, got.err)
	assert.True(t, got.out.Found)
	require.Len(t, got.failed, 1)
	failsWith(t, got.failed[0], activities.ErrTypeInterrupted, "somebody reset it")
	assert.Equal(t, 10*time.Second, delayOf(got.failed[0]))
	assert.Equal(t, 1, w.Books().IssuesCreated)
}
