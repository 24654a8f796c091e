package vault

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// readers is how many connections read at a time. A read takes some 50 µs, so a few serve every worker of a process.
const readers = 4

// queryer is a pool or a transaction.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// scanner is one row of a result.
type scanner interface {
	Scan(dest ...any) error
}

// openWriter opens the one connection that writes. The writers of a process queue up for it in Go, which is fair; SQLite's
// own waiting, which is not, is left for other processes.
func openWriter(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", source(path))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// openReaders opens the connections that read. They do not wait for writers.
func openReaders(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", source(path, "query_only(ON)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	return db, nil
}

// source is the address of a file that exists: mode=rw because SQLite must never create the vault, or take an empty file
// for one.
func source(path string, pragmas ...string) string {
	pragmas = append(pragmas,
		"busy_timeout(10000)", // other processes hold the lock for milliseconds
		"synchronous(FULL)",   // a commit that returned survives a loss of power
		"secure_delete(ON)",   // deleted secrets are overwritten, not only unlinked
		"trusted_schema(OFF)", // SQL that a stranger put into the file does not run functions
	)
	query := url.Values{"mode": {"rw"}, "_txlock": {"immediate"}, "_pragma": pragmas}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a drive letter
	}
	return (&url.URL{Scheme: "file", Path: slashed, RawQuery: query.Encode()}).String()
}

// write runs fn in one transaction, which takes the write lock at its beginning (BEGIN IMMEDIATE): what fn reads is still
// true when it writes.
func write(ctx context.Context, db *sql.DB, fn func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback() // the first error tells more
		return err
	}
	return tx.Commit()
}

// checkpoint moves the write-ahead log into the file and empties it. With readers in its way it does what it can.
func checkpoint(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}

// micros is how the file keeps a time; nanoseconds would end in the year 2262.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
