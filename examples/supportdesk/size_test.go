package supportdesk

import (
	"bytes"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What an author has to write, worker included, is as little as the README says.
func TestTheAgentIsWrittenInUnder300Lines(t *testing.T) {
	lines, here := 0, os.DirFS(".")
	require.NoError(t, fs.WalkDir(here, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(here, path)
		lines += bytes.Count(text, []byte("\n"))
		return err
	}))
	assert.Greater(t, lines, 100)
	assert.Less(t, lines, 300)
}
