package activities

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/vault"
)

// AdoptInput names a pending authorization: tokens that a person's consent produced and that wait in the vault.
type AdoptInput struct {
	Account       credential.AccountID `json:"account"`
	Authorization string               `json:"authorization"`
}

// Adopt makes a pending authorization the account's credential, one generation up. The subject must be the one that the
// account had and no scope may be missing; otherwise the old tokens stay and the new ones stay where they are.
// Repeating it with one authorization changes nothing. Errors: [ErrTypeAuthorizationRejected].
func (a *Account) Adopt(ctx context.Context, in AdoptInput) (Facts, error) {
	before, err := a.Vault.Get(ctx, in.Account)
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return Facts{}, fmt.Errorf("adopting for account %s: %w", in.Account, err)
	}
	if in.Authorization != "" && before.AuthorizationID == in.Authorization {
		return factsOf(before), nil
	}
	authorization, err := a.Vault.GetAuthorization(ctx, in.Authorization)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return Facts{}, refuse("authorization %q is unknown or expired; connect again with: tokenkeeper account connect %s", in.Authorization, in.Account)
	case err != nil:
		return Facts{}, fmt.Errorf("reading authorization %q: %w", in.Authorization, err)
	case authorization.Account != in.Account:
		return Facts{}, refuse("authorization %q belongs to account %s, not to %s", in.Authorization, authorization.Account, in.Account)
	}
	if err := matches(before, authorization); err != nil {
		return Facts{}, err
	}
	record, err := a.Vault.Adopt(ctx, in.Authorization)
	if owned, ok := errors.AsType[*vault.OwnedError](err); ok {
		return Facts{}, refuse("%s", owned.Error())
	}
	if err != nil {
		return Facts{}, fmt.Errorf("adopting for account %s: %w", in.Account, err)
	}
	return factsOf(record), nil
}

// matches compares what was granted now with what the account had.
func matches(before vault.Record, now vault.Authorization) error {
	if before.Subject != "" && before.Subject != now.Subject {
		return refuse("account %s belongs to %s (%s), but %s (%s) consented; consent as the former, or disconnect the account first",
			now.Account, before.Display, before.Subject, now.Display, now.Subject)
	}
	if now.Tokens.Scopes == nil {
		return nil // the provider does not say; GitHub Apps answer an empty scope
	}
	if missing := credential.MissingScopes(before.Tokens.Scopes, now.Tokens.Scopes); len(missing) > 0 {
		return refuse("account %s had scopes that were not granted again: %s; consent to all of them, "+
			"or disconnect the account first if it needs them no more", now.Account, strings.Join(missing, ", "))
	}
	return nil
}

func refuse(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), ErrTypeAuthorizationRejected, nil)
}

// Disconnect revokes the grant at the provider (RFC 7009 or its dialect) and then destroys it here. A grant that the
// provider calls dead already counts as revoked. Temporal retries it until the provider answered. Errors:
// [ErrTypeRejected] when the provider refuses the app itself, [ErrTypeNotConfigured].
func (a *Account) Disconnect(ctx context.Context, in AccountInput) error {
	conn, err := a.Connections.Connection(in.Account)
	if err != nil {
		return notConfigured(err)
	}
	record, err := a.Vault.Get(ctx, in.Account)
	if errors.Is(err, vault.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("disconnecting account %s: %w", in.Account, err)
	}
	if err := conn.OAuth.Revoke(ctx, record.Tokens); err != nil && oauth.KindOf(err) != credential.DeadGrant {
		failure := describe(err)
		switch {
		case failure.Kind == credential.DeadClient, failure.Kind == credential.Misconfigured:
			return rejected("%s", failure.Message)
		case failure.RetryAfter > 0:
			return again(ErrTypeRateLimited, failure.Message, failure.RetryAfter)
		}
		return outage("revoking the grant of account "+in.Account.String(), err)
	}
	if err := a.Vault.Shred(ctx, in.Account); err != nil {
		return fmt.Errorf("destroying the credential of account %s: %w", in.Account, err)
	}
	return nil
}
