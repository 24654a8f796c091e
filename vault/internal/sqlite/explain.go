package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"tokenkeeper/vault/internal/storage"
)

var (
	errReadOnly = errors.New("the vault was opened for reading only")
	errLine     = errors.New("too many writes wait for it: another process keeps its file locked, a backup for example, or the disk is slow")
)

// explain says what a person can do about what SQLite found in the file.
func explain(err error) error {
	fault, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	const primary = 0xff // the rest of a code is detail
	switch fault.Code() & primary {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w (%w)", storage.ErrForeign, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w (%w)", storage.ErrDamaged, err)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return fmt.Errorf("this process may not write to it or to its folder: check the owner and the mode (%w)", err)
	}
	return err
}
