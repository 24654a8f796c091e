package workflows

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"tokenkeeper/activities"
	"tokenkeeper/connector"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// Client speaks to the Workflows of this package. It is the [connector.Owner] of every account.
type Client struct {
	Temporal client.Client
	// TaskQueue is where started Workflows run; "" means [TaskQueue].
	TaskQueue string
}

var (
	_ connector.Owner        = (*Client)(nil)
	_ activities.ThreadLooks = (*Client)(nil)
)

// Refresh reports that a generation died. All callers that saw the same one share one Update, so that any number of them
// costs the account one message and the server's limit of Updates in flight is never reached.
//
// Asked by an Activity, an account without an owner gets one, because the Workflow of the Activity waits for a consent where it will
// arrive.
func (c *Client) Refresh(ctx context.Context, account credential.AccountID, seen credential.Generation) (connector.Answer, error) {
	answer, err := c.newer(ctx, account, seen)
	ownerless := IsNotFound(err) || err == nil && answer.Status == credential.Disconnected
	if ownerless && activity.IsActivity(ctx) {
		if err := c.Connect(ctx, account); err != nil {
			return connector.Answer{}, err
		}
		return c.newer(ctx, account, seen)
	}
	if IsNotFound(err) {
		return connector.Answer{Status: credential.Pending, Reason: "no Workflow owns the account"}, nil
	}
	return answer, err
}

// newer asks for a generation above seen. Temporal keeps the answer of an Update for the rest of the run, and after its end. An
// answer with a newer generation stays true. Any other answer is only true of its moment, so it is asked for again under an id that
// the callers of a minute share. A caller that saw no generation has no token at all: where the answer has one, the account may have
// been disconnected since, so its present status is queried.
func (c *Client) newer(ctx context.Context, account credential.AccountID, seen credential.Generation) (connector.Answer, error) {
	id := "refresh/g" + strconv.FormatInt(int64(seen), 10)
	answer, err := c.refresh(ctx, account, seen, id)
	if err == nil && answer.Generation <= seen {
		answer, err = c.refresh(ctx, account, seen, anew(id))
	}
	if err == nil && seen == 0 && answer.Generation > 0 {
		var status AccountStatus
		err = c.query(ctx, AccountWorkflowID(account), &status)
		answer = answerOf(status)
	}
	return answer, err
}

func (c *Client) refresh(ctx context.Context, account credential.AccountID, seen credential.Generation, updateID string) (connector.Answer, error) {
	status, err := c.update(ctx, account, updateID, UpdateRefresh, RefreshRequest{Generation: seen})
	return answerOf(status), err
}

func answerOf(status AccountStatus) connector.Answer {
	return connector.Answer{Generation: status.Generation, Status: status.Status, Reason: status.Reason, RetryAt: status.NextRefresh}
}

// RefreshNow asks for a new token because somebody wants one. Those who ask in one minute while the same attempt is to come share
// it: an Update stays in flight when its caller has given up, and the server takes ten of them.
func (c *Client) RefreshNow(ctx context.Context, account credential.AccountID) (AccountStatus, error) {
	var s AccountStatus
	if err := c.query(ctx, AccountWorkflowID(account), &s); err != nil {
		return AccountStatus{}, err
	}
	id := fmt.Sprintf("refresh/now/g%d/%d", s.Generation, s.Failures)
	return c.update(ctx, account, anew(id), UpdateRefresh, RefreshRequest{})
}

// Connect starts the Workflow that owns the account, or finds it running.
func (c *Client) Connect(ctx context.Context, account credential.AccountID) error {
	_, err := c.Temporal.ExecuteWorkflow(ctx, c.accountOptions(account), ConnectedAccountType, AccountInput{Account: account})
	if err != nil {
		return fmt.Errorf("starting the Workflow of account %s: %w", account, err)
	}
	return nil
}

