package vault

import (
	"context"
	"database/sql"
	"errors"
	"slices"
)

// putCanary seals a known text, so that the next Open can tell whether its keys are the vault's.
func (s sealer) putCanary(ctx context.Context, tx *sql.Tx) error {
	sealed, err := s.seal(binding{field: fieldCanary}, []byte("tokenkeeper"))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO canary (id, sealed) VALUES (1, ?)`, sealed)
	return err
}

func (v *Vault) checkCanary(ctx context.Context, db *sql.DB) error {
	var sealed []byte
	err := db.QueryRowContext(ctx, `SELECT sealed FROM canary WHERE id = 1`).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return v.broken(binding{field: fieldCanary}, nil)
	}
	if err != nil {
		return err
	}
	_, err = v.open(binding{field: fieldCanary}, sealed)
	if wrong, ok := errors.AsType[*WrongKeyError](err); ok {
		return v.nameAllKeys(ctx, db, wrong)
	}
	return err
}

// nameAllKeys adds the keys that records were sealed with: after a rotation there may be several.
func (v *Vault) nameAllKeys(ctx context.Context, db *sql.DB, wrong *WrongKeyError) error {
	rows, err := db.QueryContext(ctx, `SELECT DISTINCT substr(access, 1, 5) FROM records`)
	if err != nil {
		return errors.Join(wrong, err)
	}
	defer rows.Close()
	for rows.Next() {
		var prefix []byte
		if err := rows.Scan(&prefix); err != nil {
			return errors.Join(wrong, err)
		}
		if id, ok := keyIDOf(prefix); ok && !slices.Contains(wrong.SealedWith, id) {
			wrong.SealedWith = append(wrong.SealedWith, id)
		}
	}
	if err := rows.Err(); err != nil {
		return errors.Join(wrong, err)
	}
	return wrong
}
