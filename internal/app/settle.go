package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/workflows"
)

// settlePatience bounds one Query to a triage.
const settlePatience = 10 * time.Second

// TellTriages has the triages of this task queue that run with other settings than the configuration has take over those,
// without waiting for it. It is for [App.OnReload], and for the start of a worker, whose file may have changed before.
//
// A triage reads its settings with an Activity, which any worker may get. Where it is one that has not read the changed file
// yet, that one has the triage read them again when it has: the last of them sees to it.
func (a *App) TellTriages(context.Context, []string) {
	a.nudges.ask("settings of triages", func(ctx context.Context) {
		for pause := time.Second; ; pause = min(2*pause, 10*time.Minute) {
			err := a.settleTriages(ctx)
			if err == nil || ctx.Err() != nil {
				return
			}
			a.Log.WarnContext(ctx, "a triage may run with other settings than the configuration has; trying again", "in", pause, "error", err)
			waitUntil(ctx, time.Now().Add(pause))
		}
	})
}

// settleTriages sends [workflows.SignalReload] to those that need it.
func (a *App) settleTriages(ctx context.Context) error {
	running, err := a.Executions(ctx, fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running' AND TaskQueue = '%s'",
		workflows.TriageType, a.Config().Temporal.TaskQueue), 0)
	if err != nil {
		return err
	}
	return Each(ctx, len(running), func(ctx context.Context, i int) error {
		name, ok := strings.CutPrefix(running[i].GetExecution().GetWorkflowId(), workflows.TriageWorkflowID(""))
		if !ok {
			return nil
		}
		return a.settleTriage(ctx, name)
	})
}

func (a *App) settleTriage(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	status, err := a.Workflows.TriageStatus(ctx, name)
	if workflows.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if a.isSettled(name, status) {
		return nil
	}
	if err := a.Workflows.SignalTriage(ctx, name, workflows.SignalReload); err != nil && !workflows.IsNotFound(err) {
		return err
	}
	a.Log.InfoContext(ctx, "a triage takes over what the configuration changed", "triage", name)
	return nil
}

// isSettled reports whether a triage runs with the settings of the configuration, which may not have it at all.
func (a *App) isSettled(name string, status workflows.TriageStatus) bool {
	plan, err := a.Plan(name)
	if err != nil || status.State == workflows.TriageMisconfigured {
		return err != nil && status.State == workflows.TriageMisconfigured
	}
	return samePlan(plan, status.Plan)
}

// samePlan reports whether two plans are the same once they went through Temporal, where an empty list and none are the
// same.
func samePlan(a, b activities.Plan) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
