package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"tokenkeeper/vault/internal/storage"
)

//go:embed schema/*.sql
var schemas embed.FS

// migrations lead from each schema version to the next; the first makes version 1 of an empty schema. One that was
// released never changes.
var migrations = storage.Migrations(schemas)

// migrationLock is the key of the advisory lock that migrations hold: "tkvl" in ASCII, like the mark of a SQLite vault.
const migrationLock = 0x746b766c

// version returns the version of the vault's tables, 0 when the schema is empty or not there. It refuses what is no vault
// or is newer than this program.
func (s *Store) version(ctx context.Context, q storage.Queryer) (int, error) {
	var ours, others bool
	err := q.QueryRowContext(ctx, `SELECT
			coalesce(bool_or(relname = 'schema_version'), false), coalesce(bool_or(relname <> 'schema_version'), false)
		FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p', 'v', 'm', 'f')`, s.schema).Scan(&ours, &others)
	switch {
	case err != nil:
		return 0, err
	case !ours && others:
		return 0, fmt.Errorf("schema %s holds other tables: %w", s.schema, storage.ErrForeign)
	case !ours:
		return 0, nil
	}
	var version int
	err = q.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, storage.ErrDamaged
	}
	if err != nil {
		return 0, err
	}
	return version, storage.RefuseNewer(version, len(migrations))
}

// migrate brings the tables up to date, and fills those that it created, in one transaction. One process at a time does
// so, and looks at the version when its turn comes: for that the transaction has to see what others committed meanwhile,
// so it is no serializable one.
func (s *Store) migrate(ctx context.Context, create func(context.Context, storage.Queryer) error) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after the commit it does nothing
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, migrationLock); err != nil {
		return err
	}
	version, err := s.version(ctx, tx)
	if err != nil {
		return err
	}
	if version == 0 {
		if err := s.createSchema(ctx, tx); err != nil {
			return err
		}
	}
	if err := storage.Migrate(ctx, tx, version, migrations); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE schema_version SET version = $1`, len(migrations)); err != nil {
		return err
	}
	if version == 0 {
		if err := create(ctx, tx); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// createSchema does not ask for a right that it can do without: the schema may have been prepared.
func (s *Store) createSchema(ctx context.Context, tx storage.Queryer) error {
	var there bool
	if err := tx.QueryRowContext(ctx, `SELECT to_regnamespace($1) IS NOT NULL`, s.schema).Scan(&there); err != nil || there {
		return err
	}
	_, err := tx.ExecContext(ctx, `CREATE SCHEMA `+s.schema) // a plain name, by parse
	return err
}
