package e2e

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"tokenkeeper/internal/workertest"
)

var built struct {
	once sync.Once
	path string
}

// workerBinary is built once for all tests.
func workerBinary(t testing.TB) string {
	t.Helper()
	built.once.Do(func() { built.path = workertest.Build(t, scratch) })
	require.NotEmpty(t, built.path, "the build failed in an earlier test")
	return built.path
}
