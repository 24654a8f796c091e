package workflows

import (
	"context"
	"crypto/sha256"
	"fmt"

	"go.temporal.io/sdk/converter"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// Validate has the account check its token with the provider now, and act on the result once. Those who ask in one
// minute while the same look is to come share it, as with RefreshNow.
func (c *Client) Validate(ctx context.Context, account credential.AccountID) (AccountStatus, error) {
	var s AccountStatus
	if err := c.query(ctx, AccountWorkflowID(account), &s); err != nil {
		return AccountStatus{}, err
	}
	note := sha256.Sum256([]byte(s.ValidationNote)) // of a look that told nothing; a text may be long
	id := fmt.Sprintf("validate/g%d/%d/%x", s.Generation, s.LastValidated.UnixNano(), note[:4])
	return c.update(ctx, account, anew(id), UpdateValidate)
}

// ValidateSoon asks the account to check its token, and does not wait. It returns an error that wraps
// [serviceerror.NotFound] when no Workflow owns the account.
func (c *Client) ValidateSoon(ctx context.Context, account credential.AccountID) error {
	if err := c.Temporal.SignalWorkflow(ctx, AccountWorkflowID(account), "", SignalValidate, nil); err != nil {
		return fmt.Errorf("asking account %s to validate its token: %w", account, err)
	}
	return nil
}

// GrantEnded tells the account that, according to its provider, its grant ended, and does not wait for the outcome: the
// account checks its token before it believes that. It returns an error that wraps [serviceerror.NotFound] when no
// Workflow owns the account.
func (c *Client) GrantEnded(ctx context.Context, account credential.AccountID) error {
	err := c.Temporal.SignalWorkflow(ctx, AccountWorkflowID(account), "", SignalValidate, ValidateRequest{Ended: true})
	if err != nil {
		return fmt.Errorf("telling account %s that its grant ended: %w", account, err)
	}
	return nil
}

// validateActivity is the type of [activities.Account.Validate].
const validateActivity = "Validate"

// heard adds to a status what the validations of the running watch found. It is in the watch's heartbeat, so that a
// validation that finds nothing does not grow the Workflow's history.
func (c *Client) heard(ctx context.Context, s *AccountStatus) {
	description, err := c.Temporal.DescribeWorkflowExecution(ctx, AccountWorkflowID(s.Account), "")
	if err != nil {
		return // the status is true without it
	}
	for _, pending := range description.GetPendingActivities() {
		var heard activities.Heard
		if pending.GetActivityType().GetName() != validateActivity ||
			converter.GetDefaultDataConverter().FromPayloads(pending.GetHeartbeatDetails(), &heard) != nil {
			continue
		}
		s.LastValidated = latest(s.LastValidated, heard.Alive)
		if heard.Note != "" {
			s.ValidationNote = heard.Note
		}
	}
}
