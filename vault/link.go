package vault

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// LinkLife is how long a link may be used.
const LinkLife = 30 * time.Minute

// Link leads one browser to consent for an account. Its secret is in the link alone; the vault keeps a hash of it.
type Link struct {
	Hash    []byte // SHA-256 of the secret
	Account credential.AccountID
	Why     string // what made it necessary, for the person who opens it
	// BrowserHash is of what binds it to the browser that went on from it first; nil until one has.
	BrowserHash []byte
	ExpiresAt   time.Time
}

// LinkHash returns what the vault knows a link's secret by.
func LinkHash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// NewLink makes a link and returns its secret, 260 random bits. It voids the account's links of before.
func (v *Vault) NewLink(ctx context.Context, account credential.AccountID, why string) (string, error) {
	secret := rand.Text() + rand.Text()
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		if _, err := credential.ParseAccountID(account.String()); err != nil {
			return err
		}
		if err := v.prune(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO links (secret_hash, account, why, expires_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (account) DO UPDATE SET secret_hash = excluded.secret_hash, why = excluded.why,
				browser_hash = NULL, expires_at = excluded.expires_at`,
			LinkHash(secret), account.String(), auditText(why), micros(v.now().Add(LinkLife)))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("making a link for account %s: %w", account, err)
	}
	return secret, nil
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
	err := q.QueryRowContext(ctx, `SELECT account, why, browser_hash, expires_at FROM links
		WHERE secret_hash = $1 AND expires_at > $2`, hash, micros(now)).Scan(&account, &l.Why, &l.BrowserHash, &expires)
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

// OpenLink binds a link to a browser. The same browser may open it again; another one gets [ErrOtherBrowser].
func (v *Vault) OpenLink(ctx context.Context, hash, browserHash []byte) (Link, error) {
	var l Link
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		if len(browserHash) == 0 {
			return errors.New("it would be bound to no browser")
		}
		_, err := tx.ExecContext(ctx, `UPDATE links SET browser_hash = $1 WHERE secret_hash = $2 AND browser_hash IS NULL`, browserHash, hash)
		if err != nil {
			return err
		}
		if l, err = getLink(ctx, tx, hash, v.now()); err != nil {
			return err
		}
		if string(l.BrowserHash) != string(browserHash) {
			return ErrOtherBrowser
		}
		return nil
	})
	if err != nil {
		return Link{}, fmt.Errorf("opening a link: %w", err)
	}
	return l, nil
}

// SpendLink uses a link up: of any number of consents that it led to, one gets nil. The others get [ErrNotFound], and so do
// those whose link a newer one has made void. A login may outlast its link, so that the time of expiry does not count here.
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
