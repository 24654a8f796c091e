package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// quarantineLife is how long tokens are kept that do not fit their account: over a weekend, so that an operator can still
// accept them on Monday.
const quarantineLife = 72 * time.Hour

// quarantine puts an authorization away and refuses it with a [credential.Quarantine] for its detail.
func (a *Account) quarantine(ctx context.Context, authorization vault.Authorization, q credential.Quarantine) error {
	kept, err := a.Vault.Quarantine(ctx, authorization.ID, a.now().Add(quarantineLife))
	if err != nil {
		return fmt.Errorf("quarantining an authorization of account %s: %w", authorization.Account, err)
	}
	q.Authorization, q.Since, q.Until = kept.ID, kept.QuarantinedAt, kept.ExpiresAt
	return temporal.NewNonRetryableApplicationError(refusal(authorization.Account, q), ErrTypeAuthorizationRejected, nil, q)
}

// refusal says in a sentence what differs and what helps.
func refusal(account credential.AccountID, q credential.Quarantine) string {
	switch {
	case !q.Owner.IsZero():
		return (&vault.OwnedError{Connector: account.Connector, Subject: q.Got.Subject, Owner: q.Owner, Account: account}).Error()
	case q.AnotherSubject():
		return fmt.Sprintf("account %s belongs to %s, but %s consented; consent as the former, or disconnect the account first",
			account, q.Expected, q.Got)
	case len(q.Missing) > 0:
		return fmt.Sprintf("account %s had scopes that were not granted again: %s; consent to all of them, "+
			"or disconnect the account first if it needs them no more", account, strings.Join(q.Missing, ", "))
	}
	return fmt.Sprintf("the authorization did not fit account %s before and is in quarantine; accept it, or consent again", account)
}

// QuarantineOf returns what the refusal of an authorization says of it; false for any other error.
func QuarantineOf(err error) (credential.Quarantine, bool) {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || app.Type() != ErrTypeAuthorizationRejected || !app.HasDetails() {
		return credential.Quarantine{}, false
	}
	var q credential.Quarantine
	err = app.Details(&q)
	return q, err == nil && q.Authorization != ""
}

// DiscardInput names an authorization in quarantine, or a grant that was replaced.
type DiscardInput struct {
	Account       credential.AccountID `json:"account"`
	Authorization string               `json:"authorization"` // that this account's Adopt put there
	// Unrevoked: destroy it although the provider did not take it back.
	Unrevoked bool `json:"unrevoked,omitempty"`
	// Awaited: the account leaves, with all that it has in quarantine. Somebody waits for that, and is told what a person has to mend first.
	Awaited bool `json:"awaited,omitempty"`
}

// Discarded is what became of the grant.
type Discarded struct {
	// Unrevoked says why the provider has not revoked it; empty where it has, or where others use it.
	Unrevoked string `json:"unrevoked,omitempty"`
}

// Discard revokes the grant of an authorization in quarantine, or one that was replaced, and destroys its tokens. Where somebody uses
// other tokens of the same subject it does not revoke: at many providers that would end theirs too. While nobody knows whether a consent
// that waits is of the same subject, it is put off. What the provider could not be asked to revoke is said. Repeating it changes
// nothing. Errors, all to be tried again: [ErrTypeProviderUnavailable], [ErrTypeRateLimited], [ErrTypeUnidentified],
// [ErrTypeNotConfigured]. With Awaited set also [ErrTypeRejected], for good, when the provider refuses the app itself. With
// Unrevoked set nothing but the vault is needed.
func (a *Account) Discard(ctx context.Context, in DiscardInput) (Discarded, error) {
	defer beat(ctx)()
	if in.Unrevoked {
		return Discarded{}, discarding(in, a.Vault.DropStray(ctx, in.Authorization, "the provider was not waited for"))
	}
	for {
		stray, err := a.Vault.GetStray(ctx, in.Authorization)
		shared := stray.Shared && (!in.Awaited || !stray.Kin) // its kin goes with it
		switch {
		case errors.Is(err, vault.ErrNotFound):
			return Discarded{}, nil
		case err != nil:
			return Discarded{}, discarding(in, err)
		case stray.Unclear && !shared:
			return Discarded{}, again(ErrTypeUnidentified, unclear, awaitIdentity)
		case shared:
			if err := a.Vault.DropShared(ctx, in.Authorization); !errors.Is(err, vault.ErrUnshared) {
				return Discarded{}, discarding(in, err)
			}
			continue // it was shared until a moment ago
		}
		ended, err := a.giveBack(ctx, in, stray)
		if err != nil {
			return Discarded{}, err
		}
		return Discarded{Unrevoked: ended}, discarding(in, a.Vault.DropStray(ctx, in.Authorization, ended))
	}
}

