package vault

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"tokenkeeper/vault/internal/storage"
)

// A new link voids the old, and the letters about one episode are written by different processes at different times: for as
// long as the link of the first is good, the others lead to it as well. So that they can, its secret is kept beside its hash,
// sealed as tokens are. It is no treasure: a rotation does not seal it anew, and one that does not open is replaced.

// shares reports whether a request is for a link that letters share.
func (r LinkRequest) shares() bool { return r.Episode != "" && !r.Code }

// sharedLink returns the link of the request's episode if there is one that a letter can lead to, and else the zero keys: it is
// good for half its life, or somebody has opened it, whom a new one would stop in the middle.
func sharedLink(ctx context.Context, tx storage.Queryer, s sealer, r LinkRequest, now time.Time) (LinkKeys, error) {
	if !r.shares() {
		return LinkKeys{}, nil
	}
	var (
		hash, browser, sealed []byte
		expires               int64
	)
	err := tx.QueryRowContext(ctx, `SELECT secret_hash, browser_hash, sealed, expires_at FROM links
		WHERE account = $1 AND episode = $2 AND sealed IS NOT NULL AND expires_at > $3`, r.Account.String(), r.Episode, micros(now)).
		Scan(&hash, &browser, &sealed, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return LinkKeys{}, nil
	}
	if err != nil {
		return LinkKeys{}, err
	}
	ends := fromMicros(expires)
	if browser == nil && ends.Sub(now) < r.life()/2 {
		return LinkKeys{}, nil
	}
	secret, err := s.open(r.binding(hash), sealed)
	if err != nil {
		return LinkKeys{}, nil //nolint:nilerr // its key was dropped: a new link costs nothing
	}
	return LinkKeys{Secret: string(secret), ExpiresAt: ends, Shared: true}, nil
}

// sealLink returns what lets letters share a link; nil for one that nobody shares.
func sealLink(s sealer, r LinkRequest, secret string) ([]byte, error) {
	if !r.shares() {
		return nil, nil
	}
	return s.seal(r.binding(LinkHash(secret)), []byte(secret))
}

func (r LinkRequest) binding(hash []byte) binding {
	return binding{account: r.Account, field: fieldLink, row: string(hash)}
}
