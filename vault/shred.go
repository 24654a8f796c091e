package vault

import (
	"context"
	"database/sql"
	"fmt"

	"tokenkeeper/credential"
)

// Shred deletes every secret of an account: its tokens, its pending authorizations and logins. The file is overwritten
// where they were, and the write-ahead log is emptied. What stays is the number of the last generation. Shredding again,
// or an account that was never there, is no error.
func (v *Vault) Shred(ctx context.Context, account credential.AccountID) error {
	err := write(ctx, v.writer, func(tx *sql.Tx) error { return shred(ctx, tx, account) })
	if err == nil {
		err = checkpoint(ctx, v.writer)
	}
	if err != nil {
		return fmt.Errorf("shredding account %s: %w", account, err)
	}
	return nil
}

func shred(ctx context.Context, tx *sql.Tx, account credential.AccountID) error {
	for _, statement := range []string{
		`INSERT OR REPLACE INTO shredded (account, generation) SELECT account, generation FROM records WHERE account = ?`,
		`DELETE FROM records WHERE account = ?`,
		`DELETE FROM authorizations WHERE account = ?`,
		`DELETE FROM logins WHERE account = ?`,
	} {
		if _, err := tx.ExecContext(ctx, statement, account.String()); err != nil {
			return err
		}
	}
	return nil
}
