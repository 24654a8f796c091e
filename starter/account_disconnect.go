package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// disconnectPatience is long enough for a provider that answers on the third try.
const disconnectPatience = time.Minute

func newAccountDisconnect(c *cli) *cobra.Command {
	var yes bool
	var user string
	cmd := accountCommand(c, &cobra.Command{
		Use:   "disconnect",
		Short: "Revoke an account's grant and destroy its tokens",
		Long: `Have the grant revoked at the provider, destroy the tokens in the vault, and end the Workflow that owns the account.
Workflows that use the account wait until it is connected again. An account that is disconnected already stays so.

With --user it takes all accounts of a person who leaves, instead of one ACCOUNT: those that a Workflow owns, and tokens
in the vault that none owns. Each is tried; the exit code is 1 when one of them is still there.

On a terminal the command asks first; elsewhere it wants --yes.`,
		Example: `  tokenkeeper account disconnect acme/triage/slack
  tokenkeeper account disconnect acme/triage/slack --yes
  tokenkeeper account disconnect --user acme/jane`,
	}, func(ctx context.Context, account credential.AccountID) error {
		return c.disconnectAccount(ctx, account, yes)
	})
	cmd.Use = "disconnect ACCOUNT | --user USER"
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().StringVar(&user, "user", "", "all accounts of this `USER`, or of ORGANIZATION/USER where several organizations have one")
	one, do := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		switch everything := cmd.Flags().Changed("user"); {
		case !everything:
			return one(cmd, args)
		case len(args) > 0:
			return usage(cmd.CommandPath()+": want one ACCOUNT or --user, not both", "leave out "+args[0])
		}
		_, err := parsePerson(user)
		return err
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return do(cmd, args)
		}
		who, err := parsePerson(user)
		if err != nil {
			return err
		}
		return c.leave(cmd.Context(), who, yes)
	}
	return cmd
}

func (c *cli) disconnectAccount(ctx context.Context, account credential.AccountID, yes bool) error {
	if err := c.askable(yes); err != nil {
		return err
	}
	if !yes {
		if err := c.confirm(fmt.Sprintf("Revoke the grant of account %s and destroy its tokens?", account)); err != nil {
			return err
		}
	}
	return c.withTemporal(ctx, func(a *app.App) error {
		status, err := c.disconnect(ctx, a, account)
		if err == nil {
			err = stillThere(status)
		}
		outcome, detail := outcomeOf(err)
		c.record(ctx, a, vault.Disconnect, account, outcome, detail)
		if err != nil {
			return err
		}
		return c.print(status, func(w io.Writer) { fmt.Fprintf(w, "account %s is disconnected\n", account) })
	})
}

// disconnect asks the account's Workflow and waits for its answer.
func (c *cli) disconnect(ctx context.Context, a *app.App, account credential.AccountID) (workflows.AccountStatus, error) {
	asking, cancel := context.WithTimeout(ctx, disconnectPatience)
	defer cancel()
	status, err := a.Workflows.Disconnect(asking, account)
	if isNotFound(err) {
		status, err = c.goneAlready(ctx, a, account)
	}
	if err != nil && ctx.Err() == nil && app.Unanswered(err) {
		err = failf("make sure that a worker runs (make run), then do it again: it is safe to repeat",
			"account %s: not disconnected within %s", account, disconnectPatience)
	}
	return status, err
}

// goneAlready tells an account that was disconnected from one that never was there.
func (c *cli) goneAlready(ctx context.Context, a *app.App, account credential.AccountID) (workflows.AccountStatus, error) {
	if _, err := a.Temporal.DescribeWorkflowExecution(ctx, workflows.AccountWorkflowID(account), ""); err != nil {
		if isNotFound(err) {
			err = failf("see which there are: tokenkeeper account list", "account %s: there is none to disconnect", account)
		}
		return workflows.AccountStatus{}, err
	}
	return workflows.AccountStatus{Account: account, Status: credential.Disconnected, Reason: "it was disconnected before"}, nil
}

// stillThere is the failure of an account that was not disconnected.
func stillThere(status workflows.AccountStatus) error {
	if status.Status == credential.Disconnected {
		return nil
	}
	return failf("do it again: it is safe to repeat", "account %s is still %s: %s", status.Account, status.Status, orDash(status.Warning))
}

// askable refuses where a question would be asked and nobody can answer.
func (c *cli) askable(yes bool) error {
	if terminal, ok := c.stdin.(*os.File); yes || ok && isatty.IsTerminal(terminal.Fd()) {
		return nil
	}
	return usage("nobody is here to confirm this", "add --yes")
}

// confirm asks on a terminal.
func (c *cli) confirm(question string) error { return confirmed(c.stdin, c.stderr, question) }

func confirmed(in io.Reader, out io.Writer, question string) error {
	fmt.Fprint(out, question+" [y/N] ")
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return failf("", "nothing was done")
}
