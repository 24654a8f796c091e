package activities_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/connector"
	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
	"tokenkeeper/vault"
)

var (
	slackAccount  = credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	githubAccount = credential.AccountID{Organization: "acme", User: "triage", Connector: "github"}
)

const (
	bugs     = "C0BUGREPORTS"
	callback = "http://127.0.0.1:8780/oauth/callback"
)

var slackScopes = []string{"channels:history", "channels:read", "chat:write", "reactions:write", "reactions:read", "users:read"}

// world is a sandbox that is served, a vault, and the Activities over both. Nothing in it is simulated but the providers
// and the clock.
type world struct {
	*sandbox.Sandbox
	t         *testing.T
	clock     *clock
	url       string
	vault     *shakyVault
	cache     *vault.Cache
	providers map[string]provider.Provider // :: connector -> its provider; a test changes what it says
	plan      activities.Plan
	account   *activities.Account
	slack     *activities.Slack
	github    *activities.GitHub
	flights   connector.Flights
	log       record
	heard     record // all that would enter Temporal's history

	consents int
	// marks are those of the last refresh.
	marks activities.Marks
	// base is where API calls go instead of the provider's.
	base *url.URL
	// answer replaces the owner's where it is set.
	answer *connector.Answer
	// wrongSecret has us send another client secret than the one registered.
	wrongSecret bool

	mu      sync.Mutex
	before  map[string]func()                    // guarded by mu; :: path -> what happens when a request for it arrives, once
	instead map[string]func(http.ResponseWriter) // guarded by mu; :: path -> its answer instead of the sandbox's, once
}

