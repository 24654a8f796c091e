package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"tokenkeeper/vault/internal/storage"
)

var canary = binding{field: fieldCanary}

// sealCanary seals a known text, so that the next Open can tell whether its keys are the vault's. The key that seals it is
// the one in force.
func (s sealer) sealCanary() ([]byte, error) { return s.seal(canary, []byte("tokenkeeper")) }

// createCanary puts the keyset's primary key in force.
func (v *Vault) createCanary(ctx context.Context, tx storage.Queryer) error {
	k := v.keyset.current.Load()
	sealed, err := sealer{keys: k, key: k.primary(), vault: v.name}.sealCanary()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO canary (id, sealed) VALUES (1, $1)`, sealed)
	return err
}

// checkCanary makes sure that the keys are the vault's, and notes which is in force.
func (v *Vault) checkCanary(ctx context.Context, q storage.Queryer) error {
	return v.keyset.withKeys(ctx, func(k *keys) error {
		s := v.sealer(k)
		sealed, err := s.readCanary(ctx, q)
		if err != nil {
			return err
		}
		_, err = s.open(canary, sealed)
		if wrong, ok := errors.AsType[*WrongKeyError](err); ok {
			return nameAllKeys(ctx, q, wrong)
		}
		if id, ok := keyIDOf(sealed); ok && err == nil {
			v.inForce.Store(id)
		}
		return err
	})
}

// Ping returns nil when the vault can be read. It costs one row, however many accounts there are.
func (v *Vault) Ping(ctx context.Context) error {
	err := v.read(ctx, func(q storage.Queryer, s sealer) error {
		_, err := s.readCanary(ctx, q)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading vault %s: %w", v.name, err)
	}
	return nil
}

func (s sealer) readCanary(ctx context.Context, q storage.Queryer) ([]byte, error) {
	var sealed []byte
	err := q.QueryRowContext(ctx, `SELECT sealed FROM canary WHERE id = 1`).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, s.broken(canary, nil)
	}
	return sealed, err
}

// keyInForce returns the key that seals now, or a [WrongKeyError] when it is not there.
func (s sealer) keyInForce(ctx context.Context, q storage.Queryer) (uint32, error) {
	sealed, err := s.readCanary(ctx, q)
	if err != nil {
		return 0, err
	}
	id, ok := keyIDOf(sealed)
	if !ok {
		return 0, s.broken(canary, nil)
	}
	if !s.keys.has(id) {
		return 0, s.wrongKey(canary, id)
	}
	return id, nil
}

// nameAllKeys adds the keys that records were sealed with: after a rotation there may be several.
func nameAllKeys(ctx context.Context, q storage.Queryer, wrong *WrongKeyError) error {
	dataKey, err := dataKeyColumn(ctx, q, `records`)
	if err != nil {
		return errors.Join(wrong, err)
	}
	// What a data key has sealed begins with no key id.
	rows, err := q.QueryContext(ctx, `SELECT substr(`+dataKey+`, 1, 5) FROM records UNION SELECT substr(access, 1, 5) FROM records`)
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
