package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

const reloadable = `gateway: {listen: "127.0.0.1:8780"}
connectors:
  slack:
    provider: slack
    client_id: "1"
    client_secret_file: slack.secret
    scopes: [chat:write]
  github:
    provider: github-app
    client_id: Iv2
    client_secret_file: github.secret
`

const another = `  tracker:
    provider: github-app
    client_id: Iv3
    client_secret_file: tracker.secret
`

// watched is an App whose configuration is being watched.
type watched struct {
	*App
	t     *testing.T
	dir   string
	hurry chan os.Signal
	news  chan []string // changed connectors of each reading

	mu  sync.Mutex
	log bytes.Buffer // guarded by mu
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

func (w *watched) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String()
}

// put replaces the file as a whole: a look that finds it half written would have another fault to tell.
func (w *watched) put(name, text string) {
	w.t.Helper()
	file := filepath.Join(w.dir, name)
	require.NoError(w.t, os.WriteFile(file+".new", []byte(text), 0o600))
	require.NoError(w.t, os.Rename(file+".new", file))
}

// newWatched looks at the files at each interval.
func newWatched(t *testing.T, interval time.Duration) *watched {
	t.Helper()
	w := &watched{t: t, dir: t.TempDir(), hurry: make(chan os.Signal, 1), news: make(chan []string, 100)}
	w.put("tokenkeeper.yaml", reloadable)
	w.put("slack.secret", "first")
	w.put("github.secret", "unchanged")
	var err error
	w.App, err = Open(Options{
		ConfigPath: filepath.Join(w.dir, "tokenkeeper.yaml"), Log: slog.New(slog.NewTextHandler(w, nil)),
		Env: func(string) (string, bool) { return "", false },
	})
	require.NoError(t, err)
	w.OnReload(func(_ context.Context, changed []string) { w.news <- changed })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.watch(ctx, interval, w.hurry)
	}()
	t.Cleanup(func() {
		stop()
		<-done
		assert.NoError(t, w.Close())
	})
	return w
}

// next returns what the next reading changed, readings that changed nothing aside.
func (w *watched) next() []string {
	w.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case changed := <-w.news:
			if len(changed) > 0 {
				return changed
			}
		case <-deadline:
			require.Fail(w.t, "the configuration was not read anew", w.logged())
		}
	}
}

func (w *watched) secret(connector string) string {
	c, _ := w.Config().Connector(connector)
	secret := c.ClientSecret()
	return secret.Reveal()
}

const often = 5 * time.Millisecond

func TestASecretFileThatChangesIsReadAnew(t *testing.T) {
	w := newWatched(t, often)
	slack := credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	github := credential.AccountID{Organization: "acme", User: "triage", Connector: "github"}
	slackBefore, err := w.Connection(slack)
	require.NoError(t, err)
	githubBefore, err := w.Connection(github)
	require.NoError(t, err)

	w.put("slack.secret", "second")

	assert.Equal(t, []string{"slack"}, w.next())
	assert.Equal(t, "second", w.secret("slack"))
	slackAfter, err := w.Connection(slack)
	require.NoError(t, err)
	githubAfter, err := w.Connection(github)
	require.NoError(t, err)
	assert.NotSame(t, slackBefore.OAuth, slackAfter.OAuth, "the client sends the new secret")
	assert.Same(t, githubBefore.OAuth, githubAfter.OAuth, "others keep their connections")
	assert.NotContains(t, w.logged(), "second")
}

func TestAConnectorCanBeAdded(t *testing.T) {
	w := newWatched(t, often)
	w.put("tracker.secret", "third")
	w.put("tokenkeeper.yaml", reloadable+another)
	assert.Equal(t, []string{"tracker"}, w.next())
	w.put("tracker.secret", "fourth") // a file that the first configuration did not name
	assert.Equal(t, []string{"tracker"}, w.next())
	assert.Equal(t, "fourth", w.secret("tracker"))
}

// A faulty configuration is complained of once, however often it is looked at, and mending any of its files ends it.
func TestAFaultyConfigurationLeavesTheOneBeforeInForce(t *testing.T) {
	w := newWatched(t, often)
	w.put("tokenkeeper.yaml", reloadable+another) // tracker.secret is not there
	require.Eventually(t, func() bool { return strings.Contains(w.logged(), "tracker.secret cannot be read") }, 20*time.Second, often)
	_, known := w.Config().Connector("tracker")
	assert.False(t, known)
	assert.Equal(t, "first", w.secret("slack"))

	w.put("tracker.secret", "third")
	assert.Equal(t, []string{"tracker"}, w.next())
	assert.Equal(t, 1, strings.Count(w.logged(), "is faulty"))
}

