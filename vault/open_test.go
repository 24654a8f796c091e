package vault

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tokenkeeper/vault/internal/storage"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
)

func TestOpenCreatesAPrivateFile(t *testing.T) {
	f := newFixture(t)
	v := f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	for name := range filesOf(t, f) {
		info, err := os.Stat(filepath.Join(filepath.Dir(f.path), name))
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), name)
	}
	assert.Len(t, filesOf(t, f), 3, "the file, its log and its index; nothing temporary")
	assert.Equal(t, f.path, v.Name())
}

func TestSettingsOfEveryConnection(t *testing.T) {
	v, _ := newVault(t)
	for name, use := range map[string]func(context.Context, func(storage.Queryer) error) error{
		"writer": v.store.Write, "reader": v.store.Read,
	} {
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "secure_delete": "1", "busy_timeout": "10000", "trusted_schema": "0",
		} {
			var got string
			require.NoError(t, use(t.Context(), func(q storage.Queryer) error {
				return q.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got)
			}))
			assert.Equal(t, want, got, "%s of the %s", pragma, name)
		}
	}
}

func TestCloseLeavesOneFileAndItReopens(t *testing.T) {
	f := newFixture(t)
	v := f.open(t)
	want := connectAccount(t, v, "a1", slack, "T1/B1")
	require.NoError(t, v.Close())
	require.NoError(t, v.Close(), "closing twice is fine")
	assert.Len(t, filesOf(t, f), 1, "the write-ahead log is in the file")

	got, err := f.open(t).Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	_, err = v.Get(t.Context(), slack)
	assert.Error(t, err, "a closed vault does not answer")
}

func testManyCreateTheVaultAtOnce(t *testing.T, b backend) {
	f := b.newFixture(t)
	vaults := make([]*Vault, 8)
	errs := make([]error, len(vaults))
	together(len(vaults), func(i int) {
		vaults[i], errs[i] = Open(t.Context(), f.options())
	})
	for i, v := range vaults {
		require.NoError(t, errs[i])
		connectAccount(t, v, accountNumber(i).User, accountNumber(i), subjectNumber(i))
	}
	for _, v := range vaults {
		all, err := v.Accounts(t.Context())
		require.NoError(t, err)
		assert.Len(t, all, len(vaults), "all have the same file")
		require.NoError(t, v.Close())
	}
}

func testWrongKeyIsNamedAtOnce(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	require.NoError(t, v.Close())

	other := b.newFixture(t).keyset
	_, err := Open(t.Context(), f.with(other))
	var wrong *WrongKeyError
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, &WrongKeyError{Vault: f.name(), Field: "key check", SealedWith: f.keyset.KeyIDs(), Keyset: other.Path(), KeyIDs: other.KeyIDs()}, wrong)
	for _, want := range []string{f.name(), keyList(f.keyset.KeyIDs()), other.Path(), keyList(other.KeyIDs()), "restore it from a backup"} {
		assert.ErrorContains(t, err, want)
	}
}

func testWrongKeyNamesEveryKeyThatWasUsed(t *testing.T, b backend) {
	path, ids := writeKeyset(t, aead.AES256GCMKeyTemplate(), aead.AES256GCMKeyTemplate())
	both, err := LoadKeyset(path)
	require.NoError(t, err)
	f := b.newFixture(t)
	f.keyset = both
	v := f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	other := newFixture(t)
	access, err := tokenSealer{sealer: sealerOf(other.keyset)}.sealTokens(
		binding{account: slack, generation: 1, field: fieldAccess}, tokens("x"))
	require.NoError(t, err)
	tamper(t, v, `UPDATE records SET access = $1`, access)

	_, err = v.Get(t.Context(), slack)
	var wrong *WrongKeyError
	require.ErrorAs(t, err, &wrong, "one record with another key is told at the read")
	assert.Equal(t, other.keyset.KeyIDs(), wrong.SealedWith)
	assert.ErrorContains(t, err, "acme/triage/slack")

	_, err = Open(t.Context(), f.with(newFixture(t).keyset))
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, []uint32{ids[1], other.keyset.KeyIDs()[0]}, wrong.SealedWith)
}

