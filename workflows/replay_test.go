package workflows

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/encoding/protojson"
)

// Workflows of this installation run for years, over many versions of this code. A history that does not replay is a
// change that needs workflow.GetVersion. `go test ./internal/e2e -update` records them anew.
func TestRecordedHistoriesReplay(t *testing.T) {
	for name, history := range recordedHistories(t) {
		t.Run(name, func(t *testing.T) {
			started := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
			replayer := worker.NewWorkflowReplayer()
			Register(replayer)
			require.NoError(t, replayer.ReplayWorkflowHistoryWithOptions(nil, history, worker.ReplayWorkflowHistoryOptions{
				OriginalExecution: workflow.Execution{ID: started.GetWorkflowId()},
			}))
		})
	}
}

// Workers of two versions share a task queue during an upgrade: one that does not know the field asked for the version, and one that
// does goes on with its history.
func TestAReportWhoseVersionWasAskedForBeforeItWasSaidReplays(t *testing.T) {
	history := recordedHistories(t)["found-report.json"]
	require.NotNil(t, history)
	started := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	var in ReportInput
	require.NoError(t, defaultConverter.FromPayloads(started.GetInput(), &in))
	require.False(t, in.Claims)
	in.Claims = true
	var err error
	started.Input, err = defaultConverter.ToPayloads(in)
	require.NoError(t, err)
	replayer := worker.NewWorkflowReplayer()
	Register(replayer)
	require.NoError(t, replayer.ReplayWorkflowHistoryWithOptions(nil, history, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: workflow.Execution{ID: started.GetWorkflowId()},
	}))
}

// Each change of the code that old histories do not know is in a recorded one, as it is made now.
func TestEveryChangeIsInARecordedHistory(t *testing.T) {
	newest := map[string]int{
		changeTroubleFirst: 1,

		changeSpread: spreadByRound, changePauses: 1, changeClaims: 1, changeTellsTrouble: 1, changeFollows: 1, changeValidateAtStart: 1,
		changeReroutes: 1, changeExpiry: 1, changeUnread: 1, changeRevokesApart: 1, changeWatchesBacklog: 1, changeTellsOnce: 1,
		changeGivesBack: 1, changeTellsEnd: 1,
	}
	for _, history := range recordedHistories(t) {
		for _, event := range history.GetEvents() {
			marker := event.GetMarkerRecordedEventAttributes()
			if marker.GetMarkerName() != "Version" {
				continue
			}
			var change string
			var version int
			require.NoError(t, defaultConverter.FromPayloads(marker.GetDetails()["change-id"], &change))
			require.NoError(t, defaultConverter.FromPayloads(marker.GetDetails()["version"], &version))
			if newest[change] == version {
				delete(newest, change)
			}
		}
	}
	require.Empty(t, newest, "no history has them")
}

// recordedHistories returns them by the names of their files.
func recordedHistories(t *testing.T) map[string]*historypb.History {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "testdata", "histories", "*.json"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 3)
	histories := map[string]*historypb.History{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		history := &historypb.History{}
		require.NoError(t, protojson.Unmarshal(text, history), file)
		histories[filepath.Base(file)] = history
	}
	return histories
}
