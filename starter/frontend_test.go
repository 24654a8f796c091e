package main

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	updatepb "go.temporal.io/api/update/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"tokenkeeper/workflows"
)

// frontend is a Temporal frontend that knows some Workflows and what they answer. It remembers what it was sent.
type frontend struct {
	workflowservice.UnimplementedWorkflowServiceServer
	t *testing.T

	mu        sync.Mutex
	workflows map[string]*fakeWorkflow // :: workflow id → Workflow
	counts    map[string]int64         // :: part of a visibility query → how many it finds
	started   []string                 // workflow ids
	signals   []string                 // workflow id + " " + signal
	deaf      bool                     // no worker polls
	result    any                      // of every Workflow that is waited for
}

// fakeWorkflow is one Workflow as seen from outside.
type fakeWorkflow struct {
	kind    string
	closed  bool
	failed  bool // it is closed, and nobody wanted it to be
	parent  string
	answers []any // of query `status`, one after the other; the last one stays
	updated any   // answer of every Update
	pending []*workflowpb.PendingActivityInfo
	shown   *commonpb.SearchAttributes
}

// serveTemporal makes a frontend the world's Temporal.
func (w *world) serveTemporal() *frontend {
	w.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	f := &frontend{t: w.t, workflows: map[string]*fakeWorkflow{}, counts: map[string]int64{}}
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, f)
	healthy := health.NewServer()
	healthy.SetServingStatus("temporal.api.workflowservice.v1.WorkflowService", healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(server, healthy)
	go func() { _ = server.Serve(listener) }() // ends with Stop
	w.t.Cleanup(server.Stop)
	w.env["TEMPORAL_ADDRESS"] = listener.Addr().String()
	return f
}

// account adds the Workflow of an account that gives these answers.
func (f *frontend) account(answers ...workflows.AccountStatus) *fakeWorkflow {
	w := &fakeWorkflow{kind: workflows.ConnectedAccountType}
	for _, a := range answers {
		w.answers = append(w.answers, a)
	}
	f.workflows[workflows.AccountWorkflowID(answers[0].Account)] = w
	return w
}

func (f *frontend) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

func (f *frontend) ListWorkflowExecutions(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	page := &workflowservice.ListWorkflowExecutionsResponse{}
	for id, w := range f.workflows {
		if strings.Contains(r.Query, "'"+w.kind+"'") && (!w.closed || !strings.Contains(r.Query, "ExecutionStatus")) {
			page.Executions = append(page.Executions, &workflowpb.WorkflowExecutionInfo{
				Execution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: "run"}, SearchAttributes: w.shown,
				ParentExecution: &commonpb.WorkflowExecution{WorkflowId: w.parent},
			})
		}
	}
	return page, nil
}

func (f *frontend) CountWorkflowExecutions(_ context.Context, r *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for part, n := range f.counts {
		if strings.Contains(r.Query, part) {
			return &workflowservice.CountWorkflowExecutionsResponse{Count: n}, nil
		}
	}
	return &workflowservice.CountWorkflowExecutionsResponse{}, nil
}

func (f *frontend) find(id string) (*fakeWorkflow, error) {
	w, ok := f.workflows[id]
	if !ok {
		return nil, serviceerror.ToStatus(serviceerror.NewNotFound("workflow not found for ID: " + id)).Err()
	}
	return w, nil
}

