package vault

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// LinkLife is how long a link may be used when nothing else is said.
const LinkLife = 30 * time.Minute

// Link leads one browser to a consent for an account. Its secret is only in the link itself; the vault keeps a hash of it,
// and, for a link that several letters share, the sealed secret.
type Link struct {
	Hash    []byte // SHA-256 of the secret
	Account credential.AccountID
	Why     string // what made it necessary, for the person who opens it
	// Recipient is who alone may go on from it: a verified address, or a subject, at the OpenID provider. "" means whoever opens it
	// first.
	Recipient string
	// CodeHash is of the confirmation code that goes with it; nil when it needs none.
	CodeHash []byte
	// Attempts counts the wrong codes so far.
	Attempts int
	// BrowserHash is of what binds it to the browser that went on from it first; nil until one has.
	BrowserHash []byte
	// PersonHash is of who did; nil where nobody had to say who they are.
	PersonHash []byte
	ExpiresAt  time.Time
}

// LinkHash returns the hash under which the vault knows a link's secret.
func LinkHash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// LinkRequest is what somebody wants a link for.
type LinkRequest struct {
	Account credential.AccountID
	Why     string
	Life    time.Duration // [LinkLife] when zero
	Code    bool          // it needs a confirmation code
	// Recipient is as in [Link]; who shows the link's page keeps everybody else from it.
	Recipient string
	// Episode names the trouble that several letters are about, so that all of them carry one link; "" for none. A link with
	// a code or a recipient is never shared.
	Episode string
}

func (r LinkRequest) life() time.Duration { return cmp.Or(r.Life, LinkLife) }

// LinkKeys are what opens a link. They cannot be read again later, except for a link of an episode.
type LinkKeys struct {
	Secret    string // 260 random bits
	Code      string // to be told by another way than the link; "" when it needs none
	ExpiresAt time.Time
	// Shared says that nothing was made: an earlier letter about the same episode leads there.
	Shared bool
}

// NewLink makes a link, and voids the link that the account had before. A request with an Episode gets the link of that
// episode while it is good; where the account has another link in use, because somebody has opened it or made it by hand, it
// gets a [LinkInUseError].
func (v *Vault) NewLink(ctx context.Context, r LinkRequest) (LinkKeys, error) {
	var made LinkKeys
	err := v.writeSealed(ctx, func(tx storage.Queryer, s sealer) (err error) {
		if _, err := credential.ParseAccountID(r.Account.String()); err != nil {
			return err
		}
		if err := v.prune(ctx, tx); err != nil {
			return err
		}
		if made, err = sharedLink(ctx, tx, s, r, v.now()); err != nil || made.Shared {
			return err
		}
		made, err = insertLink(ctx, tx, s, r, v.now())
		return err
	})
	if err != nil {
		return LinkKeys{}, fmt.Errorf("making a link for account %s: %w", r.Account, err)
	}
	return made, nil
}

