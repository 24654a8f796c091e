package sqlite

import (
	"context"
	"embed"
	"fmt"
	"os"

	"tokenkeeper/vault/internal/storage"
)

//go:embed schema/*.sql
var schemas embed.FS

// migrations lead from each schema version to the next; the first makes version 1 of an empty file. One that was
// released never changes.
var migrations = storage.Migrations(schemas)

// applicationID marks a SQLite file as a vault: "tkvl" in ASCII.
const applicationID = 0x746b766c

// schemaVersion returns the version of a vault's tables, and refuses what is no vault or is newer than this program.
func schemaVersion(ctx context.Context, q storage.Queryer) (int, error) {
	var id, version int
	if err := q.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return 0, err
	}
	if id != applicationID {
		return 0, storage.ErrForeign
	}
	if err := q.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return 0, err
	}
	return version, storage.RefuseNewer(version, len(migrations))
}

// refuseTorn refuses a file whose last page is not whole. SQLite would fill that page up with zeros, and count on it.
func refuseTorn(ctx context.Context, q storage.Queryer, path string) error {
	var page int64
	if err := q.QueryRowContext(ctx, `PRAGMA page_size`).Scan(&page); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size()%page != 0 {
		return storage.ErrDamaged
	}
	return nil
}

// migrate brings the tables up to date. It runs inside a transaction, and looks at the version there: another process may
// have been faster.
func migrate(ctx context.Context, tx storage.Queryer) error {
	version, err := schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	if err := storage.Migrate(ctx, tx, version, migrations); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, len(migrations)))
	return err
}
