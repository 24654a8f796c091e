package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Adopt makes a pending authorization the next generation of its account, in one transaction. Adopting the same one again
// returns the account's record, whatever generation it has reached since. The grant that another subject gave the account
// before is kept, to be revoked: see [Vault.Strays]. Older authorizations of the account that still wait, and are the same
// subject's or nobody's yet, are destroyed: adopted later, they would replace newer tokens.
//
// It returns [ErrNotFound] when there is no such authorization, [ErrQuarantined] for one in quarantine, and an [OwnedError]
// when another account owns the grant. That the subject and the scopes are the right ones is for the caller to decide
// before.
func (v *Vault) Adopt(ctx context.Context, id string) (Record, error) {
	return v.adoptIf(ctx, id, func(a Authorization) error {
		if a.Quarantined() {
			return ErrQuarantined
		}
		return nil
	})
}

// adoptIf adopts an authorization that allowed returns nil for.
func (v *Vault) adoptIf(ctx context.Context, id string, allowed func(Authorization) error) (Record, error) {
	var r Record
	err := v.writeSealed(ctx, func(tx storage.Queryer, s sealer) error {
		a, err := s.authorization(ctx, tx, id, v.now())
		if errors.Is(err, ErrNotFound) {
			r, err = s.openRecord(tx.QueryRowContext(ctx, selectRecord+`WHERE authorization_id = $1`, id))
			return err
		}
		if err != nil {
			return err
		}
		if err := allowed(a); err != nil {
			return err
		}
		if r, err = s.adopt(ctx, tx, a, v.now()); err != nil {
			return err
		}
		older, err := dropOlder(ctx, tx, a)
		if err != nil {
			return err
		}
		detail := fmt.Sprintf("generation %d, of %s", r.Generation, credential.Holder{Subject: r.Subject, Display: r.Display})
		if older > 0 {
			detail += fmt.Sprintf("; %d older, not taken before, destroyed", older)
		}
		return v.auditGrant(ctx, tx, Adopted, r.Account, detail)
	})
	if err != nil {
		return Record{}, fmt.Errorf("adopting authorization %q: %w", id, err)
	}
	return r, nil
}

func (s sealer) adopt(ctx context.Context, tx storage.Queryer, a Authorization, now time.Time) (Record, error) {
	if err := a.identified(); err != nil {
		return Record{}, err
	}
	if err := refuseSecondOwner(ctx, tx, a); err != nil {
		return Record{}, err
	}
	last, err := lastGeneration(ctx, tx, a.Account)
	if err != nil {
		return Record{}, err
	}
	if err := s.setAside(ctx, tx, a.Account, a.Subject, now); err != nil {
		return Record{}, err
	}
	r := Record{
		Account: a.Account, Generation: last + 1, Subject: a.Subject, Display: a.Display,
		Tokens: a.Tokens, AuthorizationID: a.ID, UpdatedAt: now,
	}
	if r.key, err = s.putRecord(ctx, tx, r); err != nil {
		return Record{}, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM authorizations WHERE id = $1`, a.ID); err != nil {
		return Record{}, err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM shredded WHERE account = $1`, a.Account.String())
	return r, err
}

// dropOlder deletes the authorizations that the adoption of a later one has made void, and returns how many there were. They
// are not revoked: at most providers the consents of one subject belong to one grant, so that revoking one would end the
// other.
func dropOlder(ctx context.Context, tx storage.Queryer, a Authorization) (int64, error) {
	result, err := tx.ExecContext(ctx, `DELETE FROM authorizations
		WHERE account = $1 AND subject IN ($2, '') AND quarantined_at = 0 AND created_at < $3`, a.Account.String(), a.Subject, micros(a.CreatedAt))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func refuseSecondOwner(ctx context.Context, tx storage.Queryer, a Authorization) error {
	owner, found, err := ownerOf(ctx, tx, a.Account.Connector, a.Subject)
	if err != nil || !found || owner == a.Account {
		return err
	}
	return &OwnedError{Connector: a.Account.Connector, Subject: a.Subject, Owner: owner, Account: a.Account}
}

// lastGeneration returns the highest generation that an account has had, even if it was shredded; 0 for a new one.
func lastGeneration(ctx context.Context, tx storage.Queryer, account credential.AccountID) (credential.Generation, error) {
	var last credential.Generation
	err := tx.QueryRowContext(ctx, `SELECT coalesce(max(generation), 0) FROM (
			SELECT generation FROM records WHERE account = $1 UNION ALL SELECT generation FROM shredded WHERE account = $1
		) AS known`, account.String()).Scan(&last)
	return last, err
}

// putRecord writes the account's row, and returns the data key that sealed its tokens.
func (s sealer) putRecord(ctx context.Context, tx storage.Queryer, r Record) (tink.AEAD, error) {
	pair, key, err := s.sealPair(r.Account, r.Generation, r.Tokens)
	if err != nil {
		return nil, err
	}
	// OR REPLACE would be shorter, and would delete the first owner's row where the unique index should refuse.
	_, err = tx.ExecContext(ctx, `INSERT INTO records
		(account, connector, subject, display, generation, access, refresh, expires_at, authorization_id, updated_at, data_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (account) DO UPDATE SET subject = excluded.subject, display = excluded.display,
			generation = excluded.generation, access = excluded.access, refresh = excluded.refresh, expires_at = excluded.expires_at,
			presented_at = 0, presented_attempts = 0, presented_by = '', authorization_id = excluded.authorization_id, updated_at = excluded.updated_at,
			data_key = excluded.data_key`,
		r.Account.String(), r.Account.Connector, r.Subject, r.Display, r.Generation,
		pair.access, pair.refresh, micros(r.Tokens.ExpiresAt), r.AuthorizationID, micros(r.UpdatedAt), pair.key)
	return key, err
}
