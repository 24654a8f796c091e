package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

const (
	// scrubPatience is how long Scrub waits for readers. Nobody can write meanwhile. A read takes some 50 µs; what takes
	// longer than this, such as a backup, may take minutes.
	scrubPatience = 500 * time.Millisecond
	// scrubAgain is the pause before another attempt.
	scrubAgain = 5 * time.Second
	// closePatience takes the place of scrubPatience at Close, after which this process makes no other attempt.
	closePatience = 10 * time.Second
)

// Scrub moves the write-ahead log into the file, where deleted secrets are overwritten already, and empties it. Where a
// reader or a writer of another process is in the way, it is tried again soon, and after the end of this process by the next
// one that opens the vault.
func (s *Store) Scrub(ctx context.Context) error {
	emptied, err := checkpoint(ctx, s.writer, s.line, scrubPatience)
	if !emptied {
		s.later.do(func(ctx context.Context) { _ = s.Scrub(ctx) }) // which plans another try where it has to
	}
	return explain(err)
}

// checkpoint empties the write-ahead log, and reports whether it has: it still holds the pages that a reader may need.
func checkpoint(ctx context.Context, db *sql.DB, line, patience time.Duration) (emptied bool, err error) {
	conn, err := turn(ctx, db, line)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }() // back to the pool
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var busy bool
	var frames, moved int
	err = conn.QueryRowContext(waiting, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return false, nil
	}
	return err == nil && !busy, err
}

// later has something done after a while, unless it is planned already.
type later struct {
	after time.Duration

	mu      sync.Mutex
	planned bool               // guarded by mu
	ended   bool               // guarded by mu
	stop    context.CancelFunc // guarded by mu; of what is planned or being done, nil before that
	running sync.WaitGroup
}

func (l *later) do(what func(ctx context.Context)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.planned || l.ended {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	l.planned, l.stop = true, stop
	l.running.Go(func() {
		defer stop()
		select {
		case <-ctx.Done():
			return
		case <-time.After(l.after):
		}
		l.mu.Lock()
		l.planned = false
		l.mu.Unlock()
		what(ctx)
	})
}

// end has nothing done any more, and waits for the end of what is being done.
func (l *later) end() {
	l.mu.Lock()
	l.ended = true
	if l.stop != nil {
		l.stop()
	}
	l.mu.Unlock()
	l.running.Wait()
}
