package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"tokenkeeper/gateway"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// Three reports meet trouble of three kinds. A repository takes no issues (410), and one message breaks GitHub each time while others
// pass: these are parked, shown with their reasons, and tried again when a person says so. The third goes to where GitHub is away:
// it waits, nobody has to come, and nothing ends the wait.
func TestNothingIsStuckAndNothingIsSilent(t *testing.T) {
	besideFor(t, 75*time.Second)
	w := newWorld(t, sandbox.Options{Repositories: []string{"acme/app", "acme/web"}, IssuesDisabled: []string{"acme/wiki"}})
	const wiki = "{channel: C0SUPPORT, repository: acme/wiki, match: {patterns: [wiki]}}"
	w.rewrite("{channel: C0SUPPORT, repository: acme/app}", wiki+"\n      - {channel: C0SUPPORT, repository: acme/web}")
	name := w.pollEvery(time.Second)
	for _, f := range []sandbox.Fault{
		{Name: "away", App: sandbox.GitHub, Contains: "acme/web", Kind: sandbox.FaultStatus, Status: 503, Times: -1},
		{Name: "poisoned", App: sandbox.GitHub, Endpoint: "issues.create", Contains: "eats servers", Kind: sandbox.FaultStatus, Status: 500, Times: -1},
	} {
		require.NoError(t, w.sandbox.Fault(f))
	}
	posts := func(channel, text string) (key string) {
		posted, err := w.sandbox.Deliver(channel, sandbox.Message{User: "ada", Text: text, Report: true})
		require.NoError(t, err)
		return posted.Key()
	}
	refused := posts("C0SUPPORT", report+" It is the export of the wiki.")
	waiting := posts("C0SUPPORT", report)
	poisoned := w.posts(report + " It eats servers.")
	parked := func() []gateway.ParkedReport {
		reports, err := w.ParkedReports(t.Context(), name, patience)
		require.NoError(t, err)
		return reports
	}
	isParked := func(key string) bool {
		return slices.ContainsFunc(parked(), func(p gateway.ParkedReport) bool { return p.Report == key })
	}
	w.eventually("the refused one to be parked", func() bool { return isParked(refused) })
	passed := 0
	for tries := 1; !isParked(poisoned); tries++ {
		w.eventually("a try, or the end of them", func() bool { return w.hits("poisoned") >= tries || isParked(poisoned) })
		passed++
		w.posts(report) // it is the message, and not GitHub, only if others pass
		w.eventually("others to pass", func() bool { return w.sandbox.Books().IssuesCreated == passed })
	}

	status := w.types("triage", "status", name)
	for _, part := range []string{
		"2 parked", "parked " + refused, "410", "enable issues in the repository's settings", "parked " + poisoned, "while others passed",
		"tokenkeeper triage retry " + name,
	} {
		assert.Contains(t, status, part)
	}
	w.eventually("more tries than any one message has", func() bool { return w.tries(waiting) > 5 })
	w.waitsForGood(waiting)
	assert.Len(t, parked(), 2)

	w.sandbox.ClearFaults()
	w.rewrite(wiki, "{channel: C0SUPPORT, repository: acme/app, match: {patterns: [wiki]}}")
	retried := w.types("triage", "retry", name)
	assert.Contains(t, retried, refused)
	assert.Contains(t, retried, poisoned)
	w.eventually("all of them to be filed and told", func() bool {
		books := w.sandbox.Books()
		return books.Missing == 0 && len(books.Replies) == passed+3
	})
	w.eventually("the end of all reports", func() bool { return w.ended() == int64(passed+3) })
	assert.Equal(t, "acme/app", w.issueOf(refused).Repository)
	assert.Equal(t, "acme/web", w.issueOf(waiting).Repository)
	assert.Contains(t, w.types("triage", "status", name), " 0 parked")
	books := w.sandbox.Books()
	assert.Zero(t, books.Duplicates+books.Unexpected)
}

