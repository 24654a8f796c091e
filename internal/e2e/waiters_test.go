package e2e

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/internal/devserver"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// waiters is how many Workflows wait for one account. `make waiters` has ten thousand.
var waiters = flag.Int("waiters", 100, "Workflows that wait for one account")

const (
	useActivity = "use the account"
	atOnce      = 8 // requests to the server
)

// waiter is a Workflow that needs an account once. It stays when it is through, so that a second Signal would find it.
func waiter(ctx workflow.Context, account credential.AccountID) error {
	gate := workflows.NewGate(ctx)
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, RetryPolicy: workflows.Patient()})
	if err := gate.Do(ctx, func(bool) error { return workflow.ExecuteActivity(ctx, useActivity, account).Get(ctx, nil) }); err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return false })
}

// crowd is many waiters of one account.
type crowd struct {
	*world
	account credential.AccountID
	ids     []string
	dead    atomic.Bool  // the grant is
	through atomic.Int64 // how many used the account
}

func newCrowd(w *world, size int) *crowd {
	w.t.Helper()
	c := &crowd{world: w, account: w.connect("github")}
	own := worker.New(w.Temporal, c.queue(), app.WorkerOptions())
	own.RegisterWorkflow(waiter)
	own.RegisterActivityWithOptions(c.use, activity.RegisterOptions{Name: useActivity})
	require.NoError(w.t, own.Start())
	w.t.Cleanup(own.Stop)
	for i := range size {
		c.ids = append(c.ids, fmt.Sprintf("waiter/%s/%05d", w.organization, i))
	}
	return c
}

func (c *crowd) queue() string { return c.organization + "-waiters" }

// use makes a request where there is hope. How a request finds out that there is none is the matter of other tests.
func (c *crowd) use(ctx context.Context, account credential.AccountID) error {
	if c.dead.Load() {
		return temporal.NewNonRetryableApplicationError("the grant is dead", activities.ErrTypeAccountUnavailable, nil,
			activities.Unavailable{Account: account, Status: credential.ReauthorizationRequired})
	}
	if err := (activities.Call{Account: account, Method: http.MethodGet, Path: "user"}).Do(ctx, c, nil); err != nil {
		return activities.CallError("using the account", err)
	}
	c.through.Add(1)
	return nil
}

// each does something for every waiter, again where a busy server did not answer.
func (c *crowd) each(do func(id string) error) {
	c.t.Helper()
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, id := range c.ids {
		group.Go(func() error {
			err := do(id)
			for end := time.Now().Add(patience); app.Unanswered(err) && time.Now().Before(end); {
				err = do(id)
			}
			return err
		})
	}
	require.NoError(c.t, group.Wait())
}

// until waits for something that takes longer the larger the crowd is, and returns how long.
func (c *crowd) until(what string, condition func() bool) time.Duration {
	c.t.Helper()
	begun := time.Now()
	require.Eventually(c.t, condition, 2*patience+time.Duration(len(c.ids))*100*time.Millisecond, 500*time.Millisecond, what)
	return time.Since(begun).Round(100 * time.Millisecond)
}

// gather has the grant die, and everybody wait for a new one.
func (c *crowd) gather() time.Duration {
	c.t.Helper()
	c.sandbox.Revoke(sandbox.GitHub)
	answer, err := c.Workflows.Refresh(c.t.Context(), c.account, 1)
	require.NoError(c.t, err)
	require.Equal(c.t, credential.ReauthorizationRequired, answer.Status)
	c.dead.Store(true)
	begun := time.Now()
	c.each(func(id string) error {
		_, err := c.Temporal.ExecuteWorkflow(c.t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: c.queue()}, waiter, c.account)
		return err
	})
	c.until("all to wait", func() bool {
		status, err := c.Workflows.Account(c.t.Context(), c.account) // a busy server may not answer at once
		return err == nil && status.Waiting == len(c.ids)
	})
	require.Zero(c.t, c.through.Load())
	return time.Since(begun).Round(100 * time.Millisecond)
}

// scatter has somebody consent, and everybody go on.
func (c *crowd) scatter() time.Duration {
	c.t.Helper()
	authorization := c.consent(c.account)
	c.dead.Store(false)
	_, err := c.Workflows.Reauthorized(c.t.Context(), c.account, authorization)
	require.NoError(c.t, err)
	return c.until("all to go on", func() bool { return c.through.Load() >= int64(len(c.ids)) })
}

