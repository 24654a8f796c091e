package app

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"tokenkeeper/config"
)

func lonelyApp(t *testing.T) *App {
	t.Helper()
	temporal, err := client.NewLazyClient(client.Options{})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	a := &App{Temporal: temporal, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	a.configure(map[string]config.Connector{})
	return a
}

// configure puts connectors into force, as a reload does.
func (a *App) configure(connectors map[string]config.Connector) {
	a.current.Store(newSetup(&config.Config{Temporal: config.Temporal{TaskQueue: "tokenkeeper"}, Connectors: connectors}, nil))
}

// The SDK panics when two Activities go by one name, and nothing before a worker of all of them does.
func TestAWorkerTakesEveryWorkflowAndActivity(t *testing.T) {
	a := lonelyApp(t)
	assert.NotPanics(t, func() { a.NewWorker() })
}

func TestTheWorkerOfAConnectorKeepsToItsRateAndConcurrency(t *testing.T) {
	options := tokenOptions(config.Connector{TokenRate: 0.5, TokenConcurrency: 3})
	assert.InDelta(t, 0.5, options.TaskQueueActivitiesPerSecond, 0)
	assert.Equal(t, 3, options.MaxConcurrentActivityExecutionSize)
	assert.True(t, options.DisableWorkflowWorker)
	assert.Equal(t, WorkerOptions().WorkerStopTimeout, options.WorkerStopTimeout, "what is under way ends well")
}

func TestAWorkerThatStopsByItselfSaysWhy(t *testing.T) {
	w := lonelyApp(t).NewWorker()
	main := w.watched("tokenkeeper", WorkerOptions())
	slack := w.watched("tokenkeeper/connector/slack", tokenOptions(config.Connector{}))
	select {
	case err := <-w.Failed():
		t.Fatal("nothing has failed: ", err)
	default:
	}
	slack.OnFatalError(errors.New("namespace acme is not found"))
	main.OnFatalError(errors.New("another one, for which nobody waits"))
	err := <-w.Failed()
	require.ErrorContains(t, err, "tokenkeeper/connector/slack has stopped: namespace acme is not found")
	assert.ErrorContains(t, err, "TEMPORAL_NAMESPACE")
}

// fleet is workers that only note that they started and stopped.
type fleet struct {
	mu      sync.Mutex
	running map[string]int // guarded by mu; :: connector → workers that run
	most    map[string]int // guarded by mu; :: connector → the most that ran together
	begun   int            // guarded by mu
	broken  string         // guarded by mu; the connector whose worker does not start
}

// fakeWorker is one of them.
type fakeWorker struct {
	fleet *fleet
	name  string
}

func (f fakeWorker) Start() error {
	f.fleet.mu.Lock()
	defer f.fleet.mu.Unlock()
	f.fleet.running[f.name]++
	f.fleet.most[f.name] = max(f.fleet.most[f.name], f.fleet.running[f.name])
	f.fleet.begun++
	return nil
}

func (f fakeWorker) Stop() {
	f.fleet.mu.Lock()
	defer f.fleet.mu.Unlock()
	f.fleet.running[f.name]--
	if f.fleet.running[f.name] == 0 {
		delete(f.fleet.running, f.name)
	}
}

func (f *fleet) breaks(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return name == f.broken
}

func (f *fleet) broke(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = name
}

func (f *fleet) names() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.running))
}

func newFleet(a *App) (*Worker, *fleet) {
	f := &fleet{running: map[string]int{}, most: map[string]int{}}
	w := a.NewWorker()
	w.main = fakeWorker{f, "main"}
	w.begin = func(name string, _ config.Connector) (func(), error) {
		if f.breaks(name) {
			return nil, errors.New("no connection")
		}
		one := fakeWorker{f, name}
		return one.Stop, one.Start()
	}
	return w, f
}

func TestEachConnectorHasAWorkerForAsLongAsItIsConfigured(t *testing.T) {
	a := lonelyApp(t)
	slow := config.Connector{TokenRate: 1, TokenConcurrency: 1}
	a.configure(map[string]config.Connector{"github": slow, "slack": slow})
	w, f := newFleet(a)
	require.NoError(t, w.Start())
	assert.Equal(t, []string{"github", "main", "slack"}, f.names())

	a.configure(map[string]config.Connector{"slack": slow, "zendesk": slow})
	require.NoError(t, w.follow())
	w.retired.Wait()
	assert.Equal(t, []string{"main", "slack", "zendesk"}, f.names())
	assert.Equal(t, 4, f.begun, "that of slack runs on")

	fast := config.Connector{TokenRate: 9, TokenConcurrency: 1}
	a.configure(map[string]config.Connector{"slack": fast, "zendesk": slow})
	require.NoError(t, w.follow())
	w.retired.Wait()
	assert.Equal(t, 2, f.most["slack"], "the new one takes over before the old one ends")
	assert.Equal(t, 1, f.running["slack"])

	w.Stop()
	assert.Empty(t, f.names())
	require.NoError(t, w.follow())
	assert.Empty(t, f.names(), "a reload after the end starts nothing")
}

func TestAConnectorThatCannotBeServedKeepsNoOtherFromIt(t *testing.T) {
	a := lonelyApp(t)
	w, f := newFleet(a)
	require.NoError(t, w.Start())
	f.broke("github")
	a.configure(map[string]config.Connector{"github": {}, "slack": {}})
	err := w.follow()
	require.ErrorContains(t, err, "no connection")
	assert.Equal(t, []string{"main", "slack"}, f.names())
	go w.catchUp(err)
	f.broke("")
	require.Eventually(t, func() bool { return slices.Contains(f.names(), "github") }, time.Minute, 10*time.Millisecond, "it is tried again")
	w.Stop()
	assert.Empty(t, f.names())
}
