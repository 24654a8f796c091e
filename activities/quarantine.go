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
	// Awaited: somebody waits for the end, and is told what a person has to mend first.
	Awaited bool `json:"awaited,omitempty"`
}

// Discard revokes the grant of an authorization in quarantine, or one that was replaced, and destroys its tokens. Where the vault
// holds other tokens of the same subject it does not revoke: at many providers that would end theirs too. Repeating it changes
// nothing. Errors, all to be tried again: [ErrTypeProviderUnavailable], for what was replaced [ErrTypeRateLimited],
// [ErrTypeNotConfigured]. With Awaited set also [ErrTypeRejected], for good, when the provider refuses the app itself. With
// Unrevoked set nothing but the vault is needed.
func (a *Account) Discard(ctx context.Context, in DiscardInput) error {
	defer beat(ctx)()
	if !in.Unrevoked {
		if err := a.giveBack(ctx, in); err != nil {
			return err
		}
	}
	if err := a.Vault.DropAuthorization(ctx, in.Authorization); err != nil {
		return fmt.Errorf("discarding an authorization of account %s: %w", in.Account, err)
	}
	return nil
}

func (a *Account) giveBack(ctx context.Context, in DiscardInput) error {
	stray, err := a.Vault.GetStray(ctx, in.Authorization)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("discarding an authorization of account %s: %w", in.Account, err)
	case stray.Shared:
		return nil
	}
	conn, err := a.Connections.Connection(in.Account)
	if err != nil {
		return again(ErrTypeNotConfigured, err.Error(), awaitConnector)
	}
	err = conn.OAuth.Revoke(ctx, stray.Tokens)
	if err == nil {
		if why := a.lapsed(conn, stray.Tokens); why != "" {
			a.Log.WarnContext(ctx, "tokens are destroyed, but their grant may live on; remove the app's access at the provider",
				"account", in.Account.String(), "subject", string(stray.Subject), "reason", why)
		}
		return nil
	}
	switch failure := describe(err); {
	case failure.Kind == credential.DeadGrant:
		return nil
	case in.Awaited && (failure.Kind == credential.DeadClient || failure.Kind == credential.Misconfigured):
		return rejected("%s", failure.Message)
	case stray.Replaced && failure.RetryAfter > 0: // nobody waits for it
		return again(ErrTypeRateLimited, failure.Message, failure.RetryAfter)
	}
	return outage("revoking what "+string(stray.Subject)+" granted account "+in.Account.String(), err)
}
