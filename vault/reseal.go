package vault

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Rows counts rows by what they are.
type Rows struct {
	Records        int `json:"records"`
	Authorizations int `json:"authorizations"`
	Logins         int `json:"logins"`
}

// resealAll seals anew every row that is not sealed with the key in force. Each row has a transaction of its own, so that
// nobody waits for longer than one takes. For tokens it is their data key that is sealed anew; tokens without one get one.
func (v *Vault) resealAll(ctx context.Context, r *Rotation) error {
	r.Damaged = nil
	for _, kind := range []struct {
		list   string
		reseal func(ctx context.Context, tx storage.Queryer, s sealer, key any) error
		count  *int
	}{
		{`SELECT account FROM records WHERE substr(CASE length(data_key) WHEN 0 THEN access ELSE data_key END, 1, 5) <> $1`, resealRecord, &r.Resealed.Records},
		{`SELECT id FROM authorizations WHERE substr(CASE length(data_key) WHEN 0 THEN tokens ELSE data_key END, 1, 5) <> $1`, resealAuthorization, &r.Resealed.Authorizations},
		{`SELECT state_hash FROM logins WHERE substr(verifier, 1, 5) <> $1`, resealLogin, &r.Resealed.Logins},
	} {
		keys, err := v.list(ctx, kind.list, prefixOf(v.inForce.Load()))
		if err != nil {
			return err
		}
		for _, key := range keys {
			err := v.writeSealed(ctx, func(tx storage.Queryer, s sealer) error { return kind.reseal(ctx, tx, s, key) })
			switch damage, damaged := damageOf(err); {
			case damaged:
				r.Damaged = append(r.Damaged, damage)
			case errors.Is(err, sql.ErrNoRows):
				// It went since it was listed.
			case err != nil:
				return err
			default:
				*kind.count++
			}
		}
	}
	return nil
}

// list returns the keys of the rows that a query finds. It runs in a transaction that is serial with all that seal, so that
// it misses no row which such a transaction commits later with the old key.
func (v *Vault) list(ctx context.Context, query string, args ...any) ([]any, error) {
	var keys []any
	err := v.store.Write(ctx, func(q storage.Queryer) error {
		rows, err := q.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		keys = nil
		for rows.Next() {
			var key any
			if err := rows.Scan(&key); err != nil {
				return err
			}
			keys = append(keys, key)
		}
		return rows.Err()
	})
	return keys, err
}

// reseal seals a value with the key in force, and leaves alone what is sealed with it already.
func (s sealer) reseal(b binding, sealed []byte) ([]byte, error) {
	plain, err := s.open(b, sealed)
	if err != nil || bytes.HasPrefix(sealed, prefixOf(s.key)) {
		return sealed, err
	}
	defer clear(plain)
	return s.seal(b, plain)
}

func resealRecord(ctx context.Context, tx storage.Queryer, s sealer, key any) error {
	var account string
	var generation credential.Generation
	var pair sealedPair
	err := tx.QueryRowContext(ctx, `SELECT account, generation, data_key, access, refresh FROM records WHERE account = $1`, key).
		Scan(&account, &generation, &pair.key, &pair.access, &pair.refresh)
	if err != nil {
		return err
	}
	id, err := parseAccount(account, fieldDataKey)
	if err != nil {
		return err
	}
	if sealedByDataKey(pair.access) {
		pair.key, err = s.reseal(binding{account: id, generation: generation}.dataKey(), pair.key)
	} else {
		pair, err = s.giveKey(id, generation, pair)
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE records SET data_key = $1, access = $2, refresh = $3 WHERE account = $4`,
		pair.key, pair.access, pair.refresh, key)
	return err
}

// giveKey seals, with a data key, a pair from before there were data keys.
func (s sealer) giveKey(account credential.AccountID, g credential.Generation, pair sealedPair) (sealedPair, error) {
	tokens, _, err := s.openPair(account, g, pair)
	if err != nil {
		return sealedPair{}, err
	}
	pair, _, err = s.sealPair(account, g, tokens)
	return pair, err
}

func resealAuthorization(ctx context.Context, tx storage.Queryer, s sealer, key any) error {
	a := Authorization{}
	var account string
	var sealed, dataKey []byte
	err := tx.QueryRowContext(ctx, `SELECT id, account, tokens, data_key FROM authorizations WHERE id = $1`, key).
		Scan(&a.ID, &account, &sealed, &dataKey)
	if err != nil {
		return err
	}
	if a.Account, err = parseAccount(account, fieldAuthorization); err != nil {
		return err
	}
	if sealedByDataKey(sealed) {
		dataKey, err = s.reseal(a.binding().dataKey(), dataKey)
	} else if a.Tokens, err = (tokenSealer{sealer: s}).openTokens(a.binding(), sealed); err == nil {
		sealed, dataKey, err = s.sealAuthorization(a)
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE authorizations SET tokens = $1, data_key = $2 WHERE id = $3`, sealed, dataKey, key)
	return err
}

func resealLogin(ctx context.Context, tx storage.Queryer, s sealer, key any) error {
	l := Login{}
	var account string
	var sealed []byte
	err := tx.QueryRowContext(ctx, `SELECT state_hash, account, verifier FROM logins WHERE state_hash = $1`, key).
		Scan(&l.StateHash, &account, &sealed)
	if err != nil {
		return err
	}
	if l.Account, err = parseAccount(account, fieldVerifier); err != nil {
		return err
	}
	if sealed, err = s.reseal(l.binding(), sealed); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE logins SET verifier = $1 WHERE state_hash = $2`, sealed, key)
	return err
}
