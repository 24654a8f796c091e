package vault

import (
	"context"
	"fmt"
	"time"

	"tokenkeeper/vault/internal/storage"
)

// dropOld removes the old keys that nobody needs from the keyset file.
//
// Which keys are needed is counted in a transaction of its own, serial with all transactions that seal. One of those that
// still sealed with an old key has either committed before, and is counted, or it fails.
func (v *Vault) dropOld(ctx context.Context, keep time.Duration, r *Rotation) error {
	var drop []uint32
	err := v.store.Write(ctx, func(tx storage.Queryer) error {
		used, err := keyUse(ctx, tx)
		if err != nil {
			return err
		}
		retired, err := retiredKeys(ctx, tx)
		if err != nil {
			return err
		}
		drop, r.Kept = nil, nil
		for _, id := range v.keyset.KeyIDs() {
			if id == r.Key {
				continue
			}
			if reason := v.whyKeep(used[id], retired[id], keep); reason != "" {
				r.Kept = append(r.Kept, KeptKey{ID: id, Reason: reason})
				continue
			}
			drop = append(drop, id)
		}
		return nil
	})
	if err != nil || len(drop) == 0 {
		return err
	}
	if err := v.keyset.dropKeys(ctx, drop); err != nil {
		return err
	}
	r.Dropped = drop
	return nil
}

// whyKeep returns why a key may not be dropped, "" when it may. A zero time means that the key never was in force.
func (v *Vault) whyKeep(used int, retired time.Time, keep time.Duration) string {
	switch age := v.now().Sub(retired); {
	case used > 0:
		return fmt.Sprintf("%d values are sealed with it", used)
	case retired.IsZero():
		return "it was never in force"
	case age < keep:
		return fmt.Sprintf("it ceased to seal %s ago, and is kept for %s", age.Truncate(time.Second), keep)
	}
	return ""
}

// sealedColumns are all places in the database where something is that the keyset has sealed, or a data key.
var sealedColumns = []struct{ table, column string }{
	{"canary", "sealed"}, {"logins", "verifier"},
	{"records", "data_key"}, {"records", "access"}, {"records", "refresh"},
	{"authorizations", "data_key"}, {"authorizations", "tokens"},
}

// keyUse counts sealed values by the id of their key. What is too short to have one counts for key 0, which there is not.
func keyUse(ctx context.Context, q storage.Queryer) (map[uint32]int, error) {
	used := map[uint32]int{}
	for _, place := range sealedColumns {
		if err := countKeys(ctx, q, place.table, place.column, used); err != nil {
			return nil, err
		}
	}
	return used, nil
}

func countKeys(ctx context.Context, q storage.Queryer, table, column string, used map[uint32]int) error {
	rows, err := q.QueryContext(ctx, `SELECT substr(`+column+`, 1, 5), count(*) FROM `+table+` GROUP BY 1`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var prefix []byte
		var n int
		if err := rows.Scan(&prefix, &n); err != nil {
			return err
		}
		if sealedByDataKey(prefix) {
			continue
		}
		id, _ := keyIDOf(prefix)
		used[id] += n
	}
	return rows.Err()
}
