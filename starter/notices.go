package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
)

func newNotices(c *cli) *cobra.Command {
	group := &cobra.Command{
		Use:   "notices",
		Short: "See whether notices reach people",
		Long: `When an account, an app or a triage needs a person, notices go to the targets under notices.targets in the
configuration: the log, webhooks, Slack channels and mailboxes. Each is a Workflow, notice/ID, whose result says what
arrived where; it fails when some target never got it. The doctor finds those that are late.`,
		Example: `  tokenkeeper notices test`,
	}
	group.AddCommand(newNoticesTest(c))
	return group
}

func newNoticesTest(c *cli) *cobra.Command {
	var target string
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a test notice, and say for each target whether it arrived",
		Long: `Send a notice that says that it is a test to every target of the configuration, or to one. A worker sends it, as it
sends all notices: from its machine, with its configuration and its secrets. Each target is tried once. What did not
arrive is told with the place in the configuration and what to do; then the exit code is 1.`,
		Example: `  tokenkeeper notices test
  tokenkeeper notices test --target pager`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.testNotices(cmd.Context(), target) },
	}
	cmd.Flags().StringVar(&target, "target", "", "only this `NAME` under notices.targets; of several addresses NAME/ADDRESS")
	if err := cmd.RegisterFlagCompletionFunc("target", c.completeTarget); err != nil {
		panic(err) // the flag is defined two lines above
	}
	return cmd
}

func (c *cli) completeTarget(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	return c.complete(begun, func(a *app.App) []string { return a.NoticeTargets("") })
}

func (c *cli) testNotices(ctx context.Context, target string) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		targets := a.NoticeTargets(target)
		if len(targets) == 0 {
			return &failure{
				code: exitConfig, err: fmt.Errorf("%s has no target %q under notices.targets; there are: %s", a.Config().Path, target,
					strings.Join(a.NoticeTargets(""), ", ")),
				fix: "name one of them, or leave out --target",
			}
		}
		findings, err := a.TestNotices(ctx, c.actor(), targets)
		outcome, why := outcomeOf(err)
		c.audit(ctx, a, vault.Event{Action: vault.NoticesTested, Outcome: outcome, Detail: cmp.Or(why, strings.Join(targets, ", "))})
		if errors.Is(err, app.ErrNoWorker) {
			return failf("start one with `make run` or bin/tokenkeeper-worker", "nothing was sent: %w", err)
		}
		if err != nil {
			return err
		}
		failed := app.Faults(findings)
		document := diagnosis{OK: len(failed) == 0, Findings: findings}
		if err := c.print(document, func(w io.Writer) { tellFindings(w, findings) }); err != nil || len(failed) == 0 {
			return err
		}
		return failf("mend what is listed, then run tokenkeeper notices test again", "%d of %d targets did not get it", len(failed), len(findings))
	})
}
