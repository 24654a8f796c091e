package workflows

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"tokenkeeper/activities"
)

var _ activities.Fleet = (*Client)(nil)

const (
	// tellingAtOnce bounds the concurrent Signals to the accounts of a connector.
	tellingAtOnce = 16
	// releaseEach is how much each account adds to the time over which they spread their requests, up to maxSpread.
	releaseEach = 100 * time.Millisecond
	maxSpread   = time.Hour
)

// Configured tells a connector that its configuration was read, and starts its Workflow where there is none. If its app is
// refused, one account tries again at once.
func (c *Client) Configured(ctx context.Context, connector string) error {
	id := ConnectorWorkflowID(c.queue(), connector)
	options := c.options(id)
	options.StaticSummary = "the OAuth app of connector " + connector
	_, err := c.Temporal.SignalWithStartWorkflow(ctx, id, SignalConfigured, nil, options, ConnectorType, ConnectorInput{Connector: connector})
	if err != nil {
		return fmt.Errorf("telling connector %s its configuration: %w", connector, err)
	}
	return nil
}

// Connector returns what a connector says of itself. The error wraps [serviceerror.NotFound] where no Workflow runs.
func (c *Client) Connector(ctx context.Context, name string) (ConnectorStatus, error) {
	var status ConnectorStatus
	err := c.query(ctx, ConnectorWorkflowID(c.queue(), name), &status)
	return status, err
}

// Pause returns what the accounts of a connector have to wait for. One without a Workflow has no pauses.
func (c *Client) Pause(ctx context.Context, connector string) (activities.Pause, error) {
	status, err := c.Connector(ctx, connector)
	if err != nil && !IsNotFound(err) {
		return activities.Pause{}, err
	}
	return activities.Pause{
		Episode: status.Episode, Refused: status.Status == ConnectorRefused, Reason: status.Reason, Until: status.Until,
	}, nil
}

// Release implements [activities.Fleet].
func (c *Client) Release(ctx context.Context, in activities.ReleaseInput) (int, error) {
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running' AND TaskQueue = '%s' AND %s = '%s'",
		ConnectedAccountType, c.queue(), AccountHeldByKey.GetName(), in.Connector)
	waiting, err := c.count(ctx, query)
	if err != nil {
		return 0, err
	}
	news := ConnectorNews{Episode: in.Episode, Spread: min(time.Duration(waiting)*releaseEach, maxSpread)}
	told := 0
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query}
	for {
		page, err := c.Temporal.ListWorkflow(ctx, request)
		if err != nil {
			return told, fmt.Errorf("listing Workflows (%s): %w", query, err)
		}
		if err := c.tellAll(ctx, page.GetExecutions(), news); err != nil {
			return told, err
		}
		told += len(page.GetExecutions())
		if len(page.GetNextPageToken()) == 0 {
			return told, nil
		}
		request.NextPageToken = page.GetNextPageToken()
	}
}

// tellAll sends the news to the accounts. One that has ended meanwhile is no error.
func (c *Client) tellAll(ctx context.Context, accounts []*workflow.WorkflowExecutionInfo, news ConnectorNews) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(tellingAtOnce)
	for _, account := range accounts {
		group.Go(func() error {
			err := c.Temporal.SignalWorkflow(ctx, account.GetExecution().GetWorkflowId(), "", SignalConnector, news)
			if IsNotFound(err) {
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

func (c *Client) count(ctx context.Context, query string) (int64, error) {
	answer, err := c.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	if err != nil {
		return 0, fmt.Errorf("counting Workflows (%s): %w", query, err)
	}
	return answer.GetCount(), nil
}
