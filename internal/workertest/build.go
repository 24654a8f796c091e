// Package workertest builds the programs for tests that run them as processes of their own.
package workertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sources lists the module's own files that go into a program, one in each line.
const sources = `{{with .Module}}{{if .Main}}{{range $.GoFiles}}{{$.Dir}}/{{.}}
{{end}}{{range $.EmbedFiles}}{{$.Dir}}/{{.}}
{{end}}{{end}}{{end}}`

// Build builds the worker into dir, with the race detector in it, and returns its path.
func Build(t testing.TB, dir string) string {
	t.Helper()
	return build(t, dir, "tokenkeeper-worker", "tokenkeeper/worker")
}

// BuildCommand is Build for the command line, tokenkeeper.
func BuildCommand(t testing.TB, dir string) string {
	t.Helper()
	return build(t, dir, "tokenkeeper", "tokenkeeper/starter")
}

// build builds a program.
//
// The test binary does not hold its code, so go test would take a result from its cache although the program has changed. It notes
// what files a test looks at, and so the test looks at the program's.
func build(t testing.TB, dir, name, program string) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", sources, program) //nolint:gosec // one of ours
	list.Stderr = t.Output()
	files, err := list.Output()
	require.NoError(t, err)
	for file := range strings.FieldsFuncSeq(string(files), func(r rune) bool { return r == '\n' }) {
		_, err := os.Stat(file)
		require.NoError(t, err)
	}
	path := filepath.Join(dir, name)
	build := exec.CommandContext(t.Context(), "go", "build", "-race", "-o", path, program) //nolint:gosec // into a folder of the test
	build.Stderr = t.Output()
	require.NoError(t, build.Run())
	return path
}
