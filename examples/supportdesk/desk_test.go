package supportdesk

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// Slack can show a message after a newer one: each poll is told what the one before it saw.
func TestEachPollReadsTheEndOfTheLastOnceMore(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	var polls []activities.PollInput
	window := activities.Window{Team: "T1", Watermark: "1.000002", Overlap: activities.Overlap{From: "1.000001", Seen: []string{"1.000002"}}}
	var slack *activities.Slack
	env.OnActivity(slack.Poll, mock.Anything, mock.Anything).After(10 * time.Second).Return(
		func(_ context.Context, in activities.PollInput) (activities.Window, error) {
			polls = append(polls, in)
			return window, nil
		})
	env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, 15*time.Second)
	account := func(connector string) credential.AccountID {
		return credential.AccountID{Organization: "acme", User: "desk", Connector: connector}
	}
	env.ExecuteWorkflow(Desk, DeskInput{Slack: account("slack"), Zendesk: account("zendesk"), Channel: "C0SUPPORT", Watermark: "1.000001"})

	again, ok := errors.AsType[*workflow.ContinueAsNewError](env.GetWorkflowError())
	require.True(t, ok)
	var next DeskInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(again.Input, &next))
	require.Len(t, polls, 2)
	assert.Zero(t, polls[0].Overlap)
	assert.Equal(t, window.Watermark, polls[1].After)
	assert.Equal(t, window.Overlap, polls[1].Overlap)
	assert.Equal(t, window.Overlap, next.Overlap)
}
