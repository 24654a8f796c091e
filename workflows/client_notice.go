package workflows

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"tokenkeeper/activities"
)

// PostNotice starts the delivery of an announcement. One that was started before, and may have ended, is not started again.
func (c *Client) PostNotice(ctx context.Context, a activities.Announcement, targets []string) error {
	options := c.options(NoticeWorkflowID(a.ID))
	options.WorkflowIDReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	options.StaticSummary = a.Text
	_, err := c.Temporal.ExecuteWorkflow(ctx, options, NoticeType, NoticeInput{Announcement: a, Targets: targets})
	if _, known := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); known {
		return nil
	}
	return err
}

// GatherNotice hands the announcement of an account to the Digest of its connector, which begins with it where there is none. It
// starts the delivery, or tells it together with others.
func (c *Client) GatherNotice(ctx context.Context, a activities.Announcement, targets []string) error {
	connector := a.Account.Connector
	id := DigestWorkflowID(c.queue(), connector)
	options := c.options(id)
	options.StaticSummary = "notices of the accounts of connector " + connector
	_, err := c.Temporal.SignalWithStartWorkflow(ctx, id, SignalNotice, NoticeInput{Announcement: a, Targets: targets}, options,
		DigestType, DigestInput{Connector: connector})
	return err
}

// TestNotice sends an announcement to targets, once to each, and returns how that went.
func (c *Client) TestNotice(ctx context.Context, a activities.Announcement, targets []string) ([]NoticeResult, error) {
	options := c.options(NoticeWorkflowID(a.ID))
	options.StaticSummary, options.WorkflowExecutionTimeout = a.Text, testFor
	run, err := c.Temporal.ExecuteWorkflow(ctx, options, NoticeType, NoticeInput{Announcement: a, Targets: targets, Test: true})
	if err != nil {
		return nil, fmt.Errorf("sending a test notice: %w", err)
	}
	var results []NoticeResult
	if err := run.Get(ctx, &results); err != nil {
		return nil, fmt.Errorf("sending a test notice: %w", err)
	}
	return results, nil
}
