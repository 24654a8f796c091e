package vault

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Login is one browser's way through the authorization-code flow, from the redirect to the callback. The state itself is
// never stored.
type Login struct {
	StateHash   []byte // SHA-256 of the state parameter
	Account     credential.AccountID
	Verifier    credential.Secret // of PKCE (RFC 7636 §4.1)
	BrowserHash []byte            // of what binds the flow to the browser that began it
	ExpiresAt   time.Time
	LinkHash    []byte // of the link that led to it; nil when none did
	PersonHash  []byte // of who opened that link; nil where nobody had to say who they are
}

func (l Login) binding() binding {
	return binding{account: l.Account, field: fieldVerifier, row: string(l.StateHash)}
}

// validate refuses hashes that an empty parameter or cookie would match.
func (l Login) validate(now time.Time) error {
	if _, err := credential.ParseAccountID(l.Account.String()); err != nil {
		return err
	}
	switch {
	case len(l.StateHash) != sha256.Size:
		return errors.New("its state hash is no SHA-256")
	case len(l.BrowserHash) == 0:
		return errors.New("it is bound to no browser")
	case !l.ExpiresAt.After(now):
		return errors.New("it has expired already, or has no time of expiry")
	}
	return nil
}

// PutLogin keeps a login until it is taken or expired.
func (v *Vault) PutLogin(ctx context.Context, l Login) error {
	err := v.writeSealed(ctx, func(tx storage.Queryer, s sealer) error {
		if err := l.validate(v.now()); err != nil {
			return err
		}
		if err := v.prune(ctx, tx); err != nil {
			return err
		}
		sealed, err := s.seal(l.binding(), []byte(l.Verifier.Reveal()))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO logins (state_hash, account, verifier, browser_hash, expires_at, link_hash, person_hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			l.StateHash, l.Account.String(), sealed, l.BrowserHash, micros(l.ExpiresAt), l.LinkHash, l.PersonHash)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping a login of account %s: %w", l.Account, err)
	}
	return nil
}

// TakeLogin returns a login and deletes it in the same step, so that of any number of callbacks one gets it. The others,
// and callbacks that come too late, get [ErrNotFound].
func (v *Vault) TakeLogin(ctx context.Context, stateHash []byte) (Login, error) {
	l := Login{StateHash: stateHash}
	var sealed []byte
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		var err error
		l, sealed, err = takeLogin(ctx, tx, stateHash, v.now())
		return err
	})
	// It is opened after the commit: a login that does not open is used up as well.
	var verifier []byte
	if err == nil {
		err = v.keyset.withKeys(ctx, func(k *keys) error {
			verifier, err = v.sealer(k).open(l.binding(), sealed)
			return err
		})
	}
	if err != nil {
		return Login{}, fmt.Errorf("taking a login: %w", err)
	}
	l.Verifier = credential.NewSecret(string(verifier))
	return l, nil
}

func takeLogin(ctx context.Context, tx storage.Queryer, stateHash []byte, now time.Time) (Login, []byte, error) {
	var (
		l       = Login{StateHash: stateHash}
		account string
		sealed  []byte
		expires int64
	)
	err := tx.QueryRowContext(ctx, `DELETE FROM logins WHERE state_hash = $1 AND expires_at > $2
		RETURNING account, verifier, browser_hash, expires_at, link_hash, person_hash`, stateHash, micros(now)).
		Scan(&account, &sealed, &l.BrowserHash, &expires, &l.LinkHash, &l.PersonHash)
	if errors.Is(err, sql.ErrNoRows) {
		return Login{}, nil, ErrNotFound
	}
	if err != nil {
		return Login{}, nil, err
	}
	l.Account, err = credential.ParseAccountID(account)
	l.ExpiresAt = fromMicros(expires)
	return l, sealed, err
}
