package vault

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// A new link voids the old one, and the letters about one episode are written by different processes at different times. So all of
// them carry the same link while it is good. For that its secret is kept beside its hash, sealed as tokens are. Losing it costs
// little: a rotation does not seal it anew, and a link whose secret does not open is replaced.

// shares reports whether a request is for a link that several letters carry.
func (r LinkRequest) shares() bool { return r.Episode != "" && !r.Code && r.Recipient == "" }

// sharedLink returns the link of the request's episode if there is one that a letter can lead to, and else the zero keys. The
// error is a [LinkInUseError] where there is a link that a letter must not void.
func sharedLink(ctx context.Context, tx storage.Queryer, s sealer, r LinkRequest, now time.Time) (LinkKeys, error) {
	if !r.shares() {
		return LinkKeys{}, nil
	}
	there, err := getPresentLink(ctx, tx, r.Account)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return LinkKeys{}, nil
	case err != nil:
		return LinkKeys{}, err
	}
	if there.serves(r, now) {
		secret, err := s.open(r.binding(there.hash), there.sealed)
		if err == nil { // else its key was dropped
			return LinkKeys{Secret: string(secret), ExpiresAt: there.expires, Shared: true}, nil
		}
	}
	return LinkKeys{}, there.inUse(now)
}

// presentLink is the link that an account has, good or not.
type presentLink struct {
	hash, browser, sealed []byte
	episode               string // "" for one that somebody made by hand
	expires               time.Time
	login                 time.Time // when the last consent ends that it led to and that is under way; zero for none
}

func getPresentLink(ctx context.Context, tx storage.Queryer, account credential.AccountID) (l presentLink, err error) {
	var expires, login int64
	err = tx.QueryRowContext(ctx, `SELECT secret_hash, browser_hash, sealed, episode, expires_at,
			COALESCE((SELECT MAX(logins.expires_at) FROM logins WHERE logins.link_hash = links.secret_hash), 0)
		FROM links WHERE account = $1`, account.String()).
		Scan(&l.hash, &l.browser, &l.sealed, &l.episode, &expires, &login)
	l.expires, l.login = fromMicros(expires), fromMicros(login)
	return l, err
}

// serves reports whether another letter may carry the link: it is good for at least half its life, or somebody has opened
// it, whom a new link would interrupt.
func (l presentLink) serves(r LinkRequest, now time.Time) bool {
	left := l.expires.Sub(now)
	return l.episode == r.Episode && left > 0 && (l.browser != nil || left >= r.life()/2)
}

// inUse returns a [LinkInUseError] for a link that is good, and that somebody has opened or made by hand.
func (l presentLink) inUse(now time.Time) error {
	e := &LinkInUseError{Opened: l.browser != nil, Until: l.expires}
	if l.login.After(e.Until) { // a login may outlast its link
		e.Until = l.login
	}
	if byHand := l.episode == ""; !e.Until.After(now) || !e.Opened && !byHand {
		return nil
	}
	return e
}

// LinkInUseError is returned for the link of a letter, where the account has another link that is good and that somebody has
// opened, or made by hand. Letters are written by the clock: they must not interrupt somebody's consent, nor void what a
// person has just sent. A link that is asked for by hand is made all the same.
type LinkInUseError struct {
	Opened bool // in a browser; else it was made and not used yet
	Until  time.Time
}

func (e *LinkInUseError) Error() string {
	until := e.Until.UTC().Format("15:04:05 UTC")
	if e.Opened {
		return "somebody has opened another link, which is good until " + until
	}
	return "somebody made another link, which is good until " + until
}

// sealLink returns the sealed secret of a link that letters share; nil for any other.
func sealLink(s sealer, r LinkRequest, secret string) ([]byte, error) {
	if !r.shares() {
		return nil, nil
	}
	return s.seal(r.binding(LinkHash(secret)), []byte(secret))
}

func (r LinkRequest) binding(hash []byte) binding {
	return binding{account: r.Account, field: fieldLink, row: string(hash)}
}