func TestASignalHurries(t *testing.T) {
	w := newWatched(t, time.Hour)
	w.put("slack.secret", "second")
	w.hurry <- syscall.SIGHUP
	assert.Equal(t, []string{"slack"}, w.next())
	w.put("tokenkeeper.yaml", "nonsense")
	for range 2 {
		before := strings.Count(w.logged(), "is faulty")
		w.hurry <- syscall.SIGHUP
		require.Eventually(t, func() bool { return strings.Count(w.logged(), "is faulty") == before+1 }, 20*time.Second, often, "whoever asks hears of it again")
	}
}

func TestWhatOnlyARestartChangesStaysAndIsNamed(t *testing.T) {
	w := newWatched(t, time.Hour)
	w.put("tokenkeeper.yaml", "temporal: {task_queue: other}\n"+strings.Replace(reloadable, "8780", "9999", 1))
	require.NoError(t, w.Reload(t.Context()))
	assert.Empty(t, <-w.news)
	assert.Equal(t, "127.0.0.1:8780", w.Config().Gateway.Listen)
	assert.Equal(t, "tokenkeeper", w.Config().Temporal.TaskQueue)
	assert.Contains(t, w.logged(), `keys="temporal.task_queue, gateway.listen, gateway.public_url"`)
}

func TestAnEmptiedConfigurationIsNotTakenOver(t *testing.T) {
	w := newWatched(t, time.Hour)
	w.put("tokenkeeper.yaml", "")
	require.ErrorContains(t, w.Reload(t.Context()), "no connectors any more")
	assert.Equal(t, "first", w.secret("slack"))
}

// Callers go on while the secret changes; each request has one or the other, and the ones after the change the new one.
func TestTheNextRefreshSendsTheNewSecret(t *testing.T) {
	sent := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, secret, ok := r.BasicAuth(); ok {
			sent <- secret
			return
		}
		sent <- r.FormValue("client_secret")
	}))
	t.Cleanup(server.Close)
	w := newWatched(t, often)
	account := credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	refresh := func() string {
		conn, err := w.Connection(account)
		require.NoError(t, err)
		_, err = conn.OAuth.Refresh(t.Context(), credential.NewSecret("refresh"))
		require.Error(t, err, "the answer is empty")
		return <-sent
	}
	w.put("tokenkeeper.yaml", strings.Replace(reloadable, "scopes: [chat:write]", "endpoints: {token: "+server.URL+"}", 1))
	assert.Equal(t, []string{"slack"}, w.next())
	assert.Equal(t, "first", refresh())
	w.put("slack.secret", "second")
	require.Eventually(t, func() bool { return refresh() == "second" }, 20*time.Second, often)
}

// Whom to tell, how often and with which secret is looked up for each notice.
func TestTargetsOfNoticesAreTakenOver(t *testing.T) {
	w := newWatched(t, often)
	require.True(t, w.noticePlan().Log)
	key := func(b byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }
	secret := func() string {
		target, err := w.noticeTarget("pager")
		pager, ok := target.(*activities.Webhook)
		if err != nil || !ok {
			return ""
		}
		return pager.Secret.Reveal()
	}
	const told = "notices:\n  escalation: [5m]\n  targets:\n    pager: {type: webhook, url: https://pager.example.com/, secret_file: pager.secret}\n"
	w.put("pager.secret", key(1))
	w.put("tokenkeeper.yaml", reloadable+told)
	require.Eventually(t, func() bool { return secret() == key(1) }, 20*time.Second, often)
	plan := w.noticePlan()
	assert.False(t, plan.Log)
	assert.Equal(t, []activities.PlannedTarget{{Name: "pager"}}, plan.Targets)
	assert.Equal(t, []time.Duration{5 * time.Minute}, plan.Escalation)

	w.put("pager.secret", key(2))
	require.Eventually(t, func() bool { return secret() == key(2) }, 20*time.Second, often)
	w.put("tokenkeeper.yaml", reloadable+strings.Replace(told, "webhook", "pigeon", 1))
	require.Eventually(t, func() bool { return strings.Contains(w.logged(), "pigeon") }, 20*time.Second, often)
	assert.Equal(t, key(2), secret(), "a fault leaves people within reach")
	w.put("tokenkeeper.yaml", reloadable)
	require.Eventually(t, func() bool { return w.noticePlan().Log }, 20*time.Second, often)
	assert.Empty(t, secret())
}