// signals returns how often the account told each waiter, once the server has delivered all of it, and the runs that took.
func (c *crowd) signals() (sent map[string]int, runs int) {
	c.t.Helper()
	c.until("the account to have told all", func() bool {
		if c.status(c.account).Waiting > 0 {
			return false
		}
		histories := c.histories(workflows.AccountWorkflowID(c.account))
		runs, sent = len(histories), map[string]int{}
		under := 0
		for _, run := range histories {
			for _, event := range run.GetEvents() {
				signal := event.GetSignalExternalWorkflowExecutionInitiatedEventAttributes()
				switch {
				case signal.GetSignalName() == workflows.SignalAccountActive:
					sent[signal.GetWorkflowExecution().GetWorkflowId()]++
					under++
				case event.GetExternalWorkflowExecutionSignaledEventAttributes() != nil:
					under--
				}
			}
		}
		return under == 0
	})
	return sent, runs
}

// asks returns what a waiter told the account, and how many answers it received.
func (c *crowd) asks(id string) (ask workflows.Waiter, answers int, err error) {
	events := c.Temporal.GetWorkflowHistory(c.t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return ask, answers, err
		}
		if signal := event.GetSignalExternalWorkflowExecutionInitiatedEventAttributes(); signal != nil {
			if err := converter.GetDefaultDataConverter().FromPayloads(signal.GetInput(), &ask); err != nil {
				return ask, answers, err
			}
		}
		if event.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == workflows.SignalAccountActive {
			answers++
		}
	}
	return ask, answers, nil
}

// askAgain has every waiter ask as late as can be: what it sent while it waited arrives when it was told.
func (c *crowd) askAgain() {
	c.t.Helper()
	c.each(func(id string) error {
		ask, _, err := c.asks(id)
		if err != nil {
			return err
		}
		return c.Temporal.SignalWorkflow(c.t.Context(), workflows.AccountWorkflowID(c.account), "", workflows.SignalAwait, ask)
	})
}

// onceEach makes sure that nobody was missed and nobody told twice.
func (c *crowd) onceEach() (runs int) {
	c.t.Helper()
	sent, runs := c.signals()
	var total, missed, twice atomic.Int64
	c.each(func(id string) error {
		_, n, err := c.asks(id)
		if err != nil {
			return err
		}
		total.Add(int64(n))
		switch {
		case n == 0:
			missed.Add(1)
		case n > 1 || sent[id] > 1:
			twice.Add(1)
		}
		return nil
	})
	assert.Len(c.t, sent, len(c.ids))
	assert.EqualValues(c.t, len(c.ids), total.Load(), "Signals received")
	assert.Zero(c.t, missed.Load(), "waiters that were missed")
	assert.Zero(c.t, twice.Load(), "waiters that were told twice")
	assert.EqualValues(c.t, len(c.ids), c.through.Load(), "each went on once")
	c.t.Logf("%d Signals reached %d waiters: %d were missed, %d told twice", total.Load(), len(c.ids), missed.Load(), twice.Load())
	return runs
}

// Many Workflows wait for an account whose grant died, and go on when somebody has consented: none is missed and none is told
// twice, although the account continues as new while they ask and while it tells them, and they all ask once more.
func TestAllThatWaitGoOnOnceEach(t *testing.T) {
	// A small crowd has the account continue as new too; 4,096 events are what a server suggests by default.
	server, err := devserver.Start(t.Context(), devserver.Options{Dir: t.TempDir(), FreePorts: true, DynamicConfig: map[string]string{
		"history.transferProcessorMaxPollRPS": "1000", "limit.historyCount.suggestContinueAsNew": strconv.Itoa(min(*waiters, 4096)),
	}})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Stop()) })
	w := newIdleWorld(t, server, sandbox.Options{RateLimit: 1e9})
	w.worker = w.NewWorker()
	require.NoError(t, w.worker.Start())
	t.Cleanup(w.worker.Stop)
	c := newCrowd(w, *waiters)

	gathered := c.gather()
	before := len(c.histories(workflows.AccountWorkflowID(c.account)))
	took := c.scatter()
	runs := c.onceEach()
	c.askAgain()
	c.onceEach()
	assert.Greater(t, runs, before, "the account continued as new while it told them")
	t.Logf("%d waiters asked within %s and went on within %s of the consent; the account had %d runs by then, and %d when all were told",
		len(c.ids), gathered, took, before, runs)
}

// A Workflow asks again while the account tells it, and is told once.
func TestWhoAsksAgainIsToldOnce(t *testing.T) {
	beside(t)
	c := newCrowd(newWorld(t, sandbox.Options{}), 2)
	c.gather()
	c.scatter()
	c.askAgain()
	c.onceEach()
	c.replays(workflows.AccountWorkflowID(c.account), "told-account")
}
