package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"tokenkeeper/credential"
	"tokenkeeper/internal/bubbletest"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

var filer = credential.AccountID{Organization: "acme", User: "triage", Connector: "github"}

// office is some workers that file issues at a sandbox, without a network in between, so that hours pass in no time.
type office struct {
	*sandbox.Sandbox
	t       *testing.T
	api     string // its path
	token   string
	workers []*GitHub
	dealt   atomic.Int64        // attempts
	through http.RoundTripper   // what requests go through on their way to the sandbox; nil for nothing
	wish    func(*triage.Issue) // adds to each issue; nil for nothing
}

// newOffice has the token of somebody who consented to an app.
func newOffice(t *testing.T, name sandbox.App, workers int, o sandbox.Options) *office {
	t.Helper()
	f := &office{Sandbox: sandbox.New(o), t: t}
	t.Cleanup(f.Close)
	if name == sandbox.Slack {
		f.api = "slack/api/"
		f.token = f.consent(name, "slack/oauth/v2/authorize", "slack/api/oauth.v2.access")
	} else {
		f.api = "github/api/v3/"
		f.token = f.consent(name, "github/login/oauth/authorize", "github/login/oauth/access_token")
	}
	for range workers {
		f.workers = append(f.workers, &GitHub{APIs: f, Pace: &Pace{
			Workers: func(context.Context) (int, error) { return workers, nil },
		}})
	}
	return f
}

// RoundTrip implements http.RoundTripper.
func (f *office) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+f.token)
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, r)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

// API implements APIs.
func (f *office) API(credential.AccountID) (API, error) {
	base, err := url.Parse("http://sandbox.invalid/" + f.api)
	if f.through != nil {
		return API{HTTP: &http.Client{Transport: f.through}, Base: base}, err
	}
	return API{HTTP: &http.Client{Transport: f}, Base: base}, err
}

// consent returns the access token that comes of a consent.
func (f *office) consent(name sandbox.App, authorize, token string) string {
	f.t.Helper()
	const at, back = "http://sandbox.invalid/", "http://127.0.0.1:8780/oauth/callback"
	app, browser := f.App(name), &http.Client{
		Transport:     f,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	query := url.Values{"client_id": {app.ClientID}, "redirect_uri": {back}, "state": {"state"}, "response_type": {"code"}, "scope": {"channels:history,chat:write,users:read"}}
	redirect, err := sandbox.Decide(f.t.Context(), browser, at+authorize+"?"+query.Encode(), "", sandbox.Allow)
	require.NoError(f.t, err)
	to, err := url.Parse(redirect)
	require.NoError(f.t, err)
	form := url.Values{
		"client_id": {app.ClientID}, "client_secret": {app.ClientSecret}, "redirect_uri": {back},
		"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")},
	}
	request, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, at+token, strings.NewReader(form.Encode()))
	require.NoError(f.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	answer, err := browser.Do(request)
	require.NoError(f.t, err)
	defer func() { _ = answer.Body.Close() }()
	var tokens struct {
		Access string `json:"access_token"`
	}
	require.NoError(f.t, json.NewDecoder(answer.Body).Decode(&tokens))
	require.NotEmpty(f.t, tokens.Access)
	return tokens.Access
}

// file files as many reports at once, the attempts dealt out among the workers, and returns how long that took.
func (f *office) file(reports int) time.Duration {
	f.t.Helper()
	begun := time.Now()
	var keys []string
	for i := range reports {
		keys = append(keys, "T0SANDBOX/C0BUGREPORTS/"+f.Post("C0BUGREPORTS", sandbox.Message{
			User: "ada", Text: fmt.Sprintf("It crashes, number %d", i), Report: true,
		}))
	}
	errs := make([]error, reports)
	var group sync.WaitGroup
	for i, key := range keys {
		group.Go(func() { errs[i] = f.fileOne(key) })
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(f.t, err)
	}
	return time.Since(begun)
}

func (f *office) fileOne(report string) error {
	key, err := triage.ParseKey(report)
	if err != nil {
		return err
	}
	in := CreateIssueInput{Account: filer, Report: key, Issue: triage.Issue{
		Owner: "acme", Repo: "app", Title: "Crash", Body: "It crashes.\n\n" + key.Marker(),
	}}
	if f.wish != nil {
		f.wish(&in.Issue)
	}
	for ; ; in.LookFirst = true {
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(f.workers[int(f.dealt.Add(1))%len(f.workers)])
		_, err := env.ExecuteActivity((*GitHub)(nil).CreateIssue, in)
		app, ok := errors.AsType[*temporal.ApplicationError](err)
		if !ok || app.NextRetryDelay() == 0 {
			return err
		}
		<-time.After(app.NextRetryDelay())
	}
}

