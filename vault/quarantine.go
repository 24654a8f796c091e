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

// Quarantine keeps a pending authorization from being adopted: nothing but [Vault.Accept] makes a credential of it, until it
// expires. After that it stays, for its grant to be revoked, until [Vault.DropStray]. One that is in quarantine already stays
// there as it is. It returns [ErrNotFound] for one that is unknown, adopted or expired.
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

// Accept adopts an authorization as [Vault.Adopt] does, also one in quarantine: somebody looked at whose it is and wants it.
// It returns a [SubjectError] when it is another's than who they say.
func (v *Vault) Accept(ctx context.Context, id string, subject credential.Subject) (Record, error) {
	return v.adoptIf(ctx, id, func(a Authorization) error {
		if a.Subject != subject {
			return &SubjectError{Authorization: id, Subject: a.Subject, Accepted: subject}
		}
		return nil
	})
}

// SubjectError says that somebody accepted another subject than the one whose tokens these are.
type SubjectError struct {
	Authorization     string
	Subject, Accepted credential.Subject
}

func (e *SubjectError) Error() string {
	return fmt.Sprintf("authorization %q is of subject %q, not of %q", e.Authorization, e.Subject, e.Accepted)
}

// Stray is an authorization in quarantine, or a grant that was replaced, which somebody wants to destroy.
type Stray struct {
	Authorization

	// Shared says that somebody uses other tokens of the same subject, or may come to. At many providers they are of one grant,
	// and who revokes one of them ends all.
	Shared bool

	// Kin says that nobody else does: the others are in quarantine, or were replaced, in the same account. One that leaves uses
	// none of them.
	Kin bool

	// Unclear says that a consent waits of which nobody knows yet whose it is: it may be of the same grant.
	Unclear bool
}

// GetStray returns what is in quarantine, expired or not, or was replaced, or [ErrNotFound].
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

// compare looks for other tokens of the same connector that may be of the same grant. What has expired is nobody's any more, and waits to
// be revoked itself.
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

// Retoken gives what no account uses other tokens of the same grant: a pending authorization, one in quarantine, expired or not, or a
// grant that was replaced. It returns [ErrNotFound] for what is not there.
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

// DropStray shreds what is in quarantine, or was replaced, as [Vault.Shred] does an account. The audit log has why its grant was not
// revoked, unless that is "". What is not there is no error.
func (v *Vault) DropStray(ctx context.Context, id, unrevoked string) error {
	return v.dropStray(ctx, id, unrevoked, func(storage.Queryer) error { return nil })
}

// DropShared is [Vault.DropStray] for what is not revoked because it is shared. It returns [ErrUnshared] where it is so no more: of two
// that are of one grant, and that somebody drops at the same moment, the last one has to be revoked.
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

// dropStray drops what allowed returns nil for.
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
