package vault

import (
	"context"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Pending is what may be shown of an authorization that waits for its account. It is read from columns in the clear.
type Pending struct {
	ID        string               `json:"authorization"`
	Account   credential.AccountID `json:"account"`
	Holder    credential.Holder    `json:"holder,omitzero"` // zero as long as the provider has not said whose it is
	CreatedAt time.Time            `json:"since"`
	ExpiresAt time.Time            `json:"until"`
}

// Pending lists the authorizations that no account has adopted or found not to fit, the oldest first.
func (v *Vault) Pending(ctx context.Context) ([]Pending, error) {
	var all []Pending
	err := v.store.Read(ctx, func(q storage.Queryer) error {
		var err error
		all, err = pending(ctx, q, v.now())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the authorizations that wait: %w", err)
	}
	return all, nil
}

func pending(ctx context.Context, q storage.Queryer, now time.Time) ([]Pending, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, account, subject, display, created_at, expires_at FROM authorizations
		WHERE quarantined_at = 0 AND replaced = 0 AND expires_at > $1 ORDER BY created_at, id`, micros(now))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Pending
	for rows.Next() {
		var (
			p                Pending
			account          string
			created, expires int64
		)
		if err := rows.Scan(&p.ID, &account, &p.Holder.Subject, &p.Holder.Display, &created, &expires); err != nil {
			return nil, err
		}
		if p.Account, err = credential.ParseAccountID(account); err != nil {
			return nil, err
		}
		p.CreatedAt, p.ExpiresAt = fromMicros(created), fromMicros(expires)
		all = append(all, p)
	}
	return all, rows.Err()
}