func TestOpenNeedsAKeyset(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.db")
	_, err := Open(t.Context(), Options{Path: path})
	assert.ErrorContains(t, err, "no keyset given")
	assert.NoFileExists(t, path)
}

func TestFilesThatAreNoVault(t *testing.T) {
	f := newFixture(t)
	v := f.open(t)
	for i := range 20 {
		connectAccount(t, v, accountNumber(i).User, accountNumber(i), subjectNumber(i))
	}
	require.NoError(t, v.Close())
	whole := filesOf(t, f)[filepath.Base(f.path)]

	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":               {nil, "cut short"},
		"text":                {[]byte("this is a letter, not a vault. " + string(make([]byte, 4096))), "no vault of tokenkeeper"},
		"half a header":       {whole[:50], "cut short"},
		"one page":            {whole[:4096], "cut short"},
		"half":                {whole[:len(whole)/2], "cut short"},
		"all but the last kB": {whole[:len(whole)-1024], "cut short"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vault.db")
			require.NoError(t, os.WriteFile(path, c.content, 0o600))
			_, err := Open(t.Context(), Options{Path: path, Keyset: f.keyset})
			require.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, path)
			assert.ErrorContains(t, err, "restore it from a backup")
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, string(c.content), string(after), "the file is left as it was")
		})
	}
}

func TestForeignDatabaseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `CREATE TABLE notes (text TEXT)`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	before, err := os.ReadFile(path)
	require.NoError(t, err)

	_, err = Open(t.Context(), Options{Path: path, Keyset: newFixture(t).keyset})
	require.ErrorContains(t, err, "no vault of tokenkeeper")
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, before, after)
}

func testAlteredCanaryIsToldFromAWrongKey(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	for _, statement := range []string{
		`UPDATE canary SET sealed = substr(sealed, 1, 20)`, `UPDATE canary SET sealed = substr(sealed, 1, 1)`, `DELETE FROM canary`,
	} {
		tamper(t, v, statement)
		_, err := Open(t.Context(), f.options())
		var integrity *IntegrityError
		require.ErrorAs(t, err, &integrity, statement)
		assert.ErrorContains(t, err, "key check")
		assert.ErrorContains(t, err, f.name())
	}
}

func TestLogWithoutItsVaultIsRefused(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, os.WriteFile(f.path+"-wal", []byte("frames of another vault"), 0o600))
	_, err := Open(t.Context(), f.options())
	require.ErrorContains(t, err, f.path+"-wal is there and its vault is not")
	assert.NoFileExists(t, f.path)
}

func TestCopyInAnotherJournalModeOpens(t *testing.T) {
	f := newFixture(t)
	v := f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	copied := f
	copied.path = filepath.Join(t.TempDir(), "copy # of 100%?.db")
	db, err := sql.Open("sqlite", f.path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `VACUUM INTO $1`, copied.path)
	require.NoError(t, errors.Join(err, db.Close()))
	r, err := copied.open(t).Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, tokens("a1"), r.Tokens)
}

func TestVaultInAFolderThatIsNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent", "vault.db")
	_, err := Open(t.Context(), Options{Path: path, Keyset: newFixture(t).keyset})
	assert.ErrorContains(t, err, "absent is not there: make it")
	assert.ErrorContains(t, err, path)
}

func TestPathThatIsAFolder(t *testing.T) {
	_, err := Open(t.Context(), Options{Path: t.TempDir(), Keyset: newFixture(t).keyset})
	assert.ErrorContains(t, err, "opening vault")
}

func testPingReads(t *testing.T, b backend) {
	f := b.newFixture(t)
	v, err := Open(t.Context(), f.options())
	require.NoError(t, err)
	require.NoError(t, v.Ping(t.Context()))
	require.NoError(t, v.Close())
	assert.ErrorContains(t, v.Ping(t.Context()), "reading vault "+v.Name())
}
