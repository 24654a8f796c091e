package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"tokenkeeper/vault/internal/storage"
)

var errReadOnly = errors.New("the vault was opened for reading only")

// unknownOutcomeError says that the connection was lost while a transaction committed.
type unknownOutcomeError struct{ err error }

func (e *unknownOutcomeError) Error() string {
	return "the connection was lost during the commit, so the write may or may not have happened: " + e.err.Error()
}

func (e *unknownOutcomeError) Unwrap() error { return e.err }

// explain says what a person can do about what PostgreSQL answered.
func explain(err error) error {
	refused, isRefused := errors.AsType[*pgconn.ConnectError](err)
	if isRefused {
		// The type of the driver holds the whole configuration, password included, for whoever prints it with %+v.
		err = fmt.Errorf("connecting: %w", refused.Unwrap())
	}
	hint := advice(code(err))
	switch {
	case hint != "":
		return fmt.Errorf("%s (%w)", hint, err)
	case isRefused && code(err) == "":
		return fmt.Errorf("PostgreSQL cannot be reached: see that it runs and that host, port and TLS in the connection string are right (%w)", err)
	case strings.HasPrefix(code(err), classInternal):
		return fmt.Errorf("%w (%w)", storage.ErrDamaged, err)
	}
	return err
}

// advice returns what to do about an error with a code, "" where the server's own text has to be enough.
func advice(code string) string {
	switch {
	case strings.HasPrefix(code, classAuthorization):
		return "PostgreSQL refuses the user: correct user and password in the connection string, or pg_hba.conf"
	case code == noSuchDatabase:
		return "the database does not exist: create it with createdb, owned by the user of the connection string"
	case code == insufficientRight:
		return "the user lacks a right: make it the owner of the database, or of the schema"
	case code == readOnlyTransaction:
		return "this server is a standby that takes no writes: name the primary, or add target_session_attrs=read-write to the connection string"
	case code == tooManyConnections:
		return "PostgreSQL has no connection left: raise max_connections, or run fewer workers"
	}
	return ""
}