func insertLink(ctx context.Context, tx storage.Queryer, s sealer, r LinkRequest, now time.Time) (LinkKeys, error) {
	made := LinkKeys{Secret: rand.Text() + rand.Text(), ExpiresAt: now.Add(r.life())}
	var codeHash []byte
	if r.Code {
		made.Code = newCode()
		codeHash = hashCode(made.Secret, made.Code)
	}
	sealed, err := sealLink(s, r, made.Secret)
	if err != nil {
		return LinkKeys{}, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO links (secret_hash, account, why, code_hash, expires_at, episode, sealed, recipient)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (account) DO UPDATE SET secret_hash = excluded.secret_hash, why = excluded.why, browser_hash = NULL,
			person_hash = NULL, code_hash = excluded.code_hash, attempts = 0, expires_at = excluded.expires_at, episode = excluded.episode,
			sealed = excluded.sealed, recipient = excluded.recipient`,
		LinkHash(made.Secret), r.Account.String(), auditText(r.Why), codeHash, micros(made.ExpiresAt), r.Episode, sealed, auditText(r.Recipient))
	return made, err
}

// GetLink returns a link, or [ErrNotFound] for one that is unknown, void, used or expired. Looking uses nothing up.
func (v *Vault) GetLink(ctx context.Context, hash []byte) (Link, error) {
	var l Link
	err := v.store.Read(ctx, func(q storage.Queryer) error {
		var err error
		l, err = getLink(ctx, q, hash, v.now())
		return err
	})
	if err != nil {
		return Link{}, fmt.Errorf("reading a link: %w", err)
	}
	return l, nil
}

func getLink(ctx context.Context, q storage.Queryer, hash []byte, now time.Time) (Link, error) {
	l := Link{Hash: hash}
	var (
		account string
		expires int64
	)
	err := q.QueryRowContext(ctx, `SELECT account, why, recipient, browser_hash, person_hash, code_hash, attempts, expires_at FROM links
		WHERE secret_hash = $1 AND expires_at > $2`, hash, micros(now)).
		Scan(&account, &l.Why, &l.Recipient, &l.BrowserHash, &l.PersonHash, &l.CodeHash, &l.Attempts, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return Link{}, ErrNotFound
	}
	if err != nil {
		return Link{}, err
	}
	l.Account, err = credential.ParseAccountID(account)
	l.ExpiresAt = fromMicros(expires)
	return l, err
}

// OpenLink binds a link to the browser that presents its secret, with the code where the link has one, and to the person
// before the browser where that is known. The same browser may open it again, without the code; others get [ErrOtherBrowser]
// or [ErrOtherPerson]. A wrong code is a [WrongCodeError], and binds nothing: who has the link but not the code must not
// keep out the right person before the attempts are used up. Each of these errors comes with the link that it is about, for
// the audit log.
func (v *Vault) OpenLink(ctx context.Context, o Opening) (Link, error) {
	var l Link
	var refused error
	err := v.store.Write(ctx, func(tx storage.Queryer) (err error) {
		l, refused, err = openLink(ctx, tx, o, v.now())
		return err
	})
	// A refusal is no failure of the transaction: the attempt that it counts has to stay.
	switch {
	case err != nil:
		return Link{}, fmt.Errorf("opening a link: %w", err)
	case refused != nil:
		return l, fmt.Errorf("opening a link: %w", refused)
	}
	return l, nil
}

// Opening is what a browser presents.
type Opening struct {
	Secret      string
	Code        string // as a person typed it
	BrowserHash []byte
	PersonHash  []byte // nil where nobody has to say who they are
}

func openLink(ctx context.Context, tx storage.Queryer, o Opening, now time.Time) (l Link, refused, err error) {
	if len(o.BrowserHash) == 0 {
		return Link{}, nil, errors.New("it would be bound to no browser")
	}
	l, err = getLink(ctx, tx, LinkHash(o.Secret), now)
	switch {
	case err != nil:
		return Link{}, nil, err
	case l.BrowserHash != nil && subtle.ConstantTimeCompare(l.BrowserHash, o.BrowserHash) != 1:
		return l, ErrOtherBrowser, nil
	case l.BrowserHash != nil && subtle.ConstantTimeCompare(l.PersonHash, o.PersonHash) != 1:
		return l, ErrOtherPerson, nil
	case l.BrowserHash != nil:
		return l, nil, nil
	case l.CodeHash != nil && subtle.ConstantTimeCompare(l.CodeHash, hashCode(o.Secret, o.Code)) != 1:
		refused, err = countWrongCode(ctx, tx, l)
		return l, refused, err
	}
	l.BrowserHash, l.PersonHash = o.BrowserHash, o.PersonHash
	_, err = tx.ExecContext(ctx, `UPDATE links SET browser_hash = $1, person_hash = $2 WHERE secret_hash = $3`,
		o.BrowserHash, o.PersonHash, l.Hash)
	return l, nil, err
}

// SpendLink uses a link up. Of any number of consents that it led to, the first gets nil. The others get [ErrNotFound], and
// so does the consent by a link that a newer one has voided. A login may last longer than its link, so the link's expiry
// does not count here.
func (v *Vault) SpendLink(ctx context.Context, hash []byte) error {
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		done, err := tx.ExecContext(ctx, `DELETE FROM links WHERE secret_hash = $1`, hash)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNotFound)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("using up a link: %w", err)
	}
	return nil
}
