package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/vault"
)

// Disconnect revokes the grant at the provider (RFC 7009 or its dialect) and then destroys it here. A grant that the
// provider calls dead already counts as revoked. One that it revokes by a living access token only is refreshed first where that
// token has ended. Temporal retries it until the provider answered. Only the generation is destroyed that was revoked: an attempt
// that everybody gave up harms none that came later. Consents that the account has not taken go with it. What the provider could not be
// asked to revoke is said. Errors: [ErrTypeRejected] when the provider refuses the app itself, [ErrTypeNotConfigured].
func (a *Account) Disconnect(ctx context.Context, in AccountInput) (_ Disconnected, err error) {
	marks := resumeHalfway[Marks](ctx) // its own attempts leave some as well
	defer reportEnd(ctx, &err, marks.reached)
	defer beatHalfway(ctx, marks.reached)()
	if left, ok := marks.get(); ok {
		in.Marks = left
	}
	conn, err := a.Connections.Connection(in.Account)
	if err != nil {
		return Disconnected{}, notConfigured(err)
	}
	record, err := a.Vault.Get(ctx, in.Account)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return a.destroyedBefore(ctx, in.Account, false)
	case err != nil:
		return Disconnected{}, fmt.Errorf("disconnecting account %s: %w", in.Account, err)
	}
	record, failure := a.revocable(ctx, conn, in, record, marks)
	switch {
	case failure == nil:
		failure = revoke(ctx, conn, record)
	case failure.Kind == credential.DeadGrant:
		in.Refused, failure = true, nil
	}
	if failure != nil {
		return Disconnected{}, unrevoked(in.Account, *failure)
	}
	ended := Disconnected{Unrevoked: a.leftBehind(conn, in, record)}
	if err := a.forsake(ctx, in.Account, &ended, false); err != nil {
		return Disconnected{}, err
	}
	return ended, a.destroy(ctx, record, ended)
}

// revocable returns the account's record with tokens that its provider revokes a grant by. Where that has to be an access token
// that lives, and the one at hand has ended, the refresh token is presented for another, by the protocol of every refresh: a
// token whose outcome is not known is left alone. A failure of kind dead grant says that there is nothing to revoke any more; any
// other leaves marks.
func (a *Account) revocable(ctx context.Context, conn Connection, in AccountInput, record vault.Record, marks *halfway[Marks]) (
	vault.Record, *Failure,
) {
	if a.lapsed(conn, record.Tokens) == "" || !record.Tokens.Refreshable() || !in.unspent(record) || in.Refused {
		return record, nil
	}
	asks := RefreshInput{Account: in.Account, Generation: record.Generation, Try: true, Marks: in.Marks}
	t := attempt{Account: a, conn: conn, in: asks, record: record, marks: in.Marks}
	t.deadline, _ = ctx.Deadline()
	ctx = context.WithoutCancel(ctx) // once the request may have left, its answer has to be stored
	result := t.request(ctx)
	if result.Failure != nil {
		marks.set(t.marks)
		return record, result.Failure
	}
	if result.Sealed != nil {
		result = vaultAway(errors.New("it did not take the tokens that the grant was to be revoked by"))
		return record, result.Failure
	}
	now, err := a.Vault.Get(ctx, in.Account)
	if err != nil {
		return record, vaultAway(err).Failure
	}
	return now, nil
}

// revoke returns nil where the provider has no such grant any more.
func revoke(ctx context.Context, conn Connection, record vault.Record) *Failure {
	err := conn.OAuth.Revoke(ctx, record.Tokens)
	if err == nil || oauth.KindOf(err) == credential.DeadGrant {
		return nil
	}
	failure := describe(err)
	return &failure
}

// unrevoked returns what has Temporal try again, or what a person has to mend first.
func unrevoked(account credential.AccountID, f Failure) error {
	switch {
	case f.Kind == credential.DeadClient, f.Kind == credential.Misconfigured:
		return rejected("%s", f.Message)
	case f.RetryAfter > 0:
		return again(ErrTypeRateLimited, f.Message, f.RetryAfter)
	}
	return outage("revoking the grant of account "+account.String(), errors.New(f.Message))
}

// lapsed says why the provider cannot have revoked a grant by these tokens, whatever it answered; "" where it can.
func (a *Account) lapsed(conn Connection, t credential.Tokens) string {
	if !conn.Provider.RevokesByLivingToken() || t.ValidAt(a.now()) {
		return ""
	}
	return conn.Provider.Name + " revokes a grant by an access token that lives, and this one ended at " + t.ExpiresAt.UTC().Format(time.RFC3339)
}

