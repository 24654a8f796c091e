package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Quarantine keeps a pending authorization from being adopted by [Vault.Adopt]. Until the given time [Vault.Accept] can still make a
// credential of it. After that it can only be revoked, and stays until [Vault.DropStray]. Repeating the call changes nothing. It
// returns [ErrNotFound] for an authorization that is unknown, adopted or expired.
func (v *Vault) Quarantine(ctx context.Context, id string, until time.Time) (Authorization, error) {
	var a Authorization
	err := v.writeSealed(ctx, func(tx storage.Queryer, s sealer) error {
		now := v.now()
		var err error
		if a, err = s.authorization(ctx, tx, id, now); err != nil || a.Quarantined() {
			return err
		}
		a.QuarantinedAt, a.ExpiresAt = fromMicros(micros(now)), fromMicros(micros(until))
		_, err = tx.ExecContext(ctx, `UPDATE authorizations SET quarantined_at = $1, expires_at = $2 WHERE id = $3`,
			micros(now), micros(until), id)
		if err != nil {
			return err
		}
		return v.auditGrant(ctx, tx, Quarantined, a.Account, "of "+credential.Holder{Subject: a.Subject, Display: a.Display}.String())
	})
	if err != nil {
		return Authorization{}, fmt.Errorf("putting authorization %q into quarantine: %w", id, err)
	}
	return a, nil
}

// Accept adopts an authorization as [Vault.Adopt] does, but takes one in quarantine too, because an operator has seen whose it is. They
// name the subject that they saw; a [SubjectError] is returned when the authorization is of another one.
func (v *Vault) Accept(ctx context.Context, id string, subject credential.Subject) (Record, error) {
	return v.adoptIf(ctx, id, func(a Authorization) error {
		if a.Subject != subject {
			return &SubjectError{Authorization: id, Subject: a.Subject, Accepted: subject}
		}
		return nil
	})
}

// SubjectError says that an operator accepted one subject, and the authorization is of another.
type SubjectError struct {
	Authorization     string
	Subject, Accepted credential.Subject
}

func (e *SubjectError) Error() string {
	return fmt.Sprintf("authorization %q is of subject %q, not of %q", e.Authorization, e.Subject, e.Accepted)
}

// Stray is an authorization in quarantine, or the grant that an account had before another one replaced it. Neither serves anybody,
// and both are to be revoked and destroyed. What is said of others decides whether that is safe: at many providers all tokens
// that one subject has of one app are of one grant, and revoking any of them ends all.
type Stray struct {
	Authorization

	// Shared: there are other tokens of the same subject, which an account uses or may still adopt.
	Shared bool

	// Kin: Shared is true only because of other strays of the same account. An account that is disconnected takes all of them with it,
	// so that they need not be spared for each other's sake.
	Kin bool

	// Unclear: a consent waits whose subject is not known yet, and which may therefore be of the same grant.
	Unclear bool
}

// GetStray returns a stray, also one whose time to be accepted is over. It returns [ErrNotFound] for what is none.
func (v *Vault) GetStray(ctx context.Context, id string) (Stray, error) {
	var stray Stray
	err := v.read(ctx, func(q storage.Queryer, s sealer) error {
		var err error
		if stray.Authorization, err = s.authorization(ctx, q, id, time.Time{}); err != nil {
			return err
		}
		if !stray.Quarantined() {
			return ErrNotFound
		}
		return stray.compare(ctx, q, v.now())
	})
	if err != nil {
		return Stray{}, fmt.Errorf("reading authorization %q from quarantine: %w", id, err)
	}
	return stray, nil
}

// compare sets what s says of other tokens of the same connector. Authorizations that have expired do not count: nobody can adopt them
// any more.
func (s *Stray) compare(ctx context.Context, q storage.Queryer, now time.Time) error {
	_, owned, err := ownerOf(ctx, q, s.Account.Connector, s.Subject)
	if err != nil {
		return err
	}
	used, kin := owned, false
	rows, err := q.QueryContext(ctx, `SELECT account, subject, quarantined_at FROM authorizations WHERE subject IN ($1, '') AND id <> $2 AND expires_at > $3`,
		s.Subject, s.ID, micros(now))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var account string
		var subject credential.Subject
		var quarantined int64
		if err := rows.Scan(&account, &subject, &quarantined); err != nil {
			return err
		}
		other, err := credential.ParseAccountID(account)
		switch {
		case err != nil:
			return err
		case other.Connector != s.Account.Connector:
		case subject == "":
			s.Unclear = true
		case other == s.Account && quarantined > 0:
			kin = true
		default:
			used = true
		}
	}
	s.Shared, s.Kin = used || kin, kin && !used
	return rows.Err()
}

// Retoken replaces the tokens of an authorization that is not adopted by others of the same grant, after a refresh. It may be pending or
// a stray, and may have expired. It returns [ErrNotFound] for an authorization that is not there.
func (v *Vault) Retoken(ctx context.Context, id string, t credential.Tokens) error {
	err := v.writeSealed(ctx, func(tx storage.Queryer, s sealer) error {
		a, err := s.authorization(ctx, tx, id, time.Time{})
		if err != nil {
			return err
		}
		if t.Access.IsZero() {
			return errNoAccessToken
		}
		a.Tokens = t
		sealed, key, err := s.sealAuthorization(a)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE authorizations SET tokens = $1, data_key = $2 WHERE id = $3`, sealed, key, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("storing tokens of authorization %q: %w", id, err)
	}
	return nil
}

// DropStray shreds a stray, as [Vault.Shred] does an account. unrevoked says why the provider has not revoked its grant, for the audit
// log; "" where it has. A stray that is not there is no error.
func (v *Vault) DropStray(ctx context.Context, id, unrevoked string) error {
	return v.dropStray(ctx, id, unrevoked, func(storage.Queryer) error { return nil })
}

// DropShared is [Vault.DropStray] for a stray that is not revoked because it is shared. Whether it still is, is looked at in the same
// transaction, and [ErrUnshared] is returned where it is not: of two strays of one grant that are dropped at the same moment, the second
// one has to be revoked.
func (v *Vault) DropShared(ctx context.Context, id string) error {
	return v.dropStray(ctx, id, "other tokens of the same subject are in use", func(tx storage.Queryer) error {
		s := Stray{Authorization: Authorization{ID: id}}
		var account string
		err := tx.QueryRowContext(ctx, `SELECT account, subject FROM authorizations WHERE id = $1`, id).Scan(&account, &s.Subject)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if s.Account, err = credential.ParseAccountID(account); err != nil {
			return err
		}
		if err := s.compare(ctx, tx, v.now()); err != nil {
			return err
		}
		if !s.Shared {
			return ErrUnshared
		}
		return nil
	})
}

// dropStray drops a stray if allowed, which runs in the same transaction, returns nil.
func (v *Vault) dropStray(ctx context.Context, id, unrevoked string, allowed func(storage.Queryer) error) error {
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		if err := allowed(tx); err != nil {
			return err
		}
		return v.discard(ctx, tx, unrevoked, `WHERE id = $1 AND quarantined_at > 0`, id)
	})
	if err == nil {
		err = v.store.Scrub(ctx)
	}
	if err != nil {
		return fmt.Errorf("dropping authorization %q from quarantine: %w", id, err)
	}
	return nil
}
