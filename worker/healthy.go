package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// healthyPatience is longer than the gateway takes to ask Temporal and the vault.
const healthyPatience = 5 * time.Second

// healthy asks the gateway that listens at address whether it, and what it needs, works. It is for containers, where
// nothing else is there to ask with.
func healthy(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, healthyPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/healthz", nil)
	if err != nil {
		return fmt.Errorf("--healthy %q: %w; write the host:port of gateway.listen", address, err)
	}
	response, err := http.DefaultClient.Do(request)
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
