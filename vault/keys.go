package vault

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keys is what a keyset file held when it was read. It never changes.
type keys struct {
	path    string
	file    fs.FileInfo // the file that was read
	ids     []uint32    // enabled keys, the primary first
	opening tink.AEAD   // with every one of them
	sealing map[uint32]tink.AEAD
	handle  *keyset.Handle
}

func newKeys(path string, file fs.FileInfo, handle *keyset.Handle) (*keys, error) {
	ids, err := keyIDs(handle)
	if err != nil {
		return nil, fmt.Errorf("reading keyset %s: %w", path, err)
	}
	k := &keys{path: path, file: file, ids: ids, sealing: map[uint32]tink.AEAD{}, handle: handle}
	for _, id := range ids {
		if k.sealing[id], err = sealingWith(handle, id); err != nil {
			return nil, fmt.Errorf("reading keyset %s: its keys do not seal with associated data, create it as AES256_GCM: %w", path, err)
		}
	}
	k.opening = k.sealing[k.primary()]
	return k, nil
}

// sealingWith returns what seals with one key of a keyset. That need not be the keyset's primary: the vault says which key
// is in force, and a machine may have the file with the next key before or after it is.
func sealingWith(handle *keyset.Handle, id uint32) (tink.AEAD, error) {
	manager := keyset.NewManagerFromHandle(handle)
	if err := manager.SetPrimary(id); err != nil {
		return nil, err
	}
	chosen, err := manager.Handle()
	if err != nil {
		return nil, err
	}
	return aead.New(chosen)
}

func (k *keys) primary() uint32 { return k.ids[0] }

func (k *keys) has(id uint32) bool { return slices.Contains(k.ids, id) }

func (k *keys) list() []uint32 { return slices.Clone(k.ids) }

func keyIDs(handle *keyset.Handle) ([]uint32, error) {
	info := handle.KeysetInfo()
	ids := []uint32{info.GetPrimaryKeyId()}
	for _, key := range info.GetKeyInfo() {
		if key.GetOutputPrefixType() != tinkpb.OutputPrefixType_TINK {
			// Without the prefix nobody can tell a wrong key from an altered record.
			return nil, fmt.Errorf("key %d has no TINK prefix: create the key from template AES256_GCM", key.GetKeyId())
		}
		if key.GetStatus() == tinkpb.KeyStatusType_ENABLED && key.GetKeyId() != ids[0] {
			ids = append(ids, key.GetKeyId())
		}
	}
	return ids, nil
}
