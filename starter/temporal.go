package main

import (
	"context"
	"fmt"

	"tokenkeeper/internal/app"
)

// reach fails when Temporal does not answer in time.
func (c *cli) reach(ctx context.Context, a *app.App) error {
	asking, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	_, err := a.Temporal.CheckHealth(asking, nil)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return &failure{
		code: exitTemporal, err: fmt.Errorf("Temporal at %s does not answer: %w", a.TemporalAddress, err), //nolint:staticcheck // a name
		fix: "start it with `make run`, or set TEMPORAL_ADDRESS to where it runs",
	}
}

// noWorker is the failure of a question that reached Temporal and nobody who could answer.
func noWorker(what string) error {
	return failf("start one with `make run` or bin/tokenkeeper-worker", "%s: no worker answers", what)
}
