package demo

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheSearchFindsWhatIsThere(t *testing.T) {
	const token = "xoxe.xoxb-1-QWxsIHRoZSB3b3JsZCdzIGEgc3RhZ2U"
	tokens := []string{"ghu_0123456789abcdefghijklmnopqrstuvwxyz", token}
	half := len(token) / 2
	for name, content := range map[string]string{
		"plain":                         "before " + token + " after",
		"first half at the end":         "a page ends here: " + token[:half+3],
		"second half at the beginning":  token[half-3:] + " a page begins here",
		"encoded":                       base64.StdEncoding.EncodeToString([]byte(token)),
		"encoded, shifted by one":       base64.StdEncoding.EncodeToString([]byte("1" + token + "23")),
		"encoded in JSON, shifted more": base64.StdEncoding.EncodeToString([]byte(`{"token":"` + token + `"}`)),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "below"), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "below", "a.db"), []byte(content), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "b.log"), []byte("nothing to see"), 0o600))
			found, err := search(dir, tokens)
			require.NoError(t, err)
			assert.Equal(t, []string{"a.db: token number 2 that was issued"}, found.leaks)
			assert.Equal(t, 2, found.files)
		})
	}
}

func TestASearchForNothingOrThroughNothingIsNone(t *testing.T) {
	_, err := search(t.TempDir(), []string{"ghu_0123456789abcdefghijklmnopqrstuvwxyz"})
	require.Error(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.log"), []byte("nothing to see"), 0o600))
	_, err = search(dir, nil)
	require.Error(t, err)
}
