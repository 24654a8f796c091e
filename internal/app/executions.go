package app

import (
	"context"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"golang.org/x/sync/errgroup"
)

// Executions returns every Workflow that a visibility query finds, at most limit of them unless it is 0.
func (a *App) Executions(ctx context.Context, query string, limit int) ([]*workflow.WorkflowExecutionInfo, error) {
	var found []*workflow.WorkflowExecutionInfo
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: int32(limit)}
	for {
		page, err := a.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return nil, fmt.Errorf("listing Workflows (%s): %w", query, err)
		}
		found = append(found, page.Executions...)
		if limit > 0 && len(found) >= limit {
			return found[:limit], nil
		}
		if len(page.NextPageToken) == 0 {
			return found, nil
		}
		request.NextPageToken = page.NextPageToken
	}
}

// Count returns how many Workflows a visibility query finds.
func (a *App) Count(ctx context.Context, query string) (int64, error) {
	answer, err := a.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return 0, fmt.Errorf("counting Workflows (%s): %w", query, err)
	}
	return answer.Count, nil
}

// Unanswered reports whether nobody answered a Query or an Update: no worker polls, or the one that does is stuck.
func Unanswered(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	if _, ok := errors.AsType[*serviceerror.DeadlineExceeded](err); ok {
		return true
	}
	if _, ok := errors.AsType[*serviceerror.FailedPrecondition](err); ok { // no poller was seen for some minutes
		return true
	}
	_, late := errors.AsType[*client.WorkflowUpdateServiceTimeoutOrCanceledError](err)
	return late || errors.Is(err, context.DeadlineExceeded)
}

// searchAttribute decodes one search attribute into a value, and leaves the value alone where it is missing or of
// another type.
func searchAttribute(attributes *commonpb.SearchAttributes, name string, into any) {
	if payload, ok := attributes.GetIndexedFields()[name]; ok {
		_ = converter.GetDefaultDataConverter().FromPayload(payload, into) // an attribute that cannot be read is not known
	}
}

// questionsAtOnce bounds the concurrent Queries: each is a task for a worker.
const questionsAtOnce = 16

// Each calls do for every index below n, several of them concurrently.
func Each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(questionsAtOnce)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}
