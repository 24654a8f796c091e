package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Verification is what a look at everything in a vault found.
type Verification struct {
	Vault      string   `json:"vault"`
	Keyset     string   `json:"keyset"`
	KeyInForce uint32   `json:"key_in_force"` // 0 when the vault's own key check does not tell
	Keys       []KeyUse `json:"keys"`
	Rows       Rows     `json:"rows"`
	Damaged    []Damage `json:"damaged"`
}

// OK reports whether everything opened.
func (v Verification) OK() bool { return len(v.Damaged) == 0 }

// KeyUse is how many values are sealed with one key.
type KeyUse struct {
	ID       uint32 `json:"id"`
	Sealed   int    `json:"sealed"`
	InKeyset bool   `json:"in_keyset"`
}

// Verify opens everything in a vault, and changes nothing. Other processes may work with the vault meanwhile. What does not
// open is in the result; the error is for a vault that cannot be read at all.
func Verify(ctx context.Context, o Options) (Verification, error) {
	if err := o.validate(); err != nil {
		return Verification{}, err
	}
	v := &Vault{name: o.Name(), keyset: o.Keyset, clock: o.now()}
	if err := v.openStore(ctx, o, storage.Opening{ReadOnly: true}); err != nil {
		return Verification{}, err
	}
	found, err := v.verify(ctx)
	if err = errors.Join(err, v.Close()); err != nil {
		return Verification{}, fmt.Errorf("verifying vault %s: %w", v.name, err)
	}
	return found, nil
}

func (v *Vault) verify(ctx context.Context) (Verification, error) {
	for {
		keys := v.keyset.current.Load()
		found, err := v.look(ctx, keys)
		if err != nil || found.OK() {
			return found, err
		}
		// A rotation may have put another key in force since the file was read.
		if changed, err := v.keyset.reload(ctx, keys); !changed || err != nil {
			return found, err
		}
	}
}

func (v *Vault) look(ctx context.Context, keys *keys) (Verification, error) {
	var found Verification
	err := v.store.Read(ctx, func(q storage.Queryer) error {
		look := verifier{ctx: ctx, q: q, s: v.sealer(keys), used: map[uint32]int{}}
		err := look.everything()
		found = look.found
		found.Keys = look.keyUse()
		return err
	})
	found.Vault, found.Keyset = v.name, v.keyset.Path()
	// A database that is not whole may still give out much of what is in it, and may give it out wrongly.
	if err == nil {
		err = v.store.Check(ctx)
	}
	if errors.Is(err, storage.ErrDamaged) {
		found.Damaged = append(found.Damaged, Damage{Field: "database", Problem: err.Error()})
		return found, nil
	}
	return found, err
}

// verifier is one look at everything.
type verifier struct {
	ctx   context.Context //nolint:containedctx // it lives for one look
	q     storage.Queryer
	s     sealer
	used  map[uint32]int
	found Verification
}

func (look *verifier) everything() error {
	for _, step := range []func() error{look.canary, look.records, look.authorizations, look.logins} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (look *verifier) keyUse() []KeyUse {
	for _, id := range look.s.keys.ids {
		look.used[id] += 0 // those that seal nothing are told too
	}
	var uses []KeyUse
	for _, id := range slices.Sorted(maps.Keys(look.used)) {
		uses = append(uses, KeyUse{ID: id, Sealed: look.used[id], InKeyset: look.s.keys.has(id)})
	}
	return uses
}

// note keeps what is wrong with one value. Other errors are returned.
func (look *verifier) note(err error) error {
	if err == nil {
		return nil
	}
	damage, ok := damageOf(err)
	if !ok {
		return err
	}
	look.found.Damaged = append(look.found.Damaged, damage)
	return nil
}

// count counts what the keyset has sealed.
func (look *verifier) count(all ...[]byte) {
	for _, sealed := range all {
		if id, ok := keyIDOf(sealed); ok {
			look.used[id]++
		}
	}
}

func (look *verifier) canary() error {
	sealed, err := look.s.readCanary(look.ctx, look.q)
	if err == nil {
		look.count(sealed)
		_, err = look.s.open(canary, sealed)
	}
	if err == nil {
		look.found.KeyInForce, _ = keyIDOf(sealed)
	}
	if wrong, ok := errors.AsType[*WrongKeyError](err); ok {
		look.found.Damaged = append(look.found.Damaged, Damage{
			Field: wrong.Field, Problem: "it was sealed with " + keyList(wrong.SealedWith) + ", which the keyset lacks",
		})
		return nil
	}
	return look.note(err)
}

// each calls visit for every row of a query.
func (look *verifier) each(query string, visit func(row scanner) error) error {
	rows, err := look.q.QueryContext(look.ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := look.note(visit(rows)); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (look *verifier) records() error {
	dataKey, err := dataKeyColumn(look.ctx, look.q, `records`)
	if err != nil {
		return err
	}
	return look.each(`SELECT account, connector, generation, `+dataKey+`, access, refresh FROM records ORDER BY account`, func(row scanner) error {
		var (
			account, connector string
			generation         credential.Generation
			pair               sealedPair
		)
		if err := row.Scan(&account, &connector, &generation, &pair.key, &pair.access, &pair.refresh); err != nil {
			return err
		}
		look.found.Rows.Records++
		look.count(pair.key, pair.access, pair.refresh)
		id, err := parseAccount(account, fieldAccess)
		if err != nil {
			return err
		}
		if id.Connector != connector {
			return &damagedRowError{Damage{
				Account: account, Generation: generation, Field: "connector", Problem: fmt.Sprintf("the row says %q", connector),
			}}
		}
		opens, err := look.s.withKey(binding{account: id, generation: generation}, pair.key, pair.access, pair.refresh)
		if err != nil {
			return err
		}
		_, err = opens.openTokens(binding{account: id, generation: generation, field: fieldAccess}, pair.access)
		if err := look.note(err); err != nil {
			return err
		}
		_, err = opens.openTokens(binding{account: id, generation: generation, field: fieldRefresh}, pair.refresh)
		return err
	})
}

func (look *verifier) authorizations() error {
	dataKey, err := dataKeyColumn(look.ctx, look.q, `authorizations`)
	if err != nil {
		return err
	}
	return look.each(`SELECT id, account, tokens, `+dataKey+` FROM authorizations ORDER BY id`, func(row scanner) error {
		var (
			a       Authorization
			account string
			sealed  []byte
			key     []byte
		)
		if err := row.Scan(&a.ID, &account, &sealed, &key); err != nil {
			return err
		}
		look.found.Rows.Authorizations++
		look.count(key, sealed)
		var err error
		if a.Account, err = parseAccount(account, fieldAuthorization); err != nil {
			return err
		}
		opens, err := look.s.withKey(a.binding(), key, sealed)
		if err != nil {
			return err
		}
		_, err = opens.openTokens(a.binding(), sealed)
		return err
	})
}

func (look *verifier) logins() error {
	return look.each(`SELECT state_hash, account, verifier FROM logins ORDER BY state_hash`, func(row scanner) error {
		var (
			l       Login
			account string
			sealed  []byte
		)
		if err := row.Scan(&l.StateHash, &account, &sealed); err != nil {
			return err
		}
		look.found.Rows.Logins++
		look.count(sealed)
		var err error
		if l.Account, err = parseAccount(account, fieldVerifier); err != nil {
			return err
		}
		_, err = look.s.open(l.binding(), sealed)
		return err
	})
}