func discarding(in DiscardInput, err error) error {
	if err != nil {
		err = fmt.Errorf("discarding an authorization of account %s: %w", in.Account, err)
	}
	return err
}

const unclear = "a consent waits of which the provider has not said yet whose it is, and which this revocation might end"

// awaitIdentity is how often it is looked whether a consent has its subject by now.
const awaitIdentity = time.Minute

func revokesNothing(conn Connection) string {
	return conn.Provider.Name + " revokes no grant on request"
}

// giveBack has the grant revoked. It returns why it may live on, "" where it does not.
func (a *Account) giveBack(ctx context.Context, in DiscardInput, stray vault.Stray) (unrevoked string, err error) {
	conn, err := a.Connections.Connection(in.Account)
	if err != nil {
		return "", again(ErrTypeNotConfigured, err.Error(), awaitConnector)
	}
	if !conn.Provider.Revokes() {
		return revokesNothing(conn), nil
	}
	tokens, failure := a.revoking(ctx, conn, stray.Authorization)
	if why := a.lapsed(conn, tokens); failure == nil && why != "" {
		return why + "; there is nothing to get another by", nil
	}
	if failure == nil {
		failure = revoke(ctx, conn, tokens)
	}
	switch {
	case failure == nil || failure.Kind == credential.DeadGrant:
		return "", nil
	case isLost(failure):
		return answerLost, nil
	case failure.RetryAfter > 0:
		return "", again(ErrTypeRateLimited, failure.Message, failure.RetryAfter)
	case in.Awaited && (failure.Kind == credential.DeadClient || failure.Kind == credential.Misconfigured):
		return "", rejected("%s", failure.Message)
	}
	return "", outage("revoking what "+string(stray.Subject)+" granted account "+in.Account.String(), errors.New(failure.Message))
}

// revoking returns tokens that the provider revokes the grant of an authorization by: where that has to be an access token that lives,
// those of [Account.living].
func (a *Account) revoking(ctx context.Context, conn Connection, of vault.Authorization) (credential.Tokens, *Failure) {
	if a.lapsed(conn, of.Tokens) == "" {
		return of.Tokens, nil
	}
	return a.living(ctx, conn, of)
}

// living returns the tokens of an authorization that no account uses, with an access token that lives. Where the one at hand has ended,
// the refresh token is presented for another. It leaves the vault before that, and comes back where it was not spent: so nobody takes
// the refusal of a spent token for the end of the grant. A failure of kind ambiguous or malformed says that it is lost.
func (a *Account) living(ctx context.Context, conn Connection, of vault.Authorization) (credential.Tokens, *Failure) {
	if of.Tokens.ValidAt(a.now()) || !of.Tokens.Refreshable() {
		return of.Tokens, nil
	}
	ctx = context.WithoutCancel(ctx) // once the request may have left, its answer has to be stored
	if paused := a.Pauses.hold(ctx, RefreshInput{Account: of.Account}); paused != nil {
		return of.Tokens, paused
	}
	spent := of.Tokens
	spent.Refresh = credential.Secret{}
	if err := a.Vault.Retoken(ctx, of.ID, spent); err != nil {
		return of.Tokens, vaultAway(err).Failure
	}
	tokens, err := conn.OAuth.Refresh(ctx, of.Tokens.Refresh)
	if err == nil {
		a.Pauses.accepted(of.Account)
		tokens = tokens.After(of.Tokens)
		a.keep(ctx, of.ID, tokens)
		return tokens, nil
	}
	failure := describe(err)
	a.Pauses.heard(of.Account, &failure)
	switch failure.Kind {
	case credential.DeadGrant, credential.Ambiguous, credential.Malformed:
	case credential.DeadClient, credential.Throttled, credential.Transient, credential.Misconfigured:
		a.keep(ctx, of.ID, of.Tokens)
	}
	return of.Tokens, &failure
}

// isLost reports whether the refresh token of [Account.living] may be spent, and nobody has what it brought.
func isLost(f *Failure) bool {
	return f != nil && (f.Kind == credential.Ambiguous || f.Kind == credential.Malformed)
}

// answerLost is why a grant is not revoked whose refresh token is lost.
const answerLost = "its refresh token was presented for an access token that lives, and the answer is lost"

// keep stores tokens that nobody else has. A vault that is away is asked again for a moment.
func (a *Account) keep(ctx context.Context, id string, tokens credential.Tokens) {
	ctx, cancel := context.WithTimeout(ctx, talkMargin)
	defer cancel()
	for {
		err := a.Vault.Retoken(ctx, id, tokens)
		if err == nil || errors.Is(err, vault.ErrNotFound) {
			return
		}
		select {
		case <-ctx.Done():
			a.Log.WarnContext(ctx, "the vault did not take the new tokens of a grant that no account uses", "authorization", id, "error", err)
			return
		case <-time.After(time.Second):
		}
	}
}
