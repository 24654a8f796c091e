package activities

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// AdoptInput names a pending authorization: tokens that a person's consent produced and that wait in the vault.
type AdoptInput struct {
	Account       credential.AccountID `json:"account"`
	Authorization string               `json:"authorization"`
	// AcceptSubject is whose tokens somebody wants for the account as they are; empty when they have to fit.
	AcceptSubject credential.Subject `json:"accept_subject,omitempty"`
}

// Adopt makes a pending authorization the account's credential, one generation up. The subject must be the one that the
// account had and no scope may be missing; otherwise the old tokens stay and the new ones go into quarantine, unless the input
// accepts their subject. Repeating it with one authorization changes nothing. Errors: [ErrTypeAuthorizationRejected], for what
// is in quarantine with a [credential.Quarantine].
func (a *Account) Adopt(ctx context.Context, in AdoptInput) (Facts, error) {
	defer beat(ctx)()
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
	return a.take(ctx, in, before, authorization)
}

// take adopts an authorization that fits, or that somebody accepts as it is.
func (a *Account) take(ctx context.Context, in AdoptInput, before vault.Record, now vault.Authorization) (Facts, error) {
	found := credential.Compare(holderOf(before.Subject, before.Display), holderOf(now.Subject, now.Display),
		before.Tokens.Scopes, now.Tokens.Scopes)
	var record vault.Record
	var err error
	switch {
	case in.AcceptSubject != "":
		record, err = a.Vault.Accept(ctx, in.Authorization, in.AcceptSubject)
	case now.Quarantined() || !found.Fits():
		return Facts{}, a.quarantine(ctx, now, found)
	default:
		record, err = a.Vault.Adopt(ctx, in.Authorization)
	}
	if owned, ok := errors.AsType[*vault.OwnedError](err); ok {
		found.Owner = owned.Owner
		return Facts{}, a.quarantine(ctx, now, found)
	}
	if wrong, ok := errors.AsType[*vault.SubjectError](err); ok {
		return Facts{}, refuse("%s", wrong.Error())
	}
	if err != nil {
		return Facts{}, fmt.Errorf("adopting for account %s: %w", in.Account, err)
	}
	if found.AnotherSubject() {
		a.giveBackOld(ctx, before)
	}
	if before.Generation == 0 {
		a.granted(in.Account)
	}
	return factsOf(record), nil
}

func (a *Account) granted(account credential.AccountID) {
	if a.Granted != nil {
		a.Granted(account)
	}
}

func holderOf(subject credential.Subject, display string) credential.Holder {
	return credential.Holder{Subject: subject, Display: display}
}

// giveBackOld revokes the grant that an accepted one of another subject took the place of. Nobody holds it any more, so that
// one attempt has to do.
func (a *Account) giveBackOld(ctx context.Context, old vault.Record) {
	if err := a.giveBack(ctx, old.Account, old.Tokens); err != nil {
		a.Log.WarnContext(ctx, "the grant of the subject before was not revoked; remove the app at the provider as that subject",
			"account", old.Account.String(), "subject", old.Subject, "error", err)
	}
}

func refuse(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), ErrTypeAuthorizationRejected, nil)
}
