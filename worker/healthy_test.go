package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthyAsksTheGateway(t *testing.T) {
	status := http.StatusOK
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"status":"unavailable","dependency":"vault"}`))
	}))
	address := strings.TrimPrefix(gateway.URL, "http://")
	ask := func() error { return run(t.Context(), []string{"--healthy", address}) }

	if err := ask(); err != nil {
		t.Error(err)
	}
	status = http.StatusServiceUnavailable
	if err := ask(); err == nil || !strings.Contains(err.Error(), "vault") {
		t.Errorf("a gateway without its vault is healthy: %v", err)
	}
	secure := httptest.NewTLSServer(gateway.Config.Handler)
	defer secure.Close()
	status = http.StatusOK
	if err := run(t.Context(), []string{"--healthy", secure.URL}); err != nil {
		t.Error(err)
	}
	gateway.Close()
	if err := ask(); err == nil {
		t.Error("a gateway that is not there is healthy")
	}
	if err := run(t.Context(), []string{"--healthy", "a b"}); err == nil || !strings.Contains(err.Error(), "host:port") {
		t.Errorf("%v", err)
	}
}
