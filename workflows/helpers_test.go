package workflows

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
)

var defaultConverter = converter.GetDefaultDataConverter()

func startOptions(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: id, TaskQueue: TaskQueue}
}

// execute runs a Workflow to its end. After that none of its activities calls a fake any more: the environment does not
// wait for those under way, and the test reads what the fakes wrote.
func execute(env *testsuite.TestWorkflowEnvironment, workflow, input any) {
	var door door
	// On a busy machine nothing may happen for some seconds, which is no deadlock.
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute, Interceptors: []interceptor.WorkerInterceptor{&door}})
	env.ExecuteWorkflow(workflow, input)
	door.close()
}

// door lets activities in until it is closed, and closes when those inside have left.
type door struct {
	interceptor.WorkerInterceptorBase
	mu     sync.RWMutex
	closed bool
}

func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}

func (d *door) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &visitor{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, door: d}
}

type visitor struct {
	interceptor.ActivityInboundInterceptorBase
	door *door
}

func (v *visitor) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	v.door.mu.RLock()
	defer v.door.mu.RUnlock()
	if v.door.closed {
		return nil, errors.New("the Workflow has ended")
	}
	return v.Next.ExecuteActivity(ctx, in)
}
