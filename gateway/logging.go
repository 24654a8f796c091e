package gateway

import (
	"log/slog"
	"net/http"
	"time"
)

// logRequests writes one line for each request. It names the route instead of the path, and never the query: that of a
// callback holds a code.
func (s *Server) logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		writer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(writer, r)
		route := r.Pattern
		if route == "" {
			route = "none" // refused before it was routed
		}
		s.log().LogAttrs(r.Context(), slog.LevelInfo, "request",
			slog.String("method", clip(r.Method, 16)), slog.String("route", route), slog.Int("status", writer.status),
			slog.Duration("duration", time.Since(begun)))
	})
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter

	status int
	begun  bool
}

func (w *statusWriter) WriteHeader(status int) {
	if !w.begun {
		w.status, w.begun = status, status >= http.StatusOK
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(data []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(data)
}

// Unwrap lets [http.ResponseController] flush and set deadlines.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
