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
	"go.temporal.io/api/enums/v1"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// disconnectPatience is long enough for a provider that answers on the third try.
const disconnectPatience = time.Minute

func newAccountDisconnect(c *cli) *cobra.Command {
	var how leaving
	var user string
	cmd := accountCommand(c, &cobra.Command{
		Use:   "disconnect",
		Short: "Revoke an account's grant and destroy its tokens",
		Long: `Have the grant revoked at the provider, destroy the tokens in the vault, and end the Workflow that owns the account.
Workflows that use the account wait until it is connected again. An account that is disconnected already stays so.

With --user it takes all accounts of a person who leaves, instead of one ACCOUNT: those that a Workflow owns, and tokens
in the vault that none owns. Each is tried; the exit code is 1 when one of them is still there.

Tokens are kept until the provider has revoked the grant, so that nothing is left that works, and a provider that is away is
tried until it answers. GitHub revokes by an access token that lives, so one that has ended is refreshed for that. --force asks
once more with what is there and destroys the tokens whatever the answer is, also while an earlier disconnect waits, or where
the configuration has no such connector any more. The grant then may live on at the provider: remove the app's access there.

On a terminal the command asks first; elsewhere it wants --yes.`,
		Example: `  tokenkeeper account disconnect acme/triage/slack
  tokenkeeper account disconnect acme/triage/slack --yes
  tokenkeeper account disconnect acme/triage/slack --force
  tokenkeeper account disconnect --user acme/jane`,
	}, func(ctx context.Context, account credential.AccountID) error {
		return c.disconnectAccount(ctx, account, how)
	})
	cmd.Use = "disconnect ACCOUNT | --user USER"
	cmd.Flags().BoolVarP(&how.yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&how.force, "force", false, "destroy the tokens although the provider does not revoke the grant")
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
		return c.leave(cmd.Context(), who, how)
	}
	return cmd
}

// leaving is how accounts are disconnected.
type leaving struct{ yes, force bool }

// ask has the account's Workflow do it.
func (l leaving) ask(ctx context.Context, a *app.App, account credential.AccountID) (workflows.AccountStatus, error) {
	if l.force {
		return a.Workflows.ForceDisconnect(ctx, account)
	}
	return a.Workflows.Disconnect(ctx, account)
}

// question is what a person has to affirm who wants to disconnect whom.
func (l leaving) question(whom string) string {
	if l.force {
		return fmt.Sprintf("Destroy the tokens of %s, although the provider may not revoke the grant and it may live on there?", whom)
	}
	return fmt.Sprintf("Have the grant of %s revoked and the tokens destroyed?", whom)
}

func (c *cli) disconnectAccount(ctx context.Context, account credential.AccountID, how leaving) error {
	if err := c.askable(how.yes); err != nil {
		return err
	}
	if !how.yes {
		if err := c.confirm(how.question("account " + account.String())); err != nil {
			return err
		}
	}
	return c.withTemporal(ctx, func(a *app.App) error {
		status, err := c.disconnect(ctx, a, account, how)
		if err == nil {
			err = stillThere(status)
		}
		outcome, detail := outcomeOf(err)
		c.record(ctx, a, vault.Disconnect, account, outcome, how.note(detail, status))
		if err != nil {
			return err
		}
		return c.print(status, func(w io.Writer) { tellDisconnected(w, status) })
	})
}

// note is what the audit log says beside the outcome.
func (l leaving) note(detail string, status workflows.AccountStatus) string {
	switch {
	case status.Unrevoked != "":
		return "not revoked at the provider: " + status.Unrevoked
	case l.force && detail == "":
		return "by force"
	}
	return detail
}

func tellDisconnected(w io.Writer, status workflows.AccountStatus) {
	fmt.Fprintf(w, "account %s is disconnected\n", status.Account)
	if status.Unrevoked != "" {
		fmt.Fprintf(w, "  its tokens are destroyed here, but the provider has not revoked the grant: %s\n"+
			"    fix: remove the app's access at the provider, until then a copy of the tokens would work there\n", printable(status.Unrevoked))
	}
}

// disconnect asks the account's Workflow and waits for its answer.
func (c *cli) disconnect(ctx context.Context, a *app.App, account credential.AccountID, how leaving) (workflows.AccountStatus, error) {
	asking, cancel := context.WithTimeout(ctx, disconnectPatience)
	defer cancel()
	status, err := how.ask(asking, a, account)
	if workflows.IsNotFound(err) {
		status, err = c.goneAlready(ctx, a, account)
	}
	if err != nil && ctx.Err() == nil && app.Unanswered(err) {
		err = c.undone(ctx, a, account)
	}
	return status, err
}

// undone is the failure of a disconnect that goes on and has not ended in time: it says what is in the way.
func (c *cli) undone(ctx context.Context, a *app.App, account credential.AccountID) error {
	asking, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	now, err := a.Workflows.Account(asking, account)
	if err != nil {
		return failf("start a worker (make run): it goes on by itself then", "account %s: not disconnected within %s, and no worker answers for it",
			account, disconnectPatience)
	}
	cause := now.Reason
	if _, err := a.Config().ConnectorOf(account); err != nil {
		cause = err.Error()
	}
	return failf("it is tried again by itself; to destroy the tokens without the provider, where the grant may live on then, add --force",
		"account %s: not disconnected within %s: %s", account, disconnectPatience, orDash(cause))
}

// goneAlready tells an account that was disconnected from one that never was there.
func (c *cli) goneAlready(ctx context.Context, a *app.App, account credential.AccountID) (workflows.AccountStatus, error) {
	found, err := a.Temporal.DescribeWorkflowExecution(ctx, workflows.AccountWorkflowID(account), "")
	if workflows.IsNotFound(err) {
		err = failf("see which there are: tokenkeeper account list", "account %s: there is none to disconnect", account)
	}
	if err != nil {
		return workflows.AccountStatus{}, err
	}
	if ended := found.GetWorkflowExecutionInfo().GetStatus(); ended != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		return workflows.AccountStatus{}, failf("give it an owner again, then disconnect it: tokenkeeper account connect "+account.String(),
			"account %s: its Workflow ended as %s without being disconnected, so its tokens may still be in the vault", account, strings.ToLower(ended.String()))
	}
	return workflows.AccountStatus{Account: account, Status: credential.Disconnected, Reason: "it was disconnected before"}, nil
}

// stillThere is the failure of an account that was not disconnected.
func stillThere(status workflows.AccountStatus) error {
	if status.Status == credential.Disconnected {
		return nil
	}
	return failf("mend that and do it again, or add --force to destroy the tokens without the provider",
		"account %s is still %s: %s", status.Account, status.Status, orDash(status.Warning))
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
