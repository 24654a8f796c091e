package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

var account = credential.AccountID{Organization: "acme", User: "triage", Connector: "fake"}

// fixture is a gateway on loopback with a real vault, an authorization server, and an account whose Workflow runs the real
// adoption.
type fixture struct {
	t      *testing.T
	server *gateway.Server
	url    string
	auth   *authServer
	vault  *vault.Vault
	owner  *owner
	board  *fakeBoard
	clock  *clock
	log    *lockedBuffer
	conns  connections
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, auth: newAuthServer(t), clock: &clock{now: time.Now()}, log: &lockedBuffer{}}
	f.vault = openVault(t, f.clock.Now)
	listening := httptest.NewUnstartedServer(nil)
	f.url = "http://" + listening.Listener.Addr().String()
	conns := connections{"fake": connection("fake", f.auth.provider(), f.url, f.clock.Now)}
	f.conns = conns
	f.owner = &owner{adoption: &activities.Account{Vault: f.vault, Connections: conns}}
	f.board = &fakeBoard{}
	f.server = &gateway.Server{
		Vault: f.vault, Connections: conns, Owner: f.owner, Board: f.board, PublicURL: parseURL(t, f.url),
		Log: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: f.clock.Now,
	}
	listening.Config.Handler = f.server.Handler()
	listening.Start()
	t.Cleanup(listening.Close)
	t.Cleanup(func() {
		for _, secret := range f.auth.secrets() {
			require.NotContains(t, f.log.String(), secret, "the log holds a secret")
		}
	})
	return f
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

func connection(name string, p provider.Provider, publicURL string, now func() time.Time) activities.Connection {
	scopes := []string{"read", "write"}
	registration := oauth.Registration{
		ClientID: clientID, ClientSecret: credential.NewSecret(clientSecret), RedirectURL: publicURL + "/oauth/callback/" + name, Scopes: scopes,
	}
	return activities.Connection{Provider: p, OAuth: oauth.NewClient(p, registration, oauth.Options{Now: now}), Scopes: scopes}
}

func parseURL(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u
}

// nameIssuer has the provider be known to call itself that in every answer.
func (f *fixture) nameIssuer(issuer string) {
	conn := f.conns["fake"]
	conn.Provider.Authorization.Issuer = issuer
	f.conns["fake"] = conn
}

type connections map[string]activities.Connection

func (c connections) Connection(account credential.AccountID) (activities.Connection, error) {
	conn, ok := c[account.Connector]
	if !ok {
		return activities.Connection{}, fmt.Errorf("account %s: no connector %q", account, account.Connector)
	}
	return conn, nil
}

// owner stands for the account's Workflow.
type owner struct {
	adoption *activities.Account

	mu      sync.Mutex
	handed  []string // authorizations that were handed over
	account func(context.Context) (workflows.AccountStatus, error)
	verdict func(context.Context, string) (workflows.AccountStatus, error)
	deeds   []string // what buttons had it do
	deed    func() (workflows.AccountStatus, error)
}

func (o *owner) Account(ctx context.Context, _ credential.AccountID) (workflows.AccountStatus, error) {
	if o.account != nil {
		return o.account(ctx)
	}
	return workflows.AccountStatus{}, fmt.Errorf("querying: %w", serviceerror.NewNotFound("no such Workflow"))
}

func (o *owner) Reauthorized(ctx context.Context, account credential.AccountID, id string) (workflows.AccountStatus, error) {
	o.mu.Lock()
	o.handed = append(o.handed, id)
	o.mu.Unlock()
	if o.verdict != nil {
		return o.verdict(ctx, id)
	}
	return o.adopt(ctx, account, id)
}

// adopt is the verdict where a test has no other.
func (o *owner) adopt(ctx context.Context, account credential.AccountID, id string) (workflows.AccountStatus, error) {
	facts, err := o.adoption.Adopt(ctx, activities.AdoptInput{Account: account, Authorization: id})
	if err != nil {
		return workflows.AccountStatus{}, fmt.Errorf("asking the account: %w", err)
	}
	return workflows.AccountStatus{
		Account: account, Status: credential.Active, Generation: facts.Generation, Subject: facts.Subject, Display: facts.Display,
	}, nil
}

func (o *owner) Connect(context.Context, credential.AccountID) error {
	_, err := o.did("connect")
	return err
}

func (o *owner) RefreshNow(context.Context, credential.AccountID) (workflows.AccountStatus, error) {
	return o.did("refresh")
}

func (o *owner) Disconnect(context.Context, credential.AccountID) (workflows.AccountStatus, error) {
	return o.did("disconnect")
}

func (o *owner) ForceDisconnect(context.Context, credential.AccountID) (workflows.AccountStatus, error) {
	return o.did("disconnect by force")
}

func (o *owner) did(what string) (workflows.AccountStatus, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deeds = append(o.deeds, what)
	if o.deed == nil {
		return workflows.AccountStatus{}, nil
	}
	return o.deed()
}

// last returns the authorization that was handed over last; "" when none was.
func (o *owner) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.handed) == 0 {
		return ""
	}
	return o.handed[len(o.handed)-1]
}

// requireNothingConnected is what every callback that is not believed has to leave behind.
func (f *fixture) requireNothingConnected() {
	f.t.Helper()
	require.Empty(f.t, f.owner.last(), "an authorization was handed over")
	_, err := f.vault.Get(f.t.Context(), account)
	require.ErrorIs(f.t, err, vault.ErrNotFound)
}

type clock struct {
	mu  sync.Mutex
	now time.Time
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

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

var errAway = errors.New("away")

// brokenVault fails where it is told to.
type brokenVault struct {
	gateway.Vault

	putLogin, takeLogin, putAuthorization, newLink, audit bool
}

func (b brokenVault) NewLink(ctx context.Context, r vault.LinkRequest) (vault.LinkKeys, error) {
	if b.newLink {
		return vault.LinkKeys{}, errAway
	}
	return b.Vault.NewLink(ctx, r)
}

func (b brokenVault) Audit(ctx context.Context, e vault.Event) error {
	if b.audit {
		return errAway
	}
	return b.Vault.Audit(ctx, e)
}

func (b brokenVault) PutLogin(ctx context.Context, l vault.Login) error {
	if b.putLogin {
		return errAway
	}
	return b.Vault.PutLogin(ctx, l)
}

func (b brokenVault) TakeLogin(ctx context.Context, hash []byte) (vault.Login, error) {
	if b.takeLogin {
		return vault.Login{}, errAway
	}
	return b.Vault.TakeLogin(ctx, hash)
}

func (b brokenVault) PutAuthorization(ctx context.Context, a vault.Authorization) error {
	if b.putAuthorization {
		return errAway
	}
	return b.Vault.PutAuthorization(ctx, a)
}
