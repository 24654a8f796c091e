package vault

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Shred deletes every secret of an account whose newest generation is g: its tokens, what is in quarantine, its logins,
// and their data keys. Sealed tokens that travel through a history (see [Vault.SealTokens]) can no longer be opened. SQLite
// overwrites the rows in the file, and empties the write-ahead log, a little later where a backup is reading it; PostgreSQL
// overwrites them in its own time. A backup from before can be opened until the key of the keyset that it was made under is
// dropped (see [Vault.Rotate]).
//
// What stays, until the account is connected again, is the number of the last generation, and unrevoked, the reason why the
// provider has not revoked the grant ("" where it has). Shredding again, or shredding an account that was never there,
// changes nothing and is no error. It returns [ErrConflict], and touches nothing, when there is a newer generation, which
// was not meant; and [ErrConsentWaits] while there is a consent that the account has not taken, which has to be revoked first.
func (v *Vault) Shred(ctx context.Context, account credential.AccountID, g credential.Generation, unrevoked string) error {
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		held, err := v.shred(ctx, tx, account, g, unrevoked)
		if err != nil || held == 0 {
			return err
		}
		return v.auditGrant(ctx, tx, Shredded, account, strings.TrimSuffix(fmt.Sprintf("generation %d, not revoked: %s", held, unrevoked), ", not revoked: "))
	})
	if err == nil {
		v.tellShredded(account)
		err = v.store.Scrub(ctx)
	}
	if err != nil {
		return fmt.Errorf("shredding account %s: %w", account, err)
	}
	return nil
}

// Unrevoked returns the reason that [Vault.Shred] was last given for an account that is not connected again; "" for any
// other.
func (v *Vault) Unrevoked(ctx context.Context, account credential.AccountID) (string, error) {
	var why string
	err := v.store.Read(ctx, func(q storage.Queryer) error {
		return q.QueryRowContext(ctx, `SELECT coalesce(max(unrevoked), '') FROM shredded WHERE account = $1`, account.String()).Scan(&why)
	})
	if err != nil {
		return "", fmt.Errorf("reading what was shredded of account %s: %w", account, err)
	}
	return why, nil
}

// shred returns the generation that it destroyed, 0 for none.
func (v *Vault) shred(ctx context.Context, tx storage.Queryer, account credential.AccountID, g credential.Generation, unrevoked string) (
	held credential.Generation, err error,
) {
	var gone credential.Generation // 0 for none
	err = tx.QueryRowContext(ctx, `SELECT (SELECT coalesce(max(generation), 0) FROM records WHERE account = $1),
		(SELECT coalesce(max(generation), 0) FROM shredded WHERE account = $1)`, account.String()).Scan(&held, &gone)
	switch {
	case err != nil:
		return 0, err
	case held > g:
		return 0, conflict(held, g)
	case held == 0 && gone > 0 && gone >= g:
		return 0, nil // what waits now belongs to the grant that comes after it
	}
	if err := v.noConsentWaits(ctx, tx, account); err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO shredded (account, generation, unrevoked)
		SELECT account, generation, $2 FROM records WHERE account = $1
		ON CONFLICT (account) DO UPDATE SET generation = excluded.generation, unrevoked = excluded.unrevoked`, account.String(), unrevoked)
	if err != nil {
		return 0, err
	}
	for _, statement := range []string{
		`DELETE FROM records WHERE account = $1`,
		`DELETE FROM authorizations WHERE account = $1`,
		`DELETE FROM logins WHERE account = $1`,
		`DELETE FROM links WHERE account = $1`,
	} {
		if _, err := tx.ExecContext(ctx, statement, account.String()); err != nil {
			return 0, err
		}
	}
	return held, nil
}

// noConsentWaits returns [ErrConsentWaits] where one does, and discards those for which it is too late.
func (v *Vault) noConsentWaits(ctx context.Context, tx storage.Queryer, account credential.AccountID) error {
	var waiting int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM authorizations WHERE account = $1 AND quarantined_at = 0 AND expires_at > $2`,
		account.String(), micros(v.now())).Scan(&waiting)
	switch {
	case err != nil:
		return err
	case waiting > 0:
		return ErrConsentWaits
	}
	return v.discard(ctx, tx, notTaken, `WHERE account = $1 AND quarantined_at = 0`, account.String())
}

// whenShredded has listener called with each account that this process shreds.
func (v *Vault) whenShredded(listener func(credential.AccountID)) {
	v.listening.Lock()
	defer v.listening.Unlock()
	v.shredded = append(v.shredded, listener)
}

func (v *Vault) tellShredded(account credential.AccountID) {
	v.listening.Lock()
	listeners := slices.Clone(v.shredded)
	v.listening.Unlock()
	for _, listener := range listeners {
		listener(account)
	}
}
