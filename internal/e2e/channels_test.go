package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/gateway"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// The app is removed from a channel, which is renamed meanwhile, and is invited again. The status says what is wrong and what
// to do, the other channel is read on, and in the end nothing is missing.
func TestChannelsComeAndGo(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	name := w.pollEvery(time.Second)
	support := func() gateway.ChannelView {
		view, err := w.LookAtTriage(t.Context(), name, patience)
		require.NoError(t, err)
		i := slices.IndexFunc(view.Channels, func(c gateway.ChannelView) bool { return c.Channel == "C0SUPPORT" })
		require.GreaterOrEqual(t, i, 0)
		return view.Channels[i]
	}
	filed := func(n int) func() bool { return func() bool { return len(w.sandbox.Books().Replies) == n } }

	require.NoError(t, w.sandbox.ChangeChannel(sandbox.Channel{ID: "C0SUPPORT", Name: "help-desk", BotAbsent: true}))
	w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "ada", Text: report, Report: true})
	w.eventually("the status to tell of it", func() bool { return !support().FailingSince.IsZero() })
	for _, part := range []string{"C0SUPPORT", "not_in_channel", "/invite"} {
		assert.Contains(t, support().Trouble, part)
	}
	w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	w.eventually("the other channel to be read", filed(1))

	require.NoError(t, w.sandbox.ChangeChannel(sandbox.Channel{ID: "C0SUPPORT", Name: "help-desk"}))
	require.NoError(t, w.Workflows.SignalTriage(t.Context(), name, workflows.SignalReload)) // else it looks again after five minutes
	w.eventually("the report of the meantime", filed(2))
	w.eventually("the trouble to be over", func() bool { return support().Trouble == "" && support().FailingSince.IsZero() })
	books := w.sandbox.Books()
	assert.Zero(t, books.Missing+books.Duplicates+books.Unexpected)
}

// A channel that is archived loses its bots, and one that is not there never had them.
func TestChannelsThatCannotBeRead(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	w.rewrite("C0SUPPORT", "C0DELETED")
	require.NoError(t, w.sandbox.ChangeChannel(sandbox.Channel{ID: "C0BUGREPORTS", Name: "bug-reports", Archived: true, BotAbsent: true}))
	name := w.pollEvery(time.Second)
	var view gateway.TriageView
	w.eventually("both to be told", func() bool {
		var err error
		view, err = w.LookAtTriage(t.Context(), name, patience)
		require.NoError(t, err)
		return !slices.ContainsFunc(view.Channels, func(c gateway.ChannelView) bool { return c.FailingSince.IsZero() })
	})
	require.Len(t, view.Channels, 2)
	for i, parts := range [][]string{{"C0BUGREPORTS", "not_in_channel", "unarchived first"}, {"C0DELETED", "channel_not_found", "check the channel id"}} {
		for _, part := range parts {
			assert.Contains(t, view.Channels[i].Trouble, part)
		}
	}
	assert.True(t, view.Worked.IsZero(), "running is not working")
}

// Whoever changes a route need not tell the triages of it: the worker that reads the file does.
func TestATriageFollowsItsConfiguration(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	name := w.pollEvery(time.Second)
	view := func() gateway.TriageView {
		view, err := w.LookAtTriage(t.Context(), name, patience)
		require.NoError(t, err)
		return view
	}
	// A worker that starts finds a triage with the settings of before.
	w.rewrite("poll_interval: 1s", "poll_interval: 1s\n    follow: 0s")
	assert.True(t, view().Outdated)
	w.TellTriages(t.Context(), nil)
	w.eventually("the triage to follow no threads", func() bool { return w.triage(name).Plan.Follow == 0 && !view().Outdated })
	// One that runs reads a changed file.
	w.OnReload(w.TellTriages)
	w.rewrite("{channel: C0SUPPORT, repository: acme/app}", "{channel: C0SUPPORT, repository: acme/app, dry_run: true}")
	w.eventually("the trial of a channel", func() bool { return view().Channels[1].Mode == gateway.ModeDryRun })

	run := func() string {
		d, err := w.Temporal.DescribeWorkflowExecution(t.Context(), workflows.TriageWorkflowID(name), "")
		require.NoError(t, err)
		return d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	}
	before := run()
	require.NoError(t, w.Reload(t.Context()))
	w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "ada", Text: report})
	w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	w.eventually("the report of the other channel", func() bool { return len(w.sandbox.Books().Replies) == 1 })
	assert.Equal(t, before, run(), "a reading that changes nothing of it leaves it alone")
	assert.Equal(t, 1, w.sandbox.Books().IssuesCreated)
}

// What GitHub refuses for good waits for a person, who corrects the route and sends it on from the step where it is.
func TestAParkedReportIsRetried(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	const right = "{channel: C0BUGREPORTS, repository: acme/app, labels: [bug]}"
	wrong := strings.Replace(right, "acme/app", "acme/apps", 1)
	w.rewrite(right, wrong)
	name := w.pollEvery(time.Second)
	w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	var parked []gateway.ParkedReport
	w.eventually("the report to be parked", func() bool {
		var err error
		parked, err = w.ParkedReports(t.Context(), name, patience)
		require.NoError(t, err)
		return len(parked) == 1
	})
	for _, part := range []string{"acme/apps", "correct the route"} {
		assert.Contains(t, parked[0].Reason, part)
	}
	w.rewrite(wrong, right)
	require.NoError(t, w.Workflows.RetryReport(t.Context(), parked[0].Report))
	w.eventually("its issue and its reply", func() bool { return len(w.sandbox.Books().Replies) == 1 })
	report := workflows.ReportWorkflowID(parked[0].Report)
	w.eventually("its end", func() bool {
		status, err := w.Workflows.ReportStatus(t.Context(), report)
		return err == nil && status.Step == "done"
	})
	w.replays(report, "rerouted-report")
	parked, err := w.ParkedReports(t.Context(), name, patience)
	require.NoError(t, err)
	assert.Empty(t, parked)
	books := w.sandbox.Books()
	assert.Equal(t, 1, books.IssuesCreated)
	assert.Zero(t, books.Missing+books.Duplicates+books.Unexpected)
}
