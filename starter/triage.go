package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tokenkeeper/activities"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

func newTriage(c *cli) *cobra.Command {
	group := &cobra.Command{
		Use:     "triage",
		Aliases: []string{"triages"},
		Short:   "Start triages, and see whether they work",
		Long: `A triage turns the bug reports of some Slack channels into GitHub issues. It is an entry of the configuration, named
organization/name, and a Workflow, triage/organization/name. What these commands do can be done with the temporal
command too: signals "pause", "resume" and "reload", query "status", and signal "retry" to a report. To end a triage,
cancel its Workflow.`,
		Example: `  tokenkeeper triage start --all
  tokenkeeper triage status`,
	}
	group.AddCommand(
		newTriageStart(c), newTriageStatus(c), newTriagePause(c), newTriageResume(c), newTriageReload(c), newTriageRetry(c),
		newTriageEval(c), newTriagePreview(c),
	)
	return group
}

// oneTriage refuses anything but one name.
func oneTriage(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || strings.Count(args[0], "/") != 1 {
		return usage(cmd.CommandPath()+": want one NAME, for example acme/bug-reports", cmd.CommandPath()+" --help")
	}
	return nil
}

// startedTriage says what became of the wish to start one.
type startedTriage struct {
	Triage string `json:"triage"`
	// Began is false for one that ran already.
	Began bool `json:"began"`
}

type startedTriages struct {
	Triages []startedTriage `json:"triages"`
}

func newTriageStart(c *cli) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "start NAME | --all",
		Short: "Start a triage of the configuration",
		Long: `Start a triage, or all of them. One that runs already is left as it is. Channels the bot is not in and repositories
that are not there are told with the line of the configuration, and then nothing is started. A triage whose accounts are
not connected yet waits for them, and goes on by itself when they are.`,
		Example: `  tokenkeeper triage start acme/bug-reports
  tokenkeeper triage start --all`,
		ValidArgsFunction: c.completeTriage,
		Args: func(cmd *cobra.Command, args []string) error {
			if all && len(args) == 0 {
				return nil
			}
			if all {
				return usage(cmd.CommandPath()+": want a NAME or --all, not both", cmd.CommandPath()+" --help")
			}
			return oneTriage(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.startTriages(cmd.Context(), args) },
	}
	cmd.Flags().BoolVar(&all, "all", false, "start every triage of the configuration")
	return cmd
}

// startTriages starts those named, all when none is.
func (c *cli) startTriages(ctx context.Context, names []string) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		if len(names) == 0 {
			names = a.ConfiguredTriages()
		}
		if len(names) == 0 {
			return &failure{
				code: exitConfig, err: fmt.Errorf("%s has no triages", a.Config().Path),
				fix: "add one under triages: in the configuration",
			}
		}
		started := startedTriages{}
		for _, name := range names {
			one, err := c.startTriage(ctx, a, name)
			if err != nil {
				return err
			}
			started.Triages = append(started.Triages, one)
		}
		return c.print(started, func(w io.Writer) { tellStarted(w, started.Triages) })
	})
}

func (c *cli) startTriage(ctx context.Context, a *app.App, name string) (startedTriage, error) {
	plan, err := a.Plan(name)
	if err != nil {
		return startedTriage{}, unknownTriage(err)
	}
	started, err := c.beginTriage(ctx, a, plan)
	if err != nil || started.Began { // one that runs is left as it is
		c.recordTriage(ctx, a, vault.Started, name, "", err)
	}
	if err != nil {
		return startedTriage{}, err
	}
	return started, c.warnOfAccounts(ctx, a, plan)
}

func (c *cli) beginTriage(ctx context.Context, a *app.App, plan activities.Plan) (startedTriage, error) {
	name := plan.Triage
	query := fmt.Sprintf("WorkflowId = '%s' AND ExecutionStatus = 'Running'", workflows.TriageWorkflowID(name))
	running, err := a.Count(ctx, query)
	if err != nil {
		return startedTriage{}, err
	}
	if running == 0 {
		if err := c.checkTriage(ctx, a, name); err != nil {
			return startedTriage{}, err
		}
		if err := ownAccounts(ctx, a, plan); err != nil {
			return startedTriage{}, err
		}
	}
	return startedTriage{Triage: name, Began: running == 0}, a.Workflows.StartTriage(ctx, name)
}

// ownAccounts makes sure that every account of the triage has a Workflow, so that the triage can wait there and hears of
// a consent at once. Without one it looks again now and then only.
func ownAccounts(ctx context.Context, a *app.App, plan activities.Plan) error {
	for _, account := range plan.Accounts() {
		if err := a.Workflows.Connect(ctx, account); err != nil {
			return err
		}
	}
	return nil
}

