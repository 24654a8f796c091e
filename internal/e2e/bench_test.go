package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// How much load the throughput benchmarks put on one server. More Workflows than the server can serve in a second, so that
// it is the server that is measured and not the timers.
const (
	benchWorkflows = 150
	benchSeconds   = 20
)

// BenchmarkRefreshes compares account Workflows, whose tokens are due every second or so, with bare Workflows that wait
// for a timer of a second and run an empty Activity, in one run on one server. What an account does beyond that is a
// POST, three transactions of the vault, and what people see of it.
func BenchmarkRefreshes(b *testing.B) {
	for b.Loop() {
		bare := bareCycles(b)
		ours, events, bytes := refreshCycles(b)
		b.ReportMetric(bare, "bare-cycles/s")
		b.ReportMetric(ours, "refreshes/s")
		b.ReportMetric(ours/bare, "of-bare")
		b.ReportMetric(events, "events/refresh")
		b.ReportMetric(bytes, "history-B/refresh")
	}
	b.ReportMetric(0, "ns/op") // says nothing: a run takes as long as it is told to
}

// bareCycle is the least a durable refresher could be.
func bareCycle(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		if err := workflow.Sleep(ctx, time.Second); err != nil {
			return err
		}
		if err := workflow.ExecuteActivity(ctx, "nothing").Get(ctx, nil); err != nil {
			return err
		}
	}
	return workflow.NewContinueAsNewError(ctx, bareCycle)
}

func bareCycles(b *testing.B) (perSecond float64) {
	b.Helper()
	c, err := client.Dial(client.Options{HostPort: server.HostPort()})
	require.NoError(b, err)
	defer c.Close()
	queue := fmt.Sprintf("bare-%d", time.Now().UnixNano())
	w := worker.New(c, queue, app.WorkerOptions())
	var done atomic.Int64
	w.RegisterWorkflow(bareCycle)
	w.RegisterActivityWithOptions(func(context.Context) error { done.Add(1); return nil }, activity.RegisterOptions{Name: "nothing"})
	require.NoError(b, w.Start())
	defer w.Stop()
	ids := make([]string, benchWorkflows)
	var group errgroup.Group
	group.SetLimit(16)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s/%d", queue, i)
		group.Go(func() error {
			_, err := c.ExecuteWorkflow(b.Context(), client.StartWorkflowOptions{ID: ids[i], TaskQueue: queue}, bareCycle)
			return err
		})
	}
	require.NoError(b, group.Wait())
	defer terminate(b, c, ids)
	return rate(done.Load)
}

// rate counts for a while, after a second of settling.
func rate(count func() int64) float64 {
	<-time.After(time.Second)
	before, begun := count(), time.Now()
	<-time.After(benchSeconds * time.Second)
	return float64(count()-before) / time.Since(begun).Seconds()
}

func terminate(b *testing.B, c client.Client, ids []string) {
	b.Helper()
	for _, id := range ids {
		require.NoError(b, c.TerminateWorkflow(context.WithoutCancel(b.Context()), id, "", "measured"))
	}
}

func refreshCycles(b *testing.B) (perSecond, events, bytes float64) {
	b.Helper()
	// Tokens of 1.3 s are due after 0.9 to 1.1 s.
	w := newWorld(b, sandbox.Options{GitHub: sandbox.AppOptions{AccessLifetime: 1300 * time.Millisecond}})
	ids := make([]string, benchWorkflows)
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(16)
	for i := range ids {
		account := credential.AccountID{Organization: w.organization, User: fmt.Sprintf("user-%04d", i), Connector: "github"}
		ids[i] = workflows.AccountWorkflowID(account)
		group.Go(func() error { return w.settle(ctx, account) })
	}
	require.NoError(b, group.Wait())
	defer terminate(b, w.Temporal, ids)
	perSecond = rate(func() int64 { return int64(w.refreshes(sandbox.GitHub)) })

	account := credential.AccountID{Organization: w.organization, User: "user-0000", Connector: "github"}
	first := w.measured(account)
	<-time.After(5 * time.Second)
	last := w.measured(account)
	n := float64(last.refreshes - first.refreshes)
	return perSecond, float64(last.events-first.events) / n, float64(last.bytes-first.bytes) / n
}

type measured struct{ refreshes, events, bytes int64 }

func (w *world) measured(account credential.AccountID) measured {
	w.t.Helper()
	status := w.status(account)
	d, err := w.Temporal.DescribeWorkflowExecution(w.t.Context(), workflows.AccountWorkflowID(account), "")
	require.NoError(w.t, err)
	info := d.GetWorkflowExecutionInfo()
	return measured{refreshes: int64(status.Generation), events: info.GetHistoryLength(), bytes: info.GetHistorySizeBytes()}
}

// BenchmarkStorm is what callers wait whose token died in the same moment, beyond the provider's own time.
func BenchmarkStorm(b *testing.B) {
	const callers, provider = 100, 200 * time.Millisecond
	w := newWorld(b, sandbox.Options{})
	account := w.connect("slack")
	api, err := w.API(account)
	require.NoError(b, err)
	var waits []time.Duration
	for b.Loop() {
		w.sandbox.ExpireAccessTokens(sandbox.Slack)
		require.NoError(b, w.sandbox.Fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultDelay, Delay: provider}))
		waits = append(waits, storm(b, api.HTTP, api.Base.String()+"auth.test", callers)...)
	}
	slices.Sort(waits)
	b.ReportMetric(float64((waits[len(waits)/2]-provider).Microseconds())/1000, "p50-ms-beyond-provider")
	b.ReportMetric(float64((waits[len(waits)*99/100]-provider).Microseconds())/1000, "p99-ms-beyond-provider")
	b.ReportMetric(float64(w.refreshes(sandbox.Slack))/float64(len(waits)/callers), "POSTs/storm")
}

// storm makes one call for each caller and returns how long each took.
func storm(b *testing.B, http *http.Client, url string, callers int) []time.Duration {
	b.Helper()
	waits := make([]time.Duration, callers)
	errs := make([]error, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			begun := time.Now()
			resp, err := http.Post(url, "application/x-www-form-urlencoded", nil)
			if err == nil {
				err = resp.Body.Close()
			}
			waits[i], errs[i] = time.Since(begun), err
		})
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(b, err)
	}
	return waits
}