// GitHub's own limits, and three workers that know of each other only how many they are.
func TestABurstIsFiledWithoutARefusal(t *testing.T) {
	for _, burst := range []struct {
		reports int
		within  time.Duration
	}{{120, 3 * time.Minute}, {520, 90 * time.Minute}} {
		t.Run(fmt.Sprint(burst.reports), func(t *testing.T) {
			bubbletest.Run(t, func(t *testing.T) {
				f := newOffice(t, sandbox.GitHub, 3, sandbox.Options{Now: time.Now})
				took := f.file(burst.reports)
				t.Logf("%d reports in %s", burst.reports, took)
				books := f.Books()
				assert.Equal(t, burst.reports, books.IssuesCreated)
				assert.Zero(t, books.Duplicates+books.Missing+books.RateLimited)
				assert.Less(t, took, burst.within)
			})
		})
	}
}

// The web pages count too, and other programs with the same credential: the limits can be narrower than GitHub says.
func TestWhereGitHubRefusesNothingGoesOutUntilItsTimeIsOver(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		f := newOffice(t, sandbox.GitHub, 2, sandbox.Options{Now: time.Now, CreationsPerMinute: 40})
		f.file(120)
		books := f.Books()
		assert.Equal(t, 120, books.IssuesCreated)
		assert.Zero(t, books.Duplicates+books.Missing)
		assert.LessOrEqual(t, books.RateLimited, 10, "few for each worker and minute")
		assert.LessOrEqual(t, books.RateLimitsIgnored, 5, "each worker finds out for itself, once in a while")
	})
}

// A refusal does not say of which limit it is. One alone is no reason to go at the pace of a whole hour's limit.
func TestOneRefusalSlowsDownForAMinuteAndTheNextForAnHour(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		p := &Pace{}
		refused := rateLimited("filing", 2*time.Second)
		pass := func(n int) time.Duration {
			begun := time.Now()
			for range n {
				require.NoError(t, p.turn(t.Context(), filer, "filing"))
			}
			return time.Since(begun)
		}
		require.NoError(t, p.turn(t.Context(), filer, "filing"))
		require.Equal(t, refused, p.heard(filer, refused))
		_ = p.heard(filer, refused) // of a request that was on its way
		assert.InDelta(t, 2+9, pass(10).Seconds(), 1, "one a second, once its time is over")
		_ = p.heard(filer, refused)
		assert.InDelta(t, 2+9*12, pass(10).Seconds(), 5, "one in twelve seconds")
		<-time.After(2 * time.Hour)
		_ = p.heard(filer, refused)
		assert.InDelta(t, 2+9, pass(10).Seconds(), 1)
	})
}

func TestWithoutALimitNothingWaits(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		p := &Pace{Hourly: func(credential.AccountID) int { return 0 }}
		begun := time.Now()
		for range 1000 {
			require.NoError(t, p.turn(t.Context(), filer, "filing"))
		}
		assert.Zero(t, time.Since(begun))
		require.NoError(t, (*Pace)(nil).turn(t.Context(), filer, "filing"))
	})
}

func TestTheWorkersAreCountedAgainAndAFailureChangesNothing(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		workers, failure := 4, error(nil)
		p := &Pace{Workers: func(context.Context) (int, error) { return workers, failure }}
		var counts []int
		for range 4 {
			counts = append(counts, p.share(t.Context()))
			<-time.After(recount + time.Second)
			if workers = 2; len(counts) == 2 {
				failure = errors.New("Temporal is away")
			}
		}
		assert.Equal(t, []int{4, 2, 2, 2}, counts)
	})
}

// Accounts do not wait for each other, and a wait that is cancelled ends.
func TestEachAccountHasItsOwnLimits(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		p := &Pace{}
		other := credential.AccountID{Organization: "globex", User: "triage", Connector: "github"}
		for range 20 {
			require.NoError(t, p.turn(t.Context(), filer, "filing"))
		}
		begun := time.Now()
		require.NoError(t, p.turn(t.Context(), other, "filing"))
		assert.Zero(t, time.Since(begun))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, p.turn(ctx, filer, "filing"), context.Canceled)
	})
}

// Whoever is sent away comes back at a time of its own.
func TestThoseWhoAreSentAwayComeBackOneAfterTheOther(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		p := &Pace{}
		var back []time.Duration
		for range 200 {
			if wait, taken := p.take(filer, 1, maxTurnWait); !taken {
				back = append(back, wait)
			}
		}
		require.Greater(t, len(back), 100)
		assert.True(t, slices.IsSorted(back))
		assert.Len(t, slices.Compact(back), len(back))
	})
}
