package vault

import (
	"context"
	"fmt"
	"slices"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Shred deletes every secret of an account: its tokens, its pending authorizations and logins. In SQLite the file is
// overwritten where they were, and the write-ahead log is emptied; PostgreSQL overwrites them in its own time. What stays
// is the number of the last generation. Shredding again, or an account that was never there, is no error.
func (v *Vault) Shred(ctx context.Context, account credential.AccountID) error {
	err := v.store.Write(ctx, func(tx storage.Queryer) error { return shred(ctx, tx, account) })
	if err == nil {
		v.tellShredded(account)
		err = v.store.Scrub(ctx)
	}
	if err != nil {
		return fmt.Errorf("shredding account %s: %w", account, err)
	}
	return nil
}

func shred(ctx context.Context, tx storage.Queryer, account credential.AccountID) error {
	for _, statement := range []string{
		`INSERT INTO shredded (account, generation) SELECT account, generation FROM records WHERE account = $1
			ON CONFLICT (account) DO UPDATE SET generation = excluded.generation`,
		`DELETE FROM records WHERE account = $1`,
		`DELETE FROM authorizations WHERE account = $1`,
		`DELETE FROM logins WHERE account = $1`,
		`DELETE FROM links WHERE account = $1`,
	} {
		if _, err := tx.ExecContext(ctx, statement, account.String()); err != nil {
			return err
		}
	}
	return nil
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