// GitHub creates an issue and its answer is lost. An operator who does not want to wait resets the Activity, so that it begins with
// its first attempt again: the issue is found all the same.
func TestAResetActivityFilesNothingTwice(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	w.pollEvery(time.Second)
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultDrop, Processed: true}))
	key := w.posts(report)
	id := workflows.ReportWorkflowID(key)
	w.eventually("the lost answer", func() bool { return w.sandbox.Books().IssuesCreated == 1 && w.tries(key) == 2 })

	_, err := w.Temporal.WorkflowService().ResetActivity(t.Context(), &workflowservice.ResetActivityRequest{
		Namespace: w.Namespace, Execution: &commonpb.WorkflowExecution{WorkflowId: id}, Activity: &workflowservice.ResetActivityRequest_Type{Type: "CreateIssue"},
	})
	require.NoError(t, err)
	var result workflows.ReportResult
	require.NoError(t, w.Temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), &result))

	assert.True(t, result.Issue.Found)
	books := w.sandbox.Books()
	assert.Equal(t, 1, books.IssuesCreated)
	assert.Zero(t, books.Missing+books.Duplicates+books.Unexpected)
}

// hits is how often a fault hit.
func (w *world) hits(name string) (n int) {
	for _, f := range w.sandbox.Faults() {
		if f.Name == name {
			n += f.Hit
		}
	}
	return n
}

// tries is how often a report has tried the step where it is.
func (w *world) tries(report string) (attempts int32) {
	w.t.Helper()
	d, err := w.Temporal.DescribeWorkflowExecution(w.t.Context(), workflows.ReportWorkflowID(report), "")
	require.NoError(w.t, err)
	for _, pending := range d.GetPendingActivities() {
		attempts = max(attempts, pending.GetAttempt())
	}
	return attempts
}

// waitsForGood makes sure that neither the server nor the Workflow ends a wait by itself, be it a week.
func (w *world) waitsForGood(report string) {
	w.t.Helper()
	id := workflows.ReportWorkflowID(report)
	events := w.history(id).GetEvents()
	started := events[0].GetWorkflowExecutionStartedEventAttributes()
	assert.Zero(w.t, started.GetWorkflowRunTimeout().AsDuration()+started.GetWorkflowExecutionTimeout().AsDuration())
	d, err := w.Temporal.DescribeWorkflowExecution(w.t.Context(), id, "")
	require.NoError(w.t, err)
	require.Len(w.t, d.GetPendingActivities(), 1)
	waits := d.GetPendingActivities()[0]
	assert.Zero(w.t, waits.GetMaximumAttempts())
	assert.Zero(w.t, waits.GetExpirationTime().AsTime().Unix())
	for _, event := range events {
		assert.NotEqual(w.t, enums.EVENT_TYPE_TIMER_STARTED, event.GetEventType(), "nothing is to happen at some time")
	}
}

// No triage is the parent of a report that somebody starts with the temporal command; its triage knows of it all the same.
func TestAReportThatWasStartedByHandIsSeenAndRetried(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	name := w.pollEvery(time.Second)
	const key = "T0SANDBOX/C0NOWHERE/1777896000.000100" // a channel without a route
	_, err := w.Temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: workflows.ReportWorkflowID(key), TaskQueue: w.Config().Temporal.TaskQueue,
	}, workflows.ReportType, workflows.ReportInput{Report: key, Triage: name})
	require.NoError(t, err)

	w.eventually("the report to be parked", func() bool {
		reports, err := w.ParkedReports(t.Context(), name, patience)
		require.NoError(t, err)
		return len(reports) == 1 && reports[0].Report == key
	})

	status := w.types("triage", "status", name)
	assert.Contains(t, status, "1 under way, 0 done, 0 failed, 1 parked")
	assert.Contains(t, status, "no route for channel C0NOWHERE")
	assert.Contains(t, w.types("triage", "retry", name), "told to try again: "+key)
}
