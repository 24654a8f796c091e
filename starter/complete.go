package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenkeeper/internal/app"
	"tokenkeeper/workflows"
)

const (
	// completionPatience is what a person at the Tab key has.
	completionPatience = 500 * time.Millisecond
	// maxCompletions is more than anybody reads.
	maxCompletions = 200
)

// completeAccount offers the accounts that the configuration names, and those that Temporal knows if it is quick.
func (c *cli) completeAccount(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.complete(begun, func(a *app.App) []string {
		var names []string
		for _, account := range a.ConfiguredAccounts() {
			names = append(names, account.String())
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
		defer cancel()
		running, _ := a.Executions(ctx, app.RunningAccounts, maxCompletions) // without Temporal the configured ones must do
		for _, info := range running {
			if account, ok := workflows.AccountOfWorkflow(info.GetExecution().GetWorkflowId()); ok {
				names = append(names, account.String())
			}
		}
		return names
	})
}

func (c *cli) completeTriage(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.complete(begun, (*app.App).ConfiguredTriages)
}

// complete offers names that begin as what was typed. A configuration that cannot be read offers nothing.
func (c *cli) complete(begun string, names func(*app.App) []string) ([]string, cobra.ShellCompDirective) {
	var found []string
	_ = c.withApp(func(a *app.App) error { // a shell waits for words, not for an error
		for _, name := range names(a) {
			if strings.HasPrefix(name, begun) {
				found = append(found, name)
			}
		}
		return nil
	})
	slices.Sort(found)
	return slices.Compact(found), cobra.ShellCompDirectiveNoFileComp
}
