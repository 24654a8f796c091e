package app

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"go.temporal.io/api/enums/v1"

	"tokenkeeper/activities"
	"tokenkeeper/workflows"
)

// ConfigureConnectors tells the Workflow of each connector that its configuration was read, starting the Workflow where
// there is none. A worker does so when it starts: accounts whose app was refused then try again with the current
// configuration.
func (a *App) ConfigureConnectors(ctx context.Context) {
	a.TellConnectors(ctx, slices.Sorted(maps.Keys(a.Config().Connectors)))
}

// TellConnectors is [App.ConfigureConnectors] for the named connectors, such as those that a reload changed.
func (a *App) TellConnectors(ctx context.Context, names []string) {
	for _, name := range names {
		if err := a.Workflows.Configured(ctx, name); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "a connector was not told its configuration; while the provider refuses its app, each account tries by itself",
				"connector", name, "error", err)
		}
	}
}

// pauses returns what holds back the requests of this process while a connector's authorization server refuses or
// throttles them.
func (a *App) pauses() *activities.Pauses { return &activities.Pauses{Ask: a.Workflows.Pause} }

// checkConnector checks that the provider accepts a connector's app, and that a worker sends its requests.
func (a *App) checkConnector(ctx context.Context, name string) Finding {
	f := Finding{Subject: "connector " + name}
	status, err := a.Workflows.Connector(ctx, name)
	switch {
	case workflows.IsNotFound(err):
		f.Problem, f.Fix = "no worker has started its Workflow, so its accounts do not hear of a refused app from each other", "restart a worker"
	case err != nil:
		f.Problem, f.Fix = "it does not answer: "+err.Error(), "see whether a worker runs"
	case status.Status == workflows.ConnectorRefused:
		f.Problem, f.Fix = "the provider refuses its app, so its accounts wait: "+status.Reason, mendClient(name)
		f.Place = a.Config().Position("connectors." + name).String()
	default:
		return a.checkServed(ctx, name, f)
	}
	return f
}

// checkServed checks that a worker makes the requests to the authorization server of a connector.
func (a *App) checkServed(ctx context.Context, name string, f Finding) Finding {
	queue := workflows.ConnectorTaskQueue(a.Config().Temporal.TaskQueue, name)
	polled, err := a.polled(ctx, queue, enums.TASK_QUEUE_TYPE_ACTIVITY)
	switch {
	case err != nil:
		f.Problem = "asking Temporal who serves it: " + err.Error()
	case !polled:
		f.Problem = "no worker polls task queue " + queue + ", so none of its accounts is refreshed"
		f.Fix = "start a worker of this version whose tokenkeeper.yaml has the connector, or see in the log why the one that runs kept an older one"
	default:
		f.OK = true
	}
	return f
}

// mendClient is what a person does about an app that is refused, or a connector that is missing.
func mendClient(connector string) string {
	return fmt.Sprintf("correct client id and secret of connector %q, or add it if it is missing: workers read changed files within seconds, and "+
		"what stands in an environment variable when they are restarted; all its accounts go on by themselves", connector)
}
