package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"tokenkeeper/vault/internal/file"
)

// KEK is a key that encrypts keys, and that stays in a key management service. Package kms opens one by URI.
type KEK interface{ tink.AEADWithContext }

// KeysetFile says where a keyset is: a Tink keyset in JSON. Without a KEK its keys are in the clear; with one they are
// encrypted by it, and nobody opens the file without the service.
type KeysetFile struct {
	Path string
	KEK  KEK // nil for keys in the clear
}

// Load reads the keyset. It refuses a file that the group or others can read: whoever reads a keyset in the clear reads
// every token.
func (f KeysetFile) Load(ctx context.Context) (*Keyset, error) {
	f.Path = file.Absolute(f.Path)
	k, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	return newKeyset(f, k), nil
}

// Create writes a new keyset with one AES256-GCM key, readable by the owner only. A file that exists is never overwritten,
// because what an old keyset sealed is lost without it: the error then wraps [fs.ErrExist].
func (f KeysetFile) Create(ctx context.Context) (*Keyset, error) {
	f.Path = file.Absolute(f.Path)
	if _, err := os.Lstat(f.Path); err == nil {
		return nil, f.exists() // before the service is asked for anything
	}
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("generating a key: %w", err)
	}
	content, err := f.encode(ctx, handle)
	if err != nil {
		return nil, fmt.Errorf("creating keyset %s: %w", f.Path, err)
	}
	defer clear(content)
	err = file.Publish(f.Path, func(temp string) error { return file.WriteDurably(temp, content) })
	if errors.Is(err, fs.ErrExist) {
		return nil, f.exists()
	}
	if err != nil {
		return nil, fmt.Errorf("creating keyset %s: %w", f.Path, err)
	}
	return f.Load(ctx)
}

func (f KeysetFile) exists() error {
	return fmt.Errorf("creating keyset %s: %w: a keyset is never overwritten, choose another path", f.Path, fs.ErrExist)
}

// replace gives the file other keys, in one step.
func (f KeysetFile) replace(ctx context.Context, handle *keyset.Handle) error {
	content, err := f.encode(ctx, handle)
	if err == nil {
		err = file.Replace(f.Path, content)
		clear(content)
	}
	if err != nil {
		return fmt.Errorf("writing keyset %s: %w", f.Path, err)
	}
	return nil
}

func (f KeysetFile) read(ctx context.Context) (*keys, error) {
	content, info, err := file.Read(f.Path)
	if err != nil {
		return nil, fmt.Errorf("reading keyset %s: %w", f.Path, err)
	}
	defer clear(content)
	handle, err := f.decode(ctx, content)
	if err != nil {
		return nil, fmt.Errorf("reading keyset %s: %w", f.Path, err)
	}
	return newKeys(f.Path, info, handle)
}

func (f KeysetFile) encode(ctx context.Context, handle *keyset.Handle) ([]byte, error) {
	var content bytes.Buffer
	writer := keyset.NewJSONWriter(&content)
	if f.KEK == nil {
		if err := insecurecleartextkeyset.Write(handle, writer); err != nil {
			return nil, fmt.Errorf("encoding it: %w", err)
		}
		return content.Bytes(), nil
	}
	if err := handle.WriteWithContext(ctx, writer, f.KEK, nil); err != nil {
		return nil, fmt.Errorf("encrypting it by the key management service: %w", err)
	}
	return content.Bytes(), nil
}

var errNoKeyset = errors.New("it is no Tink keyset in JSON, or it was cut short: restore it from a backup")

func (f KeysetFile) decode(ctx context.Context, content []byte) (*keyset.Handle, error) {
	var form struct {
		EncryptedKeyset json.RawMessage   `json:"encryptedKeyset"`
		Key             []json.RawMessage `json:"key"`
	}
	if err := json.Unmarshal(content, &form); err != nil {
		return nil, errNoKeyset // a parser may quote the key material it stumbled over
	}
	reader := keyset.NewJSONReader(bytes.NewReader(content))
	encrypted := form.EncryptedKeyset != nil
	switch {
	case !encrypted && form.Key == nil:
		return nil, errNoKeyset
	case encrypted && f.KEK == nil:
		return nil, errors.New("its keys are encrypted by a key management service: name that under vault.kms")
	case !encrypted && f.KEK != nil:
		return nil, errors.New("its keys are in the clear, and vault.kms names a key management service: remove vault.kms, " +
			"or name another keyset for a new vault")
	case encrypted:
		handle, err := keyset.ReadWithContext(ctx, reader, f.KEK, nil)
		if err != nil {
			return nil, fmt.Errorf("decrypting it by the key management service: see that this process reaches the service and may use "+
				"the key under vault.kms, and that the file is the one it encrypted: %w", err)
		}
		return handle, nil
	}
	handle, err := insecurecleartextkeyset.Read(reader)
	if err != nil {
		return nil, errNoKeyset
	}
	return handle, nil
}
