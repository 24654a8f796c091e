package sqlite

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// readers is how many connections read at a time. A read takes some 50 µs, so a few serve every worker of a process.
const readers = 4

// openWriter opens the one connection that writes. The writers of a process queue up for it in Go, which is fair; SQLite's
// own waiting, which is not, is left for other processes.
func openWriter(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", source(path, "rw"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// openReaders opens the connections that read. They do not wait for writers.
func openReaders(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", source(path, "rw", "query_only(ON)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	return db, nil
}

// openUntouched opens connections that leave the file as it is even when they are the last to close.
func openUntouched(path string) (*sql.DB, error) { return sql.Open("sqlite", source(path, "ro")) }

// source is the address of a file that exists: never mode=rwc, because SQLite must never create the vault, or take an
// empty file for one.
func source(path, mode string, pragmas ...string) string {
	pragmas = append(pragmas,
		"busy_timeout(10000)", // other processes hold the lock for milliseconds
		"synchronous(FULL)",   // a commit that returned survives a loss of power
		"secure_delete(ON)",   // deleted secrets are overwritten, not only unlinked
		"trusted_schema(OFF)", // SQL that a stranger put into the file does not run functions
	)
	query := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": pragmas}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a drive letter
	}
	return (&url.URL{Scheme: "file", Path: slashed, RawQuery: query.Encode()}).String()
}
