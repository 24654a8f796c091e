package vault

import (
	"bytes"
	"context"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/internal/postgrestest"
	"tokenkeeper/vault/internal/storage"
)

// onServer is a vault in a server of the test's own.
func onServer(t *testing.T) (fixture, *postgrestest.Server) {
	t.Helper()
	server := postgrestest.New(t)
	f := newFixture(t)
	f.path, f.url = "", credential.NewSecret(server.URL("postgres"))
	return f, server
}

// schema is the one that the vault of f is in.
func (f fixture) schema() string {
	_, schema, _ := strings.Cut(f.url.Reveal(), "search_path=")
	return schema
}

func TestServerThatIsRestarted(t *testing.T) {
	f, server := onServer(t)
	v := f.open(t)
	want := connectAccount(t, v, "a1", slack, "T1/B1")
	for name, stop := range map[string]func() error{"stopped": server.Stop, "killed": server.Kill} {
		t.Run(name, func(t *testing.T) {
			together(16, func(int) { // so that the pool is full of connections, all of which die
				_, err := v.Get(t.Context(), slack)
				assert.NoError(t, err)
			})
			require.NoError(t, stop())
			require.EventuallyWithT(t, func(c *assert.CollectT) { // the connections of a killed server outlive it for a moment
				_, err := v.Get(t.Context(), slack)
				require.ErrorContains(c, err, "PostgreSQL cannot be reached")
				assert.NotContains(c, err.Error(), postgrestest.Password)
			}, 10*time.Second, 10*time.Millisecond)
			_, err := v.Swap(t.Context(), slack, want.Generation, tokens("lost"))
			require.Error(t, err)
			require.NotErrorIs(t, err, ErrConflict)

			require.NoError(t, server.StartAgain(t.Context()))
			got, err := v.Get(t.Context(), slack)
			require.NoError(t, err, "without a restart of ours")
			assert.Equal(t, want, got)
			_, err = v.Swap(t.Context(), slack, want.Generation, tokens(name))
			require.NoError(t, err)
			want, err = v.Get(t.Context(), slack)
			require.NoError(t, err)
		})
	}
}

func TestServerThatIsKilledInATransaction(t *testing.T) {
	f, server := onServer(t)
	v := f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	runs := 0
	err := v.store.Write(t.Context(), func(tx storage.Queryer) error {
		runs++
		_, err := tx.ExecContext(t.Context(), `UPDATE records SET presented_attempts = presented_attempts + 1`)
		if err == nil && runs == 1 {
			assert.NoError(t, server.Kill())
			assert.NoError(t, server.StartAgain(t.Context()))
			_, err = tx.ExecContext(t.Context(), `UPDATE records SET presented_attempts = presented_attempts + 1`)
			assert.Error(t, err)
		}
		return err
	})
	require.NoError(t, err, "nothing was committed, so all of it is run again")
	assert.Equal(t, 2, runs)
	var attempts int
	peek(t, v, `SELECT presented_attempts FROM records`, &attempts)
	assert.Equal(t, 1, attempts)
}

// cutter passes bytes on to a server. When it is armed, it lets through the next commit, and then cuts all connections
// before the answer.
type cutter struct {
	server string
	armed  atomic.Bool
}

func (c *cutter) serve(t *testing.T, listener net.Listener) {
	t.Helper()
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", c.server)
		if !assert.NoError(t, err) {
			return
		}
		var cut atomic.Bool
		go c.pass(client, server, func(data []byte) bool {
			// The server gets the commit whatever becomes of the answer.
			if c.armed.Load() && bytes.Contains(bytes.ToLower(data), []byte("commit")) {
				cut.Store(true)
			}
			return false
		})
		go c.pass(server, client, func([]byte) bool { return cut.Load() })
	}
}

