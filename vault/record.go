package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Record is what the vault holds of one account.
type Record struct {
	Account         credential.AccountID
	Generation      credential.Generation
	Subject         credential.Subject
	Display         string
	Tokens          credential.Tokens
	Presented       *Presentation // nil when every presentation of this generation has a known outcome
	AuthorizationID string        // of the consent that this grant began with
	UpdatedAt       time.Time     // when this generation was written

	key tink.AEAD // of the tokens, for [Vault.SealTokens]
}

// Presentations counts the presentations of this generation whose outcome is not known.
func (r Record) Presentations() int {
	if r.Presented == nil {
		return 0
	}
	return r.Presented.Attempts
}

// Get returns the newest tokens of an account, or [ErrNotFound].
func (v *Vault) Get(ctx context.Context, account credential.AccountID) (Record, error) {
	var r Record
	err := v.read(ctx, func(q storage.Queryer, s sealer) error {
		var err error
		r, err = s.record(ctx, q, account)
		return err
	})
	if err != nil {
		return Record{}, fmt.Errorf("reading account %s: %w", account, err)
	}
	return r, nil
}

func (s sealer) record(ctx context.Context, q storage.Queryer, account credential.AccountID) (Record, error) {
	return s.openRecord(q.QueryRowContext(ctx, selectRecord+`WHERE account = $1`, account.String()))
}

const selectRecord = `SELECT account, generation, subject, display, access, refresh,
	presented_at, presented_attempts, presented_by, authorization_id, updated_at, data_key FROM records `

// scanner is one row of a result.
type scanner interface {
	Scan(dest ...any) error
}

// openRecord opens a row of selectRecord.
func (s sealer) openRecord(row scanner) (Record, error) {
	var (
		r                    Record
		account              string
		pair                 sealedPair
		presentedAt, updated int64
		attempts             int
		by                   string
	)
	err := row.Scan(&account, &r.Generation, &r.Subject, &r.Display, &pair.access, &pair.refresh,
		&presentedAt, &attempts, &by, &r.AuthorizationID, &updated, &pair.key)
	if errors.Is(err, sql.ErrNoRows) {
		return Record{}, ErrNotFound
	}
	if err != nil {
		return Record{}, err
	}
	if r.Account, err = credential.ParseAccountID(account); err != nil {
		return Record{}, err
	}
	if r.Tokens, r.key, err = s.openPair(r.Account, r.Generation, pair); err != nil {
		return Record{}, err
	}
	if attempts > 0 {
		r.Presented = &Presentation{Generation: r.Generation, At: fromMicros(presentedAt), Attempts: attempts, By: by}
	}
	r.UpdatedAt = fromMicros(updated)
	return r, nil
}
