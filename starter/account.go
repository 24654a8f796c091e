package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenkeeper/config"
	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

func newAccount(c *cli) *cobra.Command {
	group := &cobra.Command{
		Use:     "account",
		Aliases: []string{"accounts"},
		Short:   "Connect accounts, and see what is true of them",
		Long: `An account is one credential: what one person of an organization allowed one connector to do. It is written
organization/user/connector; the connector is the name of an entry of the configuration.

Each account is owned by a Workflow, account/organization/user/connector, which refreshes its tokens in time. What
these commands do can be done with the temporal command too: query "status", update "refresh", signal "disconnect".`,
		Example: `  tokenkeeper account list
  tokenkeeper account connect acme/triage/slack --wait`,
	}
	group.AddCommand(
		newAccountConnect(c), newAccountList(c), newAccountShow(c), newAccountRefresh(c), newAccountValidate(c), newAccountReauthorize(c),
		newAccountAccept(c), newAccountReject(c), newAccountDisconnect(c), newAccountImport(c),
	)
	return group
}

// accountCommand fills in what the commands about one account have in common.
func accountCommand(c *cli, cmd *cobra.Command, do func(ctx context.Context, account credential.AccountID) error) *cobra.Command {
	cmd.Use += " ACCOUNT"
	cmd.ValidArgsFunction = c.completeAccount
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			fix := cmd.CommandPath() + " --help"
			if last := len(args) - 1; last > 0 && isDuration(args[last]) { // of a flag whose value may be left out
				fix = "write --wait=" + args[last]
			}
			return usage(cmd.CommandPath()+": want one ACCOUNT, for example acme/triage/slack", fix)
		}
		_, err := credential.ParseAccountID(args[0])
		return err
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		account, err := credential.ParseAccountID(args[0])
		if err != nil {
			return err
		}
		return do(cmd.Context(), account)
	}
	return cmd
}

func isDuration(text string) bool {
	_, err := time.ParseDuration(text)
	return err == nil
}

func newAccountShow(c *cli) *cobra.Command {
	return accountCommand(c, &cobra.Command{
		Use:   "show",
		Short: "Show what an account says of itself",
		Long: `Show everything that is known of an account: status and reason, since when, what it grants, when its tokens end
and are refreshed, how many Workflows wait for it, and consents that it has not taken yet, where the vault can be opened here.

The exit code is 3 when the account needs a person, so that a script can ask "does it work?".`,
		Example: `  tokenkeeper account show acme/triage/slack
  tokenkeeper account show acme/triage/slack --json`,
	}, c.showAccount)
}

func (c *cli) showAccount(ctx context.Context, account credential.AccountID) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		status, err := c.ask(ctx, a, account)
		waiting := c.consents(ctx, a, account)
		if err != nil {
			tellConsents(c.stderr, time.Now(), waiting)
			return err
		}
		err = c.print(shown{status, waiting}, func(w io.Writer) {
			describeAccount(w, time.Now(), status)
			tellConsents(w, time.Now(), waiting)
		})
		if err != nil {
			return err
		}
		return verdict(status)
	})
}

// shown is what show answers.
type shown struct {
	workflows.AccountStatus

	// Consents are those that the account has not taken yet.
	Consents []vault.Pending `json:"consents,omitempty"`
}

// consents returns those that an account has not taken yet. Where the vault does not open there is more to show all the same.
func (c *cli) consents(ctx context.Context, a *app.App, account credential.AccountID) []vault.Pending {
	opening, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := a.OpenVault(opening)
	var waiting []vault.Pending
	if err == nil {
		waiting, err = a.Consents(opening)
	}
	if err != nil {
		c.logger().WarnContext(ctx, "nobody knows whether consents wait for the account", "account", account.String(), "error", err)
	}
	return slices.DeleteFunc(waiting, func(p vault.Pending) bool { return p.Account != account })
}

// tellConsents names the consents that wait; nothing where there are none.
func tellConsents(w io.Writer, now time.Time, waiting []vault.Pending) {
	for _, p := range waiting {
		fmt.Fprint(w, "\na consent that the account has not taken yet\n")
		details(w, []fact{
			{"of", cmp.Or(p.Holder.String(), "nobody knows yet; the provider is asked again")},
			{"authorization", p.ID}, {"since", relative(now, p.CreatedAt)}, {"destroyed", relative(now, p.ExpiresAt)},
		})
	}
}

// ask queries an account. One without a Workflow is an account that nobody connected.
func (c *cli) ask(ctx context.Context, a *app.App, account credential.AccountID) (workflows.AccountStatus, error) {
	asking, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	status, err := a.Workflows.Account(asking, account)
	if workflows.IsNotFound(err) {
		if err := configured(a, account); err != nil { // a mistyped name is told as such
			return status, err
		}
		if meant := perhaps(a, account); meant != "" {
			return status, needsPerson(account, credential.Pending, "no Workflow owns it; did you mean "+meant+"?")
		}
	}
	return status, c.explainAsked(ctx, account, err)
}

// perhaps returns the account of the configuration that a name is a slip of, "" for none. Accounts of other agents than ours stand nowhere.
func perhaps(a *app.App, account credential.AccountID) string {
	var known []string
	for _, one := range a.ConfiguredAccounts() {
		if one == account {
			return ""
		}
		known = append(known, one.String())
	}
	return config.Closest(account.String(), known)
}

