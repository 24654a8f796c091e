package postgrestest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

// database is the one of the shared server.
const database = "vault"

// shared is the server of this test binary.
var shared = sync.OnceValues(func() (*Server, error) {
	ctx := context.Background()
	s, err := Start(ctx, false)
	if err != nil {
		return nil, err
	}
	started.Store(s)
	return s, s.CreateDatabase(ctx, database)
})

var (
	started atomic.Pointer[Server] // nil until shared has been asked for
	schemas atomic.Int64
)

// Main runs the tests of a package, removes the server that they started, and returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if s := started.Load(); s != nil {
		if err := s.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, "removing PostgreSQL:", err)
			return max(code, 1)
		}
	}
	return code
}

// New starts a server for one test, with the database "postgres", and removes it at the end of the test.
func New(t testing.TB) *Server {
	t.Helper()
	s, err := Start(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Shared returns the server of this test binary.
func Shared(t testing.TB) *Server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// URL returns the connection string of a schema that nobody else has, in the shared server. It does not exist yet.
func URL(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("%s&search_path=test_%d", Shared(t).URL(database), schemas.Add(1))
}
