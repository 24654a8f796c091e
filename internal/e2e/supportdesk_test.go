package e2e

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"tokenkeeper/examples/supportdesk"
	"tokenkeeper/internal/app"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// desk starts the second agent on a task queue of its own.
func (w *world) desk(channel string) {
	w.t.Helper()
	queue := w.organization + "-desk"
	agent := worker.New(w.Temporal, queue, app.WorkerOptions())
	supportdesk.Register(agent, w.Slack(), w)
	require.NoError(w.t, agent.Start())
	w.t.Cleanup(agent.Stop)
	_, err := w.Temporal.ExecuteWorkflow(w.t.Context(), client.StartWorkflowOptions{ID: "desk/" + w.organization, TaskQueue: queue},
		supportdesk.Desk, supportdesk.DeskInput{Slack: w.account("slack"), Zendesk: w.account("zendesk"), Channel: channel})
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		ctx := context.WithoutCancel(w.t.Context()) // it is over before the clean-up
		assert.NoError(w.t, w.Temporal.TerminateWorkflow(ctx, "desk/"+w.organization, "", "the test is over"))
	})
}

// A second agent inherits what the first one can do: a lost answer makes no second ticket, a token that died is replaced, a
// revoked grant is waited for, and a refusal is tried again when a person says so.
func TestASecondAgentKeepsItsTickets(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	w.connect("slack")
	zendesk := w.connect("zendesk")
	w.desk("C0SUPPORT")
	tickets := func() []sandbox.Ticket { return w.sandbox.State().Tickets }
	post := func(text string) string {
		return w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "ada", Text: text})
	}

	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.Zendesk, Endpoint: "tickets.create", Kind: sandbox.FaultDrop, Processed: true}))
	first := post("How do I export <https://acme.example/p/7|my project> as &lt;PDF&gt;?")
	w.eventually("a ticket and its reply", func() bool { return len(tickets()) == 1 && len(w.sandbox.Books().Replies) == 1 })
	ticket := tickets()[0]
	assert.Equal(t, w.sandbox.Options().Team+"/C0SUPPORT/"+first, ticket.ExternalID)
	assert.Contains(t, ticket.Body, "How do I export my project (https://acme.example/p/7) as <PDF>?")
	assert.Contains(t, ticket.Body, "ada in Slack: ")

	w.sandbox.ExpireAccessTokens(sandbox.Zendesk)
	post("Can I change my invoice address?")
	w.eventually("a ticket after a refresh", func() bool { return len(tickets()) == 2 })
	assert.Equal(t, 1, w.refreshes(sandbox.Zendesk))

	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.Zendesk, Endpoint: "tickets.create", Kind: sandbox.FaultStatus, Status: 422, Code: "RecordInvalid"}))
	refused := post("Which plans have single sign-on?")
	w.eventually("the refusal", func() bool { return w.sandbox.Books().FaultsHit == 2 })
	require.NoError(t, w.Temporal.SignalWorkflow(t.Context(), "question/"+w.sandbox.Options().Team+"/C0SUPPORT/"+refused, "", supportdesk.SignalRetry, nil))
	w.eventually("the ticket after a retry", func() bool { return len(tickets()) == 3 })

	w.sandbox.Revoke(sandbox.Zendesk)
	post("Where do I find the API reference?")
	w.eventually("a person to be needed", func() bool { return w.status(zendesk).Waiting == 1 })
	_, err := w.Workflows.Reauthorized(t.Context(), zendesk, w.consent(zendesk))
	require.NoError(t, err)
	w.eventually("the ticket of what waited", func() bool { return len(tickets()) == 4 && len(w.sandbox.Books().Replies) == 4 })
	w.replays(workflows.AccountWorkflowID(zendesk), "desk-account")
	assert.Zero(t, w.sandbox.Books().RefreshTokensPresentedTwice)
}
