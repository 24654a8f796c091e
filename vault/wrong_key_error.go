package vault

import (
	"fmt"
	"strconv"
	"strings"
)

// WrongKeyError says that the keyset lacks the key that the vault, or one of its records, was sealed with.
type WrongKeyError struct {
	Vault      string   // its file, or where its database is
	SealedWith []uint32 // ids of the keys it was sealed with
	Keyset     string   // file of the keyset
	KeyIDs     []uint32 // ids of the keys in it, the primary first
}

func (e *WrongKeyError) Error() string {
	return fmt.Sprintf("wrong key: vault %s was sealed with %s, keyset %s holds %s: "+
		"use the keyset file that belongs to this vault, or restore it from a backup",
		e.Vault, keyList(e.SealedWith), e.Keyset, keyList(e.KeyIDs))
}

func keyList(ids []uint32) string {
	if len(ids) == 0 {
		return "no key"
	}
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.FormatUint(uint64(id), 10)
	}
	if len(ids) == 1 {
		return "key " + words[0]
	}
	return "keys " + strings.Join(words, ", ")
}
