package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

const (
	// importLimit is how long imported tokens wait in the vault for the Signal.
	importLimit = 30 * time.Minute
	// maxImport is far above what a token endpoint answers.
	maxImport = 64 << 10
)

// imported is what import answers: what waits in the vault, and how to have the account take it.
type imported struct {
	Account       credential.AccountID `json:"account"`
	Subject       credential.Subject   `json:"subject"`
	Display       string               `json:"display,omitempty"`
	Authorization string               `json:"authorization"`
	ExpiresAt     time.Time            `json:"expires_at"`
	Command       string               `json:"command"`
}

func newAccountImport(c *cli) *cobra.Command {
	return accountCommand(c, &cobra.Command{
		Use:   "import",
		Short: "Take tokens that were got elsewhere, from standard input",
		Long: `Read a token endpoint's answer (RFC 6749 §5.1: a JSON object with access_token, and refresh_token, expires_in and scope
if there are any) from standard input, ask the provider whose the tokens are, and keep them sealed in the vault for 30
minutes. A worker hands them to the account within a minute or so, and gives it an owner where it has none; the command that this
one prints does so at once. Those of another subject, or with fewer scopes than the account had, go into quarantine.

End the command with < tokens.json: tokens are never taken from an argument, which others on the machine can read.
Nothing else may go on using them, or the first refresh takes them from one of the two.`,
		Example: `  tokenkeeper account import acme/triage/slack`,
	}, c.importAccount)
}

func (c *cli) importAccount(ctx context.Context, account credential.AccountID) error {
	return c.withApp(func(a *app.App) error {
		if err := configured(a, account); err != nil {
			return err
		}
		if mints(a, account) {
			return nothingToReauthorize(account)
		}
		tokens, err := readTokens(c.stdin, time.Now())
		if err != nil {
			return err
		}
		if err := c.openVault(ctx, a); err != nil {
			return err
		}
		answer, err := keepImported(ctx, a, account, tokens)
		outcome, _ := outcomeOf(err)
		c.record(ctx, a, vault.Imported, account, outcome, string(answer.Subject))
		if err != nil {
			return err
		}
		return c.print(answer, func(w io.Writer) {
			fmt.Fprintf(w, "tokens of %s wait in the vault until %s, for a worker to hand them to account %s; to do it at once:\n\n  %s\n",
				printable(connectedAs(workflows.AccountStatus{Subject: answer.Subject, Display: answer.Display})),
				answer.ExpiresAt.Local().Format(time.DateTime), account, answer.Command)
		})
	})
}

// readTokens names no part of what it read in its errors.
func readTokens(from io.Reader, now time.Time) (credential.Tokens, error) {
	var answer struct {
		Access           string `json:"access_token"`
		Refresh          string `json:"refresh_token"`
		Type             string `json:"token_type"`
		ExpiresIn        int64  `json:"expires_in"`
		RefreshExpiresIn int64  `json:"refresh_token_expires_in"`
		Scope            string `json:"scope"`
	}
	const fix = `pipe a JSON object into the command: {"access_token":"…","refresh_token":"…","expires_in":3600,"scope":"…"}`
	if err := json.NewDecoder(io.LimitReader(from, maxImport)).Decode(&answer); err != nil {
		return credential.Tokens{}, failf(fix, "standard input is no answer of a token endpoint (RFC 6749 §5.1)")
	}
	if answer.Access == "" || answer.ExpiresIn < 0 || answer.RefreshExpiresIn < 0 {
		return credential.Tokens{}, failf(fix, "standard input has no access_token, or a lifetime below zero")
	}
	t := credential.Tokens{
		Access: credential.NewSecret(answer.Access), Refresh: credential.NewSecret(answer.Refresh), Type: answer.Type, IssuedAt: now,
		Scopes: strings.FieldsFunc(answer.Scope, func(r rune) bool { return r == ' ' || r == ',' }),
	}
	if len(t.Scopes) == 0 {
		t.Scopes = nil // it does not say
	}
	t.ExpiresAt, t.RefreshExpiresAt = after(now, answer.ExpiresIn), after(now, answer.RefreshExpiresIn)
	return t, nil
}

// after returns zero for an unknown lifetime.
func after(now time.Time, seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return now.Add(time.Duration(min(seconds, 1<<31)) * time.Second)
}

// keepImported asks whose the tokens are and seals them in the vault, which is open.
func keepImported(ctx context.Context, a *app.App, account credential.AccountID, tokens credential.Tokens) (imported, error) {
	conn, err := a.Connection(account)
	if err != nil {
		return imported{}, err
	}
	identity, err := conn.OAuth.Identify(ctx, tokens.Access)
	if err != nil {
		return imported{}, failf("import tokens that the provider accepts for connector "+account.Connector, "asking whose the tokens are: %w", err)
	}
	if tokens.Scopes == nil {
		tokens.Scopes = identity.Scopes
	}
	pending := vault.Authorization{
		ID: rand.Text() + rand.Text(), Account: account, Subject: identity.Subject, Display: identity.Display,
		Tokens: tokens, ExpiresAt: time.Now().Add(importLimit),
	}
	if err := a.Vault.PutAuthorization(ctx, pending); err != nil {
		return imported{}, err
	}
	return imported{
		Account: account, Subject: identity.Subject, Display: identity.Display, Authorization: pending.ID,
		ExpiresAt: pending.ExpiresAt, Command: a.Workflows.HandOverCommand(account, pending.ID),
	}, nil
}
