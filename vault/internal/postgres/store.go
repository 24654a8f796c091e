package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"tokenkeeper/vault/internal/storage"
)

// connections bounds how many connections one process has. Servers have a hundred by default, for everybody.
const connections = 8

// Store is one open database.
type Store struct {
	db       *sql.DB
	schema   string
	readOnly bool
}

// Open opens the vault in the database that url leads to, or creates its tables. No error holds the password.
func Open(ctx context.Context, url string, o storage.Opening) (*Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	if o.ReadOnly {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(30 * time.Minute) // so that a moved address is looked up again
	s := &Store{db: db, schema: config.RuntimeParams["search_path"], readOnly: o.ReadOnly}
	if err := s.prepare(ctx, o); err != nil {
		return nil, errors.Join(explain(err), db.Close())
	}
	return s, nil
}

// prepare makes sure that the schema holds a vault, and ours, before it writes anything to it.
func (s *Store) prepare(ctx context.Context, o storage.Opening) error {
	version, err := s.version(ctx, s.db)
	if err != nil {
		return err
	}
	if version == 0 && o.ReadOnly {
		return storage.ErrAbsent
	}
	if version == 0 {
		if err := s.migrate(ctx, o.Create); err != nil {
			return fmt.Errorf("creating it: %w", err)
		}
	}
	if err := o.Accept(ctx, s.db); err != nil {
		return err
	}
	if o.ReadOnly || version == len(migrations) {
		return nil
	}
	return s.migrate(ctx, o.Create)
}

// Read runs fn on the pool, and runs it again when the server had closed the connection.
func (s *Store) Read(ctx context.Context, fn func(q storage.Queryer) error) error {
	var r retrier
	for {
		err := fn(s.db)
		if err == nil || !r.again(ctx, err) {
			return explain(err)
		}
	}
}

// Write runs fn in a serializable transaction, and runs all of it again when PostgreSQL found no order for it, or lost the
// connection before the commit. When the connection is lost during the commit nobody knows whether it counts, and the
// error says so.
func (s *Store) Write(ctx context.Context, fn func(tx storage.Queryer) error) error {
	if s.readOnly {
		return errReadOnly
	}
	var r retrier
	for {
		err := s.attempt(ctx, fn)
		if err == nil || !r.again(ctx, err) {
			return explain(err)
		}
	}
}

func (s *Store) attempt(ctx context.Context, fn func(tx storage.Queryer) error) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback() // the first error tells more
		return err
	}
	err = tx.Commit()
	if lost(err) {
		return &unknownOutcomeError{err: err}
	}
	return err
}

// Scrub does nothing. PostgreSQL overwrites what was deleted when it has been vacuumed and its place is used again, and
// keeps it in the archive of its log for as long as that is kept; all of it is sealed. Rotating the key and dropping the
// old one is what ends it.
func (*Store) Scrub(context.Context) error { return nil }

// Check asks for pages whose checksum did not fit when they were read. Where the cluster has no checksums there are none.
func (s *Store) Check(ctx context.Context) error {
	var failures sql.NullInt64
	err := s.db.QueryRowContext(ctx, `SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()`).Scan(&failures)
	if err == nil && failures.Int64 > 0 {
		err = fmt.Errorf("%w (PostgreSQL counts %d pages whose checksum does not fit)", storage.ErrDamaged, failures.Int64)
	}
	return explain(err)
}

// Close closes all connections.
func (s *Store) Close() error { return s.db.Close() }
