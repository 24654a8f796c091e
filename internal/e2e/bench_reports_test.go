package e2e

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/internal/app"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// benchOpen is how many reports are under way at any time: as many as keep server and workers busy, and few enough that each is
// done within a round even on a slow machine.
const benchOpen = 50

// BenchmarkReports compares reports from the message in Slack to the mark on it with bare Workflows of the same form, on one
// server, in turn: a parent that starts a child for each piece of work, and children with as many Activities as a Report has,
// which do nothing. What a report does beyond that is its requests to Slack and GitHub, and to understand and render the
// message. The ratio is the median over the rounds.
func BenchmarkReports(b *testing.B) {
	w := newWorld(b, sandbox.Options{RateLimit: 1e9, CreationsPerMinute: -1, CreationsPerHour: -1})
	w.rewrite("creates_per_hour: 5000", "creates_per_hour: 0") // it is not the provider that is measured
	name := w.pollEvery(time.Second)
	w.worker.Stop()
	writers := &writers{sandbox: w.sandbox, people: sandbox.NewPeople(1)}
	bare := newBareTriage(b)
	var theirs, ours, ratios []float64
	for b.Loop() {
		theirs = append(theirs, during(b, bare.worker(), bare.done.Load))
		stop := writers.write()
		ours = append(ours, during(b, w.NewWorker(), writers.told))
		stop()
		ratios = append(ratios, ours[len(ours)-1]/theirs[len(theirs)-1])
	}
	b.ReportMetric(median(theirs), "bare-children/s")
	b.ReportMetric(median(ours), "reports/s")
	b.ReportMetric(median(ratios), "of-bare")
	b.ReportMetric(0, "ns/op") // says nothing: a round takes as long as it is told to

	last := w.NewWorker()
	require.NoError(b, last.Start())
	defer last.Stop()
	require.Eventually(b, func() bool { return writers.open() == 0 }, 5*time.Minute, time.Second, "what is open to end")
	require.Equal(b, bareSteps, w.activitiesIn(workflows.ReportWorkflowID(writers.first)), "Activities of a Report")
	terminate(b, w.Temporal, []string{workflows.TriageWorkflowID(name)})
}

// activitiesIn counts the Activities that a Workflow asked for.
func (w *world) activitiesIn(id string) (n int) {
	w.t.Helper()
	for _, event := range w.history(id).GetEvents() {
		if event.GetActivityTaskScheduledEventAttributes() != nil {
			n++
		}
	}
	return n
}

// writers keep as many reports under way as they are told to.
type writers struct {
	sandbox *sandbox.Sandbox
	people  *sandbox.People
	first   string // key of a report
}

// write has them write until the returned func is called.
func (w *writers) write() (stop func()) {
	enough, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		look := time.NewTicker(50 * time.Millisecond)
		defer look.Stop()
		for {
			for range benchOpen - w.open() {
				posted, err := w.sandbox.Deliver("C0BUGREPORTS", w.people.Report())
				if err == nil && w.first == "" {
					w.first = posted.Key()
				}
			}
			select {
			case <-enough:
				return
			case <-look.C:
			}
		}
	}()
	return func() {
		close(enough)
		<-done
	}
}

// told counts the reports that are done: the last request takes the claim back.
func (w *writers) told() int64 { return int64(w.sandbox.Books().Requests["slack reactions.remove"]) }

func (w *writers) open() int {
	books := w.sandbox.Books()
	return books.ReportsPosted - books.Requests["slack reactions.remove"]
}

// bareSteps is how many Activities a Report has.
const bareSteps = 5

// bareTriage is the least that a durable triage could be.
type bareTriage struct {
	client        client.Client
	queue         string
	started, done atomic.Int64
}

func newBareTriage(b *testing.B) *bareTriage {
	b.Helper()
	c := bareClient(b)
	t := &bareTriage{client: c, queue: fmt.Sprintf("bare-triage-%d", time.Now().UnixNano())}
	_, err := c.ExecuteWorkflow(b.Context(), client.StartWorkflowOptions{ID: t.queue, TaskQueue: t.queue}, bareParent, 0)
	require.NoError(b, err)
	b.Cleanup(func() { terminate(b, c, []string{t.queue}) })
	return t
}

// bareParent waits for work, starts a child for each piece of it, and waits again.
func bareParent(ctx workflow.Context, started int) error {
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	looking := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	for begun := started; started-begun < 1000 && !workflow.GetInfo(ctx).GetContinueAsNewSuggested(); {
		var pieces int
		if err := workflow.ExecuteActivity(looking, "look").Get(ctx, &pieces); err != nil {
			return err
		}
		children := make([]workflow.ChildWorkflowFuture, pieces)
		for i := range children {
			started++
			children[i] = workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
				WorkflowID: fmt.Sprintf("%s/%d", id, started), ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
			}), bareChild)
		}
		for _, child := range children {
			if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
				return err
			}
		}
	}
	return workflow.NewContinueAsNewError(ctx, bareParent, started)
}

// bareChild has the form of a Report: one Activity runs beside the others.
func bareChild(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	var beside workflow.Future
	for step := range bareSteps {
		name := "nothing"
		if step == bareSteps-1 {
			name = "last"
		}
		future := workflow.ExecuteActivity(ctx, name)
		if step == 1 {
			beside = future
			continue
		}
		if err := future.Get(ctx, nil); err != nil {
			return err
		}
	}
	return beside.Get(ctx, nil)
}

func (t *bareTriage) worker() worker.Worker {
	w := worker.New(t.client, t.queue, app.WorkerOptions())
	w.RegisterWorkflow(bareParent)
	w.RegisterWorkflow(bareChild)
	for name, run := range map[string]any{
		"look":    t.look,
		"nothing": func(context.Context) error { return nil },
		"last":    func(context.Context) error { t.done.Add(1); return nil },
	} {
		w.RegisterActivityWithOptions(run, activity.RegisterOptions{Name: name})
	}
	return w
}

// look returns how much work there is, as a poll does.
func (t *bareTriage) look(context.Context) (int, error) {
	pieces := benchOpen - (t.started.Load() - t.done.Load())
	if pieces <= 0 {
		return 0, temporal.NewApplicationErrorWithOptions("nothing new", "NothingNew", temporal.ApplicationErrorOptions{
			NextRetryDelay: time.Second, Category: temporal.ApplicationErrorCategoryBenign,
		})
	}
	t.started.Add(pieces)
	return int(pieces), nil
}
