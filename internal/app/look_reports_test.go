package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/internal/bubbletest"
	"tokenkeeper/workflows"
)

// crowd is a Temporal server with many open Reports. It lists them in pages, and some of them are parked.
type crowd struct {
	client.Client

	reports int
	parked  map[int]bool
	waits   map[int]credential.AccountID
	byHand  map[int]string        // whose they are
	started func(i int) time.Time // nil for never
	query   string                // the last
	ended   map[int]bool          // since they were listed
	takes   time.Duration         // a question
}

func (c *crowd) ListWorkflow(_ context.Context, in *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	c.query = in.GetQuery()
	from, page := 0, &workflowservice.ListWorkflowExecutionsResponse{}
	if len(in.GetNextPageToken()) > 0 {
		from, _ = strconv.Atoi(string(in.GetNextPageToken()))
	}
	for i := from; i < min(from+100, c.reports); i++ {
		info := &workflow.WorkflowExecutionInfo{
			Execution: &common.WorkflowExecution{WorkflowId: workflows.ReportWorkflowID(fmt.Sprintf("T1/C1/%d.000000", i))},
		}
		if _, byHand := c.byHand[i]; !byHand {
			info.ParentExecution = &common.WorkflowExecution{WorkflowId: workflows.TriageWorkflowID("acme/bugs")}
		}
		if c.started != nil {
			info.StartTime = timestamppb.New(c.started(i))
		}
		page.Executions = append(page.Executions, info)
	}
	if from+100 < c.reports {
		page.NextPageToken = []byte(strconv.Itoa(from + 100))
	}
	return page, nil
}

func (c *crowd) CountWorkflow(context.Context, *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	return &workflowservice.CountWorkflowExecutionsResponse{Count: int64(c.reports - len(c.byHand))}, nil
}

func (c *crowd) QueryWorkflow(ctx context.Context, id, _, _ string, _ ...any) (converter.EncodedValue, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(c.takes):
	}
	var i int
	if _, err := fmt.Sscanf(id, workflows.ReportWorkflowID("T1/C1/%d.000000"), &i); err != nil {
		return nil, err
	}
	if c.ended[i] {
		return nil, serviceerror.NewNotFound("no such Workflow")
	}
	status := workflows.ReportStatus{ReportResult: workflows.ReportResult{Report: fmt.Sprintf("T1/C1/%d.000000", i)}, Step: "file the issue", Triage: c.byHand[i]}
	if account, waits := c.waits[i]; waits {
		status.Waiting = []activities.Unavailable{{Account: account, Status: credential.Disconnected}}
	}
	if c.parked[i] {
		status.Parked = "404"
	}
	return answer{status}, nil
}

// answer is what a query returns.
type answer struct{ value any }

func (a answer) HasValue() bool { return true }

func (a answer) Get(into any) error {
	text, err := json.Marshal(a.value)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func appOf(t *testing.T, c *crowd) *App {
	t.Helper()
	a := lonelyApp(t)
	a.Temporal, a.Workflows = c, &workflows.Client{Temporal: c}
	return a
}

// While GitHub is away reports wait by the thousand, and one that is parked is any of them.
func TestAParkedReportIsSeenAmongThousands(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		a := appOf(t, &crowd{reports: 3000, parked: map[int]bool{2999: true}, ended: map[int]bool{7: true}, takes: 5 * time.Millisecond})
		counts, err := a.countReports(t.Context(), "acme/bugs", 10*time.Second)
		require.NoError(t, err)
		require.Len(t, counts.Parked, 1)
		assert.Equal(t, "T1/C1/2999.000000", counts.Parked[0].Report)
		assert.Zero(t, counts.Unheard, "one that ended is not missed")
	})
}

// No triage is the parent of a report that somebody started by hand: only the report says whose it is.
func TestAReportThatWasStartedByHandIsSeen(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		c := &crowd{
			reports: 4, parked: map[int]bool{1: true, 2: true, 3: true}, byHand: map[int]string{2: "acme/bugs", 3: "acme/other"},
			started: func(int) time.Time { return time.Now() },
		}
		a := appOf(t, c)
		counts, err := a.countReports(t.Context(), "acme/bugs", time.Second)
		require.NoError(t, err)
		assert.EqualValues(t, 3, counts.Running)
		parked, err := a.ParkedReports(t.Context(), "acme/bugs", time.Second)
		require.NoError(t, err)
		assert.Equal(t, counts.Parked, parked)
		require.Len(t, parked, 2)
		assert.Equal(t, "T1/C1/2.000000", parked[1].Report)

		c.byHand = map[int]string{0: "acme/bugs", 1: "acme/other", 2: "acme/other", 3: "acme/other"}
		stuck, _, err := a.StuckReport(t.Context(), "acme/bugs", time.Now())
		require.NoError(t, err)
		require.NotNil(t, stuck)
		assert.Equal(t, "T1/C1/0.000000", stuck.Report)
		assert.Zero(t, stuck.Others)
	})
}

