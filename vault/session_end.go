package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/vault/internal/storage"
)

// EndedSession is a session that its person ended. The vault knows it by a hash.
type EndedSession struct {
	Hash []byte // SHA-256 of what tells it from all others
	// ExpiresAt is when it would have been over anyway.
	ExpiresAt time.Time
}

// EndSession remembers that a session is over, until it would have been over anyway. Ending one twice is no error.
func (v *Vault) EndSession(ctx context.Context, e EndedSession) error {
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		if len(e.Hash) != sha256.Size {
			return errors.New("its hash is no SHA-256")
		}
		if err := v.prune(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO ended_sessions (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`,
			e.Hash, micros(e.ExpiresAt))
		return err
	})
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

// SessionEnded reports whether EndSession was called for the session, by any process.
func (v *Vault) SessionEnded(ctx context.Context, hash []byte) (bool, error) {
	var n int
	err := v.store.Read(ctx, func(q storage.Queryer) error {
		return q.QueryRowContext(ctx, `SELECT count(*) FROM ended_sessions WHERE hash = $1`, hash).Scan(&n)
	})
	if err != nil {
		return false, fmt.Errorf("looking whether a session has ended: %w", err)
	}
	return n > 0, nil
}
