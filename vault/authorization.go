package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Authorization is a set of tokens that a person's consent produced and that no account has adopted yet.
type Authorization struct {
	ID        string // random, chosen by the caller
	Account   credential.AccountID
	Subject   credential.Subject // "" as long as the provider has not said whose it is; see [Vault.Identify]
	Display   string
	Tokens    credential.Tokens
	CreatedAt time.Time // zero means now
	ExpiresAt time.Time // after it, the authorization is gone
	// QuarantinedAt is when it was found not to fit the account; zero for one that was not. [Vault.Quarantine] sets it.
	QuarantinedAt time.Time
}

// Quarantined reports whether it is in quarantine, so that only [Vault.Accept] adopts it.
func (a Authorization) Quarantined() bool { return !a.QuarantinedAt.IsZero() }

func (a Authorization) binding() binding {
	return binding{account: a.Account, field: fieldAuthorization, row: a.ID}
}

// validate refuses what Adopt could not make a record of.
func (a Authorization) validate(now time.Time) error {
	if _, err := credential.ParseAccountID(a.Account.String()); err != nil {
		return err
	}
	switch {
	case a.ID == "":
		return errors.New("it has no id")
	case strings.ContainsRune(string(a.Subject)+a.Display, 0):
		return errors.New("its subject or display name holds a NUL, which PostgreSQL keeps in no text")
	case a.Tokens.Access.IsZero():
		return errNoAccessToken
	case !a.ExpiresAt.After(now):
		return errors.New("it has expired already, or has no time of expiry")
	}
	return nil
}

// PutAuthorization keeps an authorization until it is adopted, dropped or expired. An id that is taken is refused.
func (v *Vault) PutAuthorization(ctx context.Context, a Authorization) error {
	now := v.now()
	if a.CreatedAt.IsZero() {
		a.CreatedAt = now
	}
	err := v.writeSealed(ctx, func(tx storage.Queryer, s sealer) error {
		if err := a.validate(now); err != nil {
			return err
		}
		if err := v.prune(ctx, tx); err != nil {
			return err
		}
		return s.insertAuthorization(ctx, tx, a)
	})
	if err != nil {
		return fmt.Errorf("keeping authorization %q of account %s: %w", a.ID, a.Account, err)
	}
	return nil
}

func (s sealer) insertAuthorization(ctx context.Context, tx storage.Queryer, a Authorization) error {
	sealed, key, err := s.sealAuthorization(a)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO authorizations (id, account, subject, display, tokens, created_at, expires_at, data_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.ID, a.Account.String(), a.Subject, a.Display, sealed, micros(a.CreatedAt), micros(a.ExpiresAt), key)
	return err
}

// sealAuthorization returns the sealed tokens and their key as it is kept.
func (s sealer) sealAuthorization(a Authorization) (sealed, key []byte, err error) {
	seals, key, err := s.withNewKey(a.binding())
	if err != nil {
		return nil, nil, err
	}
	sealed, err = seals.sealTokens(a.binding(), a.Tokens)
	return sealed, key, err
}

