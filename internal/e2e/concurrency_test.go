package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// gate stands before a token endpoint and holds every request until it is opened.
type gate struct {
	opened chan struct{}

	mu               sync.Mutex // guards what follows
	held, most, came int        // requests: now, at most, all
}

// gate has the requests of a connector to its token endpoint pass through one.
func (w *world) gate(connector string) *gate {
	w.t.Helper()
	conn, err := w.Connection(w.account(connector))
	require.NoError(w.t, err)
	endpoint, err := url.Parse(conn.Provider.Endpoints.Token)
	require.NoError(w.t, err)
	g := &gate{opened: make(chan struct{})}
	behind := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: endpoint.Scheme, Host: endpoint.Host})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		g.count(1)
		defer g.count(-1)
		select {
		case <-g.opened:
		case <-w.t.Context().Done():
		}
		behind.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(server.Close)
	w.rewrite("token: "+endpoint.String()+"\n", "token: "+server.URL+endpoint.Path+"\n")
	return g
}

func (g *gate) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held += n
	g.most, g.came = max(g.most, g.held), g.came+max(n, 0)
}

func (g *gate) now() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

// Many accounts need a token at once, and the provider answers nobody. Each worker has no more requests under way than the
// connector may, however many wait.
func TestTokenRequestsKeepToTheConcurrencyOfTheirConnector(t *testing.T) {
	const accounts, atOnce = 12, 3
	w := newWorld(t, sandbox.Options{})
	w.limit(500, atOnce)
	w.rewrite("    token_rate: 500\n", "    token_rate: 500\n    timeout: 30s\n") // longer than the test holds them
	ids := w.settleMany(accounts, "github")
	g := w.gate("github")
	answered := make(chan error, 1)
	go func() { answered <- w.reportDead(ids) }()

	for _, id := range ids {
		w.eventually("all to be asked for", func() bool { return w.activitiesOf(workflows.AccountWorkflowID(id), "RefreshToken") > 0 })
	}
	w.eventually("as many as one worker may have", func() bool { return g.now() == atOnce })
	second := w.NewWorker()
	require.NoError(t, second.Start())
	t.Cleanup(second.Stop)
	w.eventually("as many as two may", func() bool { return g.now() == 2*atOnce })
	close(g.opened)
	require.NoError(t, <-answered)

	assert.Equal(t, 2*atOnce, g.most)
	assert.Equal(t, accounts, g.came)
	assert.Equal(t, accounts, w.sandbox.Books().RefreshesByApp[sandbox.GitHub])
}
