package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-github/v62/github"
	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

const (
	callback = "http://127.0.0.1:8780/oauth/callback"
	bugs     = "C0BUGREPORTS"
)

// clock is a time that moves when a test says so.
type clock struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a sandbox that is being served.
type world struct {
	*sandbox.Sandbox
	t     *testing.T
	clock *clock
	url   string
	http  *http.Client
}

// newWorld serves a sandbox until the test ends. Its clock stands at a round second.
func newWorld(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	c := &clock{now: time.Unix(1_800_000_000, 0)}
	o.Now = c.Now
	s := sandbox.New(o)
	server := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		s.Close()
		server.Close()
	})
	return &world{Sandbox: s, t: t, clock: c, url: server.URL, http: server.Client()}
}

// tokens is an answer of either token endpoint, as JSON.
type tokens struct {
	OK               bool   `json:"ok"`
	Error            string `json:"error"`
	Access           string `json:"access_token"`
	Refresh          string `json:"refresh_token"`
	Type             string `json:"token_type"`
	Scope            string `json:"scope"`
	ExpiresIn        int    `json:"expires_in"`
	RefreshExpiresIn int    `json:"refresh_token_expires_in"`
	BotUser          string `json:"bot_user_id"`
	Team             struct {
		ID string `json:"id"`
	} `json:"team"`
}

func (w *world) authorizePath(app sandbox.App) string {
	if app == sandbox.GitHub {
		return "/github/login/oauth/authorize"
	}
	return "/slack/oauth/v2/authorize"
}

func (w *world) tokenPath(app sandbox.App) string {
	if app == sandbox.GitHub {
		return "/github/login/oauth/access_token"
	}
	return "/slack/api/oauth.v2.access"
}

// authorizeURL is a correct authorization request; changes replace parameters, and an empty value removes one.
func (w *world) authorizeURL(app sandbox.App, changes map[string]string) string {
	query := url.Values{"client_id": {w.App(app).ClientID}, "redirect_uri": {callback}, "state": {"st4te"}}
	if app == sandbox.Slack {
		query.Set("scope", "channels:history,channels:read,chat:write,reactions:write,reactions:read,users:read")
	}
	for key, value := range changes {
		query.Set(key, value)
		if value == "" {
			query.Del(key)
		}
	}
	return w.url + w.authorizePath(app) + "?" + query.Encode()
}

// consent returns the code of an allowed authorization request.
func (w *world) consent(app sandbox.App, subject string, changes map[string]string) string {
	w.t.Helper()
	redirect, err := sandbox.Decide(w.t.Context(), w.http, w.authorizeURL(app, changes), subject, sandbox.Allow)
	require.NoError(w.t, err)
	target, err := url.Parse(redirect)
	require.NoError(w.t, err)
	require.Equal(w.t, "st4te", target.Query().Get("state"))
	require.NotEmpty(w.t, target.Query().Get("code"))
	return target.Query().Get("code")
}

// token posts to a token endpoint with the client's secret in the body.
func (w *world) token(app sandbox.App, form url.Values) tokens {
	w.t.Helper()
	form.Set("client_id", w.App(app).ClientID)
	form.Set("client_secret", w.App(app).ClientSecret)
	status, body := w.post(w.tokenPath(app), form)
	require.Equal(w.t, http.StatusOK, status)
	var answer tokens
	require.NoError(w.t, json.Unmarshal(body, &answer), string(body))
	return answer
}

// connect walks the whole authorization code flow.
func (w *world) connect(app sandbox.App) tokens {
	w.t.Helper()
	answer := w.token(app, url.Values{"code": {w.consent(app, "", nil)}, "redirect_uri": {callback}})
	require.NotEmpty(w.t, answer.Access)
	return answer
}

func (w *world) refresh(app sandbox.App, refresh string) tokens {
	w.t.Helper()
	return w.token(app, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
}

func (w *world) post(path string, form url.Values) (int, []byte) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, strings.NewReader(form.Encode()))
	require.NoError(w.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	response, body := w.do(request)
	return response.StatusCode, body
}

func (w *world) postJSON(path, body string) (int, []byte) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, strings.NewReader(body))
	require.NoError(w.t, err)
	request.Header.Set("Content-Type", "application/json")
	response, answer := w.do(request)
	return response.StatusCode, answer
}

func (w *world) get(path string) (int, []byte) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+path, nil)
	require.NoError(w.t, err)
	response, body := w.do(request)
	return response.StatusCode, body
}

func (w *world) do(request *http.Request) (*http.Response, []byte) {
	w.t.Helper()
	response, err := w.http.Do(request)
	require.NoError(w.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return response, body
}

// slack is an unmodified client.
func (w *world) slack(token string) *slack.Client {
	return slack.New(token, slack.OptionAPIURL(w.url+"/slack/api/"), slack.OptionHTTPClient(w.http))
}

// gitHub is an unmodified client.
func (w *world) gitHub(token string) *github.Client {
	w.t.Helper()
	client, err := github.NewClient(w.http).WithAuthToken(token).WithEnterpriseURLs(w.url+"/github/", w.url+"/github/")
	require.NoError(w.t, err)
	return client
}

// connectedSlack is a client with a fresh token.
func (w *world) connectedSlack() *slack.Client { return w.slack(w.connect(sandbox.Slack).Access) }

// connectedGitHub is a client with a fresh token.
func (w *world) connectedGitHub() *github.Client { return w.gitHub(w.connect(sandbox.GitHub).Access) }

func (w *world) createIssue(client *github.Client, title, body string) (*github.Issue, error) {
	issue, _, err := client.Issues.Create(w.t.Context(), "acme", "app", &github.IssueRequest{Title: &title, Body: &body})
	return issue, err
}

func (w *world) fault(f sandbox.Fault) {
	w.t.Helper()
	require.NoError(w.t, w.Fault(f))
}

// key is how the books name a message of the channel for bug reports.
func key(ts string) string { return "T0SANDBOX/" + bugs + "/" + ts }

func markerOf(ts string) string { return "<!-- tokenkeeper: " + key(ts) + " -->" }

// soon bounds what has to end by itself.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
