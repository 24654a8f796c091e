package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/internal/devserver"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// update has the histories of the scenarios written to testdata/histories.
var update = flag.Bool("update", false, "record the histories anew")

// patience bounds each wait for something that has to happen.
const patience = time.Minute

var (
	server  *devserver.Server
	scratch string // a folder for what all tests share
)

func TestMain(m *testing.M) {
	if instruction, ok := os.LookupEnv(callerVariable); ok {
		if err := callUntold(instruction); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := takeTurns(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(run(m))
}

// run has one Temporal server for all tests; each has a task queue and names of its own.
func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tokenkeeper-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	scratch = dir
	defer func() { _ = os.RemoveAll(dir) }()
	server, err = devserver.Start(context.Background(), devserver.Options{Dir: dir, FreePorts: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = server.Stop() }()
	return m.Run()
}

const configuration = `vault: {path: vault.db, keyset: vault.key}
temporal: {task_queue: ORGANIZATION}
connectors:
  slack:
    provider: slack
    client_id: "1111111111.2222222222"
    client_secret_env: SLACK_CLIENT_SECRET
    scopes: [channels:history, channels:read, chat:write, reactions:read, reactions:write, users:read]
    endpoints: {authorize: SANDBOX/slack/oauth/v2/authorize, api: SANDBOX/slack/api/}
    events: {signing_secret_env: SLACK_SIGNING_SECRET}
  github:
    provider: github-app
    client_id: Iv23liSandboxTriage0
    client_secret_env: GITHUB_CLIENT_SECRET
    creates_per_hour: 5000
    endpoints:
      authorize: SANDBOX/github/login/oauth/authorize
      token: SANDBOX/github/login/oauth/access_token
      api: SANDBOX/github/api/v3/
    events: {webhook_secret_env: GITHUB_WEBHOOK_SECRET}
  bot:
    provider: github-installation
    client_id: Iv23liSandboxTriage0
    installation_id: "51000001"
    private_key_env: APP_KEY
    validate_every: 10s
    endpoints: {api: SANDBOX/github/api/v3/}
  service:
    provider: google-service-account
    client_id: triage-agent@sandbox.iam.gserviceaccount.com
    private_key_env: APP_KEY
    subject: jane@example.com
    scopes: [drive]
    endpoints: {token: SANDBOX/google/token, identity: SANDBOX/google/tokeninfo, revoke: SANDBOX/google/revoke, api: SANDBOX/google/}
  machine:
    provider: sandbox-machine
    client_id: triage-agent@sandbox.iam.gserviceaccount.com
    client_secret_env: GOOGLE_CLIENT_SECRET
    scopes: [read]
  zendesk:
    provider: zendesk
    client_id: support_desk
    client_secret_env: ZENDESK_CLIENT_SECRET
    scopes: [read, write]
    endpoints:
      authorize: SANDBOX/zendesk/oauth/authorizations/new
      token: SANDBOX/zendesk/oauth/tokens
      identity: SANDBOX/zendesk/api/v2/users/me.json
      api: SANDBOX/zendesk/
providers:
  - id: sandbox-machine
    name: Sandbox machine
    grants: [client_credentials]
    endpoints: {token: SANDBOX/google/token, identity: SANDBOX/google/tokeninfo, api: SANDBOX/google/}
    client_authentication: client_secret_post
    identity: {method: POST, subject: "{azp}"}
triages:
  ORGANIZATION/bugs:
    slack: ORGANIZATION/triage/slack
    github: ORGANIZATION/triage/github
    poll_interval: 1s
    lookback: 1m
    routes:
      - {channel: C0BUGREPORTS, repository: acme/app, labels: [bug]}
      - {channel: C0SUPPORT, repository: acme/app}
`

// world is one organization: its sandbox, its vault, its worker.
type world struct {
	*app.App
	t            testing.TB
	sandbox      *sandbox.Sandbox
	organization string
	settings     map[string]string // environment
	worker       *app.Worker
}

// newWorld takes sections of the configuration besides those that every world has.
func newWorld(t testing.TB, o sandbox.Options, sections ...string) *world {
	t.Helper()
	w := newIdleWorld(t, server, o, sections...)
	w.worker = w.NewWorker()
	require.NoError(t, w.worker.Start())
	t.Cleanup(w.worker.Stop)
	return w
}

// teamOf returns the Slack team of an organization, which the ids of its reports hold. Slack's ids are short.
func teamOf(organization string) string {
	const longest = 32
	team := "T" + strings.ToUpper(strings.TrimPrefix(organization, "test"))
	if len(team) > longest {
		sum := sha256.Sum256([]byte(team))
		team = team[:longest-8] + strings.ToUpper(hex.EncodeToString(sum[:4]))
	}
	return team
}

// newIdleWorld is a world in which nobody works yet.
func newIdleWorld(t testing.TB, server *devserver.Server, o sandbox.Options, sections ...string) *world {
	t.Helper()
	organization := strings.ToLower(t.Name())
	o.Team = teamOf(organization)
	require.NoError(t, triage.Key{Team: o.Team, Channel: "C0BUGREPORTS", TS: "1700000000.000100"}.Validate()) // nothing would be filed
	w := &world{t: t, sandbox: sandbox.New(o), organization: organization}
	providers := httptest.NewServer(w.sandbox.Handler())
	t.Cleanup(providers.Close)
	t.Cleanup(w.sandbox.Close)
	dir := t.TempDir()
	path := filepath.Join(dir, "tokenkeeper.yaml")
	text := strings.NewReplacer("SANDBOX", providers.URL, "ORGANIZATION", organization).Replace(configuration + strings.Join(sections, ""))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	_, err := vault.CreateKeyset(filepath.Join(dir, "vault.key"))
	require.NoError(t, err)
	w.settings = map[string]string{
		"SLACK_CLIENT_SECRET": w.sandbox.App(sandbox.Slack).ClientSecret, "GITHUB_CLIENT_SECRET": w.sandbox.App(sandbox.GitHub).ClientSecret,
		"GOOGLE_CLIENT_SECRET": w.sandbox.App(sandbox.Google).ClientSecret, "APP_KEY": appKeyText(),
		"ZENDESK_CLIENT_SECRET": w.sandbox.App(sandbox.Zendesk).ClientSecret,
		"MODEL_KEY":             w.sandbox.App(sandbox.Model).ClientSecret, "TEMPORAL_ADDRESS": server.HostPort(),
		"SLACK_SIGNING_SECRET": eventSecret, "GITHUB_WEBHOOK_SECRET": eventSecret,
	}
	w.App, err = app.Open(app.Options{
		ConfigPath: path, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Env: func(name string) (string, bool) { value, ok := w.settings[name]; return value, ok },
	})
	require.NoError(t, err)
	require.NoError(t, w.OpenVault(t.Context()))
	t.Cleanup(func() { assert.NoError(t, w.Close()) })
	return w
}

func (w *world) account(connector string) credential.AccountID {
	return credential.AccountID{Organization: w.organization, User: "triage", Connector: connector}
}

// environment is that of a process which works in the world.
func (w *world) environment() []string {
	env := os.Environ()
	for name, value := range w.settings {
		env = append(env, name+"="+value)
	}
	return env
}

// grant has somebody consent, the one whom the sandbox takes by itself when subject is "", and exchanges the code.
func (w *world) grant(ctx context.Context, account credential.AccountID, subject string) (credential.Tokens, error) {
	conn, err := w.Connection(account)
	if err != nil {
		return credential.Tokens{}, err
	}
	redirect, err := sandbox.Decide(ctx, nil, conn.OAuth.AuthorizeURL("state", credential.Secret{}), subject, sandbox.Allow)
	if err != nil {
		return credential.Tokens{}, err
	}
	callback, err := url.Parse(redirect)
	if err != nil {
		return credential.Tokens{}, err
	}
	return conn.OAuth.Exchange(ctx, callback.Query().Get("code"), credential.Secret{})
}

// consent puts what comes of a consent into the vault, as the gateway does.
func (w *world) consent(account credential.AccountID) (authorization string) {
	w.t.Helper()
	return w.consentAs(account, "")
}

// consentAs is consent by somebody.
func (w *world) consentAs(account credential.AccountID, subject string) (authorization string) {
	w.t.Helper()
	ctx := w.t.Context()
	tokens, err := w.grant(ctx, account, subject)
	require.NoError(w.t, err)
	conn, err := w.Connection(account)
	require.NoError(w.t, err)
	identity, err := conn.OAuth.Identify(ctx, tokens.Access)
	require.NoError(w.t, err)
	id := fmt.Sprintf("authorization-%d", time.Now().UnixNano())
	require.NoError(w.t, w.Vault.PutAuthorization(ctx, vault.Authorization{
		ID: id, Account: account, Subject: identity.Subject, Display: identity.Display, Tokens: tokens, ExpiresAt: time.Now().Add(time.Hour),
	}))
	return id
}

// connect makes an account active.
func (w *world) connect(connector string) credential.AccountID {
	w.t.Helper()
	account := w.account(connector)
	status, err := w.Workflows.Reauthorized(w.t.Context(), account, w.consent(account))
	require.NoError(w.t, err)
	require.Equal(w.t, credential.Active, status.Status)
	return account
}

// eventually waits until the condition holds.
func (w *world) eventually(what string, condition func() bool) {
	w.t.Helper()
	w.within(patience, what, condition)
}

// within is eventually with another bound. The longer it lasts the rarer it looks: most looks are Queries, which cost the worker and
// the server more than what they wait for.
func (w *world) within(bound time.Duration, what string, condition func() bool) {
	w.t.Helper()
	const first, rarest = 10 * time.Millisecond, 250 * time.Millisecond
	end := time.Now().Add(bound)
	for pause := first; !condition(); pause = min(pause*3/2, rarest) {
		require.True(w.t, time.Now().Before(end), "after %s: %s", bound, what)
		<-time.After(pause)
	}
}

func (w *world) status(account credential.AccountID) workflows.AccountStatus {
	w.t.Helper()
	return answered(w, func() (workflows.AccountStatus, error) { return w.Workflows.Account(w.t.Context(), account) })
}

// answered asks a Workflow again for as long as nobody answers: the worker of a busy machine may be slower than a query waits.
func answered[T any](w *world, ask func() (T, error)) T {
	w.t.Helper()
	answer, err := ask()
	for end := time.Now().Add(patience); app.Unanswered(err) && time.Now().Before(end); {
		answer, err = ask()
	}
	require.NoError(w.t, err)
	return answer
}

func (w *world) refreshes(name sandbox.App) int { return w.sandbox.Books().RefreshesByApp[name] }
