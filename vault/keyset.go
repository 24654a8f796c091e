package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Keyset holds the keys that seal a vault: one primary that seals, and any number of older ones that still open.
type Keyset struct {
	path string
	ids  []uint32 // enabled keys, the primary first
	aead tink.AEAD
}

// Path returns the file the keyset was read from.
func (k *Keyset) Path() string { return k.path }

// KeyIDs returns the ids of the keys that can open, the primary first. Ids are no secret.
func (k *Keyset) KeyIDs() []uint32 { return slices.Clone(k.ids) }

// String names the file and the key ids.
func (k *Keyset) String() string { return fmt.Sprintf("keyset %s with %s", k.path, keyList(k.ids)) }

// LoadKeyset reads a cleartext Tink keyset. It refuses a file that the group or others can read: whoever reads the
// keyset reads every token.
func LoadKeyset(path string) (*Keyset, error) {
	content, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("reading keyset %s: %w", path, err)
	}
	defer clear(content)
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(content)))
	if err != nil {
		// Tink's own text is left out: a parser may quote the key material it stumbled over.
		return nil, fmt.Errorf("reading keyset %s: it is no Tink keyset in JSON, or it was cut short: restore it from a backup", path)
	}
	return newKeyset(path, handle)
}

// CreateKeyset writes a new keyset with one AES256-GCM key, readable by the owner only. A file that exists is never
// overwritten, because what an old keyset sealed is lost without it: the error then wraps [fs.ErrExist].
func CreateKeyset(path string) (*Keyset, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("generating a key: %w", err)
	}
	var content bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&content)); err != nil {
		return nil, fmt.Errorf("encoding keyset: %w", err)
	}
	defer func() { clear(content.Bytes()) }()
	err = publish(path, func(temp string) error { return writeDurably(temp, content.Bytes()) })
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("creating keyset %s: %w: a keyset is never overwritten, choose another path", path, fs.ErrExist)
	}
	if err != nil {
		return nil, fmt.Errorf("creating keyset %s: %w", path, err)
	}
	return newKeyset(path, handle)
}

func newKeyset(path string, handle *keyset.Handle) (*Keyset, error) {
	ids, err := keyIDs(handle)
	if err != nil {
		return nil, fmt.Errorf("reading keyset %s: %w", path, err)
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("reading keyset %s: its keys do not seal with associated data, create it as AES256_GCM: %w", path, err)
	}
	return &Keyset{path: absolute(path), ids: ids, aead: primitive}, nil
}

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
