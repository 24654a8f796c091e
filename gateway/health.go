package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

const (
	healthPath  = "/healthz"
	healthLimit = 3 * time.Second
)

// UnhealthyError names what is down. The name is shown to whoever asks, the cause goes to the log.
type UnhealthyError struct {
	Dependency string // for example "temporal" or "vault"
	Err        error
}

// Error names the dependency and the cause.
func (e *UnhealthyError) Error() string {
	if e.Err == nil {
		return e.Dependency + " is unavailable"
	}
	return e.Dependency + " is unavailable: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *UnhealthyError) Unwrap() error { return e.Err }

type health struct {
	Status     string `json:"status"`
	Dependency string `json:"dependency,omitempty"`
}

func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	answer, status := health{Status: "ok"}, http.StatusOK
	if err := s.checkHealth(r.Context()); err != nil {
		s.log().WarnContext(r.Context(), "not healthy", "error", err)
		answer, status = health{Status: "unavailable", Dependency: "unknown"}, http.StatusServiceUnavailable
		if unhealthy, ok := errors.AsType[*UnhealthyError](err); ok {
			answer.Dependency = unhealthy.Dependency
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.log().DebugContext(r.Context(), "the browser went away", "error", err)
	}
}

func (s *Server) checkHealth(ctx context.Context) error {
	if s.Health == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, healthLimit)
	defer cancel()
	return s.Health(ctx)
}
