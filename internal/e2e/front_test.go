package e2e

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// front stands between a worker and a server, and passes on what each sends. While it holds, it accepts connections and passes
// on nothing: whoever has one takes the server to be there, and the server hears of nobody.
type front struct {
	listener net.Listener
	server   string // host and port
	open     sync.WaitGroup

	mu      sync.Mutex
	holding bool       // guarded by mu
	held    []net.Conn // guarded by mu; accepted while it held
	back    int        // guarded by mu; bytes of the server that went to its clients
}

func newFront(t testing.TB, server string) *front {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &front{listener: listener, server: server}
	f.open.Go(func() { assert.ErrorIs(t, f.serve(), net.ErrClosed) })
	t.Cleanup(func() {
		assert.NoError(t, listener.Close())
		f.release()
		f.open.Wait()
	})
	return f
}

func (f *front) url() string { return "http://" + f.listener.Addr().String() }

func (f *front) serve() error {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			return err
		}
		if !f.keeps(client) {
			f.open.Go(func() { f.pass(client) })
		}
	}
}

func (f *front) keeps(client net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.holding {
		f.held = append(f.held, client)
	}
	return f.holding
}

// pass ends both connections when either side ends its own.
func (f *front) pass(client net.Conn) {
	server, err := net.Dial("tcp", f.server)
	if err != nil {
		_ = client.Close() // the client finds out that nobody is there
		return
	}
	end := func() { _ = errors.Join(client.Close(), server.Close()) } // the second end finds them closed
	f.open.Go(func() {
		defer end()
		_, _ = io.Copy(server, client) // it ends with the connection, however that ends
	})
	defer end()
	_, _ = io.Copy(io.MultiWriter(client, backward{f}), server)
}

// backward counts what a server says.
type backward struct{ *front }

func (b backward) Write(said []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.back += len(said)
	return len(said), nil
}

// answered returns how many bytes of the server went to its clients.
func (f *front) answered() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.back
}

// hold begins to hold.
func (f *front) hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holding = true
}

// holds reports whether somebody has a connection that leads nowhere.
func (f *front) holds() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.held) > 0
}

// release ends the connections that are held, with all that was sent on them, and passes on the later ones.
func (f *front) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, client := range f.held {
		_ = client.Close()
	}
	f.holding, f.held = false, nil
}
