package gateway_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/internal/bubbletest"
)

// listener is a browser on the event stream, without a network: its clock may be that of a synctest bubble.
type listener struct {
	*httptest.ResponseRecorder

	written *lockedBuffer
	leave   context.CancelFunc
	ended   atomic.Bool
}

func (l *listener) Write(data []byte) (int, error) { return l.written.Write(data) }

func listenTo(t *testing.T, handler http.Handler) *listener {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	l := &listener{ResponseRecorder: httptest.NewRecorder(), written: &lockedBuffer{}, leave: leave}
	go func() {
		handler.ServeHTTP(l, httptest.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:8780/live", nil))
		l.ended.Store(true)
	}()
	synctest.Wait()
	return l
}

// pass lets the time of a synctest bubble pass, and whatever it brings happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func liveServer(t *testing.T) (*gateway.Server, *fakeBoard) {
	t.Helper()
	board := &fakeBoard{}
	return &gateway.Server{
		Board: board, PublicURL: parseURL(t, "http://127.0.0.1:8780"), Log: slog.New(slog.DiscardHandler), Connections: connections{},
	}, board
}

func TestStreamTellsOfChanges(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		server, board := liveServer(t)
		board.show([]gateway.AccountView{viewOf(time.Now(), "acme/triage/slack", nil)})
		handler := server.Handler()
		first, second := listenTo(t, handler), listenTo(t, handler)
		assert.Equal(t, "text/event-stream", first.Header().Get("Content-Type"))
		assert.Equal(t, 1, strings.Count(first.written.String(), "event: change\n"), "it begins with what is true")
		assert.Equal(t, first.written.String(), second.written.String())

		pass(10 * time.Second)
		looks := board.looks
		assert.Equal(t, 1, strings.Count(first.written.String(), "event: change\n"), "nothing changed")
		assert.LessOrEqual(t, looks, 6, "one look for all, every two seconds")

		board.show([]gateway.AccountView{viewOf(time.Now(), "acme/triage/slack", func(v *gateway.AccountView) { v.Status = credential.Degraded })})
		pass(3 * time.Second)
		for _, l := range []*listener{first, second} {
			assert.Equal(t, 2, strings.Count(l.written.String(), "event: change\n"))
			assert.NotContains(t, l.written.String(), "slack", "events hold no contents")
		}
		first.leave()
		second.leave()
		synctest.Wait()
		assert.True(t, first.ended.Load())
		looks = board.looks
		pass(time.Minute)
		assert.Equal(t, looks, board.looks, "nobody looks when nobody listens")
	})
}

func TestStreamIsNeverSilent(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		server, _ := liveServer(t)
		l := listenTo(t, server.Handler())
		pass(61 * time.Second)
		assert.Equal(t, 3, strings.Count(l.written.String(), ": still here\n\n"))
		assert.Equal(t, 1, strings.Count(l.written.String(), "event: tick\n"), "time passes on the page")
		l.leave()
		synctest.Wait()
	})
}

func TestStreamsAreBounded(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		server, _ := liveServer(t)
		handler := server.Handler()
		var all []*listener
		for range 200 {
			all = append(all, listenTo(t, handler))
		}
		refused := listenTo(t, handler)
		assert.True(t, refused.ended.Load())
		assert.Equal(t, http.StatusServiceUnavailable, refused.Code)
		assert.Equal(t, "30", refused.Header().Get("Retry-After"))
		all[0].leave()
		synctest.Wait()
		next := listenTo(t, handler)
		assert.False(t, next.ended.Load(), "one went, one may come")
		for _, l := range append(all, next) {
			l.leave()
		}
		synctest.Wait()
	})
}

func TestStreamIsForViewers(t *testing.T) {
	server, board := liveServer(t)
	server.PublicURL = parseURL(t, "https://example.com")
	for _, path := range []string{"/live", "/live/board"} {
		recorder := httptest.NewRecorder()
		server.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "https://example.com"+path, nil))
		assert.Equal(t, http.StatusNotFound, recorder.Code)
	}
	assert.Zero(t, board.looks)
}

// A stream outlives the deadlines of the server and ends with it.
func TestStreamEndsAtShutdown(t *testing.T) {
	server, _ := liveServer(t)
	l := listen(t)
	server.PublicURL = parseURL(t, "http://"+l.Addr().String())
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l) }()
	response, err := http.Get("http://" + l.Addr().String() + "/live")
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if lines.Text() == "event: change" {
			break
		}
	}
	begun := time.Now()
	stop()
	require.NoError(t, <-served)
	assert.Less(t, time.Since(begun), waitLimit, "it did not wait for the streams to end by themselves")
	_, err = io.Copy(io.Discard, response.Body)
	assert.NoError(t, err, "it ends as a stream that is over")
}
