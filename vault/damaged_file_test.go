package vault

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whichever page of the file is overwritten, the vault never gives out anything else than what was put in, and verify
// tells of it.
func TestDamagedPagesAreNoticed(t *testing.T) {
	const page, accounts = 4096, 24
	f := newFixture(t)
	v := f.open(t)
	for i := range accounts {
		connectAccount(t, v, accountNumber(i).User, accountNumber(i), subjectNumber(i))
	}
	require.NoError(t, v.Close())
	whole, err := os.ReadFile(f.path)
	require.NoError(t, err)
	noise := sha256.Sum256([]byte("noise"))
	for at := 0; at < len(whole); at += page {
		content := bytes.Clone(whole)
		copy(content[at:at+page], bytes.Repeat(noise[:], page/len(noise)))
		damaged := f
		damaged.path = filepath.Join(t.TempDir(), "vault.db")
		require.NoError(t, os.WriteFile(damaged.path, content, 0o600))

		found, err := Verify(t.Context(), damaged.options())
		assert.True(t, err != nil || !found.OK(), "page %d", at/page)
		v, err := Open(t.Context(), damaged.options())
		if err != nil {
			assert.ErrorContains(t, err, "restore it from a backup")
			continue
		}
		for i := range accounts {
			r, err := v.Get(t.Context(), accountNumber(i))
			if err == nil {
				assert.Equal(t, tokens(accountNumber(i).User), r.Tokens)
			}
		}
		_ = v.Close() // it may not close cleanly
	}
}
