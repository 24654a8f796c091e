package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

func newAccountValidate(c *cli) *cobra.Command {
	return accountCommand(c, &cobra.Command{
		Use:   "validate",
		Short: "Ask the provider whether an account's token works",
		Long: `Have the account's Workflow ask the provider whether the token works, and wait for what follows: a dead token is
refreshed, a dead grant told. It does so by itself too, at the interval validate_every of the connector. An outage of the
provider, or a policy that forbids the question, says nothing about the token and changes nothing.`,
		Example: `  tokenkeeper account validate acme/triage/slack`,
	}, c.validateAccount)
}

func (c *cli) validateAccount(ctx context.Context, account credential.AccountID) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		if _, err := c.ask(ctx, a, account); err != nil { // finds out soon when there is no worker
			return err
		}
		asking, cancel := context.WithTimeout(ctx, refreshPatience)
		defer cancel()
		after, err := a.Workflows.Validate(asking, account)
		outcome, detail := outcomeOf(err)
		c.record(ctx, a, vault.Validated, account, outcome, cmp.Or(detail, string(after.Status)))
		if err != nil {
			return c.explainAsked(ctx, account, err)
		}
		if err := c.print(after, func(w io.Writer) { tellValidation(w, after) }); err != nil {
			return err
		}
		return verdict(after)
	})
}

func tellValidation(w io.Writer, after workflows.AccountStatus) {
	switch {
	case after.Status.NeedsPerson(): // the verdict says it
	case after.ValidationNote != "":
		fmt.Fprintf(w, "account %s is %s; the question told nothing: %s\n", after.Account, after.Status, printable(after.ValidationNote))
	default:
		fmt.Fprintf(w, "account %s is %s, generation %d\n", after.Account, after.Status, after.Generation)
	}
}
