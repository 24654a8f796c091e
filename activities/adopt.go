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
	// AcceptSubject is the subject whose tokens an operator accepts although they do not fit the account; empty where they
	// have to fit.
	AcceptSubject credential.Subject `json:"accept_subject,omitempty"`
}

// Adopted is what an account has after an adoption.
type Adopted struct {
	Facts

	// Replaced are grants that are to be revoked: those of other subjects, and consents in quarantine, which are void now.
	Replaced []credential.Replaced `json:"replaced,omitempty"`
}

// Adopt makes a pending authorization the account's credential, one generation up. It has to be of the subject that the account had, and
// no scope may be missing. Otherwise the old tokens stay and the new ones go into quarantine, unless the input accepts their subject.
// The grant that an accepted one replaces stays in the vault as a stray; [Account.Discard] revokes it, so that a provider which is
// away cannot hold up the adoption. Where the authorization has no subject yet, the provider is asked first. Repeating the call for one
// authorization changes nothing.
//
// Errors: [ErrTypeAuthorizationRejected], with a [credential.Quarantine] as its detail where the authorization went into quarantine;
// [ErrTypeProviderUnavailable], and after some attempts [ErrTypeUnidentified], while the provider does not say whose it is.
func (a *Account) Adopt(ctx context.Context, in AdoptInput) (Adopted, error) {
	defer beat(ctx)()
	record, err := a.adopt(ctx, in)
	if err != nil {
		return Adopted{}, err
	}
	replaced, err := a.Vault.Strays(ctx, in.Account)
	if err != nil {
		return Adopted{}, fmt.Errorf("adopting for account %s: %w", in.Account, err)
	}
	return Adopted{Facts: factsOf(record), Replaced: replaced}, nil
}

func (a *Account) adopt(ctx context.Context, in AdoptInput) (vault.Record, error) {
	before, err := a.Vault.Get(ctx, in.Account)
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return vault.Record{}, fmt.Errorf("adopting for account %s: %w", in.Account, err)
	}
	if in.Authorization != "" && before.AuthorizationID == in.Authorization {
		a.granted(in.Account) // an attempt that died may not have come to that
		return before, nil
	}
	authorization, err := a.Vault.GetAuthorization(ctx, in.Authorization)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return vault.Record{}, refuse("authorization %q is unknown or expired; connect again with: tokenkeeper account connect %s", in.Authorization, in.Account)
	case err != nil:
		return vault.Record{}, fmt.Errorf("reading authorization %q: %w", in.Authorization, err)
	case authorization.Account != in.Account:
		return vault.Record{}, refuse("authorization %q belongs to account %s, not to %s", in.Authorization, authorization.Account, in.Account)
	}
	if authorization.Subject == "" {
		if authorization, err = a.identify(ctx, authorization); err != nil {
			return vault.Record{}, err
		}
	}
	return a.take(ctx, in, before, authorization)
}

// take adopts an authorization that fits, or that somebody accepts as it is.
func (a *Account) take(ctx context.Context, in AdoptInput, before vault.Record, now vault.Authorization) (vault.Record, error) {
	found := credential.Compare(holderOf(before.Subject, before.Display), holderOf(now.Subject, now.Display),
		before.Tokens.Scopes, now.Tokens.Scopes)
	var record vault.Record
	var err error
	switch {
	case in.AcceptSubject != "":
		record, err = a.Vault.Accept(ctx, in.Authorization, in.AcceptSubject)
	case now.Quarantined() || !found.Fits():
		return vault.Record{}, a.quarantine(ctx, now, found)
	default:
		record, err = a.Vault.Adopt(ctx, in.Authorization)
	}
	if owned, ok := errors.AsType[*vault.OwnedError](err); ok {
		found.Owner = owned.Owner
		return vault.Record{}, a.quarantine(ctx, now, found)
	}
	if wrong, ok := errors.AsType[*vault.SubjectError](err); ok {
		return vault.Record{}, refuse("%s", wrong.Error())
	}
	if err != nil {
		return vault.Record{}, fmt.Errorf("adopting for account %s: %w", in.Account, err)
	}
	if before.Generation == 0 {
		a.granted(in.Account)
	}
	return record, nil
}

func (a *Account) granted(account credential.AccountID) {
	if a.Granted != nil {
		a.Granted(account)
	}
}

func holderOf(subject credential.Subject, display string) credential.Holder {
	return credential.Holder{Subject: subject, Display: display}
}

func refuse(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), ErrTypeAuthorizationRejected, nil)
}
