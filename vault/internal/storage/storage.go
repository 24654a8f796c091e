// Package storage is the seam between the vault and the databases that can hold it.
//
// The vault speaks one SQL to all of them, with parameters written $1, $2, …. What differs is how a database is opened and
// created, what makes a write transaction serial, how deleted bytes are got rid of, and what its errors mean. That is all
// that a database brings, in a package of its own beside this one.
package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
)

// Queryer is a pool of connections, or a transaction.
type Queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Opening is how a database is opened.
type Opening struct {
	// Create writes the first rows of a new vault, in the transaction that makes its tables: nobody sees a vault without
	// them. It may be called more than once; one call counts.
	Create func(ctx context.Context, tx Queryer) error
	// Check looks at a vault that is there before anything is written to it, and refuses it with an error. Nil accepts.
	Check func(ctx context.Context, q Queryer) error
	// ReadOnly neither creates nor migrates, and refuses every write.
	ReadOnly bool
}

// Accept calls Check.
func (o Opening) Accept(ctx context.Context, q Queryer) error {
	if o.Check == nil {
		return nil
	}
	return o.Check(ctx, q)
}

var (
	// ErrAbsent is returned when there is no vault and none may be created.
	ErrAbsent = errors.New("there is no vault: name the right one, or let the worker create it")
	// ErrForeign is returned for what is no vault.
	ErrForeign = errors.New("it is no vault of tokenkeeper, or it was cut short: name another one, or restore it from a backup")
	// ErrDamaged is returned when the database itself finds that it is not whole.
	ErrDamaged = errors.New("it is damaged or was cut short: restore it from a backup")
)

// RefuseNewer refuses a vault whose tables have a version that this program does not know.
func RefuseNewer(version, known int) error {
	if version > known {
		return fmt.Errorf("it has schema version %d and this program knows versions up to %d: use a newer tokenkeeper", version, known)
	}
	return nil
}

// Migrations returns the statements that lead from each schema version to the next: schema/1.sql, schema/2.sql and so on.
func Migrations(files fs.ReadFileFS) []string {
	var migrations []string
	for {
		statements, err := files.ReadFile(fmt.Sprintf("schema/%d.sql", len(migrations)+1))
		if err != nil {
			return migrations // that was the newest
		}
		migrations = append(migrations, string(statements))
	}
}

// Migrate runs the statements that lead from version to the newest one.
func Migrate(ctx context.Context, tx Queryer, version int, migrations []string) error {
	for i, statements := range migrations[version:] {
		if _, err := tx.ExecContext(ctx, statements); err != nil {
			return fmt.Errorf("migrating to schema version %d: %w", version+i+1, err)
		}
	}
	return nil
}
