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
		failure = revoke(ctx, conn, record.Tokens)
	case failure.Kind == credential.DeadGrant:
		in.Refused, failure = true, nil
	}
	if failure != nil {
		return Disconnected{}, unrevoked(in.Account, *failure)
	}
	ended := Disconnected{Unrevoked: a.leftBehind(conn, in, record)}
	err = a.leave(ctx, record, &ended, false)
	return ended, err
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
func revoke(ctx context.Context, conn Connection, tokens credential.Tokens) *Failure {
	err := conn.OAuth.Revoke(ctx, tokens)
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
		return revokesNothing(conn)
	case !in.unspent(record) && conn.Provider.LosesTokens() && !in.Refused:
		return "a refresh token was presented at " + record.Presented.At.UTC().Format(time.RFC3339) +
			" and the answer is lost; nobody has the tokens that it may have brought, to revoke them"
	case !in.Refused:
		return a.lapsed(conn, record.Tokens)
	}
	return ""
}

// leave has the consents revoked that the account has not taken, and destroys the generation. One that comes between the two is revoked
// like those before it.
func (a *Account) leave(ctx context.Context, record vault.Record, ended *Disconnected, force bool) error {
	for {
		if err := a.forsake(ctx, record.Account, ended, force); err != nil {
			return err
		}
		if err := a.destroy(ctx, record, *ended); !errors.Is(err, vault.ErrConsentWaits) {
			return err
		}
	}
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

// add notes one more reason; "" is none.
func (d *Disconnected) add(reason string) {
	if reason != "" {
		d.Unrevoked = strings.TrimPrefix(d.Unrevoked+"; "+reason, "; ")
	}
}

// forcePatience is how long a provider may take to revoke in all before the tokens are destroyed without it.
const forcePatience = 20 * time.Second

// ForceDisconnect asks the provider once to revoke the grant, those whose place it took and what is in quarantine, and destroys them
// here whatever the answer is: with a provider that is away, an app that it refuses, and without a connector. What it did not revoke
// may live on there. Why it did not is in the vault from the moment at which the tokens are gone, so that an attempt after one that died then
// still says it.
func (a *Account) ForceDisconnect(ctx context.Context, in AccountInput) (Disconnected, error) {
	defer beat(ctx)()
	ended, err := a.endByForce(ctx, in)
	if err != nil {
		return Disconnected{}, fmt.Errorf("disconnecting account %s by force: %w", in.Account, err)
	}
	return ended, nil
}

func (a *Account) endByForce(ctx context.Context, in AccountInput) (Disconnected, error) {
	asking, cancel := context.WithTimeout(ctx, forcePatience)
	defer cancel()
	record, err := a.Vault.Get(ctx, in.Account)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return a.destroyStrays(ctx, asking, in.Account)
	case err != nil:
		return Disconnected{}, err
	}
	ended := Disconnected{Unrevoked: a.revokeOnce(asking, in, record)}
	// Before the strays: one of the same subject is left alone while a consent waits.
	if err := a.forsake(ctx, in.Account, &ended, true); err != nil {
		return Disconnected{}, err
	}
	strays, err := a.revokeStraysOnce(ctx, asking, in.Account)
	if err != nil {
		return Disconnected{}, err
	}
	for _, s := range strays {
		ended.add(s.reason())
	}
	err = a.leave(ctx, record, &ended, true)
	return ended, err
}

// destroyStrays ends an account that has nothing but what is in quarantine, or was destroyed before.
func (a *Account) destroyStrays(ctx, asking context.Context, account credential.AccountID) (Disconnected, error) {
	ended, err := a.destroyedBefore(ctx, account, true)
	if err != nil {
		return Disconnected{}, err
	}
	strays, err := a.revokeStraysOnce(ctx, asking, account)
	if err != nil {
		return Disconnected{}, err
	}
	for _, s := range strays {
		if err := a.Vault.DropStray(ctx, s.grant.Authorization, s.unrevoked); err != nil {
			return Disconnected{}, err
		}
		ended.add(s.reason())
	}
	return ended, nil
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

// revokeOnce asks the provider to revoke what the account has. It returns why that has not happened, "" where it has.
func (a *Account) revokeOnce(ctx context.Context, in AccountInput, record vault.Record) string {
	why := a.tryRevoke(ctx, record.Account, record.Tokens)
	if conn, err := a.Connections.Connection(record.Account); err == nil && why == "" {
		why = a.leftBehind(conn, in, record)
	}
	return why
}

// strayEnd is how the only attempt ended to have a stray revoked.
type strayEnd struct {
	grant     credential.Replaced
	unrevoked string // why; "" where the provider has taken it back, or others use it
}

func (s strayEnd) reason() string {
	if s.unrevoked == "" {
		return ""
	}
	return s.grant.String() + ": " + s.unrevoked
}

// revokeStraysOnce asks the provider to revoke what is in quarantine and what another took the place of.
func (a *Account) revokeStraysOnce(ctx, asking context.Context, account credential.AccountID) ([]strayEnd, error) {
	all, err := a.Vault.Strays(ctx, account)
	if err != nil {
		return nil, err
	}
	var ends []strayEnd
	for _, grant := range all {
		stray, err := a.Vault.GetStray(ctx, grant.Authorization)
		if errors.Is(err, vault.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		ends = append(ends, strayEnd{grant: grant, unrevoked: a.revokeStrayOnce(asking, stray)})
	}
	return ends, nil
}

func (a *Account) revokeStrayOnce(ctx context.Context, stray vault.Stray) string {
	switch {
	case stray.Shared && !stray.Kin: // its kin goes with it
		return ""
	case stray.Unclear:
		return unclear
	}
	if why := a.tryRevoke(ctx, stray.Account, stray.Tokens); why != "" {
		return why
	}
	conn, err := a.Connections.Connection(stray.Account)
	switch {
	case err != nil:
		return err.Error()
	case !conn.Provider.Revokes():
		return revokesNothing(conn)
	}
	return a.lapsed(conn, stray.Tokens)
}

// tryRevoke returns why the provider has not revoked the tokens, "" where it has.
func (a *Account) tryRevoke(ctx context.Context, account credential.AccountID, tokens credential.Tokens) string {
	conn, err := a.Connections.Connection(account)
	if err != nil {
		return err.Error()
	}
	if failure := revoke(ctx, conn, tokens); failure != nil {
		return failure.Message
	}
	return ""
}
