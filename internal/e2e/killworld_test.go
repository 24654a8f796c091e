package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // to lock the vault's file from outside

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/internal/devserver"
	"tokenkeeper/internal/process"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
)

// killWorld is a worker process that can be killed, a Temporal server of its own, and a provider for each kind of rotation.
type killWorld struct {
	*world
	server    *devserver.Server
	process   *process.Process
	binary    string
	env       []string
	dir       string
	sandboxes map[string]*sandbox.Sandbox // :: kind → provider
	fronts    map[string]*front           // :: kind → what stands before its token endpoint
	ask       func(kind string)           // asks for a refresh of an account
}

const killProvider = `  - id: KIND
    name: KIND
    endpoints:
      authorize: URL/github/login/oauth/authorize
      token: FRONT/github/login/oauth/access_token
      revoke: URL/github/api/v3/applications/{client_id}/grant
      identity: URL/github/api/v3/user
      api: URL/github/api/v3/
    client_authentication: client_secret_post
    token: FACTS
    errors: {dead_grant: [bad_refresh_token, bad_verification_code], dead_client: [incorrect_client_credentials]}
    revocation: {style: github}
    identity: {subject: "{id}", display: "{login}"}
`

// answerLate leaves time to break something between a request and its answer, and the answer time to come before the request is given up.
const answerLate = 2 * time.Second

const killConnector = `  KIND: {provider: KIND, client_id: Iv23liSandboxTriage0, client_secret_env: CLIENT_SECRET, timeout: 6s}
`

func newKillWorld(t *testing.T) *killWorld {
	t.Helper()
	k := &killWorld{
		world: &world{t: t, organization: "kill"}, dir: t.TempDir(), binary: workerBinary(t),
		sandboxes: map[string]*sandbox.Sandbox{}, fronts: map[string]*front{},
	}
	var err error
	k.server, err = devserver.Start(t.Context(), devserver.Options{Dir: k.dir, FreePorts: true})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, k.server.Stop()) })
	providers, connectors := "providers:\n", "connectors:\n"
	for _, kind := range kinds {
		url := k.serve(kind.name, kind.rotation)
		fill := strings.NewReplacer("KIND", kind.name, "URL", url, "FRONT", k.fronts[kind.name].url(), "FACTS", kind.facts)
		providers += fill.Replace(killProvider)
		connectors += fill.Replace(killConnector)
	}
	path := filepath.Join(k.dir, "tokenkeeper.yaml")
	text := "vault: {path: vault.db, keyset: vault.key}\n" + providers + connectors
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	_, err = vault.CreateKeyset(filepath.Join(k.dir, "vault.key"))
	require.NoError(t, err)
	settings := map[string]string{
		"CLIENT_SECRET": k.sandboxes["static"].App(sandbox.GitHub).ClientSecret, "TEMPORAL_ADDRESS": k.server.HostPort(),
	}
	k.env = append(os.Environ(), "CLIENT_SECRET="+settings["CLIENT_SECRET"], "TEMPORAL_ADDRESS="+settings["TEMPORAL_ADDRESS"])
	k.App, err = app.Open(app.Options{
		ConfigPath: path, Log: slog.New(slog.DiscardHandler),
		Env: func(name string) (string, bool) { value, ok := settings[name]; return value, ok },
	})
	require.NoError(t, err)
	require.NoError(t, k.OpenVault(t.Context()))
	t.Cleanup(func() { assert.NoError(t, k.Close()) })
	k.start()
	t.Cleanup(func() { assert.NoError(t, k.process.Stop()) })
	return k
}

func (k *killWorld) serve(kind string, rotation sandbox.Rotation) (url string) {
	s := sandbox.New(sandbox.Options{GitHub: sandbox.AppOptions{
		AccessLifetime: time.Hour, Rotation: rotation, Grace: 3 * time.Minute, OldAccess: sandbox.OldAccessLives,
	}})
	server := httptest.NewServer(s.Handler())
	k.t.Cleanup(server.Close)
	k.t.Cleanup(s.Close)
	k.sandboxes[kind] = s
	k.fronts[kind] = newFront(k.t, server.Listener.Addr().String())
	return server.URL
}

func (k *killWorld) start() {
	k.t.Helper()
	p, err := process.Start(process.Options{
		Name: "the worker", Path: k.binary, Args: []string{"--config", filepath.Join(k.dir, "tokenkeeper.yaml"), "--gateway=false"},
		Env: k.env, LogFile: filepath.Join(k.dir, "worker.log"),
	})
	require.NoError(k.t, err)
	k.process = p
}

func (k *killWorld) kill() {
	k.t.Helper()
	require.NoError(k.t, k.process.Kill())
}

