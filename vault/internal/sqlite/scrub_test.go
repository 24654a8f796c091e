package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/vault/internal/storage"
)

const secret = "a sealed token that somebody shredded"

// shreddable is a vault with a secret in it.
func shreddable(t *testing.T) (s *Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "vault.db")
	s = opened(t, path)
	require.NoError(t, s.Write(t.Context(), func(tx storage.Queryer) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO deliveries (hash, expires_at) VALUES (CAST($1 AS BLOB), 1)`, secret)
		return err
	}))
	return s, path
}

func opened(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, storage.Opening{Create: func(context.Context, storage.Queryer) error { return nil }})
	require.NoError(t, err)
	s.later.after = 10 * time.Millisecond
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (s *Store) shred(t *testing.T) {
	t.Helper()
	require.NoError(t, s.Write(t.Context(), func(tx storage.Queryer) error {
		_, err := tx.ExecContext(t.Context(), `DELETE FROM deliveries`)
		return err
	}))
}

// read begins to read as another process does.
func read(t *testing.T, path string) (end func()) {
	t.Helper()
	db, err := openReaders(path)
	require.NoError(t, err)
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	require.NoError(t, err)
	var n int
	require.NoError(t, tx.QueryRowContext(t.Context(), `SELECT count(*) FROM deliveries`).Scan(&n))
	return func() {
		require.NoError(t, tx.Rollback())
		require.NoError(t, db.Close())
	}
}

// holds reports whether the secret is in the file or its log.
func holds(t *testing.T, path string) bool {
	t.Helper()
	for _, name := range []string{path, path + "-wal"} {
		content, err := os.ReadFile(name)
		if !os.IsNotExist(err) {
			require.NoError(t, err)
		}
		if bytes.Contains(content, []byte(secret)) {
			return true
		}
	}
	return false
}

func TestNothingIsLeftOfWhatWasScrubbed(t *testing.T) {
	s, path := shreddable(t)
	require.True(t, holds(t, path), "the search finds what is there")
	s.shred(t)
	require.NoError(t, s.Scrub(t.Context()))
	assert.False(t, holds(t, path))
}

// A reader needs the pages of before. Nobody waits for it for long, and it is done when the reader has gone.
func TestWhatAReaderKeepsInTheLogIsScrubbedWhenItHasGone(t *testing.T) {
	s, path := shreddable(t)
	end := read(t, path)
	s.shred(t)
	require.NoError(t, s.Scrub(t.Context()))
	require.True(t, holds(t, path), "the reader may read it still")
	require.NoError(t, s.Write(t.Context(), func(storage.Queryer) error { return nil }), "it keeps nobody from writing")

	end()
	require.Eventually(t, func() bool { return !holds(t, path) }, 10*time.Second, 5*time.Millisecond)
}

func TestWhatNobodyScrubbedIsScrubbedByWhoeverOpensTheVaultNext(t *testing.T) {
	s, path := shreddable(t)
	s.shred(t)
	require.True(t, holds(t, path), "as if the process had died")
	opened(t, path)
	assert.False(t, holds(t, path))
}

func TestWhatIsLeftToScrubIsScrubbedAtTheEnd(t *testing.T) {
	s, path := shreddable(t)
	s.later.after = time.Hour
	end := read(t, path)
	s.shred(t)
	require.NoError(t, s.Scrub(t.Context()))
	end()
	require.NoError(t, s.Close())
	assert.False(t, holds(t, path))
}

// Whoever scrubs waits in the line of the writers, and no longer than they.
func TestTheLineOfWritersIsTheScrubbersToo(t *testing.T) {
	s, path := shreddable(t)
	s.line = 10 * time.Millisecond
	require.NoError(t, s.Write(t.Context(), func(tx storage.Queryer) error {
		require.ErrorIs(t, s.Scrub(t.Context()), errLine)
		_, err := tx.ExecContext(t.Context(), `DELETE FROM deliveries`)
		return err
	}))
	require.Eventually(t, func() bool { return !holds(t, path) }, 10*time.Second, 5*time.Millisecond, "it is not forgotten")
}
