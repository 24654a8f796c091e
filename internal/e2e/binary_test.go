package e2e

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var built struct {
	once sync.Once
	err  error
}

// workerBinary is the worker, with the race detector in it. It is built once for all tests.
func workerBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(scratch, "tokenkeeper-worker")
	built.once.Do(func() {
		build := exec.CommandContext(t.Context(), "go", "build", "-race", "-o", path, "tokenkeeper/worker")
		build.Stderr = t.Output()
		built.err = build.Run()
	})
	require.NoError(t, built.err)
	return path
}