// connectAll makes every account active with a grant that nothing has happened to, and returns the generations.
func (k *killWorld) connectAll() map[string]credential.Generation {
	k.t.Helper()
	generations := map[string]credential.Generation{}
	for _, kind := range kinds {
		account := k.account(kind.name)
		status, err := k.Workflows.Reauthorized(k.t.Context(), account, k.consent(account))
		require.NoError(k.t, err)
		require.Equal(k.t, credential.Active, status.Status)
		generations[kind.name] = status.Generation
	}
	return generations
}

// works makes sure that the provider takes the access token that the vault holds.
func (k *killWorld) works(kind string) {
	k.t.Helper()
	record, err := k.Vault.Get(k.t.Context(), k.account(kind))
	require.NoError(k.t, err)
	assert.True(k.t, k.takes(kind, record.Tokens.Access), kind)
}

// takes reports whether the provider takes an access token.
func (k *killWorld) takes(kind string, access credential.Secret) bool {
	k.t.Helper()
	conn, err := k.Connection(k.account(kind))
	require.NoError(k.t, err)
	_, err = conn.OAuth.Identify(k.t.Context(), access)
	return err == nil
}

// trigger asks for a refresh of every account.
func (k *killWorld) trigger() {
	for _, kind := range kinds {
		k.ask(kind.name)
	}
}

// script has the next refresh of every provider go wrong, asks for one, and waits until all have met it.
func (k *killWorld) script(f sandbox.Fault) {
	k.t.Helper()
	f.App, f.Endpoint, f.Name = sandbox.GitHub, "token.refresh", fmt.Sprint(time.Now().UnixNano())
	for _, s := range k.sandboxes {
		require.NoError(k.t, s.Fault(f))
	}
	k.trigger()
	for kind, s := range k.sandboxes {
		k.eventually("a refresh of "+kind+" to meet its fault", func() bool {
			for _, state := range s.Faults() {
				if state.Name == f.Name && state.Hit > 0 {
					return true
				}
			}
			return false
		})
	}
}

// carriedOut waits until every provider has carried out one more refresh than before.
func (k *killWorld) carriedOut(before map[string]int) {
	k.t.Helper()
	for kind, s := range k.sandboxes {
		k.eventually(kind+" to carry out the refresh", func() bool { return s.Books().Refreshes > before[kind] })
	}
}

func (k *killWorld) refreshed() map[string]int {
	n := map[string]int{}
	for kind, s := range k.sandboxes {
		n[kind] = s.Books().Refreshes
	}
	return n
}

func (k *killWorld) dieBeforeItBegins() {
	k.kill()
	k.trigger()
	k.start()
}

// dieBeforeTheMark kills a worker that cannot write down that it is about to send.
func (k *killWorld) dieBeforeTheMark() {
	sent := k.requests()
	unlock := k.lockVault()
	k.trigger()
	for _, kind := range kinds {
		k.eventually(kind.name+" to be refreshed", func() bool { return k.asksFor(kind.name, "RefreshToken") })
	}
	k.kill()
	assert.Equal(k.t, sent, k.requests(), "what is not written down is not sent")
	unlock()
	k.start()
}

// takeTheVaultAwayBeforeTheMark does so from one account at a time: all of them together wait for the vault one after the other, 10 s
// each, and that is nearly as long as an attempt may take.
func (k *killWorld) takeTheVaultAwayBeforeTheMark() {
	for _, kind := range kinds {
		sent := k.requests()
		unlock := k.lockVault()
		k.ask(kind.name)
		failing := func() bool {
			status, err := k.Workflows.Account(k.t.Context(), k.account(kind.name))
			return err == nil && status.Failures > 0
		}
		k.eventually(kind.name+" to say that the vault is away", failing)
		assert.Equal(k.t, sent, k.requests(), "what is not written down is not sent")
		unlock()
		k.eventually(kind.name+" to be refreshed", func() bool { return !failing() })
	}
}

// requests counts what every provider was asked so far :: kind -> refreshes that arrived.
func (k *killWorld) requests() map[string]int {
	n := map[string]int{}
	for kind, s := range k.sandboxes {
		n[kind] = s.Books().Requests["github token.refresh"]
	}
	return n
}

// dieUnsent kills a worker that has written down that it presents the refresh token, and has a connection on which nothing
// gets through. What it leaves behind looks as if the provider had heard of it.
func (k *killWorld) dieUnsent() {
	sent := k.requests()
	for _, front := range k.fronts {
		front.hold()
	}
	k.trigger()
	for _, kind := range kinds {
		k.eventually(kind.name+" to be about to send", func() bool { return k.marks(kind.name) > 0 && k.fronts[kind.name].holds() })
	}
	k.kill()
	for _, front := range k.fronts {
		front.release()
	}
	assert.Equal(k.t, sent, k.requests(), "nothing has reached a provider")
	for _, kind := range kinds {
		assert.Equal(k.t, 1, k.marks(kind.name), "the vault says that %s was presented", kind.name)
	}
	k.start()
}

