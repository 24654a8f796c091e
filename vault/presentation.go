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

// Presentation is the note that a refresh token was presented, or is about to be, and that its outcome is not recorded.
type Presentation struct {
	Generation credential.Generation
	At         time.Time // of the first of the attempts: from there a provider's grace counts
	Attempts   int       // whose outcome is unknown
	By         string    // names the last of them; "" where nobody knows
}

// Present writes down that generation g is presented now, before the request is sent. known is how many presentations
// without a recorded outcome the caller has read of, and took into account when it decided to make another; the returned
// count includes the new one. name is made up by the caller and tells this presentation from others.
//
// It returns [ErrConflict] when g is not the newest generation, and [ErrPresented] when the number of presentations is not
// the known one; in both cases nothing may be sent. After any other error it may have been written or not; its name tells.
func (v *Vault) Present(ctx context.Context, account credential.AccountID, g credential.Generation, known int, name string) (Presentation, error) {
	var at int64
	p := Presentation{Generation: g, By: name}
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		err := tx.QueryRowContext(ctx, `UPDATE records
			SET presented_at = CASE presented_attempts WHEN 0 THEN $1 ELSE presented_at END, presented_attempts = presented_attempts + 1,
				presented_by = $5
			WHERE account = $2 AND generation = $3 AND presented_attempts = $4
			RETURNING presented_at, presented_attempts`,
			micros(v.now()), account.String(), g, known, name).Scan(&at, &p.Attempts)
		if errors.Is(err, sql.ErrNoRows) {
			return whyNot(ctx, tx, account, g)
		}
		return err
	})
	if err != nil {
		return Presentation{}, fmt.Errorf("presenting generation %d of account %s: %w", g, account, err)
	}
	p.At = fromMicros(at)
	return p, nil
}

// Withdraw takes back one Present, because nothing was sent or the answer says that nothing was consumed. Earlier
// presentations without a recorded outcome stay, under the name of the last one, so that it still shows whether there was
// another since. It returns [ErrConflict] when g is not the newest generation.
func (v *Vault) Withdraw(ctx context.Context, account credential.AccountID, g credential.Generation) error {
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		result, err := tx.ExecContext(ctx, `UPDATE records
			SET presented_at = CASE WHEN presented_attempts <= 1 THEN 0 ELSE presented_at END,
				presented_attempts = CASE WHEN presented_attempts <= 1 THEN 0 ELSE presented_attempts - 1 END,
				presented_by = CASE WHEN presented_attempts <= 1 THEN '' ELSE presented_by END
			WHERE account = $1 AND generation = $2`, account.String(), g)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return whyNot(ctx, tx, account, g)
	})
	if err != nil {
		return fmt.Errorf("withdrawing generation %d of account %s: %w", g, account, err)
	}
	return nil
}

// whyNot says why a row was not written for an account and its generation.
func whyNot(ctx context.Context, tx storage.Queryer, account credential.AccountID, wanted credential.Generation) error {
	var current credential.Generation
	err := tx.QueryRowContext(ctx, `SELECT generation FROM records WHERE account = $1`, account.String()).Scan(&current)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	if current == wanted {
		return ErrPresented
	}
	return conflict(current, wanted)
}