// checkTriage refuses a triage whose channels or repositories are not as they should be. The vault may be on another
// machine; then they cannot be looked at from here, and the triage itself tells.
func (c *cli) checkTriage(ctx context.Context, a *app.App, name string) error {
	if a.Vault == nil {
		if err := a.OpenVault(ctx); err != nil {
			c.notef("note: channels and repositories of triage %s are not checked: %s", name, err)
			return nil
		}
	}
	faults := app.Faults(a.CheckTriage(ctx, name, c.timeout))
	if len(faults) == 0 {
		return ctx.Err()
	}
	lines := make([]string, len(faults))
	for i, f := range faults {
		lines[i] = f.String()
	}
	return &failure{code: exitConfig, err: fmt.Errorf("triage %s is not started:\n%s", name, strings.Join(lines, "\n"))}
}

func tellStarted(w io.Writer, started []startedTriage) {
	for _, s := range started {
		if s.Began {
			fmt.Fprintf(w, "triage %s is started; see what it does with: tokenkeeper triage status %s\n", s.Triage, s.Triage)
			continue
		}
		fmt.Fprintf(w, "triage %s runs already; a change of the configuration it takes over by itself, or at once with: tokenkeeper triage reload %s\n",
			s.Triage, s.Triage)
	}
}

// warnOfAccounts tells which accounts keep the triage from working. Running is not working.
func (c *cli) warnOfAccounts(ctx context.Context, a *app.App, plan activities.Plan) error {
	for _, account := range plan.Accounts() {
		status, err := c.ask(ctx, a, account)
		if err == nil {
			err = verdict(status)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			c.notef("note: triage %s waits: %s", plan.Triage, err)
		}
	}
	return nil
}

func newTriagePause(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "pause NAME",
		Short: "Have a triage stop reading",
		Long: `Have a triage stop reading its channels. Reports that were taken already are filed all the same. Nothing is lost:
after "triage resume" it reads everything since.`,
		Example:           `  tokenkeeper triage pause acme/bug-reports`,
		ValidArgsFunction: c.completeTriage,
		Args:              oneTriage,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.signalTriage(cmd.Context(), args[0], vault.Paused, workflows.SignalPause, "paused")
		},
	}
}

func newTriageResume(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:               "resume NAME",
		Short:             "Have a paused triage go on",
		Long:              `Have a paused triage go on. It reads everything that was posted since it was paused.`,
		Example:           `  tokenkeeper triage resume acme/bug-reports`,
		ValidArgsFunction: c.completeTriage,
		Args:              oneTriage,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.signalTriage(cmd.Context(), args[0], vault.Resumed, workflows.SignalResume, "resumed")
		},
	}
}

func newTriageReload(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "reload NAME",
		Short: "Have a triage take over a changed configuration",
		Long: `Have a running triage read its configuration anew: routes, labels, accounts, intervals. Workers read a changed
file within seconds and have triages follow it, so this is for who is in a hurry. Channels that stay keep their place; a new
one is read from now on, less the lookback.`,
		Example:           `  tokenkeeper triage reload acme/bug-reports`,
		ValidArgsFunction: c.completeTriage,
		Args:              oneTriage,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.signalTriage(cmd.Context(), args[0], vault.Reloaded, workflows.SignalReload, "told to read its configuration")
		},
	}
}

// sentSignal is what pause, resume and reload answer. The Signal is durable: a worker obeys it now or when one runs.
type sentSignal struct {
	Triage string `json:"triage"`
	Signal string `json:"signal"`
}

func (c *cli) signalTriage(ctx context.Context, name string, action vault.Action, signal, done string) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		err := a.Workflows.SignalTriage(ctx, name, signal)
		if workflows.IsNotFound(err) {
			err = notRunning(a, name)
		}
		if known(a, name, err) {
			c.recordTriage(ctx, a, action, name, "", err)
		}
		if err != nil {
			return err
		}
		return c.print(sentSignal{Triage: name, Signal: signal}, func(w io.Writer) { fmt.Fprintf(w, "triage %s is %s\n", name, done) })
	})
}

// notRunning is the failure of a triage without a Workflow. A mistyped name is told as such: there is nothing to start.
func notRunning(a *app.App, name string) error {
	if _, err := a.Plan(name); err != nil {
		return unknownTriage(err)
	}
	return failf("tokenkeeper triage start "+name, "triage %s does not run", name)
}

// known reports whether an action was one on a triage. A mistyped name is none; one that is no longer configured may run still.
func known(a *app.App, name string, err error) bool {
	_, unknown := a.Plan(name)
	return unknown == nil || err == nil
}

// unknownTriage is the failure of a name that the configuration does not have; err says which there are.
func unknownTriage(err error) error {
	return &failure{code: exitConfig, err: err, fix: "name one of them, or add it under triages: in the configuration"}
}