// newWorld checks at its end that no token came out of any Activity.
func newWorld(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Now().Truncate(time.Second)}, before: map[string]func(){}, instead: map[string]func(http.ResponseWriter){}}
	o.Now = w.clock.Now
	w.Sandbox = sandbox.New(o)
	server := httptest.NewServer(w.intercepted(w.Handler()))
	w.url = server.URL
	t.Cleanup(func() {
		w.Close()
		server.Close()
	})
	w.vault = &shakyVault{Vault: openVault(t, w.clock.Now), failing: map[string]bool{}}
	w.cache = vault.NewCache(w.vault.Vault)
	w.providers = map[string]provider.Provider{
		"slack": w.provider("slack", provider.Endpoints{
			Authorize: w.url + "/slack/oauth/v2/authorize", API: w.url + "/slack/api/",
		}),
		"github": w.provider("github-app", provider.Endpoints{
			Authorize: w.url + "/github/login/oauth/authorize", Token: w.url + "/github/login/oauth/access_token",
			API: w.url + "/github/api/v3/",
		}),
	}
	w.plan = activities.Plan{
		Triage: "acme/bug-reports", Slack: slackAccount, GitHub: githubAccount,
		Routes: []triage.Route{{Channel: bugs, Repository: "acme/app", Labels: []string{"bug"}}},
	}
	w.account = &activities.Account{
		Vault: w.vault, Connections: w, Now: w.clock.Now,
		ConnectLink: func(ctx context.Context, a credential.AccountID, why, episode string) (string, error) {
			link, err := w.vault.NewLink(ctx, vault.LinkRequest{Account: a, Why: why, Episode: episode})
			return "http://127.0.0.1:8780/c/" + link.Secret, err
		},
		Log: slog.New(slog.NewJSONHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	w.slack = &activities.Slack{APIs: w, Plans: w, Now: w.clock.Now}
	w.github = &activities.GitHub{APIs: w}
	t.Cleanup(w.requireNoSecretLeft)
	return w
}

func (w *world) provider(id string, e provider.Endpoints) provider.Provider {
	w.t.Helper()
	catalogue, err := provider.Embedded()
	require.NoError(w.t, err)
	p, ok := catalogue.Get(id)
	require.True(w.t, ok)
	p, err = p.Override(e, nil)
	require.NoError(w.t, err)
	return p
}

func (w *world) requireNoSecretLeft() {
	secrets := append(w.IssuedTokens(), w.App(sandbox.Slack).ClientSecret, w.App(sandbox.GitHub).ClientSecret)
	history, log := w.heard.String(), w.log.String()
	for _, secret := range secrets {
		assert.NotContains(w.t, history, secret, "a secret would be in Temporal's history")
		assert.NotContains(w.t, log, secret, "a secret is in the log")
	}
}

// intercepted runs what a test planned for the moment at which a request arrives.
func (w *world) intercepted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		act, answer := w.before[r.URL.Path], w.instead[r.URL.Path]
		delete(w.before, r.URL.Path)
		delete(w.instead, r.URL.Path)
		w.mu.Unlock()
		if act != nil {
			act()
		}
		if answer != nil {
			answer(rw)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

const (
	slackTokenPath  = "/slack/api/oauth.v2.access"
	githubTokenPath = "/github/login/oauth/access_token"
)

// when does something once while the next request for a path waits.
func (w *world) when(path string, act func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before[path] = act
}

func (w *world) fault(f sandbox.Fault) {
	w.t.Helper()
	require.NoError(w.t, w.Fault(f))
}

// replace answers the next request for a path instead of the sandbox.
func (w *world) replace(path string, answer func(http.ResponseWriter)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.instead[path] = answer
}

// Connection implements activities.Connections.
func (w *world) Connection(account credential.AccountID) (activities.Connection, error) {
	p, ok := w.providers[account.Connector]
	if !ok {
		return activities.Connection{}, unknownError("account " + account.String() + ": no such connector; there are: github, slack")
	}
	app, scopes := w.App(sandbox.App(account.Connector)), []string(nil)
	if account.Connector == "slack" {
		scopes = slackScopes
	}
	const timeout = 10 * time.Second
	return activities.Connection{
		Provider: p, Scopes: scopes, Timeout: timeout,
		OAuth: oauth.NewClient(p, oauth.Registration{
			ClientID: app.ClientID, ClientSecret: credential.NewSecret(w.secret(app.ClientSecret)), RedirectURL: callback, Scopes: scopes,
		}, oauth.Options{Timeout: timeout, Now: w.clock.Now}),
	}, nil
}

// secret is the client secret that we send; a test sets another one.
func (w *world) secret(right string) string {
	if w.wrongSecret {
		return "no-such-client-secret"
	}
	return right
}

// API implements activities.APIs.
func (w *world) API(account credential.AccountID) (activities.API, error) {
	p, ok := w.providers[account.Connector]
	if !ok {
		return activities.API{}, unknownError("account " + account.String() + ": no such connector; there are: github, slack")
	}
	base, err := url.Parse(p.Endpoints.API)
	if w.base != nil {
		base = w.base
	}
	return activities.API{Base: base, HTTP: &http.Client{Transport: &connector.Transport{
		Account: account, Provider: p, Tokens: w.cache, Owner: (*owner)(w), Flights: &w.flights, Now: w.clock.Now,
	}}}, err
}

// Plan implements activities.Plans.
func (w *world) Plan(name string) (activities.Plan, error) {
	if name != w.plan.Triage {
		return activities.Plan{}, unknownError("triage " + name + ": there is acme/bug-reports only")
	}
	return w.plan, nil
}

type unknownError string

func (e unknownError) Error() string { return string(e) }

// owner has generations refreshed as the account's Workflow does: one attempt for each.
type owner world

func (o *owner) Refresh(_ context.Context, account credential.AccountID, seen credential.Generation) (connector.Answer, error) {
	w := (*world)(o)
	if w.answer != nil {
		return *w.answer, nil
	}
	got := once(w, w.account.RefreshToken, activities.RefreshInput{Account: account, Generation: seen})
	switch {
	case got.err != nil:
		return connector.Answer{}, got.err
	case got.out.Failure != nil && got.out.Failure.Kind == credential.DeadGrant:
		return connector.Answer{Generation: seen, Status: credential.ReauthorizationRequired, Reason: got.out.Failure.Message}, nil
	case got.out.Failure != nil:
		return connector.Answer{Generation: seen, Status: credential.Degraded, Reason: got.out.Failure.Message}, nil
	}
	return connector.Answer{Generation: got.out.Credential.Generation, Status: credential.Active}, nil
}

func openVault(t *testing.T, now func() time.Time) *vault.Vault {
	t.Helper()
	dir := t.TempDir()
	keyset, err := vault.CreateKeyset(filepath.Join(dir, "vault.key"))
	require.NoError(t, err)
	v, err := vault.Open(t.Context(), vault.Options{Path: filepath.Join(dir, "vault.db"), Keyset: keyset, Now: now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}
