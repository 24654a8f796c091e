package vault

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"os"
)

//go:embed schema/1.sql
var schema1 string

// migrations lead from each schema version to the next; the first makes version 1 of an empty file. One that was
// released never changes.
func migrations() []string { return []string{schema1} }

// applicationID marks a SQLite file as a vault: "tkvl" in ASCII.
const applicationID = 0x746b766c

// schemaVersion returns the version of a vault's tables, and refuses what is no vault or is newer than this program.
func schemaVersion(ctx context.Context, q queryer) (int, error) {
	var id, version int
	if err := q.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return 0, err
	}
	if id != applicationID {
		return 0, errForeign
	}
	if err := q.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return 0, err
	}
	if known := len(migrations()); version > known {
		return 0, fmt.Errorf("it has schema version %d and this program knows versions up to %d: use a newer tokenkeeper", version, known)
	}
	return version, nil
}

// refuseTorn refuses a file whose last page is not whole. SQLite would fill that page up with zeros, and count on it.
func refuseTorn(ctx context.Context, q queryer, path string) error {
	var page int64
	if err := q.QueryRowContext(ctx, `PRAGMA page_size`).Scan(&page); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size()%page != 0 {
		return errTorn
	}
	return nil
}

// migrate brings the tables up to date. It runs inside a transaction, and looks at the version there: another process may
// have been faster.
func migrate(ctx context.Context, tx *sql.Tx) error {
	version, err := schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	for i, statements := range migrations()[version:] {
		if _, err := tx.ExecContext(ctx, statements); err != nil {
			return fmt.Errorf("migrating to schema version %d: %w", version+i+1, err)
		}
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, len(migrations())))
	return err
}