// Nobody mends an account that was replaced, so that who waits for it is as stuck as who is parked, and goes over to the one in its place
// when told to try again.
func TestAReportThatWaitsForAnAccountOfBeforeIsParked(t *testing.T) {
	used := credential.AccountID{Organization: "acme", User: "triage", Connector: "github"}
	replaced := credential.AccountID{Organization: "acme", User: "triage", Connector: "github-old"}
	bubbletest.Run(t, func(t *testing.T) {
		a := appOf(t, &crowd{reports: 2, waits: map[int]credential.AccountID{0: used, 1: replaced}})
		parked, err := a.ParkedReports(t.Context(), "acme/bugs", time.Second)
		require.NoError(t, err)
		assert.Empty(t, parked, "what a triage uses that is not configured nobody knows")
		a.current.Store(newSetup(&config.Config{Triages: map[string]config.Triage{
			"acme/bugs": {GitHub: used, Routes: []config.Route{{Channel: "C1"}}},
		}}, nil))

		parked, err = a.ParkedReports(t.Context(), "acme/bugs", time.Second)

		require.NoError(t, err)
		assert.Equal(t, []gateway.ParkedReport{{
			Report: "T1/C1/1.000000",
			Reason: "it waits for account acme/triage/github-old, which is disconnected, and which triage acme/bugs does not use any more",
		}}, parked)
		counts, err := a.countReports(t.Context(), "acme/bugs", time.Second)
		require.NoError(t, err)
		assert.Equal(t, parked, counts.Parked)
		assert.Equal(t, []gateway.WaitedFor{{Account: used, Status: credential.Disconnected, Reports: 1}}, counts.Waiting, "nobody is asked to mend the other")
	})
}

// The oldest report that goes on trying is found, whatever order visibility has; one that is parked waits for a person.
func TestTheOldestStuckReportIsFound(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		began := time.Now()
		c := &crowd{reports: 5, parked: map[int]bool{4: true}, ended: map[int]bool{1: true}, started: func(i int) time.Time {
			return began.Add(-time.Duration(i) * time.Hour)
		}}
		stuck, known, err := appOf(t, c).StuckReport(t.Context(), "acme/bugs", began)
		require.NoError(t, err)
		assert.True(t, known)
		require.NotNil(t, stuck)
		assert.Equal(t, "T1/C1/3.000000", stuck.Report)
		assert.Equal(t, "file the issue", stuck.Step)
		assert.Equal(t, 2, stuck.Others)
		assert.True(t, stuck.Began.Equal(began.Add(-3*time.Hour)))
		assert.Contains(t, c.query, "ExecutionStatus = 'Running' AND StartTime < '2000-01-01T00:00:00Z'")

		none, known, err := appOf(t, &crowd{}).StuckReport(t.Context(), "acme/bugs", began)
		require.NoError(t, err)
		assert.Nil(t, none)
		assert.True(t, known)
		c.takes = time.Minute
		none, known, err = appOf(t, c).StuckReport(t.Context(), "acme/bugs", began)
		require.NoError(t, err)
		assert.Nil(t, none)
		assert.False(t, known, "nobody said how it is")
	})
}

func TestWhatCouldNotBeAskedInTimeIsSaid(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		crowded := &crowd{reports: 5000, parked: map[int]bool{0: true, 4999: true}, takes: time.Second}
		a := appOf(t, crowded)
		begun := time.Now()
		counts, err := a.countReports(t.Context(), "acme/bugs", 10*time.Second)
		require.NoError(t, err)
		assert.Len(t, counts.Parked, 1)
		assert.InDelta(t, 5000-30*questionsAtOnce, counts.Unheard, 2*questionsAtOnce)
		assert.LessOrEqual(t, time.Since(begun), 31*time.Second)

		parked, err := a.ParkedReports(t.Context(), "acme/bugs", 10*time.Second)
		require.NoError(t, err)
		assert.Len(t, parked, 2, "who sends them on takes the time")

		hurried, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		begun = time.Now()
		_, err = a.countReports(hurried, "acme/bugs", 10*time.Second)
		require.NoError(t, err, "a page shows what is known")
		assert.LessOrEqual(t, time.Since(begun), 5*time.Second)
	})
}
