package workflows

import (
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
)

var defaultConverter = converter.GetDefaultDataConverter()

func startOptions(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: id, TaskQueue: TaskQueue}
}