func (f *frontend) QueryWorkflow(ctx context.Context, r *workflowservice.QueryWorkflowRequest) (*workflowservice.QueryWorkflowResponse, error) {
	f.mu.Lock()
	w, err := f.find(r.GetExecution().GetWorkflowId())
	deaf := f.deaf
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if deaf {
		<-ctx.Done()
		return nil, serviceerror.ToStatus(serviceerror.NewDeadlineExceeded("query timed out before a worker could process it")).Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	answer := w.answers[0]
	if len(w.answers) > 1 {
		w.answers = w.answers[1:]
	}
	return &workflowservice.QueryWorkflowResponse{QueryResult: f.encode(answer)}, nil
}

func (f *frontend) encode(value any) *commonpb.Payloads {
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(value)
	if err != nil {
		f.t.Error(err)
	}
	return payloads
}

func (f *frontend) UpdateWorkflowExecution(_ context.Context, r *workflowservice.UpdateWorkflowExecutionRequest) (*workflowservice.UpdateWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w, err := f.find(r.GetWorkflowExecution().GetWorkflowId())
	if err == nil && w.closed {
		err = serviceerror.ToStatus(serviceerror.NewNotFound("workflow execution already completed")).Err()
	}
	if err != nil {
		return nil, err
	}
	return &workflowservice.UpdateWorkflowExecutionResponse{
		UpdateRef: &updatepb.UpdateRef{WorkflowExecution: r.GetWorkflowExecution(), UpdateId: r.GetRequest().GetMeta().GetUpdateId()},
		Stage:     enums.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED,
		Outcome:   &updatepb.Outcome{Value: &updatepb.Outcome_Success{Success: f.encode(w.updated)}},
	}, nil
}

func (f *frontend) StartWorkflowExecution(_ context.Context, r *workflowservice.StartWorkflowExecutionRequest) (*workflowservice.StartWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started = append(f.started, r.GetWorkflowId())
	return &workflowservice.StartWorkflowExecutionResponse{RunId: "run"}, nil
}

func (f *frontend) DescribeTaskQueue(context.Context, *workflowservice.DescribeTaskQueueRequest) (*workflowservice.DescribeTaskQueueResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deaf {
		return &workflowservice.DescribeTaskQueueResponse{}, nil
	}
	return &workflowservice.DescribeTaskQueueResponse{Pollers: []*taskqueuepb.PollerInfo{{Identity: "a worker"}}}, nil
}

func (f *frontend) GetWorkflowExecutionHistory(context.Context, *workflowservice.GetWorkflowExecutionHistoryRequest) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: &historypb.History{Events: []*historypb.HistoryEvent{{
		EventType: enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
			WorkflowExecutionCompletedEventAttributes: &historypb.WorkflowExecutionCompletedEventAttributes{Result: f.encode(f.result)},
		},
	}}}}, nil
}

func (f *frontend) SignalWorkflowExecution(_ context.Context, r *workflowservice.SignalWorkflowExecutionRequest) (*workflowservice.SignalWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := r.GetWorkflowExecution().GetWorkflowId()
	if _, err := f.find(id); err != nil {
		return nil, err
	}
	f.signals = append(f.signals, id+" "+r.GetSignalName())
	return &workflowservice.SignalWorkflowExecutionResponse{}, nil
}

func (f *frontend) DescribeWorkflowExecution(_ context.Context, r *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w, err := f.find(r.GetExecution().GetWorkflowId())
	if err != nil {
		return nil, err
	}
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: r.GetExecution(), ParentExecution: &commonpb.WorkflowExecution{WorkflowId: w.parent},
	}
	if w.closed {
		info.CloseTime, info.Status = timestamppb.Now(), enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}
	if w.failed {
		info.Status = enums.WORKFLOW_EXECUTION_STATUS_TERMINATED
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: info, PendingActivities: w.pending}, nil
}

// pendingPoll is a poll that waits for its next attempt after it failed.
func pendingPoll(kind, message string, attempt int32, ended time.Time) *workflowpb.PendingActivityInfo {
	return &workflowpb.PendingActivityInfo{
		ActivityType: &commonpb.ActivityType{Name: "Poll"}, Attempt: attempt, LastAttemptCompleteTime: timestamppb.New(ended),
		NextAttemptScheduleTime: timestamppb.New(ended.Add(30 * time.Second)),
		LastFailure: &failurepb.Failure{Message: message, FailureInfo: &failurepb.Failure_ApplicationFailureInfo{
			ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{Type: kind},
		}},
	}
}
