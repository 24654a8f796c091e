package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"tokenkeeper/vault/internal/storage"
)

// Store is one open file.
type Store struct {
	path   string
	writer *sql.DB // nil when opened for reading only
	reader *sql.DB
	line   time.Duration // how long a writer waits for those before it
	later  later
}

// longestLine bounds the wait for the one connection that writes, so that the caller can still report that: an attempt at a
// refresh has 45 s. While another process keeps the file locked, each writer ahead in the line waits for SQLite in turn.
const longestLine = 20 * time.Second

// Open opens the vault in the file at path, an absolute one, or creates it, readable by the owner only.
func Open(ctx context.Context, path string, o storage.Opening) (*Store, error) {
	if o.ReadOnly {
		return openReadOnly(ctx, path, o)
	}
	if err := createIfMissing(ctx, path, o); err != nil {
		return nil, fmt.Errorf("creating it: %w", explain(err))
	}
	s, err := connect(path)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, o); err != nil {
		return nil, errors.Join(explain(err), s.disconnect())
	}
	return s, nil
}

func openReadOnly(ctx context.Context, path string, o storage.Opening) (*Store, error) {
	if !exists(path) {
		return nil, storage.ErrAbsent
	}
	reader, err := openUntouched(path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, reader: reader}
	if err := s.inspect(ctx, reader, o); err != nil {
		return nil, errors.Join(explain(err), s.disconnect())
	}
	return s, nil
}

func connect(path string) (*Store, error) {
	writer, err := openWriter(path)
	if err != nil {
		return nil, err
	}
	reader, err := openReaders(path)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return &Store{path: path, writer: writer, reader: reader, line: longestLine, later: later{after: scrubAgain}}, nil
}

// inspect makes sure that the file is a vault, whole, and ours.
func (s *Store) inspect(ctx context.Context, db *sql.DB, o storage.Opening) error {
	if _, err := schemaVersion(ctx, db); err != nil {
		return err
	}
	if err := refuseTorn(ctx, db, s.path); err != nil {
		return err
	}
	return o.Accept(ctx, db)
}

// prepare inspects the file before it writes anything to it.
func (s *Store) prepare(ctx context.Context, o storage.Opening) error {
	if err := s.inspect(ctx, s.writer, o); err != nil {
		return err
	}
	if err := useWriteAheadLog(ctx, s.writer); err != nil {
		return err
	}
	if err := write(ctx, s.writer, s.line, func(tx storage.Queryer) error { return migrate(ctx, tx) }); err != nil {
		return err
	}
	return s.Scrub(ctx) // what a process that died has left
}

// Read runs fn on the connections that read.
func (s *Store) Read(_ context.Context, fn func(q storage.Queryer) error) error {
	return explain(fn(s.reader))
}

// Write runs fn in one transaction, which takes the write lock at its beginning (BEGIN IMMEDIATE): what fn reads is still
// true when it writes.
func (s *Store) Write(ctx context.Context, fn func(tx storage.Queryer) error) error {
	if s.writer == nil {
		return errReadOnly
	}
	return explain(write(ctx, s.writer, s.line, fn))
}

func write(ctx context.Context, db *sql.DB, line time.Duration, fn func(tx storage.Queryer) error) error {
	conn, err := turn(ctx, db, line)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // back to the pool
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback() // the first error tells more
		return err
	}
	return tx.Commit()
}

// turn waits for the one connection that writes.
func turn(ctx context.Context, db *sql.DB, line time.Duration) (*sql.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, line)
	defer cancel()
	conn, err := db.Conn(waiting)
	if err != nil && ctx.Err() == nil && waiting.Err() != nil {
		return nil, errLine
	}
	return conn, err
}

// Check reads every page of the file and every index (PRAGMA integrity_check).
func (s *Store) Check(ctx context.Context) error {
	var finding string
	err := s.reader.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&finding)
	if err == nil && finding != "ok" {
		err = fmt.Errorf("%w (%s)", storage.ErrDamaged, finding)
	}
	return explain(err)
}

// Close empties the write-ahead log into the file and closes it.
func (s *Store) Close() error {
	if s.writer == nil {
		return s.disconnect()
	}
	s.later.end()
	err := s.reader.Close() // first, so that no reader of ours holds up the checkpoint
	_, failed := checkpoint(context.Background(), s.writer, s.line, closePatience)
	return errors.Join(err, failed, s.writer.Close())
}

func (s *Store) disconnect() error {
	s.later.end()
	err := s.reader.Close()
	if s.writer != nil {
		err = errors.Join(err, s.writer.Close())
	}
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
