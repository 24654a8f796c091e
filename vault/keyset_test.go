package vault

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// writeKeyset writes a keyset of one key for each template; the last is the primary.
func writeKeyset(t *testing.T, templates ...*tinkpb.KeyTemplate) (string, []uint32) {
	t.Helper()
	manager := keyset.NewManager()
	var ids []uint32
	for _, template := range templates {
		id, err := manager.Add(template)
		require.NoError(t, err)
		require.NoError(t, manager.SetPrimary(id))
		ids = append(ids, id)
	}
	handle, err := manager.Handle()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "keyset.json")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	require.NoError(t, insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(f)))
	require.NoError(t, f.Close())
	return path, ids
}

func TestCreatedKeysetIsPrivateAndLoads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.key")
	created, err := CreateKeyset(path)
	require.NoError(t, err)

	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing temporary is left")

	loaded, err := LoadKeyset(path)
	require.NoError(t, err)
	assert.Equal(t, created.KeyIDs(), loaded.KeyIDs())
	assert.Len(t, loaded.KeyIDs(), 1)
	assert.Equal(t, path, loaded.Path())
	assert.Equal(t, fmt.Sprintf("keyset %s with key %d", path, loaded.KeyIDs()[0]), loaded.String())

	sealed, err := sealerOf(created).seal(binding{field: fieldCanary}, []byte("text"))
	require.NoError(t, err)
	plain, err := sealerOf(loaded).open(binding{field: fieldCanary}, sealed)
	require.NoError(t, err)
	assert.Equal(t, "text", string(plain))
}

func TestKeysetIsNeverOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.key")
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	_, err := CreateKeyset(path)
	require.ErrorIs(t, err, fs.ErrExist)
	assert.ErrorContains(t, err, path)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "precious", string(content))
}

func TestKeysetIsNeverCreatedByLoading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.key")
	_, err := LoadKeyset(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, path)
	assert.ErrorContains(t, err, "backup")
	assert.NoFileExists(t, path)
}

func TestKeysetThatOthersCanReadIsRefused(t *testing.T) {
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o644, 0o620, 0o602} {
		t.Run(mode.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vault.key")
			_, err := CreateKeyset(path)
			require.NoError(t, err)
			require.NoError(t, os.Chmod(path, mode))
			_, err = LoadKeyset(path)
			assert.ErrorContains(t, err, "chmod 600 "+path)
		})
	}
	path := filepath.Join(t.TempDir(), "vault.key")
	_, err := CreateKeyset(path)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0o400))
	_, err = LoadKeyset(path)
	assert.NoError(t, err, "read-only for the owner is fine")
}

func TestKeysetsThatAreNone(t *testing.T) {
	good := filepath.Join(t.TempDir(), "vault.key")
	_, err := CreateKeyset(good)
	require.NoError(t, err)
	content, err := os.ReadFile(good)
	require.NoError(t, err)
	for name, bad := range map[string][]byte{
		"empty": nil, "text": []byte("secret-looking text"), "empty keyset": []byte("{}"), "cut short": content[:len(content)/2],
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vault.key")
			require.NoError(t, os.WriteFile(path, bad, 0o600))
			_, err := LoadKeyset(path)
			require.ErrorContains(t, err, "no Tink keyset")
			assert.ErrorContains(t, err, path)
			assert.NotContains(t, err.Error(), "secret-looking")
		})
	}
}

func TestKeysetOfUnfitKeysIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		template *tinkpb.KeyTemplate
		want     string
	}{
		"no prefix": {aead.AES256GCMNoPrefixKeyTemplate(), "TINK prefix"},
		"a MAC key": {mac.HMACSHA256Tag256KeyTemplate(), "do not seal"},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := writeKeyset(t, c.template)
			_, err := LoadKeyset(path)
			assert.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, "AES256_GCM")
		})
	}
}

func TestRotatedKeysetNamesThePrimaryFirst(t *testing.T) {
	path, ids := writeKeyset(t, aead.AES256GCMKeyTemplate(), aead.AES256GCMKeyTemplate())
	loaded, err := LoadKeyset(path)
	require.NoError(t, err)
	assert.Equal(t, []uint32{ids[1], ids[0]}, loaded.KeyIDs())
}

func TestKeysetInAFolderThatIsNotThere(t *testing.T) {
	_, err := CreateKeyset(filepath.Join(t.TempDir(), "absent", "vault.key"))
	assert.ErrorContains(t, err, "absent is not there: make it")
}
