package activities_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
)

// mintingKeys are made once: an RSA key takes its time.
var mintingKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var made [2]*rsa.PrivateKey
	for i := range made {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		made[i] = key
	}
	return made
})

// minting is one connector of a service account, against a server that checks its signatures.
type minting struct {
	*activities.Account
	t       *testing.T
	sandbox *sandbox.Sandbox
	vault   *vault.Vault
	conn    activities.Connection

	mu  sync.Mutex
	now time.Time // guarded by mu
}

var (
	robot = credential.AccountID{Organization: "acme", User: "robot", Connector: "drive"}
	rival = credential.AccountID{Organization: "acme", User: "rival", Connector: "drive"}
)

func newMinting(t *testing.T) *minting {
	t.Helper()
	m := &minting{t: t, now: time.Now().Truncate(time.Second)}
	m.sandbox = sandbox.New(sandbox.Options{Now: m.clock, Google: sandbox.AppOptions{Key: &mintingKeys()[0].PublicKey}})
	server := httptest.NewServer(m.sandbox.Handler())
	t.Cleanup(func() { m.sandbox.Close(); server.Close() })
	catalogue, err := provider.Embedded()
	require.NoError(t, err)
	p, ok := catalogue.Get("google-service-account")
	require.True(t, ok)
	p, err = p.Override(provider.Endpoints{
		Token: server.URL + "/google/token", Identity: server.URL + "/google/tokeninfo", Revoke: server.URL + "/google/revoke", API: server.URL,
	}, nil)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(mintingKeys()[0])})
	key, err := credential.ParseSigningKey(credential.NewSecret(string(text)))
	require.NoError(t, err)
	m.conn = activities.Connection{
		Provider: p, Grant: provider.GrantJWTBearer, Timeout: 10 * time.Second, ValidateEvery: 15 * time.Minute,
		OAuth: oauth.NewClient(p, oauth.Registration{
			ClientID: m.sandbox.App(sandbox.Google).ClientID, Scopes: []string{"drive"}, Grant: provider.GrantJWTBearer, Key: key,
		}, oauth.Options{Now: m.clock}),
	}
	dir := t.TempDir()
	keyset, err := vault.CreateKeyset(filepath.Join(dir, "vault.key"))
	require.NoError(t, err)
	m.vault, err = vault.Open(t.Context(), vault.Options{Path: filepath.Join(dir, "vault.db"), Keyset: keyset, Now: m.clock})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.vault.Close()) })
	m.Account = &activities.Account{
		Vault: m.vault, Connections: m, Now: m.clock, Log: slog.New(slog.DiscardHandler),
		ConnectLink: func(context.Context, credential.AccountID, string, string) (string, error) {
			return "http://127.0.0.1/c/x", nil
		},
	}
	return m
}

func (m *minting) Connection(account credential.AccountID) (activities.Connection, error) {
	if account.Connector != "drive" {
		return activities.Connection{}, errors.New("no such connector")
	}
	return m.conn, nil
}

func (m *minting) clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *minting) advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

func (m *minting) mint(account credential.AccountID, seen credential.Generation) activities.RefreshResult {
	m.t.Helper()
	result, err := m.RefreshToken(m.t.Context(), activities.RefreshInput{Account: account, Generation: seen})
	require.NoError(m.t, err)
	return result
}

func (m *minting) mints() int { return m.sandbox.Books().MintsByApp[sandbox.Google] }

func TestAFirstTokenIsMintedAndItsSubjectHasOneOwner(t *testing.T) {
	m := newMinting(t)
	var told []credential.AccountID
	m.Granted = func(account credential.AccountID) { told = append(told, account) }
	first := m.mint(robot, 0)
	require.NotNil(t, first.Credential, "%+v", first.Failure)
	assert.EqualValues(t, 1, first.Credential.Generation)
	assert.Equal(t, credential.Subject(m.sandbox.App(sandbox.Google).ClientID), first.Credential.Subject)
	assert.Equal(t, []string{"drive"}, first.Credential.Scopes)
	assert.False(t, first.Credential.Refreshable)

	assert.EqualValues(t, 1, m.mint(robot, 0).Credential.Generation, "asked twice, minted once")
	assert.Equal(t, 1, m.mints())
	second := m.mint(robot, 1)
	assert.EqualValues(t, 2, second.Credential.Generation)

	refused := m.mint(rival, 0)
	require.NotNil(t, refused.Failure)
	assert.Equal(t, credential.Misconfigured, refused.Failure.Kind)
	assert.Equal(t, activities.CodeOwned, refused.Failure.Code)
	assert.Contains(t, refused.Failure.Message, robot.String())
	assert.Equal(t, []credential.AccountID{robot, robot}, told, "of what was granted; again where somebody asks again, whose first attempt may have died")
}

func TestAMintThatFailsTouchesNothing(t *testing.T) {
	m := newMinting(t)
	m.mint(robot, 0)
	for _, c := range []struct {
		fault sandbox.Fault
		want  credential.FailureKind
	}{
		{sandbox.Fault{Kind: sandbox.FaultDrop, Processed: true}, credential.Transient}, // minted, and the answer lost
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, credential.Transient},
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429, RetryAfter: time.Minute}, credential.Throttled},
		{sandbox.Fault{Kind: sandbox.FaultStatus, Code: "invalid_scope"}, credential.Misconfigured},
		{sandbox.Fault{Kind: sandbox.FaultTruncate}, credential.Malformed},
	} {
		c.fault.App, c.fault.Endpoint = sandbox.Google, "token.mint"
		require.NoError(t, m.sandbox.Fault(c.fault))
		result := m.mint(robot, 1)
		require.NotNil(t, result.Failure, "%+v", c.fault)
		assert.Equal(t, c.want, result.Failure.Kind, "%+v", c.fault)
	}
	m.sandbox.SetKey(sandbox.Google, &mintingKeys()[1].PublicKey)
	result := m.mint(robot, 1)
	require.NotNil(t, result.Failure)
	assert.Equal(t, credential.DeadClient, result.Failure.Kind, "a deleted key is the operator's to replace, and no grant is dead")
	m.sandbox.SetKey(sandbox.Google, &mintingKeys()[0].PublicKey)
	assert.EqualValues(t, 2, m.mint(robot, 1).Credential.Generation)
}

func TestAConnectorThatSpeaksForSomebodyElseIsRefused(t *testing.T) {
	m := newMinting(t)
	m.mint(robot, 0)
	require.NoError(t, m.vault.Shred(t.Context(), robot, 1, ""))
	require.NoError(t, m.vault.PutAuthorization(t.Context(), vault.Authorization{
		ID: "consent-of-jane", Account: robot, Subject: "jane", Display: "Jane", ExpiresAt: m.clock().Add(time.Hour),
		Tokens: credential.Tokens{Access: credential.NewSecret("a1"), IssuedAt: m.clock()},
	}))
	before, err := m.vault.Adopt(t.Context(), "consent-of-jane")
	require.NoError(t, err)
	result := m.mint(robot, before.Generation)
	require.NotNil(t, result.Failure)
	assert.Equal(t, activities.CodeOtherSubject, result.Failure.Code)
	after, err := m.vault.Get(t.Context(), robot)
	require.NoError(t, err)
	assert.Equal(t, "a1", after.Tokens.Access.Reveal(), "what the account had stays")
}