// Reauthorized hands a pending authorization to the account, starting its Workflow if there is none, and waits for the
// verdict.
func (c *Client) Reauthorized(ctx context.Context, account credential.AccountID, authorization string) (AccountStatus, error) {
	update := client.UpdateWorkflowOptions{
		WorkflowID: AccountWorkflowID(account), UpdateID: "reauthorized/" + authorization, UpdateName: UpdateReauthorized,
		Args: []any{ReauthorizedRequest{Authorization: authorization}}, WaitForStage: client.WorkflowUpdateStageCompleted,
	}
	handle, err := insist(ctx, func() (client.WorkflowUpdateHandle, error) {
		// An operation is good for one request.
		start := c.Temporal.NewWithStartWorkflowOperation(c.accountOptions(account), ConnectedAccountType, AccountInput{Account: account})
		return c.Temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{StartWorkflowOperation: start, UpdateOptions: update})
	})
	if err != nil {
		return AccountStatus{}, fmt.Errorf("handing the authorization to account %s: %w", account, err)
	}
	var status AccountStatus
	err = handle.Get(ctx, &status)
	return status, err
}

// HandOver is Reauthorized without waiting for the verdict. It is a Signal because the answer of an Update stays for the rest of
// the run, also one that said to ask again.
func (c *Client) HandOver(ctx context.Context, account credential.AccountID, authorization string) error {
	options := c.accountOptions(account)
	_, err := c.Temporal.SignalWithStartWorkflow(ctx, options.ID, SignalReauthorized, ReauthorizedRequest{Authorization: authorization},
		options, ConnectedAccountType, AccountInput{Account: account})
	if err != nil {
		return fmt.Errorf("handing the authorization to account %s: %w", account, err)
	}
	return nil
}

// Accept has the account take tokens that are in quarantine, because somebody has seen whose they are.
func (c *Client) Accept(ctx context.Context, account credential.AccountID, q credential.Quarantine) (AccountStatus, error) {
	return c.update(ctx, account, anew("accept/"+q.Authorization), UpdateReauthorized,
		ReauthorizedRequest{Authorization: q.Authorization, AcceptSubject: q.Got.Subject})
}

// Reject has the account destroy what is in quarantine.
func (c *Client) Reject(ctx context.Context, account credential.AccountID, authorization string) (AccountStatus, error) {
	return c.update(ctx, account, anew("reject/"+authorization), UpdateReject, RejectRequest{Authorization: authorization})
}

// HandOverCommand returns what an operator types to do the same as HandOver.
func (c *Client) HandOverCommand(account credential.AccountID, authorization string) string {
	return fmt.Sprintf(`temporal workflow signal-with-start --type %s --task-queue %s --workflow-id %s --input '{"account":"%s"}' `+
		`--signal-name %s --signal-input '{"authorization":"%s"}'`,
		ConnectedAccountType, c.queue(), AccountWorkflowID(account), account, SignalReauthorized, authorization)
}

// Disconnect revokes the account's grant, destroys its credential and ends its Workflow. Where that is impossible the
// status is not disconnected, and its warning says why. It waits for a provider that is away.
func (c *Client) Disconnect(ctx context.Context, account credential.AccountID) (AccountStatus, error) {
	return c.disconnect(ctx, account, "disconnect", DisconnectRequest{})
}

// ForceDisconnect is Disconnect without waiting for the provider: the credential is destroyed although the grant may live on
// there. [AccountStatus].Unrevoked then says why. It ends a Disconnect that waits as well.
func (c *Client) ForceDisconnect(ctx context.Context, account credential.AccountID) (AccountStatus, error) {
	return c.disconnect(ctx, account, "disconnect/force", DisconnectRequest{Force: true})
}

func (c *Client) disconnect(ctx context.Context, account credential.AccountID, id string, r DisconnectRequest) (AccountStatus, error) {
	status, err := c.update(ctx, account, id, UpdateDisconnect, r)
	if err == nil && status.Status != credential.Disconnected {
		status, err = c.update(ctx, account, anew(id), UpdateDisconnect, r)
	}
	return status, err
}

// anew makes the id of an Update unique to this minute, for an Update that was answered before and may be answered
// differently now. Callers of the same minute share it, so the server's limit of 2,000 Updates in a run stays far away.
func anew(id string) string { return fmt.Sprintf("%s/%d", id, time.Now().Unix()/60) }

// Account returns what the account says of itself.
func (c *Client) Account(ctx context.Context, account credential.AccountID) (AccountStatus, error) {
	var status AccountStatus
	if err := c.query(ctx, AccountWorkflowID(account), &status); err != nil {
		return AccountStatus{}, err
	}
	c.heard(ctx, &status)
	return status, nil
}

