package vault

import (
	"context"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Quarantine keeps a pending authorization from being adopted: nothing but [Vault.Accept] makes a credential of it, until it
// expires. One that is in quarantine already stays there as it is. It returns [ErrNotFound] for one that is unknown, adopted
// or expired.
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

	// Replaced says that it was its account's until a grant of another subject took its place.
	Replaced bool

	// Shared says that the vault holds other tokens of the same subject. At many providers they are of one grant, and who
	// revokes one of them ends all.
	Shared bool
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
		if stray.Shared, err = isShared(ctx, q, stray.Authorization); err != nil {
			return err
		}
		return q.QueryRowContext(ctx, `SELECT replaced = 1 FROM authorizations WHERE id = $1`, id).Scan(&stray.Replaced)
	})
	if err != nil {
		return Stray{}, fmt.Errorf("reading authorization %q from quarantine: %w", id, err)
	}
	return stray, nil
}

// isShared errs on the side of tokens in use: an authorization of another connector counts too, and one of nobody knows whom.
func isShared(ctx context.Context, q storage.Queryer, a Authorization) (bool, error) {
	var others int
	err := q.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM records WHERE connector = $1 AND subject = $2)
			+ (SELECT count(*) FROM authorizations WHERE subject IN ($2, '') AND id <> $3)`,
		a.Account.Connector, a.Subject, a.ID).Scan(&others)
	return others > 0, err
}
