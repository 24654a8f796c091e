package app

import (
	"time"

	"go.temporal.io/sdk/worker"

	"tokenkeeper/activities"
	"tokenkeeper/workflows"
)

// NewWorker returns a worker of all Workflows and Activities. The vault must be open.
func (a *App) NewWorker() worker.Worker {
	options := WorkerOptions()
	options.Interceptors = append(options.Interceptors, &activities.Sieve{})
	w := worker.New(a.Temporal, a.Config().Temporal.TaskQueue, options)
	workflows.Register(w)
	w.RegisterActivity(&activities.Account{Vault: a.Vault, Connections: a, Pauses: a.pauses(), ConnectLink: a.ConnectLink, Log: a.Log})
	w.RegisterActivity(&activities.Connector{Fleet: a.Workflows, Count: a.countAccounts, Log: a.Log})
	w.RegisterActivity(&activities.Triage{Plans: a, Reports: a, Log: a.Log})
	w.RegisterActivity(&activities.Slack{APIs: a, Plans: a})
	w.RegisterActivity(&activities.GitHub{APIs: a})
	return w
}

// WorkerOptions are those of every worker of ours.
func WorkerOptions() worker.Options {
	return worker.Options{
		// A token request that is under way when the worker is told to stop ends before this: it may take 30 s, and 5 s more
		// to be stored.
		WorkerStopTimeout: 40 * time.Second,
		// The default of two pollers makes Updates to many accounts wait for seconds.
		WorkflowTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
		ActivityTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
	}
}
