package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

const (
	// waitByDefault is how long --wait without a value waits for a person.
	waitByDefault = "30m"
	// lookAgain is how often it looks meanwhile. A query costs the Workflow no history.
	lookAgain = time.Second
)

// invitation is what connect and reauthorize answer: where a person consents.
type invitation struct {
	Account credential.AccountID `json:"account"`
	Page    string               `json:"page,omitempty"` // none where nobody has to consent
	// Code is what the page asks for, to be told by another way than the link; "" when it asks for none.
	Code string `json:"code,omitempty"`
	// For is who alone can go on with it; "" for whoever opens it first.
	For       string    `json:"for,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // of a link
	// Status is that of before, or with --wait that of after.
	Status workflows.AccountStatus `json:"status"`
}

func newAccountConnect(c *cli) *cobra.Command {
	var how inviting
	cmd := accountCommand(c, &cobra.Command{
		Use:   "connect",
		Short: "Connect an account: print the page on which a person consents",
		Long: `Start the Workflow that will own the account, unless it runs, and print the link to open in a browser. It is good
once, for 30 minutes unless links.lifetime says otherwise, in the browser that opens it, and voids the links of before. Its
page names account, provider and scopes, and leads to the provider, where a person consents. The pages are served by the
worker's gateway.

With --code the page goes on only for who enters a confirmation code, which the command prints beside the link. Tell it to
the person by another way than the link: then neither somebody who reads the link on its way, nor somebody who sends out a
link of their own, gets an account connected. Five wrong codes void the link.

With --for the link is one person's: whoever opens it signs in at the OpenID provider of gateway.oidc first, and goes on
only as that person, who is named by an address that the provider has verified, or by the subject claim if that holds no @.
Without such a provider nobody can tell who opens a link, so that --for is refused, and --code is the way.

With links.require_sign_in in tokenkeeper.yaml the person signs in at the OpenID provider of gateway.oidc first, and only
that person can go on with the link and come back from the consent.

An account whose connector gets tokens for itself (client credentials, a signed assertion, a GitHub App's installation)
needs nobody's consent: the command waits for its first token.

With --wait the command ends when the account is active, and with exit code 3 when it is not by then.`,
		Example: `  tokenkeeper account connect acme/triage/slack
  tokenkeeper account connect acme/triage/slack --wait=10m
  tokenkeeper account connect acme/triage/slack --for jane@example.com`,
	}, func(ctx context.Context, account credential.AccountID) error {
		return c.connectAccount(ctx, account, how)
	})
	how.flags(cmd)
	return cmd
}

func newAccountReauthorize(c *cli) *cobra.Command {
	var how inviting
	cmd := accountCommand(c, &cobra.Command{
		Use:   "reauthorize",
		Short: "Renew the consent for an account: print the page to open",
		Long: `Print a link, as connect does, with which a person consents again, for an account whose grant is dead or whose
scopes should change.
It has to be the subject that the account had; another one is refused, and the account keeps its tokens. Workflows that
wait for the account go on by themselves.

With --wait the command ends when the new grant is in use.`,
		Example: `  tokenkeeper account reauthorize acme/triage/slack
  tokenkeeper account reauthorize acme/triage/slack --wait
  tokenkeeper account reauthorize acme/triage/slack --for jane@example.com`,
	}, func(ctx context.Context, account credential.AccountID) error {
		return c.reauthorizeAccount(ctx, account, how)
	})
	how.flags(cmd)
	return cmd
}

// inviting is how a person is led to the consent.
type inviting struct {
	wait time.Duration
	code bool
	// person is who alone may go on with the link; "" for whoever opens it first.
	person string
}

// check refuses a link for somebody who could not go on with it.
func (i inviting) check(a *app.App) error {
	if i.person == "" {
		return nil
	}
	if err := a.CheckRecipient(i.person); err != nil {
		return &failure{
			code: exitConfig, err: fmt.Errorf("--for %s: %w", i.person, err),
			fix: "write gateway.oidc with the person under operators or viewers; or use --code instead of --for, and tell the code to that person alone",
		}
	}
	return nil
}

func (i *inviting) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&i.code, "code", false, "print a confirmation code too, which the page asks for")
	cmd.Flags().StringVar(&i.person, "for", "", "only this `PERSON` can go on with the link: an address or a subject at the OpenID provider")
	cmd.Flags().DurationVar(&i.wait, "wait", 0, "wait until a person has consented, at most this long")
	cmd.Flags().Lookup("wait").NoOptDefVal = waitByDefault
}

func (c *cli) connectAccount(ctx context.Context, account credential.AccountID, how inviting) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		if err := errors.Join(configured(a, account), how.check(a)); err != nil {
			return err
		}
		if meant := perhaps(a, account); meant != "" {
			c.notef("note: nothing in %s uses account %s; did you mean %s?", a.Config().Path, account, meant)
		}
		if err := a.Workflows.Connect(ctx, account); err != nil {
			return err
		}
		if mints(a, account) {
			c.record(ctx, a, vault.Connect, account, vault.Done, "")
			return c.awaitMint(ctx, a, account, how.wait)
		}
		before, err := c.askIfPossible(ctx, a, account)
		if err != nil {
			return err
		}
		return c.invite(ctx, a, before, how, func(_ context.Context, now workflows.AccountStatus) bool {
			return now.Generation > 0 && !now.Status.NeedsPerson()
		})
	})
}

func (c *cli) reauthorizeAccount(ctx context.Context, account credential.AccountID, how inviting) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		if err := errors.Join(configured(a, account), how.check(a)); err != nil {
			return err
		}
		if mints(a, account) {
			return nothingToReauthorize(account)
		}
		before, err := c.askIfPossible(ctx, a, account)
		if err != nil {
			return err
		}
		done := func(_ context.Context, now workflows.AccountStatus) bool { return now.Status == credential.Active }
		if how.wait > 0 && !before.Status.NeedsPerson() {
			if done, err = c.anotherConsent(ctx, a, account); err != nil {
				return err
			}
		}
		return c.invite(ctx, a, before, how, done)
	})
}

// anotherConsent returns the condition that a working account has got another grant. Its refreshes go on meanwhile and
// bring new generations too, so only the vault can tell: it knows the consent that a grant began with.
func (c *cli) anotherConsent(ctx context.Context, a *app.App, account credential.AccountID) (condition, error) {
	if err := a.OpenVault(ctx); err != nil {
		return nil, failf("leave out --wait", "waiting for a new consent to an account that works needs the vault: %w", err)
	}
	before, err := a.Vault.Get(ctx, account)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, _ workflows.AccountStatus) bool {
		now, err := a.Vault.Get(ctx, account)
		return err == nil && now.AuthorizationID != before.AuthorizationID
	}, nil
}

// configured fails when no connector of the configuration is the account's.
func configured(a *app.App, account credential.AccountID) error {
	if _, err := a.Config().ConnectorOf(account); err != nil {
		return &failure{code: exitConfig, err: err, fix: "write the account as organization/user/connector, or add the connector"}
	}
	return nil
}

// condition reports whether an account is what somebody waits for.
type condition func(ctx context.Context, now workflows.AccountStatus) bool

// askIfPossible is ask where the answer is not essential: the page can be printed without a worker.
func (c *cli) askIfPossible(ctx context.Context, a *app.App, account credential.AccountID) (workflows.AccountStatus, error) {
	status, err := c.ask(ctx, a, account)
	switch {
	case err == nil:
		return status, nil
	case ctx.Err() != nil:
		return status, err
	case explain(err).code == exitNeedsPerson: // it has no Workflow; consenting starts one
		return workflows.AccountStatus{Account: account, Status: credential.Pending}, nil
	}
	c.notef("note: %s", err)
	return workflows.AccountStatus{Account: account, Status: credential.Pending, Reason: "no worker answered"}, nil
}

// invite prints the page and, if it is to wait, how it ended.
func (c *cli) invite(ctx context.Context, a *app.App, before workflows.AccountStatus, how inviting, done condition) error {
	link, err := c.link(ctx, a, before, how)
	if err != nil {
		return err
	}
	answer := invitation{Account: before.Account, Page: link.URL, Code: link.Code, For: how.person, ExpiresAt: link.ExpiresAt, Status: before}
	if how.wait <= 0 {
		return c.print(answer, func(w io.Writer) { tellInvitation(w, answer) })
	}
	tellInvitation(c.stderr, answer)
	after, err := c.await(ctx, a, before.Account, how.wait, done)
	if err != nil {
		return err
	}
	answer.Status = after
	return c.print(answer, func(w io.Writer) {
		fmt.Fprintf(w, "account %s is %s as %s\n", after.Account, after.Status, printable(connectedAs(after)))
	})
}

// link makes the link to print. A gateway on loopback also serves the account's page without one; that is the fallback
// when the vault cannot be opened here.
func (c *cli) link(ctx context.Context, a *app.App, before workflows.AccountStatus, how inviting) (app.Link, error) {
	why := cmp.Or(before.Reason, "somebody asked for it with tokenkeeper account "+verb(before))
	making, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := a.OpenVault(making)
	if err == nil {
		var link app.Link
		link, err = a.NewLink(making, vault.LinkRequest{Account: before.Account, Why: why, Code: how.code, Recipient: how.person})
		if err == nil {
			c.record(ctx, a, vault.LinkMinted, before.Account, vault.Done, how.detail())
			return link, nil
		}
	}
	if how.code || how.person != "" || a.Config().Links.RequireCode || !a.Config().Gateway.Local() {
		return app.Link{}, failf("run the command where the vault is, or correct vault: in tokenkeeper.yaml", "making a link: %w", err)
	}
	c.notef("note: this page can be opened more than once, because no link could be made: %v", err)
	return app.Link{URL: a.ConnectURL(before.Account)}, nil
}

// detail is what the audit log says of the link.
func (i inviting) detail() string {
	if i.person == "" {
		return ""
	}
	return "for " + i.person
}

func verb(before workflows.AccountStatus) string {
	if before.Generation == 0 {
		return "connect"
	}
	return "reauthorize"
}

func tellInvitation(w io.Writer, answer invitation) {
	if s := answer.Status; s.Status == credential.Active {
		fmt.Fprintf(w, "account %s is active as %s; to consent again, open\n", answer.Account, printable(connectedAs(s)))
	} else {
		fmt.Fprintf(w, "to connect account %s, open\n", answer.Account)
	}
	fmt.Fprintf(w, "\n  %s\n\n", answer.Page)
	if answer.For != "" {
		fmt.Fprintf(w, "and sign in as  %s . Nobody else can go on with it.\n\n", printable(answer.For))
	}
	if answer.Code != "" {
		fmt.Fprintf(w, "and enter the code  %s  there. Tell it by another way than the link.\n\n", answer.Code)
	}
}

// await polls the account until done, and prints the warnings that appear meanwhile: of consents that were refused.
func (c *cli) await(ctx context.Context, a *app.App, account credential.AccountID, limit time.Duration,
	done condition,
) (workflows.AccountStatus, error) {
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	var last workflows.AccountStatus
	for {
		status, err := c.ask(waiting, a, account)
		if err == nil && done(waiting, status) {
			return status, nil
		}
		if err == nil && status.Warning != "" && status.Warning != last.Warning {
			c.notef("%s", status.Warning)
		}
		if err == nil {
			last = status
		}
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-waiting.Done():
			return last, notInTime(account, last, limit)
		case <-again.C:
		}
	}
}

func notInTime(account credential.AccountID, last workflows.AccountStatus, limit time.Duration) error {
	status := last.Status
	if status == "" {
		status = credential.Pending
	}
	return needsPerson(account, status, fmt.Sprintf("nobody consented within %s", limit))
}
