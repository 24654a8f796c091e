package workflows

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"tokenkeeper/connector"
	"tokenkeeper/credential"
)

// updates plays the part of Temporal that concerns Updates: it keeps the answer of each id for the rest of the run.
type updates struct {
	client.Client // nothing else is called

	account AccountStatus            // what the account would say now
	kept    map[string]AccountStatus // :: update id -> its answer
	failure error                    // until a Workflow is started
	starts  []string                 // ids of Workflows
}

func (u *updates) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	if _, none := errors.AsType[*serviceerror.NotFound](u.failure); u.failure != nil && !none {
		return nil, u.failure
	}
	u.starts, u.failure, u.kept = append(u.starts, o.ID), nil, map[string]AccountStatus{}
	u.account = AccountStatus{Status: credential.Pending, Reason: nobodyConsented}
	return nil, nil //nolint:nilnil // nobody asks for it
}

func (u *updates) UpdateWorkflow(_ context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	if u.failure != nil {
		return nil, u.failure
	}
	if _, ok := u.kept[o.UpdateID]; !ok {
		u.kept[o.UpdateID] = u.account
	}
	return answered{status: u.kept[o.UpdateID]}, nil
}

func (u *updates) QueryWorkflow(context.Context, string, string, string, ...any) (converter.EncodedValue, error) {
	payloads, err := converter.GetDefaultDataConverter().ToPayloads(u.account)
	return client.NewValue(payloads), err
}

type answered struct {
	client.WorkflowUpdateHandle

	status AccountStatus
}

func (a answered) Get(_ context.Context, into any) error {
	status, ok := into.(*AccountStatus)
	if !ok {
		return fmt.Errorf("%T is no status", into)
	}
	*status = a.status
	return nil
}

func ask(t *testing.T, u *updates, seen credential.Generation) connector.Answer {
	t.Helper()
	answer, err := (&Client{Temporal: u}).Refresh(t.Context(), acmeSlack, seen)
	require.NoError(t, err)
	return answer
}

func TestAnAnswerThatWasTrueOnceIsAskedForAnew(t *testing.T) {
	for _, was := range []AccountStatus{
		{Status: credential.Degraded, Generation: 7, Reason: "503"},
		{Status: credential.Active, Generation: 7},
		{Status: credential.ClientMisconfigured, Generation: 7},
		{Status: credential.Pending},
	} {
		t.Run(string(was.Status), func(t *testing.T) {
			u := &updates{kept: map[string]AccountStatus{"refresh/g7": was}}
			u.account = AccountStatus{Status: credential.ReauthorizationRequired, Generation: 7, Reason: "revoked"}

			answer := ask(t, u, 7)

			assert.Equal(t, credential.ReauthorizationRequired, answer.Status, "the account knows better by now")
			assert.Equal(t, "revoked", answer.Reason)
		})
	}
}

func TestANewerGenerationIsAnAnswerForGood(t *testing.T) {
	u := &updates{kept: map[string]AccountStatus{}, account: AccountStatus{Status: credential.Active, Generation: 8}}
	assert.EqualValues(t, 8, ask(t, u, 7).Generation)
	u.account = AccountStatus{Status: credential.ReauthorizationRequired, Generation: 8}
	assert.EqualValues(t, 8, ask(t, u, 7).Generation)
	assert.Len(t, u.kept, 1, "one Update for the generation, whoever asks and how often")
}

// The tokens of an account were destroyed, and its Workflow has ended. Temporal still has what it said before.
func TestWhatAnAccountSaidBeforeItsDisconnectIsNoAnswer(t *testing.T) {
	u := &updates{kept: map[string]AccountStatus{"refresh/g0": {Status: credential.Active, Generation: 7}}}
	u.account = AccountStatus{Status: credential.Disconnected, Reason: "disconnected on request"}
	answer := ask(t, u, 0)
	assert.Equal(t, credential.Disconnected, answer.Status)
	assert.Equal(t, "disconnected on request", answer.Reason)
	assert.Len(t, u.kept, 1, "a question costs the account no refresh")

	assert.Equal(t, credential.Pending, askInActivity(t, u, 0).Status)
	assert.Equal(t, []string{"account/acme/triage/slack"}, u.starts, "who waits for the next consent finds an owner")
}

func TestCallersOfAMinuteShareTheirUpdates(t *testing.T) {
	u := &updates{kept: map[string]AccountStatus{}, account: AccountStatus{Status: credential.Degraded, Generation: 7}}
	for range 50 {
		ask(t, u, 7)
	}
	// A minute may end in between.
	assert.LessOrEqual(t, len(u.kept), 3, "in flight at once: far below the server's limit of 10")
}

func TestAnAccountThatNobodyOwnsIsPending(t *testing.T) {
	u := &updates{failure: serviceerror.NewNotFound("workflow not found")}
	answer := ask(t, u, 1)
	assert.Equal(t, credential.Pending, answer.Status)
	assert.NotEmpty(t, answer.Reason)
	assert.Empty(t, u.starts, "a mistyped account of a command becomes none")

	u.failure = errors.New("connection refused")
	_, err := (&Client{Temporal: u}).Refresh(t.Context(), acmeSlack, 1)
	require.ErrorContains(t, err, "acme/triage/slack")
}

func TestAnAccountThatAWorkflowNeedsGetsAnOwner(t *testing.T) {
	u := &updates{failure: serviceerror.NewNotFound("workflow not found")}
	answer := askInActivity(t, u, 1)
	assert.Equal(t, credential.Pending, answer.Status)
	assert.Equal(t, nobodyConsented, answer.Reason)
	askInActivity(t, u, 1)
	assert.Equal(t, []string{"account/acme/triage/slack"}, u.starts)
}

func askInActivity(t *testing.T, u *updates, seen credential.Generation) (answer connector.Answer) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(func(ctx context.Context) (err error) {
		answer, err = (&Client{Temporal: u}).Refresh(ctx, acmeSlack, seen)
		return err
	}, activity.RegisterOptions{Name: "ask"})
	_, err := env.ExecuteActivity("ask")
	require.NoError(t, err)
	return answer
}

func TestADisconnectThatFailedBeforeIsTriedAnew(t *testing.T) {
	u := &updates{kept: map[string]AccountStatus{"disconnect": {Status: credential.Active, Warning: "disconnecting failed"}}}
	u.account = AccountStatus{Status: credential.Disconnected}

	status, err := (&Client{Temporal: u}).Disconnect(t.Context(), acmeSlack)

	require.NoError(t, err)
	assert.Equal(t, credential.Disconnected, status.Status)
}
