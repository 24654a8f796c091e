package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// How much load the throughput benchmark puts on one server: more Workflows than it serves in a second, so that it is the
// server and the workers that are measured and not the timers.
const (
	benchWorkflows = 300
	benchWarmUp    = 5 * time.Second
	benchWindow    = 15 * time.Second
)

// BenchmarkRefreshes compares account Workflows, whose tokens are due every second or so, with bare Workflows that wait
// for a timer of a second and run an empty Activity: on one server, in turn. What an account does beyond that is a POST,
// the write-ahead and the swap in the vault, and what people see of it. The ratio is the median over the rounds.
func BenchmarkRefreshes(b *testing.B) {
	w := newWorld(b, sandbox.Options{GitHub: sandbox.AppOptions{AccessLifetime: 1300 * time.Millisecond}}) // due after 0.9 to 1.1 s
	w.limit(1000, 1000)                                                                                    // it is not the provider that is measured
	accounts := w.accounts(b, "github", benchWorkflows)
	w.worker.Stop()
	bare := newBareFleet(b, benchWorkflows)
	var theirs, ours, ratios []float64
	var events, bytes float64
	for b.Loop() {
		theirs = append(theirs, during(b, bare.worker(), bare.done.Load))
		before := w.measured(accounts[0])
		ours = append(ours, during(b, w.NewWorker(), func() int64 { return int64(w.refreshes(sandbox.GitHub)) }))
		after := w.measured(accounts[0])
		n := float64(after.refreshes - before.refreshes)
		events, bytes = float64(after.events-before.events)/n, float64(after.bytes-before.bytes)/n
		ratios = append(ratios, ours[len(ours)-1]/theirs[len(theirs)-1])
	}
	b.ReportMetric(median(theirs), "bare-cycles/s")
	b.ReportMetric(median(ours), "refreshes/s")
	b.ReportMetric(median(ratios), "of-bare")
	b.ReportMetric(events, "events/refresh")
	b.ReportMetric(bytes, "history-B/refresh")
	b.ReportMetric(0, "ns/op") // says nothing: a round takes as long as it is told to
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// during counts for a while what is done while a worker runs, by the second.
func during(b *testing.B, w interface {
	Start() error
	Stop()
}, count func() int64,
) float64 {
	b.Helper()
	require.NoError(b, w.Start())
	defer w.Stop()
	<-time.After(benchWarmUp)
	before, begun := count(), time.Now()
	<-time.After(benchWindow)
	return float64(count()-before) / time.Since(begun).Seconds()
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

type bareFleet struct {
	client client.Client
	queue  string
	done   atomic.Int64
}

// bareClient says nothing, as our workers do while all is well.
func bareClient(b *testing.B) client.Client {
	b.Helper()
	c, err := client.Dial(client.Options{HostPort: server.HostPort(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(b, err)
	b.Cleanup(c.Close)
	return c
}

func newBareFleet(b *testing.B, size int) *bareFleet {
	b.Helper()
	c := bareClient(b)
	f := &bareFleet{client: c, queue: fmt.Sprintf("bare-%d", time.Now().UnixNano())}
	ids := make([]string, size)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s/%d", f.queue, i)
		_, err := c.ExecuteWorkflow(b.Context(), client.StartWorkflowOptions{ID: ids[i], TaskQueue: f.queue}, bareCycle)
		require.NoError(b, err)
	}
	b.Cleanup(func() { terminate(b, c, ids) })
	return f
}

func (f *bareFleet) worker() worker.Worker {
	w := worker.New(f.client, f.queue, app.WorkerOptions())
	w.RegisterWorkflow(bareCycle)
	w.RegisterActivityWithOptions(func(context.Context) error { f.done.Add(1); return nil }, activity.RegisterOptions{Name: "nothing"})
	return w
}

// accounts makes as many accounts active, and ends their Workflows with the benchmark.
func (w *world) accounts(b *testing.B, connector string, size int) []credential.AccountID {
	b.Helper()
	accounts, ids := make([]credential.AccountID, size), make([]string, size)
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(16)
	for i := range accounts {
		accounts[i] = credential.AccountID{Organization: w.organization, User: fmt.Sprintf("user-%04d", i), Connector: connector}
		ids[i] = workflows.AccountWorkflowID(accounts[i])
		group.Go(func() error { return w.settle(ctx, accounts[i]) })
	}
	require.NoError(b, group.Wait())
	b.Cleanup(func() { terminate(b, w.Temporal, ids) })
	return accounts
}

func terminate(b *testing.B, c client.Client, ids []string) {
	b.Helper()
	for _, id := range ids {
		require.NoError(b, c.TerminateWorkflow(context.WithoutCancel(b.Context()), id, "", "measured"))
	}
}

type measured struct{ refreshes, events, bytes int64 }

func (w *world) measured(account credential.AccountID) measured {
	w.t.Helper()
	record, err := w.Vault.Get(w.t.Context(), account) // no worker runs that could answer a Query
	require.NoError(w.t, err)
	d, err := w.Temporal.DescribeWorkflowExecution(w.t.Context(), workflows.AccountWorkflowID(account), "")
	require.NoError(w.t, err)
	info := d.GetWorkflowExecutionInfo()
	return measured{refreshes: int64(record.Generation), events: info.GetHistoryLength(), bytes: info.GetHistorySizeBytes()}
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