// leftBehind says what may live on at a provider that has done all that it was asked, "" for nothing.
func (a *Account) leftBehind(conn Connection, in AccountInput, record vault.Record) string {
	switch {
	case conn.Grant.Mints(): // there is no grant, and a token ends by itself
		return ""
	case !conn.Provider.Revokes():
		return conn.Provider.Name + " revokes no grant on request"
	case !in.unspent(record) && conn.Provider.LosesTokens() && !in.Refused:
		return "a refresh token was presented at " + record.Presented.At.UTC().Format(time.RFC3339) +
			" and the answer is lost; nobody has the tokens that it may have brought, to revoke them"
	case !in.Refused:
		return a.lapsed(conn, record.Tokens)
	}
	return ""
}

// destroy shreds the generation, and notes with it what lives on.
func (a *Account) destroy(ctx context.Context, record vault.Record, ended Disconnected) error {
	if err := a.Vault.Shred(ctx, record.Account, record.Generation, ended.Unrevoked); err != nil {
		return fmt.Errorf("destroying the credential of account %s: %w", record.Account, err)
	}
	if ended.Unrevoked != "" {
		a.Log.WarnContext(ctx, "the tokens of an account were destroyed, but its provider has not revoked the grant; remove the app's access there",
			"account", record.Account.String(), "subject", string(record.Subject), "reason", ended.Unrevoked)
	}
	return nil
}

// Disconnected is how a disconnect ended.
type Disconnected struct {
	// Unrevoked says why the provider has not revoked the grant; empty where it has, or where there was none.
	Unrevoked string `json:"unrevoked,omitempty"`
}

// forcePatience is how long a provider may take to revoke in all before the tokens are destroyed without it.
const forcePatience = 20 * time.Second

// ForceDisconnect asks the provider once to revoke the grant, and those whose place it took, and destroys them here whatever the
// answer is: with a provider that is away, an app that it refuses, and without a connector. What it did not revoke may live on
// there. Why it did not is in the vault from the moment at which the tokens are gone, so that an attempt after one that died then
// still says it.
func (a *Account) ForceDisconnect(ctx context.Context, in AccountInput) (Disconnected, error) {
	defer beat(ctx)()
	record, err := a.Vault.Get(ctx, in.Account)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return a.destroyedBefore(ctx, in.Account, true)
	case err != nil:
		return Disconnected{}, fmt.Errorf("disconnecting account %s by force: %w", in.Account, err)
	}
	var ended Disconnected
	if ended.Unrevoked, err = a.revokeOnce(ctx, in, record); err != nil {
		return Disconnected{}, fmt.Errorf("disconnecting account %s by force: %w", in.Account, err)
	}
	if err := a.forsake(ctx, in.Account, &ended, true); err != nil {
		return Disconnected{}, err
	}
	return ended, a.destroy(ctx, record, ended)
}

// destroyedBefore says what an attempt before this one did not come back to say. The account may never have had a grant.
func (a *Account) destroyedBefore(ctx context.Context, account credential.AccountID, force bool) (Disconnected, error) {
	unrevoked, err := a.Vault.Unrevoked(ctx, account)
	if err != nil {
		return Disconnected{}, fmt.Errorf("disconnecting account %s: %w", account, err)
	}
	ended := Disconnected{Unrevoked: unrevoked}
	err = a.forsake(ctx, account, &ended, force)
	return ended, err
}

// revokeOnce asks the provider to revoke what the account has and what another took the place of. It returns what it has not
// revoked and why, "" where it has revoked everything.
func (a *Account) revokeOnce(ctx context.Context, in AccountInput, record vault.Record) (unrevoked string, err error) {
	replaced, err := a.Vault.Replaced(ctx, record.Account)
	if err != nil {
		return "", err
	}
	asking, cancel := context.WithTimeout(ctx, forcePatience)
	defer cancel()
	var reasons []string
	why := a.tryRevoke(asking, record.Account, record.Tokens)
	if conn, err := a.Connections.Connection(record.Account); err == nil && why == "" {
		why = a.leftBehind(conn, in, record)
	}
	if why != "" {
		reasons = append(reasons, why)
	}
	for _, r := range replaced {
		stray, err := a.Vault.GetStray(ctx, r.Authorization)
		if errors.Is(err, vault.ErrNotFound) || err == nil && stray.Shared {
			continue
		}
		if err != nil {
			return "", err
		}
		why := a.tryRevoke(asking, record.Account, stray.Tokens)
		if conn, err := a.Connections.Connection(record.Account); err == nil && why == "" {
			why = a.lapsed(conn, stray.Tokens)
		}
		if why != "" {
			reasons = append(reasons, r.String()+" before: "+why)
		}
	}
	return strings.Join(reasons, "; "), nil
}

// tryRevoke returns why the provider has not revoked the tokens, "" where it has.
func (a *Account) tryRevoke(ctx context.Context, account credential.AccountID, tokens credential.Tokens) string {
	conn, err := a.Connections.Connection(account)
	if err != nil {
		return err.Error()
	}
	err = conn.OAuth.Revoke(ctx, tokens)
	if err == nil || oauth.KindOf(err) == credential.DeadGrant {
		return ""
	}
	return describe(err).Message
}
