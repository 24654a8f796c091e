package vault

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

var (
	slack  = credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	slack2 = credential.AccountID{Organization: "acme", User: "support", Connector: "slack"}
	github = credential.AccountID{Organization: "acme", User: "triage", Connector: "github"}
)

// testClock is a clock that a test moves.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *testClock {
	return &testClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixture is the place of a vault with its keyset and clock. Several handles may be open on it.
type fixture struct {
	path   string            // of SQLite
	url    credential.Secret // of PostgreSQL
	keyset *Keyset
	clock  *testClock
}

func newFixture(t testing.TB) fixture {
	t.Helper()
	dir := t.TempDir()
	keyset, err := CreateKeyset(filepath.Join(dir, "vault.key"))
	require.NoError(t, err)
	return fixture{path: filepath.Join(dir, "vault.db"), keyset: keyset, clock: newClock()}
}

func (f fixture) options() Options {
	return Options{Path: f.path, URL: f.url, Keyset: f.keyset, Now: f.clock.Now}
}

// with is the same vault with another keyset.
func (f fixture) with(keyset *Keyset) Options {
	f.keyset = keyset
	return f.options()
}

// name is how errors call the vault.
func (f fixture) name() string { return f.options().Name() }

func (f fixture) open(t testing.TB) *Vault {
	t.Helper()
	v, err := Open(t.Context(), f.options())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}

func newVault(t testing.TB) (*Vault, *testClock) {
	t.Helper()
	f := newFixture(t)
	return f.open(t), f.clock
}

// tokens makes a set that lives for an hour. Its secrets carry the name.
func tokens(name string) credential.Tokens {
	issued := newClock().Now()
	return credential.Tokens{
		Access:           credential.NewSecret("access-secret-" + name),
		Refresh:          credential.NewSecret("refresh-secret-" + name),
		Type:             "Bearer",
		Scopes:           []string{"chat:write", "users:read"},
		IssuedAt:         issued,
		ExpiresAt:        issued.Add(time.Hour),
		RefreshExpiresAt: issued.Add(60 * 24 * time.Hour),
	}
}

func authorization(id string, account credential.AccountID, subject credential.Subject) Authorization {
	created := newClock().Now()
	return Authorization{
		ID: id, Account: account, Subject: subject, Display: "Display of " + string(subject),
		Tokens: tokens(id), CreatedAt: created, ExpiresAt: created.Add(10 * time.Minute),
	}
}

// connectAccount gives the account its next grant.
func connectAccount(t testing.TB, v *Vault, id string, account credential.AccountID, subject credential.Subject) Record {
	t.Helper()
	require.NoError(t, v.PutAuthorization(t.Context(), authorization(id, account, subject)))
	r, err := v.Adopt(t.Context(), id)
	require.NoError(t, err)
	return r
}

func login(state string, account credential.AccountID) Login {
	hash, browser := sha256.Sum256([]byte(state)), sha256.Sum256([]byte("browser of "+state))
	return Login{
		StateHash: hash[:], Account: account, Verifier: credential.NewSecret("verifier-secret-" + state),
		BrowserHash: browser[:], ExpiresAt: newClock().Now().Add(10 * time.Minute),
	}
}

// tamper changes the database behind the vault's back.
func tamper(t testing.TB, v *Vault, statement string, args ...any) {
	t.Helper()
	require.NoError(t, v.store.Write(t.Context(), func(tx storage.Queryer) error {
		_, err := tx.ExecContext(t.Context(), statement, args...)
		return err
	}))
}

// peek reads one row behind the vault's back.
func peek(t testing.TB, v *Vault, query string, dest ...any) {
	t.Helper()
	require.NoError(t, v.store.Read(t.Context(), func(q storage.Queryer) error {
		return q.QueryRowContext(t.Context(), query).Scan(dest...)
	}))
}

// count counts rows.
func count(t testing.TB, v *Vault, table string) int {
	t.Helper()
	var n int
	peek(t, v, `SELECT count(*) FROM `+table, &n)
	return n
}

// sealerOf seals with the primary key of a keyset.
func sealerOf(k *Keyset) sealer {
	at := k.current.Load()
	return sealer{keys: at, key: at.primary(), vault: "test"}
}

// together runs fn in n goroutines that start as one, and waits for them.
func together(n int, fn func(i int)) {
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			fn(i)
		})
	}
	close(start)
	all.Wait()
}

// filesOf reads everything that lies beside the vault, by name, without the keyset.
func filesOf(t testing.TB, f fixture) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(f.path))
	require.NoError(t, err)
	files := map[string][]byte{}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), filepath.Base(f.path)) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(filepath.Dir(f.path), entry.Name()))
		require.NoError(t, err)
		files[entry.Name()] = content
	}
	return files
}

func accountNumber(i int) credential.AccountID {
	return credential.AccountID{Organization: "acme", User: fmt.Sprintf("user-%d", i), Connector: "slack"}
}

func subjectNumber(i int) credential.Subject { return credential.Subject(fmt.Sprintf("T1/B%d", i)) }
