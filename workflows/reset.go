package workflows

import "go.temporal.io/sdk/workflow"

// WasReset reports whether somebody reset this Workflow, as `temporal workflow reset` does. Its history then ends at an earlier
// point: what was done since is not in it, though its effects are there, and the last of it may still be under way.
func WasReset(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.OriginalRunID != "" && info.OriginalRunID != info.WorkflowExecution.RunID // the test environment names none
}
