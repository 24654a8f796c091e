package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/core/cryptofmt"
	"github.com/tink-crypto/tink-go/v2/tink"

	"tokenkeeper/vault/internal/storage"
)

const (
	// dataKeySize is that of AES-256, in bytes.
	dataKeySize = 32
	// dataKeyStartByte begins what a data key has sealed, as [cryptofmt.TinkStartByte] begins what the keyset has.
	dataKeyStartByte = cryptofmt.TinkStartByte + 1
)

// tokenSealer seals one set of tokens with a key of its own, the data key. That key exists only in the row of the set,
// sealed by the keyset. So once the row is deleted, a copy of the sealed tokens in a history of Temporal can no longer be
// opened.
type tokenSealer struct {
	sealer
	key tink.AEAD // nil for a row that was last written before there were such keys: the keyset itself sealed it
}

func (s tokenSealer) seal(b binding, plain []byte) ([]byte, error) {
	if s.key == nil {
		return s.sealer.seal(b, plain)
	}
	sealed, err := s.key.Encrypt(plain, b.associatedData())
	if err != nil {
		return nil, fmt.Errorf("sealing the %s: %w", b.field, err)
	}
	return append([]byte{dataKeyStartByte}, sealed...), nil
}

func (s tokenSealer) open(b binding, sealed []byte) ([]byte, error) {
	if !sealedByDataKey(sealed) {
		return s.sealer.open(b, sealed)
	}
	if s.key == nil {
		return nil, s.broken(b, errors.New("its data key is not there"))
	}
	plain, err := s.key.Decrypt(sealed[1:], b.associatedData())
	if err != nil {
		return nil, s.broken(b, err)
	}
	return plain, nil
}

func sealedByDataKey(sealed []byte) bool { return len(sealed) > 0 && sealed[0] == dataKeyStartByte }

// dataKey returns the binding of the data key that seals what is bound to b.
func (b binding) dataKey() binding {
	b.field = fieldDataKey
	return b
}

// withNewKey makes a data key for a set of tokens that is bound to b. It returns what seals with it, and the key as the row
// keeps it.
func (s sealer) withNewKey(b binding) (tokenSealer, []byte, error) {
	key := make([]byte, dataKeySize)
	defer clear(key)
	if _, err := rand.Read(key); err != nil {
		return tokenSealer{}, nil, err
	}
	sealed, err := s.seal(b.dataKey(), key)
	if err != nil {
		return tokenSealer{}, nil, err
	}
	gcm, err := subtle.NewAESGCM(key)
	return tokenSealer{sealer: s, key: gcm}, sealed, err
}

// withKey returns what opens a set of tokens that is bound to b, given the data key as the row keeps it. Whether the tokens
// were sealed with it shows in the tokens: a worker of a version without data keys rewrites a row and leaves an old key in
// it.
func (s sealer) withKey(b binding, key []byte, tokens ...[]byte) (tokenSealer, error) {
	if len(key) == 0 || !slices.ContainsFunc(tokens, sealedByDataKey) {
		return tokenSealer{sealer: s}, nil
	}
	key, err := s.open(b.dataKey(), key)
	if err != nil {
		return tokenSealer{}, err
	}
	defer clear(key)
	gcm, err := subtle.NewAESGCM(key)
	if err != nil {
		return tokenSealer{}, s.broken(b.dataKey(), err)
	}
	return tokenSealer{sealer: s, key: gcm}, nil
}

// dataKeyColumn returns the column of a table that holds data keys. A vault before schema version 14 that is not migrated
// yet has none.
func dataKeyColumn(ctx context.Context, q storage.Queryer, table string) (string, error) {
	rows, err := q.QueryContext(ctx, `SELECT * FROM `+table+` LIMIT 0`) //nolint:unqueryvet // which columns there are is the question
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err == nil && !slices.Contains(columns, "data_key") {
		return `CAST(NULL AS BYTEA)`, rows.Err()
	}
	return `data_key`, errors.Join(err, rows.Err())
}
