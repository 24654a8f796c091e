// Package workertest builds the worker for tests that run it as a process of its own.
package workertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sources lists the module's own files that go into the worker, one in each line.
const sources = `{{with .Module}}{{if .Main}}{{range $.GoFiles}}{{$.Dir}}/{{.}}
{{end}}{{range $.EmbedFiles}}{{$.Dir}}/{{.}}
{{end}}{{end}}{{end}}`

// Build builds the worker into dir, with the race detector in it, and returns its path.
//
// The test binary does not hold the worker's code, so go test would take a result from its cache although the worker has
// changed. It notes what files a test looks at, and so the test looks at the worker's.
func Build(t testing.TB, dir string) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", sources, "tokenkeeper/worker")
	list.Stderr = t.Output()
	files, err := list.Output()
	require.NoError(t, err)
	for file := range strings.FieldsFuncSeq(string(files), func(r rune) bool { return r == '\n' }) {
		_, err := os.Stat(file)
		require.NoError(t, err)
	}
	path := filepath.Join(dir, "tokenkeeper-worker")
	build := exec.CommandContext(t.Context(), "go", "build", "-race", "-o", path, "tokenkeeper/worker") //nolint:gosec // a folder of the test
	build.Stderr = t.Output()
	require.NoError(t, build.Run())
	return path
}
