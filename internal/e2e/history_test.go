package e2e

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/encoding/protojson"

	"tokenkeeper/workflows"
)

// history returns the events of the last run.
func (w *world) history(id string) *historypb.History { return w.historyOf(id, "") }

func (w *world) historyOf(id, run string) *historypb.History {
	w.t.Helper()
	history := &historypb.History{}
	events := w.Temporal.GetWorkflowHistory(w.t.Context(), id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(w.t, err)
		history.Events = append(history.Events, event)
	}
	return history
}

// histories returns those of all runs, in order.
func (w *world) histories(id string) []*historypb.History {
	w.t.Helper()
	all := []*historypb.History{w.history(id)}
	for {
		before := all[0].GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId()
		if before == "" {
			return all
		}
		all = slices.Insert(all, 0, w.historyOf(id, before))
	}
}

// replays makes sure that the code as it is takes the same decisions again, and records the history with -update.
func (w *world) replays(id, name string) {
	w.t.Helper()
	w.replaysRun(id, "", name)
}

// replaysRun is replays for a run that may have ended, with another one of the same id after it.
func (w *world) replaysRun(id, run, name string) {
	w.t.Helper()
	history := w.historyOf(id, run)
	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer)
	require.NoError(w.t, replayer.ReplayWorkflowHistoryWithOptions(nil, history, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: id}, // an account's Workflow looks at its own id
	}), name)
	if !*update {
		return
	}
	text, err := protojson.MarshalOptions{Indent: " "}.Marshal(history)
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(filepath.Join("..", "..", "testdata", "histories", name+".json"), append(text, '\n'), 0o644))
}
