package activities

import (
	"context"
	"errors"
	"fmt"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/vault"
)

// forsake revokes and destroys the pending consents of an account that is being disconnected: handed over later, they would connect it
// again. It adds to ended why the provider may not have revoked one. With force the provider is asked once for each, and its answer does
// not stop the disconnect.
func (a *Account) forsake(ctx context.Context, account credential.AccountID, ended *Disconnected, force bool) error {
	waiting, err := a.Vault.Pending(ctx)
	if err != nil {
		return fmt.Errorf("disconnecting account %s: %w", account, err)
	}
	for _, p := range waiting {
		if p.Account != account {
			continue
		}
		why, err := a.forsakeOne(ctx, p, force)
		if err != nil {
			return err
		}
		if err := a.Vault.DropAuthorization(ctx, p.ID, why); err != nil {
			return fmt.Errorf("disconnecting account %s: %w", account, err)
		}
		if why != "" && why != inUse {
			ended.add("a consent that it had not taken yet: " + why)
		}
	}
	return nil
}

// inUse is why a consent is not revoked whose grant another account owns.
const inUse = "another account owns the grant"

// forsakeOne returns why the provider has not revoked a consent, "" where it has.
func (a *Account) forsakeOne(ctx context.Context, p vault.Pending, force bool) (why string, err error) {
	conn, err := a.Connections.Connection(p.Account)
	switch {
	case err != nil && force:
		return err.Error(), nil
	case err != nil:
		return "", notConfigured(err)
	}
	authorization, err := a.Vault.GetAuthorization(ctx, p.ID)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("disconnecting account %s: %w", p.Account, err)
	}
	who := authorization.Subject
	if who == "" { // its grant may be another account's
		var failure *Failure
		if authorization.Tokens, failure = a.living(ctx, conn, authorization); failure != nil {
			return notForsaken(authorization, *failure, force)
		}
		if !authorization.Tokens.ValidAt(a.now()) {
			return "nobody knows whose it is, and there is nothing to get an access token by", nil
		}
		identity, err := conn.OAuth.Identify(ctx, authorization.Tokens.Access)
		if who = identity.Subject; who == "" {
			return nobodyKnows(err), nil
		}
	}
	owner, owned, err := a.Vault.OwnerOf(ctx, p.Account.Connector, who)
	switch {
	case err != nil:
		return "", fmt.Errorf("disconnecting account %s: %w", p.Account, err)
	case owned && owner != p.Account:
		return inUse, nil
	}
	return a.revokeForsaken(ctx, conn, authorization, force)
}

// nobodyKnows returns why a consent is not revoked, "" where it is dead.
func nobodyKnows(err error) string {
	switch {
	case oauth.KindOf(err) == credential.DeadGrant:
		return ""
	case err != nil:
		return "nobody knows whose it is: " + err.Error()
	}
	return errNamesNobody.Error()
}

func (a *Account) revokeForsaken(ctx context.Context, conn Connection, of vault.Authorization, force bool) (why string, err error) {
	tokens, failure := a.revoking(ctx, conn, of)
	if failure == nil {
		failure = revoke(ctx, conn, tokens)
	}
	switch {
	case failure != nil:
		return notForsaken(of, *failure, force)
	case !conn.Provider.Revokes():
		return revokesNothing(conn), nil
	}
	return a.lapsed(conn, tokens), nil
}

// notForsaken returns why a consent is not revoked, or what has Temporal try again unless that is forced.
func notForsaken(of vault.Authorization, failure Failure, force bool) (why string, err error) {
	switch {
	case failure.Kind == credential.DeadGrant:
		return "", nil
	case isLost(&failure):
		return answerLost, nil
	case force:
		return failure.Message, nil
	}
	return "", unrevoked(of.Account, failure)
}
