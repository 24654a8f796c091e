package workflows

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
	"tokenkeeper/vault"
)

// model is one account, all that is around it, and what is true of it.
type model struct {
	t       *testing.T
	dialect dialect
	choices choices
	server  *modelServer
	vault   activities.Vault // without its outages
	account *activities.Account
	env     *testsuite.TestWorkflowEnvironment // of the run there is now

	script   []step
	steps    int           // taken so far
	rest     time.Duration // until the next
	calm     bool          // the script is over and nothing fails any more
	over     bool
	consents int

	mu        sync.Mutex
	wrong     []string          // guarded by mu; promises that were broken
	log       []event           // guarded by mu; what happened
	clock     func() time.Time  // guarded by mu
	fault     fault             // guarded by mu; what befalls the next request, or the worker that makes it
	slow      time.Duration     // guarded by mu; until the next attempt begins
	vaultDown bool              // guarded by mu
	delayed   []*delayed        // guarded by mu; what is still to come, in spite of all
	attempts  map[string]bool   // guarded by mu; :: Activity -> it is under way for the Workflow
	instant   time.Time         // guarded by mu; when the last Activity began
	begun     int               // guarded by mu; Activities that began in that instant
	settled   time.Time         // guarded by mu; when the last Activity ended
	belief    belief            // guarded by mu
	pending   map[string]string // guarded by mu; :: Update id -> its name; not answered
}

// delayed is something that happens later, whatever becomes of the Workflow.
type delayed struct {
	at   time.Time
	do   func()
	done bool
}

func newModel(t *testing.T, d dialect, c choices) *model {
	began := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	m := &model{
		t: t, dialect: d, choices: c, clock: func() time.Time { return began }, rest: time.Second,
		attempts: map[string]bool{}, pending: map[string]string{}, belief: newBelief(),
	}
	m.server = &modelServer{
		dialect: d, endsAccess: c.endsAccess, now: m.now, carry: m.carry, wrong: m.wrongf, tokens: map[string]*issuedToken{},
	}
	m.vault = newMemoryVault(m.now)
	if c.realVault {
		m.vault = m.openVault()
	}
	m.account = &activities.Account{
		Vault: &modelVault{Vault: m.vault, m: m}, Connections: m, Now: m.now, Log: slog.New(slog.DiscardHandler),
		ConnectLink: func(context.Context, credential.AccountID, string, string) (string, error) {
			return "https://keeper.example/c/x", nil
		},
	}
	if !d.minted {
		_, err := m.vault.Adopt(t.Context(), m.consent("U1"))
		require.NoError(t, err)
	}
	return m
}

func (m *model) openVault() *vault.Vault {
	dir := m.t.TempDir()
	keyset, err := vault.CreateKeyset(filepath.Join(dir, "vault.key"))
	require.NoError(m.t, err)
	v, err := vault.Open(m.t.Context(), vault.Options{Path: filepath.Join(dir, "vault.db"), Keyset: keyset, Now: m.now})
	require.NoError(m.t, err)
	m.t.Cleanup(func() { require.NoError(m.t, v.Close()) })
	return v
}

// Connection implements [activities.Connections].
func (m *model) Connection(credential.AccountID) (activities.Connection, error) {
	p := provider.Provider{
		ID: "model", Name: "Model", ClientAuthentication: provider.ClientSecretPost, Token: m.dialect.token,
		Endpoints: provider.Endpoints{
			Token: "http://model.example/token", Identity: "http://model.example/identity", Revoke: "http://model.example/revoke",
		},
		Identity: provider.Identity{Subject: "{sub}"}, Revocation: provider.Revocation{Style: provider.RevokeRFC7009},
	}
	grant := provider.GrantAuthorizationCode
	if m.dialect.minted {
		grant = provider.GrantClientCredentials
	}
	return activities.Connection{
		Provider: p, Grant: grant, Timeout: requestTimeout, ValidateEvery: m.choices.validateEvery,
		OAuth: oauth.NewClient(p, oauth.Registration{ClientID: "client", ClientSecret: credential.NewSecret("secret"), Grant: grant},
			oauth.Options{HTTP: &http.Client{Transport: m.server}, Timeout: requestTimeout, Now: m.now}),
	}, nil
}

const requestTimeout = 10 * time.Second

// consent has a person consent, and returns the authorization that then waits in the vault.
func (m *model) consent(subject string) string {
	m.consents++
	id := fmt.Sprintf("authorization-%04d", m.consents)
	require.NoError(m.t, m.vault.PutAuthorization(m.t.Context(), vault.Authorization{
		ID: id, Account: acmeSlack, Subject: credential.Subject(subject), Tokens: m.server.consent(subject), ExpiresAt: m.now().Add(30 * time.Minute),
	}))
	return id
}

func (m *model) now() time.Time {
	m.mu.Lock()
	clock := m.clock
	m.mu.Unlock()
	return clock().UTC().Truncate(time.Microsecond) // as the vault keeps it
}

// play tells the story from the first run of the Workflow to the last.
func (m *model) play(script []step) {
	m.script = script
	for in := (AccountInput{Account: acmeSlack}); !m.over && len(m.wrong) == 0; {
		in = m.run(in)
	}
	m.release(func(*delayed) bool { return true })
}

