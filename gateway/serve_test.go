package gateway_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/gateway"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return l
}

func TestServeFinishesWhatIsUnderWay(t *testing.T) {
	l := listen(t)
	ctx, stop := context.WithCancel(t.Context())
	entered, release := make(chan struct{}), make(chan struct{})
	server := &gateway.Server{
		PublicURL: parseURL(t, "http://"+l.Addr().String()),
		Log:       slog.New(slog.DiscardHandler),
		Health: func(context.Context) error {
			close(entered)
			<-release
			return nil
		},
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l) }()
	answered := make(chan int, 1)
	go func() {
		response, err := http.Get("http://" + l.Addr().String() + "/healthz")
		if err != nil {
			answered <- 0
			return
		}
		_ = response.Body.Close()
		answered <- response.StatusCode
	}()

	<-entered
	stop()
	require.Eventually(t, func() bool { // the listener is closed first
		conn, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}, waitLimit, pollInterval)
	assert.Empty(t, served, "a request is under way")
	close(release)
	assert.Equal(t, http.StatusOK, <-answered)
	assert.NoError(t, <-served)
}

func TestServeOnAClosedListener(t *testing.T) {
	l := listen(t)
	require.NoError(t, l.Close())
	err := (&gateway.Server{PublicURL: parseURL(t, "http://127.0.0.1:1")}).Serve(t.Context(), l)
	assert.ErrorContains(t, err, l.Addr().String())
	assert.ErrorIs(t, err, net.ErrClosed)
}

func TestServeStopsAtOnceWhenNothingIsUnderWay(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	l := listen(t)
	assert.NoError(t, (&gateway.Server{PublicURL: parseURL(t, "http://"+l.Addr().String())}).Serve(ctx, l))
}

const (
	waitLimit    = 10 * time.Second
	pollInterval = 5 * time.Millisecond
)
