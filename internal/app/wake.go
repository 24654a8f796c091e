package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/workflows"
)

// wakePatience bounds how long what may wait for an account is told that it works.
const wakePatience = time.Minute

// wake tells the triages that use an account, and what runs for them, that it has a grant, without waiting for it. As long as
// the account had no Workflow there was nobody to ask for that; by itself what waits looks again within half an hour.
func (a *App) wake(account credential.AccountID) {
	for name, t := range a.Config().Triages {
		if !slices.Contains(t.Accounts(), account) {
			continue
		}
		a.nudges.ask("grant of "+account.String()+" for "+name, func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, wakePatience)
			defer cancel()
			if err := a.wakeTriage(ctx, name, account); err != nil {
				a.Log.WarnContext(ctx, "what waits for an account was not told that it works; it looks again within half an hour",
					"account", account.String(), "triage", name, "error", err)
			}
		})
	}
}

// wakeTriage tells a triage and its reports.
func (a *App) wakeTriage(ctx context.Context, name string, account credential.AccountID) error {
	id := workflows.TriageWorkflowID(name)
	children, err := a.Executions(ctx, fmt.Sprintf("ParentWorkflowId = '%s' AND ExecutionStatus = 'Running'", id), 0)
	if err != nil {
		return err
	}
	waiting := []string{id}
	for _, child := range children {
		waiting = append(waiting, child.GetExecution().GetWorkflowId())
	}
	return Each(ctx, len(waiting), func(ctx context.Context, i int) error { return a.Workflows.TellActive(ctx, waiting[i], account) })
}