// Identify adds the subject to a pending authorization that was kept before the provider could name it, and the scopes where
// its tokens have none. One that has a subject stays as it is. It returns [ErrNotFound] for one that is unknown, adopted or
// expired.
func (v *Vault) Identify(ctx context.Context, id string, who credential.Holder, scopes []string) (Authorization, error) {
	var a Authorization
	err := v.writeSealed(ctx, func(tx storage.Queryer, s sealer) error {
		now := v.now()
		var err error
		if a, err = s.authorization(ctx, tx, id, now); err != nil || a.Subject != "" {
			return err
		}
		a.Subject, a.Display = who.Subject, who.Display
		if a.Tokens.Scopes == nil {
			a.Tokens.Scopes = scopes
		}
		if err := a.identified(); err != nil {
			return err
		}
		if err := a.validate(now); err != nil {
			return err
		}
		sealed, key, err := s.sealAuthorization(a)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE authorizations SET subject = $1, display = $2, tokens = $3, data_key = $4 WHERE id = $5`,
			a.Subject, a.Display, sealed, key, id)
		return err
	})
	if err != nil {
		return Authorization{}, fmt.Errorf("writing down whose authorization %q is: %w", id, err)
	}
	return a, nil
}

// identified returns an error for an authorization without a subject.
func (a Authorization) identified() error {
	if a.Subject == "" {
		return errors.New("it has no subject: ask the provider who granted, or nothing can tell two owners of one grant")
	}
	return nil
}

// GetAuthorization returns a pending authorization, or [ErrNotFound] when there is none, or it has expired or is adopted.
func (v *Vault) GetAuthorization(ctx context.Context, id string) (Authorization, error) {
	var a Authorization
	err := v.read(ctx, func(q storage.Queryer, s sealer) error {
		var err error
		a, err = s.authorization(ctx, q, id, v.now())
		return err
	})
	if err != nil {
		return Authorization{}, fmt.Errorf("reading authorization %q: %w", id, err)
	}
	return a, nil
}

func (s sealer) authorization(ctx context.Context, q storage.Queryer, id string, now time.Time) (Authorization, error) {
	var (
		a                             Authorization
		account                       string
		sealed, key                   []byte
		created, expires, quarantined int64
	)
	err := q.QueryRowContext(ctx, `SELECT id, account, subject, display, tokens, created_at, expires_at, quarantined_at, data_key
		FROM authorizations WHERE id = $1 AND expires_at > $2`, id, micros(now)).
		Scan(&a.ID, &account, &a.Subject, &a.Display, &sealed, &created, &expires, &quarantined, &key)
	if errors.Is(err, sql.ErrNoRows) {
		return Authorization{}, ErrNotFound
	}
	if err != nil {
		return Authorization{}, err
	}
	if a.Account, err = credential.ParseAccountID(account); err != nil {
		return Authorization{}, err
	}
	opens, err := s.withKey(a.binding(), key, sealed)
	if err != nil {
		return Authorization{}, err
	}
	if a.Tokens, err = opens.openTokens(a.binding(), sealed); err != nil {
		return Authorization{}, err
	}
	a.CreatedAt, a.ExpiresAt, a.QuarantinedAt = fromMicros(created), fromMicros(expires), fromMicros(quarantined)
	return a, nil
}

// DropAuthorization shreds a pending authorization, as [Vault.Shred] does an account. The audit log has why its grant was not revoked,
// unless that is "". One that is not there is no error.
func (v *Vault) DropAuthorization(ctx context.Context, id, unrevoked string) error {
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		return v.discard(ctx, tx, unrevoked, `WHERE id = $1`, id)
	})
	if err == nil {
		err = v.store.Scrub(ctx)
	}
	if err != nil {
		return fmt.Errorf("dropping authorization %q: %w", id, err)
	}
	return nil
}

// discard deletes authorizations, and writes down of each whose it was and why its grant was not revoked; "" where it was.
func (v *Vault) discard(ctx context.Context, tx storage.Queryer, unrevoked, where string, args ...any) error {
	gone, err := deleteAuthorizations(ctx, tx, where, args...)
	if err != nil {
		return err
	}
	for _, a := range gone {
		detail := "of " + a.holder()
		if unrevoked != "" {
			detail += ", not revoked: " + unrevoked
		}
		if err := v.auditGrant(ctx, tx, Discarded, a.Account, detail); err != nil {
			return err
		}
	}
	return nil
}

// deleteAuthorizations returns what may be known of those that it has deleted.
func deleteAuthorizations(ctx context.Context, tx storage.Queryer, where string, args ...any) ([]Authorization, error) {
	rows, err := tx.QueryContext(ctx, `DELETE FROM authorizations `+where+` RETURNING account, subject, display`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var gone []Authorization
	for rows.Next() {
		var a Authorization
		var account string
		if err := rows.Scan(&account, &a.Subject, &a.Display); err != nil {
			return nil, err
		}
		if a.Account, err = credential.ParseAccountID(account); err != nil {
			return nil, err
		}
		gone = append(gone, a)
	}
	return gone, rows.Err()
}

// holder says for people whose it is.
func (a Authorization) holder() string {
	if a.Subject == "" {
		return "nobody knows whom"
	}
	return credential.Holder{Subject: a.Subject, Display: a.Display}.String()
}
