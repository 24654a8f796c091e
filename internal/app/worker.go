package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/worker"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/workflows"
)

// Worker is all the Temporal workers of one process: one for every Workflow and Activity, and for each connector of the
// configuration one that only sends requests to its authorization server, no faster than the connector's rate. Temporal
// keeps to that rate over the workers of all processes.
type Worker struct {
	app     *App
	main    runner
	account *activities.Account // that all workers share: what one request meets holds back the next

	begin func(name string, c config.Connector) (stop func(), err error) // starts the worker of a connector

	over   chan struct{} // closed by Stop
	failed chan error    // holds the first failure

	mu      sync.Mutex             // guards what follows
	running bool                   // between Start and Stop
	tokens  map[string]tokenWorker // :: name of a connector → its worker
	retired sync.WaitGroup         // workers that end what they have under way
}

// runner is a worker. Stop returns when what it has under way has ended, see [WorkerOptions].
type runner interface {
	Start() error
	Stop()
}

// tokenWorker is the worker of one connector.
type tokenWorker struct {
	stop        func()
	rate        float64
	concurrency int
}

// NewWorker returns the workers of this process. The vault must be open.
func (a *App) NewWorker() *Worker {
	notices := a.notices()
	w := &Worker{app: a, over: make(chan struct{}), failed: make(chan error, 1), tokens: map[string]tokenWorker{}, account: &activities.Account{
		Vault: a.Vault, Connections: a, Pauses: a.pauses(), Count: a.roughly, ConnectLink: a.ConnectLink, Granted: a.wake,
		Notices: notices, Log: a.Log,
	}}
	w.begin = w.beginTokens
	queue := a.Config().Temporal.TaskQueue
	main := worker.New(a.Temporal, queue, w.watched(queue, sieved(WorkerOptions())))
	workflows.Register(main)
	// What workers of older versions asked for is on this queue, requests to authorization servers included.
	main.RegisterActivity(w.account)
	main.RegisterActivity(notices)
	main.RegisterActivity(&activities.Connector{Fleet: a.Workflows, Count: a.countAccounts, Notices: notices, Log: a.Log})
	main.RegisterActivity(&activities.Triage{Plans: a, Reports: a, Notices: notices, Log: a.Log})
	slack := a.Slack()
	github := &activities.GitHub{APIs: a, Pace: a.pace()}
	main.RegisterActivity(slack)
	main.RegisterActivity(github)
	main.RegisterActivity(&activities.Threads{Slack: slack, GitHub: github, Looks: a.Workflows})
	w.main = main
	return w
}

// sieved adds the interceptors of all our Activities.
func sieved(o worker.Options) worker.Options {
	o.Interceptors = append(o.Interceptors, &activities.Sieve{})
	return o
}

// watched has the failure of a worker noted that the SDK stops by itself: the server has refused its polls for minutes, as it
// does when the namespace is gone.
func (w *Worker) watched(queue string, o worker.Options) worker.Options {
	o.OnFatalError = func(err error) {
		select {
		case w.failed <- fmt.Errorf("the worker on task queue %s has stopped: %w; check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, then start it again", queue, err):
		default: // the first failure ends the process
		}
	}
	return o
}

// Failed returns a channel that receives why a worker stopped by itself. Nothing restarts it: call Stop and end the process.
func (w *Worker) Failed() <-chan error { return w.failed }

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

// tokenOptions are those of the worker of a connector.
func tokenOptions(c config.Connector) worker.Options {
	options := sieved(WorkerOptions())
	options.DisableWorkflowWorker = true
	options.TaskQueueActivitiesPerSecond = c.TokenRate
	options.MaxConcurrentActivityExecutionSize = c.TokenConcurrency
	// One that waits is enough for a queue on which little happens, and there may be many of them.
	options.ActivityTaskPollerBehavior = worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{
		InitialNumberOfPollers: 1, MaximumNumberOfPollers: 8,
	})
	return options
}

func (w *Worker) beginTokens(name string, c config.Connector) (stop func(), err error) {
	queue := workflows.ConnectorTaskQueue(w.app.Config().Temporal.TaskQueue, name)
	tokens := worker.New(w.app.Temporal, queue, w.watched(queue, tokenOptions(c)))
	tokens.RegisterActivity(w.account)
	if err := tokens.Start(); err != nil {
		return nil, fmt.Errorf("starting the worker on task queue %s: %w", queue, err)
	}
	return tokens.Stop, nil
}

// Start starts all of them, once. From then on a reload of the configuration starts and stops those of connectors.
func (w *Worker) Start() error {
	if err := w.main.Start(); err != nil {
		return fmt.Errorf("starting the worker on task queue %s: %w", w.app.Config().Temporal.TaskQueue, err)
	}
	w.mu.Lock()
	w.running = true
	w.mu.Unlock()
	w.app.OnReload(func(context.Context, []string) {
		if err := w.follow(); err != nil {
			go w.catchUp(err)
		}
	})
	if err := w.follow(); err != nil {
		w.Stop()
		return err
	}
	return nil
}

// catchUp repeats follow until it succeeds or the worker stops, as when Temporal was away at the moment of a reload.
func (w *Worker) catchUp(err error) {
	for pause := time.Second; err != nil; pause = min(2*pause, time.Minute) {
		w.app.Log.Error("a connector is not served as it is configured now; trying again", "in", pause, "error", err)
		select {
		case <-w.over:
			return
		case <-time.After(pause):
		}
		err = w.follow()
	}
}

// follow starts and stops workers until exactly the configured connectors are served, at their configured rates. A worker
// whose connector changed is replaced before it stops, so that nothing waits for what it still has under way.
func (w *Worker) follow() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		return nil
	}
	connectors := w.app.Config().Connectors
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(connectors)) {
		c := connectors[name]
		before, served := w.tokens[name]
		if served && before.rate == c.TokenRate && before.concurrency == c.TokenConcurrency {
			continue
		}
		stop, err := w.begin(name, c)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		w.tokens[name] = tokenWorker{stop: stop, rate: c.TokenRate, concurrency: c.TokenConcurrency}
		if served {
			w.retired.Go(before.stop)
		}
	}
	for name, tokens := range w.tokens {
		if _, configured := connectors[name]; !configured {
			delete(w.tokens, name)
			w.retired.Go(tokens.stop)
		}
	}
	return errors.Join(problems...)
}

// Stop stops all of them together, and returns when what they have under way has ended.
func (w *Worker) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		return
	}
	w.running = false
	close(w.over)
	w.retired.Go(w.main.Stop)
	for _, tokens := range w.tokens {
		w.retired.Go(tokens.stop)
	}
	clear(w.tokens)
	w.retired.Wait()
}
