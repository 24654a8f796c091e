package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"tokenkeeper/gateway"
)

func TestHealth(t *testing.T) {
	down := errors.New("dial tcp 10.1.2.3:7233: connection refused")
	tests := []struct {
		name   string
		health func(context.Context) error
		status int
		body   string
	}{
		{"no dependencies", nil, 200, `{"status":"ok"}`},
		{"well", func(context.Context) error { return nil }, 200, `{"status":"ok"}`},
		{"named", func(context.Context) error {
			return fmt.Errorf("checking: %w", &gateway.UnhealthyError{Dependency: "temporal", Err: down})
		}, 503, `{"status":"unavailable","dependency":"temporal"}`},
		{"unnamed", func(context.Context) error { return down }, 503, `{"status":"unavailable","dependency":"unknown"}`},
		{"bounded", func(ctx context.Context) error {
			if _, ok := ctx.Deadline(); !ok {
				return &gateway.UnhealthyError{Dependency: "deadline"}
			}
			return nil
		}, 200, `{"status":"ok"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.server.Health = test.health
			got := f.browser().open("/healthz")
			assert.Equal(t, test.status, got.status)
			assert.JSONEq(t, test.body, got.body)
			assert.Equal(t, "application/json", got.header.Get("Content-Type"))
			if test.status != http.StatusOK {
				assert.Contains(t, f.log.String(), "connection refused", "the cause is for the operator")
			}
		})
	}
}

func TestUnhealthyError(t *testing.T) {
	cause := errors.New("locked")
	assert.EqualError(t, &gateway.UnhealthyError{Dependency: "vault"}, "vault is unavailable")
	assert.EqualError(t, &gateway.UnhealthyError{Dependency: "vault", Err: cause}, "vault is unavailable: locked")
	assert.ErrorIs(t, &gateway.UnhealthyError{Dependency: "vault", Err: cause}, cause)
}
