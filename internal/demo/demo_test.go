package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/internal/devserver"
	"tokenkeeper/internal/workertest"
)

// The whole product, end to end: real Temporal, real worker processes, every fault of the story.
func TestTheStoryEndsWell(t *testing.T) {
	dir := t.TempDir()
	result, err := Run(t.Context(), Options{Worker: workertest.Build(t, t.TempDir()), Dir: dir, Out: t.Output(), FreePorts: true, Seed: 3})
	require.NoError(t, err)
	for _, c := range result.claims {
		assert.True(t, c.holds, "%s: %d, want %s", c.what, c.count, c.want)
	}
	assert.True(t, result.OK)
	for _, log := range []string{"worker-1.log", "worker-2.log"} {
		content, err := os.ReadFile(filepath.Join(dir, log))
		require.NoError(t, err)
		assert.NotContains(t, string(content), "DATA RACE", log)
	}
	path := filepath.Join(dir, "result.json")
	require.NoError(t, result.Write(path))
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	var keys map[string]any
	require.NoError(t, json.Unmarshal(written, &keys))
	for _, key := range []string{
		"reports_posted", "issues_created", "duplicates", "missing", "refreshes", "refresh_tokens_presented_twice",
		"unreplayed_auth_failures", "reauthorizations", "worker_kills", "server_restarts", "plaintext_tokens_found", "ok",
	} {
		assert.Contains(t, keys, key)
	}
}

// listener signals when a text was written.
type listener struct {
	io.Writer
	text  string
	once  sync.Once
	heard chan struct{}
	said  bytes.Buffer
}

func (l *listener) Write(p []byte) (int, error) {
	l.said.Write(p)
	if strings.Contains(l.said.String(), l.text) {
		l.once.Do(func() { close(l.heard) })
	}
	return l.Writer.Write(p)
}

func TestAnInterruptLeavesNoPortTaken(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out := &listener{Writer: t.Output(), text: "worker 2 joins", heard: make(chan struct{})}
	ports, err := Ports{}.settle(t.Context(), true)
	require.NoError(t, err)
	binary, dir, ended := workertest.Build(t, t.TempDir()), t.TempDir(), make(chan error, 1)
	go func() {
		_, err := Run(ctx, Options{Worker: binary, Dir: dir, Out: out, Ports: ports})
		ended <- err
	}()
	select {
	case <-out.heard:
		interrupt()
		require.ErrorIs(t, <-ended, context.Canceled)
	case err := <-ended:
		require.NoError(t, err, "the story ended before it was interrupted")
	case <-time.After(2 * time.Minute):
		require.Fail(t, "the second worker never joined")
	}
	for _, place := range ports.places() {
		assert.NoError(t, devserver.CheckPort(t.Context(), place.what, host, *place.port, place.flag))
	}
}

func TestPortsInUseAreNamedBeforeAnythingStarts(t *testing.T) {
	taken, err := net.Listen("tcp", at(0))
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	address, ok := taken.Addr().(*net.TCPAddr)
	require.True(t, ok)
	port := address.Port
	_, err = Run(t.Context(), Options{Worker: "none", Out: io.Discard, FreePorts: true, Ports: Ports{Gateway: port, Sandbox: port}})
	var portTaken *devserver.PortTakenError
	require.ErrorAs(t, err, &portTaken)
	assert.Equal(t, port, portTaken.Port)
	assert.ErrorContains(t, err, "--gateway-port")
	assert.ErrorContains(t, err, "--sandbox-port")
}

func TestAFolderInUseIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "vault.key"), []byte("precious"), 0o600))
	_, err := Run(t.Context(), Options{Worker: "none", Dir: dir, Out: io.Discard, FreePorts: true})
	require.ErrorContains(t, err, "name an empty folder")
	kept, err := os.ReadFile(filepath.Join(dir, "vault.key"))
	require.NoError(t, err)
	assert.Equal(t, "precious", string(kept))
}