// pass copies until it is told to stop, and then closes both ends.
func (*cutter) pass(from, to net.Conn, stop func(data []byte) bool) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || stop(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func TestConnectionThatIsLostInTheCommit(t *testing.T) {
	server := postgrestest.Shared(t)
	at, err := url.Parse(server.TCP(postgrestest.Superuser, postgrestest.Password, "vault"))
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	c := &cutter{server: at.Host}
	go c.serve(t, listener)
	at.Host = listener.Addr().String()
	f := onPostgres.newFixture(t)
	at.RawQuery = "sslmode=disable&search_path=" + f.schema()
	f.url = credential.NewSecret(at.String())
	v := f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	c.armed.Store(true)
	_, err = v.Swap(t.Context(), slack, 1, tokens("two"))
	c.armed.Store(false)
	require.ErrorContains(t, err, "may or may not have happened")
	require.NotErrorIs(t, err, ErrConflict)

	r, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.EqualValues(t, 2, r.Generation, "here it has")
	_, err = v.Swap(t.Context(), slack, 1, tokens("two"))
	require.ErrorIs(t, err, ErrConflict, "so who stores it again learns that it is there")

	c.armed.Store(true)
	_, err = v.Present(t.Context(), slack, 2, 0, "lost")
	c.armed.Store(false)
	require.ErrorContains(t, err, "may or may not have happened")
	r, err = v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, "lost", r.Presented.By, "who wrote it ahead knows its own mark, and that nothing was sent")
}

func TestErrorsOfPostgreSQLSayWhatToDo(t *testing.T) {
	const secret = "s3cr3t-pa%2Fss"
	server := postgrestest.Shared(t)
	f := newFixture(t)
	f.path = ""
	for name, c := range map[string]struct{ url, want string }{
		"wrong password":  {server.TCP(postgrestest.Superuser, "s3cr3t-pa/ss", "vault"), "correct user and password"},
		"no database":     {server.URL("none"), "createdb"},
		"nobody there":    {"postgres://u:" + secret + "@127.0.0.1:1/db", "PostgreSQL cannot be reached"},
		"no such host":    {"postgres://u:" + secret + "@no.such.host.invalid/db", "PostgreSQL cannot be reached"},
		"no URL":          {"host=127.0.0.1 password=" + secret, "percent-encoded"},
		"bad port":        {"postgres://u:" + secret + "@h:" + secret + "/db", "percent-encoded"},
		"bad escape":      {"postgres://u:s3cr3t%zz@h/db", "percent-encoded"},
		"bad setting":     {"postgres://u:" + secret + "@h/db?sslmode=s3cr3t", "percent-encoded"},
		"bad search path": {server.URL("vault") + "&search_path=a,b", "one plain name"},
		"standby":         {server.URL("vault") + "&search_path=standby&default_transaction_read_only=on", "name the primary"},
	} {
		t.Run(name, func(t *testing.T) {
			f.url = credential.NewSecret(c.url)
			_, err := Open(t.Context(), f.options())
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "s3cr3t")
			assert.NotContains(t, f.name(), "s3cr3t")
			assert.NotContains(t, f.name(), postgrestest.Password)
		})
	}
}

func TestUserWithoutRights(t *testing.T) {
	f := onPostgres.newFixture(t)
	v := f.open(t)
	fill(t, v)
	schema := f.schema()
	tamper(t, v, `CREATE ROLE stranger LOGIN; GRANT USAGE ON SCHEMA `+schema+` TO stranger; GRANT SELECT ON ALL TABLES IN SCHEMA `+schema+` TO stranger`)
	stranger := f
	stranger.url = credential.NewSecret(strings.Replace(f.url.Reveal(), "//"+postgrestest.Superuser+":", "//stranger:", 1))
	_, err := Open(t.Context(), stranger.options())
	require.ErrorContains(t, err, "lacks a right")
	assert.True(t, stranger.verified(t).OK(), "reading is enough to verify")
	tamper(t, v, `DROP OWNED BY stranger; DROP ROLE stranger`)
}

func TestSchemaOfSomebodyElse(t *testing.T) {
	f := onPostgres.newFixture(t)
	v := onPostgres.newFixture(t).open(t)
	schema := f.schema()
	tamper(t, v, `CREATE SCHEMA `+schema+`; CREATE TABLE `+schema+`.notes (text TEXT)`)
	_, err := Open(t.Context(), f.options())
	require.ErrorIs(t, err, storage.ErrForeign)
	assert.ErrorContains(t, err, "schema "+schema+" holds other tables")
	tamper(t, v, `DROP TABLE `+schema+`.notes`)
	fill(t, f.open(t)) // one that was prepared is taken
}

