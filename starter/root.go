package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenkeeper/config"
	"tokenkeeper/internal/app"
)

// cli is what all commands share: the world around the process, and the flags that every command takes.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) (string, bool)

	configPath string
	asJSON     bool
	verbose    bool
	timeout    time.Duration

	begun bool // flags and arguments were accepted: failures from here on are not usage errors
}

// run is the whole program, for main and for tests. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) (string, bool)) int {
	c := &cli{stdin: stdin, stdout: stdout, stderr: stderr, env: env}
	root := newRoot(c)
	root.SetArgs(append([]string{}, args...)) // nil would mean the arguments of the process
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if !c.begun {
		c.asJSON = c.asJSON || slices.Contains(args, "--json") // the faulty flag may stand before it
		err = asUsage(cmd, err)
	}
	return c.complain(err)
}

func newRoot(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:   "tokenkeeper",
		Short: "Keep the OAuth credentials of agents alive, and turn Slack bug reports into GitHub issues",
		Long: `tokenkeeper keeps the OAuth credentials of agents alive, on Temporal, and carries one complete agent: bug reports
in Slack become GitHub issues, while tokens expire, rotate and are revoked.

Accounts are written organization/user/connector, for example acme/triage/slack; triages organization/name, for
example acme/bug-reports. Where Temporal is comes from TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY or a
profile, as for the temporal command.`,
		Example: `  tokenkeeper demo
  tokenkeeper doctor
  tokenkeeper account connect acme/triage/slack
  tokenkeeper triage start acme/bug-reports`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if c.timeout <= 0 {
				return usage(fmt.Sprintf("--timeout %s: want a time above zero, such as 5s", c.timeout), cmd.CommandPath()+" --help")
			}
			c.begun = true
			return nil
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&c.configPath, "config", config.DefaultPath, "configuration `file`")
	flags.BoolVar(&c.asJSON, "json", false, "print one JSON document instead of text, and errors as JSON too")
	flags.BoolVarP(&c.verbose, "verbose", "v", false, "log to standard error what goes on")
	flags.DurationVar(&c.timeout, "timeout", 5*time.Second, "how long to wait for Temporal, or for a worker, to answer")
	root.AddCommand(
		newAccount(c), newTriage(c), newCall(c), newProviders(c), newDoctor(c), newVault(c), newAudit(c), newNotices(c), newSandbox(c), newRun(c),
		newDemo(c), newVersion(c), exitCodesTopic(),
	)
	explainBranches(root)
	explainHelp(root)
	return root
}

// explainBranches makes every command that only holds others print its help, and refuse what is not one of them: cobra
// itself prints the help for a mistyped subcommand and exits with 0.
func explainBranches(branch *cobra.Command) {
	for _, child := range branch.Commands() {
		explainBranches(child)
	}
	if branch.Runnable() || !branch.HasSubCommands() {
		return
	}
	branch.SuggestionsMinimumDistance = 2 // what cobra itself takes for the root
	branch.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return noCommand(cmd, args[0])
	}
	branch.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// explainHelp has help refuse a command that is not there, for which cobra would show that of the root, and succeed.
func explainHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, child := range root.Commands() {
		if child.Name() != "help" {
			continue
		}
		child.Args = func(_ *cobra.Command, args []string) error {
			if of, rest, err := root.Find(args); err == nil && len(rest) > 0 {
				return noCommand(of, rest[0])
			}
			return nil
		}
	}
}

// noCommand is the failure of a mistyped subcommand.
func noCommand(of *cobra.Command, name string) error {
	text := fmt.Sprintf("%s: no command %q", of.CommandPath(), name)
	if near := of.SuggestionsFor(name); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usage(text, of.CommandPath()+" --help")
}

// open reads the configuration and prepares everything that dials when it is first used.
func (c *cli) open() (*app.App, error) {
	return app.Open(app.Options{ConfigPath: c.configPath, Env: c.env, Log: c.logger()})
}

func (c *cli) logger() *slog.Logger {
	if !c.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(c.stderr, nil))
}

// withApp opens the application, without asking whether Temporal is there, and closes it again.
func (c *cli) withApp(use func(*app.App) error) error {
	a, err := c.open()
	if err != nil {
		return err
	}
	return errors.Join(use(a), a.Close())
}

// openVault opens the vault. Its error says what to do when that fails.
func (c *cli) openVault(ctx context.Context, a *app.App) error {
	err := a.OpenVault(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return unopened(err)
}

// unopened is the failure of a vault that does not open, or of its keyset.
func unopened(err error) error { return &failure{code: exitConfig, err: err, fix: app.VaultFix(err)} }

// withTemporal is withApp for commands that need Temporal. It asks for the server's health first, so that "no server" and
// "no worker" are never mistaken for each other.
func (c *cli) withTemporal(ctx context.Context, use func(*app.App) error) error {
	return c.withApp(func(a *app.App) error {
		if err := c.reach(ctx, a); err != nil {
			return err
		}
		return use(a)
	})
}
