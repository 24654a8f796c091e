package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	// maxHeaders leaves room for the cookies of everything else that runs on this machine's localhost.
	maxHeaders = 64 << 10
	// grace covers the exchange of a callback's code, 30 s at most. What it brings is in the vault then, and is handed over by
	// whichever worker comes next.
	grace = 35 * time.Second
)

// Serve answers requests on l until ctx ends, and then lets those under way finish. It closes l. A stop that was asked
// for is no error.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      callbackLimit + 15*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeaders,
		ErrorLog:          slog.NewLogLogger(s.log().Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(s.live.stop) // streams would go on for ever
	stopped := make(chan error, 1)
	cancel := context.AfterFunc(ctx, func() { stopped <- stop(server) })
	err := s.listen(server, l)
	if cancel() {
		return fmt.Errorf("serving the gateway on %s: %w", l.Addr(), err)
	}
	return <-stopped
}

func (s *Server) listen(server *http.Server, l net.Listener) error {
	if s.TLS == nil {
		return server.Serve(l)
	}
	server.TLSConfig = s.TLS
	return server.ServeTLS(l, "", "")
}

// stop runs after ctx ended, so it has a deadline of its own.
func stop(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return fmt.Errorf("stopping the gateway: %w", errors.Join(err, server.Close()))
	}
	return nil
}
