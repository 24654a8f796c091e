package vault

import (
	"fmt"
	"strconv"
	"strings"

	"tokenkeeper/credential"
)

// WrongKeyError says that the keyset lacks the key that the vault, or something in it, was sealed with.
type WrongKeyError struct {
	Vault      string               // its file, or where its database is
	Account    credential.AccountID // zero for the vault's own key check
	Generation credential.Generation
	Field      string
	SealedWith []uint32 // ids of the keys it was sealed with
	Keyset     string   // file of the keyset
	KeyIDs     []uint32 // ids of the keys in it, the primary first
}

func (e *WrongKeyError) Error() string {
	what := "vault " + e.Vault
	if !e.Account.IsZero() {
		what += ": the " + e.Field + " of account " + e.Account.String()
	}
	return fmt.Sprintf("wrong key: %s was sealed with %s, keyset %s holds %s: "+
		"use the keyset file that belongs to this vault, or restore it from a backup",
		what, keyList(e.SealedWith), e.Keyset, keyList(e.KeyIDs))
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