// StartTriage starts a triage, or finds it running.
func (c *Client) StartTriage(ctx context.Context, name string) error {
	options := c.options(TriageWorkflowID(name))
	options.StaticSummary = "triage " + name
	_, err := c.Temporal.ExecuteWorkflow(ctx, options, TriageType, TriageInput{Triage: name})
	if err != nil {
		return fmt.Errorf("starting triage %s: %w", name, err)
	}
	return nil
}

// SignalTriage sends [SignalPause], [SignalResume] or [SignalReload].
func (c *Client) SignalTriage(ctx context.Context, name, signal string) error {
	if err := c.Temporal.SignalWorkflow(ctx, TriageWorkflowID(name), "", signal, nil); err != nil {
		return fmt.Errorf("sending %s to triage %s: %w", signal, name, err)
	}
	return nil
}

// TellActive tells a Workflow that may wait for an account that it has a grant, as the account tells those that asked it. One
// that has ended needs nothing.
func (c *Client) TellActive(ctx context.Context, workflowID string, account credential.AccountID) error {
	err := c.Temporal.SignalWorkflow(ctx, workflowID, "", SignalAccountActive, AccountActive{Account: account})
	if err != nil && !IsNotFound(err) {
		return fmt.Errorf("telling %s that account %s works: %w", workflowID, account, err)
	}
	return nil
}

// TriageStatus returns what a triage says of itself.
func (c *Client) TriageStatus(ctx context.Context, name string) (TriageStatus, error) {
	var status TriageStatus
	err := c.query(ctx, TriageWorkflowID(name), &status)
	return status, err
}

// ReportStatus returns what became of a message, by the id of its Workflow.
func (c *Client) ReportStatus(ctx context.Context, workflowID string) (ReportStatus, error) {
	var status ReportStatus
	err := c.query(ctx, workflowID, &status)
	return status, err
}

// RetryReport has a Report that is parked, or waits for its next attempt, try again now.
func (c *Client) RetryReport(ctx context.Context, report string) error {
	if err := c.Temporal.SignalWorkflow(ctx, ReportWorkflowID(report), "", SignalRetry, nil); err != nil {
		return fmt.Errorf("sending %s to report %s: %w", SignalRetry, report, err)
	}
	return nil
}

func (c *Client) update(ctx context.Context, account credential.AccountID, id, name string, args ...any) (AccountStatus, error) {
	handle, err := insist(ctx, func() (client.WorkflowUpdateHandle, error) {
		return c.Temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: AccountWorkflowID(account), UpdateID: id, UpdateName: name, Args: args,
			WaitForStage: client.WorkflowUpdateStageCompleted,
		})
	})
	if err != nil {
		return AccountStatus{}, fmt.Errorf("asking account %s: %w", account, err)
	}
	var status AccountStatus
	if err := handle.Get(ctx, &status); err != nil {
		return AccountStatus{}, fmt.Errorf("asking account %s: %w", account, err)
	}
	return status, nil
}

func (c *Client) query(ctx context.Context, workflowID string, into any) error {
	value, err := c.Temporal.QueryWorkflow(ctx, workflowID, "", QueryStatus)
	if err != nil {
		return fmt.Errorf("querying %s: %w", workflowID, err)
	}
	return value.Get(into)
}

func (c *Client) accountOptions(account credential.AccountID) client.StartWorkflowOptions {
	options := c.options(AccountWorkflowID(account))
	options.StaticSummary = "owner of " + account.String()
	return options
}

func (c *Client) options(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: id, TaskQueue: c.queue(), WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}
}

func (c *Client) queue() string { return cmp.Or(c.TaskQueue, TaskQueue) }

// IsNotFound reports whether an error of a [Client] says that no such Workflow runs.
func IsNotFound(err error) bool {
	_, ok := errors.AsType[*serviceerror.NotFound](err)
	return ok
}

// LookAtThread has the Thread of a report look, starting it if there is none. All calls during a look together cause one
// more look.
func (c *Client) LookAtThread(ctx context.Context, triageName string, report triage.Key) error {
	options := c.options(ThreadWorkflowID(report.String()))
	options.StaticSummary = "thread of " + report.String()
	_, err := c.Temporal.SignalWithStartWorkflow(ctx, options.ID, SignalLook, nil, options, ThreadType,
		ThreadInput{Report: report.String(), Triage: triageName})
	if err != nil {
		return fmt.Errorf("looking at the thread of %s: %w", report, err)
	}
	return nil
}
