package vault

import (
	"encoding/binary"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/core/cryptofmt"
)

// sealer seals with one key of a keyset and opens with all of them. It knows the vault to name it in errors.
type sealer struct {
	keys  *keys
	key   uint32 // seals
	vault string
}

func (s sealer) seal(b binding, plain []byte) ([]byte, error) {
	key, ok := s.keys.sealing[s.key]
	if !ok {
		return nil, s.wrongKey(b, s.key)
	}
	sealed, err := key.Encrypt(plain, b.associatedData())
	if err != nil {
		return nil, fmt.Errorf("sealing the %s: %w", b.field, err)
	}
	return sealed, nil
}

// open returns a [WrongKeyError] when the key is not there, and an [IntegrityError] when it is and does not fit.
func (s sealer) open(b binding, sealed []byte) ([]byte, error) {
	id, ok := keyIDOf(sealed)
	if !ok {
		return nil, s.broken(b, nil)
	}
	if !s.keys.has(id) {
		return nil, s.wrongKey(b, id)
	}
	plain, err := s.keys.opening.Decrypt(sealed, b.associatedData())
	if err != nil {
		return nil, s.broken(b, err)
	}
	return plain, nil
}

func (s sealer) broken(b binding, err error) error {
	return &IntegrityError{Vault: s.vault, Account: b.account, Generation: b.generation, Field: string(b.field), Err: err}
}

func (s sealer) wrongKey(b binding, id uint32) error {
	return &WrongKeyError{
		Vault: s.vault, Account: b.account, Generation: b.generation, Field: string(b.field),
		SealedWith: []uint32{id}, Keyset: s.keys.path, KeyIDs: s.keys.list(),
	}
}

// keyIDOf reads the id that Tink writes in front of what it seals, and reports whether there is one.
func keyIDOf(sealed []byte) (uint32, bool) {
	if len(sealed) < cryptofmt.TinkPrefixSize || sealed[0] != cryptofmt.TinkStartByte {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:cryptofmt.TinkPrefixSize]), true
}

// prefixOf is what everything sealed with a key begins with.
func prefixOf(id uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{cryptofmt.TinkStartByte}, id)
}
