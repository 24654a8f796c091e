package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// healthyPatience is longer than the gateway takes to ask Temporal and the vault.
const healthyPatience = 5 * time.Second

// healthy asks the gateway at address, host:port or https://host:port, whether it and what it depends on work. It is for
// containers that have nothing else to ask with.
func healthy(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, healthyPatience)
	defer cancel()
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/healthz", nil)
	if err != nil {
		return fmt.Errorf("--healthy %q: %w; write the host:port of gateway.listen, with https:// in front where there is gateway.tls", address, err)
	}
	// The certificate is for the public name and the question goes to this machine; it holds no secret.
	asking := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}}
	defer asking.CloseIdleConnections()
	response, err := asking.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", address, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %s", address, response.Status, answer)
	}
	return nil
}
