package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tokenkeeper/vault/internal/file"
	"tokenkeeper/vault/internal/storage"
)

// createIfMissing makes an empty vault, complete before it has its name. A crash or a second process never leaves half a
// vault, so an empty file is always a vault that was lost, and is refused.
//
// The file that exists is not opened here to look at it: on POSIX systems, closing any handle of a file drops the locks
// that SQLite holds on it in the same process.
func createIfMissing(ctx context.Context, path string, o storage.Opening) error {
	if exists(path) {
		return nil
	}
	if err := refuseOrphanedLog(path); err != nil {
		return err
	}
	err := file.Publish(path, func(temp string) error { return build(ctx, temp, o) })
	if errors.Is(err, fs.ErrExist) {
		return nil // somebody was faster, and theirs is as good
	}
	return err
}

// refuseOrphanedLog refuses to create a vault beside the write-ahead log of another: SQLite would replay it into the new
// file.
func refuseOrphanedLog(path string) error {
	log, err := os.Stat(path + "-wal")
	orphaned := err == nil && log.Size() > 0 && !exists(path) // a vault created since the caller looked has its own log
	if orphaned {
		return fmt.Errorf("%s-wal is there and its vault is not: restore the vault, or move the -wal and -shm files away", path)
	}
	return nil
}

// build writes an empty vault into the empty file temp.
func build(ctx context.Context, temp string, o storage.Opening) error {
	db, err := openWriter(temp)
	if err != nil {
		return err
	}
	err = fill(ctx, db, o)
	return errors.Join(err, db.Close())
}

func fill(ctx context.Context, db *sql.DB, o storage.Opening) error {
	if err := useWriteAheadLog(ctx, db); err != nil {
		return err
	}
	err := write(ctx, db, longestLine, func(tx storage.Queryer) error {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, applicationID)); err != nil {
			return err
		}
		if err := migrate(ctx, tx); err != nil {
			return err
		}
		return o.Create(ctx, tx)
	})
	if err != nil {
		return err
	}
	_, err = checkpoint(ctx, db, longestLine, closePatience)
	return err
}

// useWriteAheadLog lets readers and a writer work at once. The mode stays with the file; a copy may have lost it.
func useWriteAheadLog(ctx context.Context, db *sql.DB) error {
	var mode string
	if err := db.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("its file system has no shared memory for a write-ahead log (journal mode %s): put it on a local disk", mode)
	}
	return nil
}