// marks returns how many presentations the vault has on record whose end is not known.
func (k *killWorld) marks(kind string) int {
	k.t.Helper()
	record, err := k.Vault.Get(k.t.Context(), k.account(kind))
	require.NoError(k.t, err)
	if record.Presented == nil {
		return 0
	}
	return record.Presented.Attempts
}

func (k *killWorld) dieUnread() {
	k.script(sandbox.Fault{Kind: sandbox.FaultHang})
	k.kill()
	k.start()
}

func (k *killWorld) dieUnanswered() {
	k.script(sandbox.Fault{Kind: sandbox.FaultHang, Processed: true})
	k.kill()
	k.start()
}

func (k *killWorld) loseTheAnswer() {
	k.script(sandbox.Fault{Kind: sandbox.FaultDrop, Processed: true})
}

// dieBeforeTheMarkIsWithdrawn kills a worker that has heard that its refresh token was not spent, and cannot write that down.
func (k *killWorld) dieBeforeTheMarkIsWithdrawn() {
	answered := map[string]int{}
	for kind, front := range k.fronts {
		answered[kind] = front.answered()
	}
	k.script(sandbox.Fault{Kind: sandbox.FaultStatus, Status: http.StatusServiceUnavailable, Delay: answerLate})
	unlock := k.lockVault()
	for kind, front := range k.fronts {
		k.eventually(kind+" to have refused", func() bool { return front.answered() > answered[kind] })
	}
	k.kill()
	unlock()
	for _, kind := range kinds {
		assert.Equal(k.t, 1, k.marks(kind.name), "the vault says that %s was presented", kind.name)
	}
	k.start()
}

func (k *killWorld) dieBeforeItIsStored() {
	before := k.refreshed()
	k.script(sandbox.Fault{Kind: sandbox.FaultDelay, Delay: answerLate})
	unlock := k.lockVault()
	k.carriedOut(before)
	k.kill()
	unlock()
	k.start()
}

func (k *killWorld) dieUnreported() {
	generations := k.generations()
	k.script(sandbox.Fault{Kind: sandbox.FaultDelay, Delay: answerLate})
	require.NoError(k.t, k.server.Kill())
	for _, kind := range kinds {
		k.eventually(kind.name+" to be stored", func() bool { return k.generations()[kind.name] > generations[kind.name] })
	}
	k.kill()
	require.NoError(k.t, k.server.Restart(k.t.Context()))
	k.start()
}

// takeTheVaultAway keeps the vault from being written for longer than anybody waits for it.
func (k *killWorld) takeTheVaultAway() { k.sealAnswers()() }

// dieWithSealedTokens leaves the new tokens nowhere but in the history of their Workflows.
func (k *killWorld) dieWithSealedTokens() {
	unlock := k.sealAnswers()
	k.kill()
	unlock()
	k.start()
}

// sealAnswers takes the vault away until every answer is sealed in history. The caller gives it back.
func (k *killWorld) sealAnswers() (unlock func()) {
	k.t.Helper()
	before := k.refreshed()
	k.script(sandbox.Fault{Kind: sandbox.FaultDelay, Delay: answerLate})
	unlock = k.lockVault()
	k.carriedOut(before)
	for _, kind := range kinds {
		k.eventually("the sealed tokens of "+kind.name+" to wait for the vault", func() bool { return k.asksFor(kind.name, "StoreTokens") })
	}
	return unlock
}

// asksFor reports whether an attempt at an Activity of the account's Workflow has begun.
func (k *killWorld) asksFor(kind, name string) bool {
	workflow, err := k.Temporal.DescribeWorkflowExecution(k.t.Context(), "account/"+k.account(kind).String(), "")
	if err != nil {
		return false
	}
	for _, pending := range workflow.GetPendingActivities() {
		if pending.GetActivityType().GetName() == name && pending.GetAttempt() > 0 && pending.GetLastStartedTime() != nil {
			return true
		}
	}
	return false
}

func (k *killWorld) generations() map[string]credential.Generation {
	k.t.Helper()
	held, err := k.Vault.Accounts(k.t.Context())
	require.NoError(k.t, err)
	generations := map[string]credential.Generation{}
	for _, summary := range held {
		generations[summary.Account.Connector] = summary.Generation
	}
	return generations
}

// lockVault takes SQLite's write lock on the vault's file, as a process that hangs in the middle of a write would.
func (k *killWorld) lockVault() (unlock func()) {
	k.t.Helper()
	ctx := context.WithoutCancel(k.t.Context())
	db, err := sql.Open("sqlite", filepath.Join(k.dir, "vault.db"))
	require.NoError(k.t, err)
	conn, err := db.Conn(ctx)
	require.NoError(k.t, err)
	_, err = conn.ExecContext(ctx, "PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE")
	require.NoError(k.t, err)
	return func() {
		_, err := conn.ExecContext(ctx, "ROLLBACK")
		require.NoError(k.t, err)
		require.NoError(k.t, conn.Close())
		require.NoError(k.t, db.Close())
	}
}