func TestSettingsOfConnectionsToPostgreSQL(t *testing.T) {
	v, _ := onPostgres.newVault(t)
	for setting, want := range map[string]string{
		"statement_timeout": "10s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "15s", "synchronous_commit": "on",
		"application_name": "tokenkeeper",
	} {
		var got string
		peek(t, v, `SHOW `+setting, &got)
		assert.Equal(t, want, got, setting)
	}
	require.NoError(t, v.store.Write(t.Context(), func(tx storage.Queryer) error {
		var got string
		err := tx.QueryRowContext(t.Context(), `SHOW transaction_isolation`).Scan(&got)
		assert.Equal(t, "serializable", got)
		return err
	}))
}

func TestStatementThatWaitsForEverEnds(t *testing.T) {
	f := onPostgres.newFixture(t)
	fill(t, f.open(t))
	f.url = credential.NewSecret(f.url.Reveal() + "&lock_timeout=100ms")
	v, busy := f.open(t), f.open(t)
	err := busy.store.Write(t.Context(), func(tx storage.Queryer) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE records SET presented_attempts = 5 WHERE account = 'acme/triage/slack'`)
		require.NoError(t, err)
		_, err = v.Swap(t.Context(), slack, 1, tokens("two"))
		require.ErrorContains(t, err, "lock timeout")
		_, err = v.Get(t.Context(), slack)
		return err
	})
	require.NoError(t, err)
}

func TestNothingIsInTheClearInPostgreSQL(t *testing.T) {
	f, server := onServer(t)
	v := f.open(t)
	fill(t, v)
	_, err := v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)
	require.NoError(t, v.Close())
	require.NoError(t, server.Stop())
	plain := 0
	require.NoError(t, filepath.WalkDir(server.Data(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte("acme/triage/slack")) {
			plain++
		}
		for _, secret := range []string{"access-secret-", "refresh-secret-", "verifier-secret-"} {
			assert.False(t, bytes.Contains(content, []byte(secret)), path)
		}
		return err
	}))
	assert.GreaterOrEqual(t, plain, 2, "the search finds what is plain, in the tables and the log")
}

func TestOptionsThatNameNoVaultOrTwo(t *testing.T) {
	f := newFixture(t)
	_, err := Open(t.Context(), Options{Keyset: f.keyset})
	require.ErrorContains(t, err, "neither a file nor a database")
	_, err = Open(context.Background(), Options{Path: f.path, URL: credential.NewSecret("postgres://u:s3cr3t@h/db"), Keyset: f.keyset})
	require.ErrorContains(t, err, "name one")
	assert.NotContains(t, err.Error(), "s3cr3t")
}

// The script of the Compose file makes a database that a vault can lie in.
func TestDatabaseOfTheComposeFile(t *testing.T) {
	f, server := onServer(t)
	for _, password := range []string{"first", "it's $another% \"one\""} { // running again is fine, and changes the password
		script := exec.CommandContext(t.Context(), "/bin/sh", "../deploy/postgresql/vault-database.sh")
		script.Env = append(server.Environment(), "VAULT_DATABASE_PASSWORD="+password)
		out, err := script.CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.Empty(t, string(out))

		f.url = credential.NewSecret(server.TCP("tokenkeeper", password, "tokenkeeper"))
		v := f.open(t)
		connectAccount(t, v, "a-"+password, slack, "T1/B1")
		require.NoError(t, v.Close())
	}
	assert.True(t, f.verified(t).OK())
	f.url = credential.NewSecret(server.TCP("tokenkeeper", "first", "tokenkeeper"))
	_, err := Open(t.Context(), f.options())
	assert.ErrorContains(t, err, "correct user and password")
}

// A vault survives the way that every database of PostgreSQL is backed up and restored.
func TestDumpIsRestored(t *testing.T) {
	f, server := onServer(t)
	v := f.open(t)
	fill(t, v)
	_, err := v.Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)
	want := dump(t, v)
	require.NoError(t, server.CreateDatabase(t.Context(), "restored"))
	backup := filepath.Join(t.TempDir(), "vault.dump")
	for _, command := range [][]string{
		{"pg_dump", "--format", "custom", "--schema", "tokenkeeper", "--file", backup, "postgres"},
		{"pg_restore", "--exit-on-error", "--dbname", "restored", backup},
	} {
		cmd := exec.CommandContext(t.Context(), "/usr/bin/env", command...) // finds it on the PATH of Environment
		cmd.Env = server.Environment()
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	f.url = credential.NewSecret(server.URL("restored"))
	assert.True(t, f.verified(t).OK())
	assert.Equal(t, want, dump(t, f.open(t)))
}
