package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// patience is how long a transaction is tried for, like SQLite's wait for its lock.
	patience = 10 * time.Second
	// lostLimit is above the number of connections that a restart of the server can leave dead in the pool.
	lostLimit = connections + 2
)

// retrier decides whether a transaction is run again. The zero value is ready for use.
type retrier struct {
	began    time.Time
	attempts int
	losses   int
	doubles  int
}

// again reports whether to run the transaction again that ended with err, after the pause that it takes.
func (r *retrier) again(ctx context.Context, err error) bool {
	if r.began.IsZero() {
		r.began = time.Now()
	}
	if ctx.Err() != nil || time.Since(r.began) > patience {
		return false
	}
	switch {
	case lost(err):
		r.losses++
		return r.losses <= lostLimit // no pause: the next connection may be a live one
	case code(err) == uniqueViolation:
		// A serializable transaction may meet what another has just committed in an index first, where it would have found it
		// by reading (PostgreSQL manual, "Serialization Failure Handling"). The second run reads it.
		r.doubles++
		return r.doubles <= 1
	case code(err) == serializationFailure, code(err) == deadlockDetected:
		r.attempts++
		return pause(ctx, r.attempts)
	}
	return false
}

// pause waits for a random time that grows with the attempts, and reports whether ctx lasted.
func pause(ctx context.Context, attempts int) bool {
	bound := min(time.Millisecond<<min(attempts, 7), 100*time.Millisecond)
	timer := time.NewTimer(rand.N(bound)) //nolint:gosec // the spread of retries is no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Codes of errors (PostgreSQL manual, appendix A).
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	readOnlyTransaction  = "25006"
	insufficientRight    = "42501"
	noSuchDatabase       = "3D000"
	tooManyConnections   = "53300"
	adminShutdown        = "57P01"
	crashShutdown        = "57P02"
	idleSessionTimeout   = "57P05"
	classConnection      = "08"
	classAuthorization   = "28"
	classInternal        = "XX"
)

// code returns the SQLSTATE of an error, "" when the server did not send it.
func code(err error) string {
	if fault, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fault.Code
	}
	return ""
}

// lost reports whether err says that a connection of the pool is dead. A connection that could not be made is none.
func lost(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*unknownOutcomeError](err); ok {
		return false
	}
	switch sent := code(err); {
	case sent == adminShutdown, sent == crashShutdown, sent == idleSessionTimeout, strings.HasPrefix(sent, classConnection):
		return true
	case sent != "":
		return false
	}
	for _, sign := range []error{
		driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, pgconn.ErrConnClosed, syscall.ECONNRESET, syscall.EPIPE,
	} {
		if errors.Is(err, sign) {
			return true
		}
	}
	return false
}
