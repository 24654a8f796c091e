package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/vault/internal/storage"
)

// RotateOptions say how far a rotation goes.
type RotateOptions struct {
	// Stage only adds the next key to the keyset file, and seals nothing with it: the file can be brought to all machines
	// before any of them meets the key.
	Stage bool
	// DropOld removes old keys from the keyset file that nothing in the vault is sealed with.
	DropOld bool
	// Keep is how long an old key is kept after it has ceased to seal. The sessions of people who signed in are sealed with
	// it and are in their browsers (see [Vault.SealSession]), where they cannot be counted.
	Keep time.Duration
}

// Rotation is what a rotation did.
type Rotation struct {
	Key      uint32    `json:"key"`      // in force now; with Stage the one that will be
	Added    bool      `json:"added"`    // whether this run made the key, or went on with one that was there
	Resealed Rows      `json:"resealed"` // how many rows it sealed anew
	Damaged  []Damage  `json:"damaged"`  // what does not open, and so stays as it is
	Dropped  []uint32  `json:"dropped"`  // keys removed from the file
	Kept     []KeptKey `json:"kept"`     // with DropOld, old keys that stay in the file
}

// KeptKey is an old key that was not dropped.
type KeptKey struct {
	ID     uint32 `json:"id"`
	Reason string `json:"reason"`
}

// Rotate seals everything in the vault with a new key, while other processes work with it. It first adds the key to the
// keyset file, then writes into the vault that the key is in force, and then seals row after row anew. Processes that meet
// the new key read the file again.
//
// It may end anywhere: run again, it finishes what it began instead of adding another key. Of two at a time the second is
// refused.
func (v *Vault) Rotate(ctx context.Context, o RotateOptions) (Rotation, error) {
	var r Rotation
	unlock, err := v.keyset.lock()
	if err == nil {
		err = errors.Join(v.rotate(ctx, o, &r), unlock())
	}
	if err != nil {
		return r, fmt.Errorf("rotating the key of vault %s: %w", v.name, err)
	}
	return r, nil
}

func (v *Vault) rotate(ctx context.Context, o RotateOptions, r *Rotation) error {
	next, err := v.successor(ctx)
	if err != nil {
		return err
	}
	if o.Stage {
		return v.stage(ctx, next, r)
	}
	if err := v.advance(ctx, next, r); err != nil {
		return err
	}
	r.Key = v.inForce.Load()
	if !o.DropOld {
		return nil
	}
	return v.dropOld(ctx, o.Keep, r)
}

// advance puts a key in force and seals everything with it: the one that waits for that, or else a new one.
func (v *Vault) advance(ctx context.Context, next uint32, r *Rotation) error {
	if next == 0 {
		// Where an earlier run has left rows to seal anew, this one is its end.
		if err := v.resealAll(ctx, r); err != nil || r.Resealed != (Rows{}) {
			return err
		}
		var err error
		if next, err = v.addKey(ctx, r); err != nil {
			return err
		}
	}
	if err := v.putInForce(ctx, next); err != nil {
		return err
	}
	return v.resealAll(ctx, r)
}

func (v *Vault) stage(ctx context.Context, next uint32, r *Rotation) (err error) {
	if next == 0 {
		next, err = v.addKey(ctx, r)
	}
	r.Key = next
	return err
}

func (v *Vault) addKey(ctx context.Context, r *Rotation) (uint32, error) {
	if err := v.keyset.addKey(ctx); err != nil {
		return 0, err
	}
	r.Added = true
	return v.keyset.current.Load().primary(), nil
}

// successor returns the key that was added to the file and not yet put in force, 0 when there is none.
func (v *Vault) successor(ctx context.Context) (uint32, error) {
	if _, err := v.keyset.reload(ctx, v.keyset.current.Load()); err != nil {
		return 0, err
	}
	var next uint32
	err := v.read(ctx, func(q storage.Queryer, s sealer) error {
		inForce, err := s.keyInForce(ctx, q)
		if err != nil {
			return err
		}
		retired, err := retiredKeys(ctx, q)
		if err != nil {
			return err
		}
		next = s.keys.primary()
		if _, old := retired[next]; old || next == inForce {
			next = 0
		}
		v.inForce.Store(inForce)
		return nil
	})
	return next, err
}

// putInForce writes into the vault which key seals from now on.
func (v *Vault) putInForce(ctx context.Context, next uint32) error {
	err := v.writeSealed(ctx, func(tx storage.Queryer, s sealer) error {
		old := s.key
		if old == next {
			return nil
		}
		s.key = next
		sealed, err := s.sealCanary()
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE canary SET sealed = $1 WHERE id = 1`, sealed); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO retired_keys (key_id, retired_at) VALUES ($1, $2)
			ON CONFLICT (key_id) DO UPDATE SET retired_at = excluded.retired_at`, old, micros(v.now()))
		return err
	})
	if err == nil {
		v.inForce.Store(next)
	}
	return err
}

// retiredKeys returns when each old key ceased to seal.
func retiredKeys(ctx context.Context, q storage.Queryer) (map[uint32]time.Time, error) {
	rows, err := q.QueryContext(ctx, `SELECT key_id, retired_at FROM retired_keys`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	retired := map[uint32]time.Time{}
	for rows.Next() {
		var id uint32
		var at int64
		if err := rows.Scan(&id, &at); err != nil {
			return nil, err
		}
		retired[id] = fromMicros(at)
	}
	return retired, rows.Err()
}