// run is one run of the Workflow. It returns what the next begins with.
func (m *model) run(in AccountInput) AccountInput {
	m.newEnvironment()
	m.schedule()
	execute(m.env, ConnectedAccount, in)
	end := m.now()
	m.mu.Lock()
	m.clock = func() time.Time { return end }
	clear(m.attempts) // they go on without anybody to tell
	m.mu.Unlock()
	err := m.env.GetWorkflowError()
	next, continued := errors.AsType[*workflow.ContinueAsNewError](err)
	switch {
	case len(m.wrong) > 0:
	case continued:
		m.notef("continues as new")
		in.State = nil
		require.NoError(m.t, defaultConverter.FromPayloads(next.Input, &in))
		m.requireAnswers("the Workflow continued as new")
		m.believe(func(b *belief) { b.draining = false })
		return in
	case err != nil:
		m.wrongf("the Workflow ended: %v", err)
	default:
		m.checkEnd()
	}
	return AccountInput{Account: acmeSlack}
}

func (m *model) newEnvironment() {
	suite := &testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	m.env = suite.NewTestWorkflowEnvironment()
	m.env.SetStartWorkflowOptions(startOptions(AccountWorkflowID(acmeSlack)))
	m.env.SetStartTime(m.now())
	m.mu.Lock()
	m.clock = m.env.Now
	m.mu.Unlock()
	var a *activities.Account
	serve(m, a.Describe, m.account.Describe, m.heardDescribe)
	serve(m, a.RefreshToken, m.account.RefreshToken, m.heardRefresh)
	serve(m, a.StoreTokens, m.account.StoreTokens, m.heardStore)
	serve(m, a.Adopt, m.account.Adopt, m.heardAdopt)
	serve(m, a.Notify, m.account.Notify, func(n activities.Notice, _ activities.Told, _ error) { m.heardNotice(n) })
	serve(m, a.Discard, m.account.Discard, nil)
	serve(m, a.Disconnect, m.account.Disconnect, func(activities.AccountInput, activities.Disconnected, error) {})
	serve(m, a.ForceDisconnect, m.forceDisconnect, m.heardForce)
	m.env.OnActivity(a.Validate, mock.Anything, mock.Anything).Return(m.account.Validate) // never under way: it looks, or sleeps
	m.env.OnActivity(a.Round, mock.Anything, mock.Anything).Maybe().Return(m.account.Round)
	m.env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, SignalAccountActive, mock.Anything).Return(
		func(_, id, _, _ string, _ any) error { m.woken(id); return nil })
	m.env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, SignalReport, mock.Anything).Return(
		func(_, _, _, _ string, arg any) error { m.reported(arg); return nil })
	m.release(func(d *delayed) bool { return !d.at.After(m.now()) })
	for _, d := range m.delayed {
		m.env.RegisterDelayedCallback(func() { m.happen(d) }, d.at.Sub(m.now()))
	}
}

// schedule has the next step taken after the rest.
func (m *model) schedule() { m.env.RegisterDelayedCallback(m.next, m.rest) }

// next checks what came of the last step and takes another. When the script is over, all faults end, and the account has
// an hour to get well.
func (m *model) next() {
	m.check()
	switch {
	case len(m.wrong) > 0:
		return
	case m.steps < len(m.script):
		s := m.script[m.steps]
		m.steps++
		m.rest = s.rest
		m.do(s)
	case !m.calm:
		m.becalm()
		m.rest = time.Hour
	default:
		m.checkHealth()
		m.over = true
		m.env.SignalWorkflow(SignalDisconnect, nil)
		return
	}
	m.schedule()
}

// later has something happen after a time.
func (m *model) later(d time.Duration, do func()) {
	what := &delayed{at: m.now().Add(d), do: do}
	m.mu.Lock()
	m.delayed = append(m.delayed, what)
	m.mu.Unlock()
	m.env.RegisterDelayedCallback(func() { m.happen(what) }, d)
}

func (m *model) happen(d *delayed) {
	if !d.done {
		d.done = true
		d.do()
	}
}

// release has delayed things happen now, and forgets those that are over.
func (m *model) release(due func(*delayed) bool) {
	m.mu.Lock()
	all := m.delayed
	m.delayed = nil
	m.mu.Unlock()
	var rest []*delayed
	for _, d := range all {
		if due(d) {
			m.happen(d)
		}
		if !d.done {
			rest = append(rest, d)
		}
	}
	m.mu.Lock()
	m.delayed = append(m.delayed, rest...)
	m.mu.Unlock()
}

// wrongf notes a broken promise and ends the history.
func (m *model) wrongf(format string, args ...any) {
	m.notef("WRONG: "+format, args...)
	m.mu.Lock()
	m.wrong = append(m.wrong, fmt.Sprintf(format, args...))
	first := len(m.wrong) == 1
	m.mu.Unlock()
	if first {
		m.env.CancelWorkflow()
	}
}

func (m *model) notef(format string, args ...any) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, event{at: now, text: fmt.Sprintf(format, args...)})
}

// event is one line of the story.
type event struct {
	at   time.Time
	text string
}

// story returns the end of what happened. What only repeats itself is left out.
func (m *model) story() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	for i, e := range m.log {
		if i == 0 || m.log[i-1].text != e.text {
			lines = append(lines, e.at.Format("02 15:04:05.000 ")+e.text)
		}
	}
	return strings.Join(lines[max(0, len(lines)-60):], "\n")
}
