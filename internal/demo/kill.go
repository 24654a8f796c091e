package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"tokenkeeper/credential"
	"tokenkeeper/internal/process"
	"tokenkeeper/sandbox"
)

// killWorker takes a worker away with kill -9 at the worst moment: GitHub has created an issue and the worker waits for
// the answer. It comes back some seconds later, and until then the other one carries on.
func (w *world) killWorker(ctx context.Context) error {
	w.narrator.sayf("GitHub creates an issue and is slow to answer")
	victim, err := w.catch(ctx)
	if err != nil {
		return err
	}
	w.narrator.sayf("kill -9 of worker %d, which waits for that answer", victim+1)
	if err := w.worker(victim).Kill(); err != nil {
		return err
	}
	w.book(&w.kills)
	if !sleep(ctx, 3*time.Second) {
		return ctx.Err()
	}
	w.narrator.sayf("worker %d comes back", victim+1)
	return w.startWorker(ctx, victim)
}

// catch finds the worker that waits for GitHub, while neither account is about to present a refresh token: what a kill
// does then is no matter of luck but of the provider's rules, and has tests of its own.
func (w *world) catch(ctx context.Context) (victim int, err error) {
	err = w.await(ctx, "a worker to be caught in the middle of creating an issue", func(ctx context.Context) (bool, error) {
		hits := w.hits(slowAnswer)
		if err := w.sandbox.Fault(sandbox.Fault{
			Name: slowAnswer, App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultHang, Processed: true,
		}); err != nil {
			return false, err
		}
		if err := w.await(ctx, "an issue to be created", func(context.Context) (bool, error) { return w.hits(slowAnswer) > hits, nil }); err != nil {
			return false, err
		}
		victim, err = w.waiting(ctx)
		return err == nil, err
	})
	return victim, err
}

const slowAnswer = "GitHub creates an issue and is slow to answer"

// hits returns how often the faults of a name came to pass.
func (w *world) hits(name string) int {
	hits := 0
	for _, f := range w.sandbox.Faults() {
		if f.Name == name {
			hits += f.Hit
		}
	}
	return hits
}

// waiting returns the worker that runs CreateIssue now. It has as long as the connector waits for an answer.
func (w *world) waiting(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		victim, err := w.creating(ctx)
		if err == nil {
			if err = w.calm(ctx); err == nil {
				return victim, nil
			}
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return 0, err
		}
	}
}

// calm returns nil while no refresh is due within the next moments.
func (w *world) calm(ctx context.Context) error {
	for _, account := range []credential.AccountID{slackAccount, githubAccount} {
		status, err := w.app.Workflows.Account(ctx, account)
		if err != nil {
			return err
		}
		if time.Until(status.NextRefresh) < 300*time.Millisecond {
			return fmt.Errorf("account %s is about to be refreshed", account)
		}
	}
	return nil
}

// creating asks Temporal which worker process has taken CreateIssue of any report.
func (w *world) creating(ctx context.Context) (int, error) {
	page, err := w.app.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: "WorkflowType = 'Report' AND ExecutionStatus = 'Running'",
	})
	if err != nil {
		return 0, err
	}
	for _, execution := range page.GetExecutions() {
		report, err := w.app.Temporal.DescribeWorkflowExecution(ctx, execution.GetExecution().GetWorkflowId(), "")
		if err != nil {
			return 0, err
		}
		for _, pending := range report.GetPendingActivities() {
			if pending.GetActivityType().GetName() == "CreateIssue" && pending.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED {
				return w.workerOf(pending.GetLastWorkerIdentity())
			}
		}
	}
	return 0, errors.New("no worker creates an issue")
}

// workerOf finds a worker by the identity that the SDK gives it: "pid@host@".
func (w *world) workerOf(identity string) (int, error) {
	pid, _, _ := strings.Cut(identity, "@")
	for i, worker := range w.running() {
		if strconv.Itoa(worker.PID()) == pid {
			return i, nil
		}
	}
	return 0, fmt.Errorf("worker %s is none of the demo's", identity)
}

// book counts something that was done to the world.
func (w *world) book(counter *int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*counter++
}

// worker returns one of the workers, or nil.
func (w *world) worker(i int) *process.Process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.workers[i]
}

// running returns the workers that were started, by number.
func (w *world) running() map[int]*process.Process {
	w.mu.Lock()
	defer w.mu.Unlock()
	running := map[int]*process.Process{}
	for i, worker := range w.workers {
		if worker != nil {
			running[i] = worker
		}
	}
	return running
}
