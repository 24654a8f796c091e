package vault

import (
	"context"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Summary is what may be shown of an account. It comes from the plain columns, and opens nothing.
type Summary struct {
	Account    credential.AccountID
	Generation credential.Generation
	Subject    credential.Subject
	Display    string
	ExpiresAt  time.Time // of the access token; zero when it does not expire
	UpdatedAt  time.Time
}

// Accounts lists the accounts that have tokens, in the order of their names.
func (v *Vault) Accounts(ctx context.Context) ([]Summary, error) {
	var summaries []Summary
	err := v.store.Read(ctx, func(q storage.Queryer) error {
		var err error
		summaries, err = accounts(ctx, q)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing accounts: %w", err)
	}
	return summaries, nil
}

func accounts(ctx context.Context, q storage.Queryer) ([]Summary, error) {
	rows, err := q.QueryContext(ctx, `SELECT account, generation, subject, display, expires_at, updated_at
		FROM records ORDER BY account`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var summaries []Summary
	for rows.Next() {
		s, err := scanSummary(rows)
		if err != nil {
			return nil, err
		}
		summaries = append(summaries, s)
	}
	return summaries, rows.Err()
}

func scanSummary(row scanner) (Summary, error) {
	var (
		s                Summary
		account          string
		expires, updated int64
	)
	if err := row.Scan(&account, &s.Generation, &s.Subject, &s.Display, &expires, &updated); err != nil {
		return Summary{}, err
	}
	id, err := credential.ParseAccountID(account)
	s.Account, s.ExpiresAt, s.UpdatedAt = id, fromMicros(expires), fromMicros(updated)
	return s, err
}