// explainAsked says what an error of a question or an Update to an account means.
func (c *cli) explainAsked(ctx context.Context, account credential.AccountID, err error) error {
	switch {
	case err == nil || ctx.Err() != nil:
		return errors.Join(err, ctx.Err())
	case workflows.IsNotFound(err):
		return needsPerson(account, credential.Pending, "no Workflow owns it")
	case app.Unanswered(err):
		return noWorker("account " + account.String())
	}
	return err
}

// verdict is nil for an account that works, or will by itself.
func verdict(status workflows.AccountStatus) error {
	if status.Status.NeedsPerson() {
		return needsPerson(status.Account, status.Status, status.Reason)
	}
	return nil
}

func describeAccount(w io.Writer, now time.Time, s workflows.AccountStatus) {
	details(w, []fact{
		{"account", s.Account.String()},
		{"status", string(s.Status)},
		{"reason", s.Reason},
		{"since", relative(now, s.Since)},
		{"provider", s.Provider},
		{"connected as", connectedAs(s)},
		{"scopes", strings.Join(s.Scopes, " ")},
		{"generation", positive(int(s.Generation))},
		{"expires", expiry(now, s)},
		{"refresh token expires", relative(now, s.RefreshExpiresAt)},
		{"somebody has to consent", relative(now, s.ConsentBy)},
		{"next refresh", relative(now, s.NextRefresh)},
		{"last refresh", relative(now, s.LastRefresh)},
		{"last validated", relative(now, s.LastValidated)},
		{"last validation", s.ValidationNote},
		{"refreshes", positive(s.Refreshes)},
		{"failures in a row", positive(s.Failures)},
		{"workflows waiting", positive(s.Waiting)},
		{"waits for connector", s.HeldBy},
		{"warning", s.Warning},
		{"to be revoked", toBeRevoked(now, s)},
	})
	tellQuarantine(w, now, s)
}

func connectedAs(s workflows.AccountStatus) string {
	if s.Display == "" || s.Display == string(s.Subject) {
		return string(s.Subject)
	}
	return fmt.Sprintf("%s (%s)", s.Display, s.Subject)
}

// toBeRevoked names the grants that the account had before, or that were in quarantine, and that the provider has not taken back yet.
func toBeRevoked(now time.Time, s workflows.AccountStatus) string {
	var all []string
	for _, r := range s.Replaced {
		all = append(all, fmt.Sprintf("%s, set aside %s", r, relative(now, r.Since)))
	}
	return strings.Join(all, "; ")
}

// expiry tells a token that lives for ever from an account that has none.
func expiry(now time.Time, s workflows.AccountStatus) string {
	if s.Generation > 0 && s.ExpiresAt.IsZero() {
		return "never"
	}
	return relative(now, s.ExpiresAt)
}

func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// refreshPatience is longer than the Activity that refreshes may take.
const refreshPatience = time.Minute

func newAccountRefresh(c *cli) *cobra.Command {
	return accountCommand(c, &cobra.Command{
		Use:   "refresh",
		Short: "Have an account's tokens refreshed now",
		Long: `Ask the Workflow that owns the account for new tokens, and wait for the outcome. Nothing breaks when this happens
beside a refresh that is under way: the owner does one thing at a time.`,
		Example: `  tokenkeeper account refresh acme/triage/slack`,
	}, c.refreshAccount)
}

func (c *cli) refreshAccount(ctx context.Context, account credential.AccountID) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		before, err := c.ask(ctx, a, account) // finds out soon when there is no worker
		if err != nil {
			return err
		}
		asking, cancel := context.WithTimeout(ctx, refreshPatience)
		defer cancel()
		after, err := a.Workflows.RefreshNow(asking, account)
		c.recordRefresh(ctx, a, before, after, err)
		if err != nil {
			return c.explainAsked(ctx, account, err)
		}
		if err := c.print(after, func(w io.Writer) { tellRefresh(w, time.Now(), before, after) }); err != nil {
			return err
		}
		return refreshVerdict(before, after)
	})
}

func (c *cli) recordRefresh(ctx context.Context, a *app.App, before, after workflows.AccountStatus, err error) {
	if err == nil {
		err = refreshVerdict(before, after)
	}
	outcome, detail := outcomeOf(err)
	c.record(ctx, a, vault.Refresh, before.Account, outcome, detail)
}

func tellRefresh(w io.Writer, now time.Time, before, after workflows.AccountStatus) {
	if after.Generation > before.Generation {
		fmt.Fprintf(w, "account %s has new tokens: generation %d, expires %s\n", after.Account, after.Generation, orDash(expiry(now, after)))
	}
}

func refreshVerdict(before, after workflows.AccountStatus) error {
	switch {
	case after.Status.NeedsPerson():
		return verdict(after)
	case after.Generation > before.Generation:
		return nil
	case after.Reason != "":
		return failf("it is tried again by itself; look with: tokenkeeper account show "+after.Account.String(),
			"account %s was not refreshed: %s", after.Account, after.Reason)
	}
	return failf("nothing has to be done while it is "+string(after.Status),
		"account %s was not refreshed: its provider issued no refresh token", after.Account)
}
