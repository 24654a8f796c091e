package app

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"tokenkeeper/config"
)

// The SDK panics when two Activities go by one name, and nothing before a worker of all of them does.
func TestAWorkerTakesEveryWorkflowAndActivity(t *testing.T) {
	temporal, err := client.NewLazyClient(client.Options{})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	a := &App{Temporal: temporal}
	a.current.Store(newSetup(&config.Config{Temporal: config.Temporal{TaskQueue: "tokenkeeper"}}, nil))
	assert.NotPanics(t, func() { a.NewWorker() })
}
