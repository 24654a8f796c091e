package e2e

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"tokenkeeper/internal/workertest"
)

// program is built once for all tests.
type program struct {
	once sync.Once
	path string
}

var builtWorker, builtCommand program

func (p *program) build(t testing.TB, build func(testing.TB, string) string) string {
	t.Helper()
	p.once.Do(func() { p.path = build(t, scratch) })
	require.NotEmpty(t, p.path, "the build failed in an earlier test")
	return p.path
}

func workerBinary(t testing.TB) string {
	t.Helper()
	return builtWorker.build(t, workertest.Build)
}

// types has an operator type a command of tokenkeeper, which has to succeed, and returns what it prints.
func (w *world) types(words ...string) (printed string) {
	w.t.Helper()
	return w.pipes("", words...)
}

// pipes is types with something on standard input.
func (w *world) pipes(stdin string, words ...string) (printed string) {
	w.t.Helper()
	binary := builtCommand.build(w.t, workertest.BuildCommand)
	command := exec.CommandContext(w.t.Context(), binary, append([]string{"--config", w.Config().Path, "--timeout", patience.String()}, words...)...)
	command.Env, command.Stdin = w.environment(), strings.NewReader(stdin)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(w.t, err, stderr.String())
	return string(out)
}
