package activities

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/vault"
)

// mint asks for a token that needs no consent. Nothing is spent by it, so an attempt whose end is unknown is made again.
// The record of an account that never had tokens names the account and nothing else.
func (a *Account) mint(ctx context.Context, conn Connection, record vault.Record) RefreshResult {
	tokens, err := conn.OAuth.Mint(ctx)
	if err != nil {
		result := mintFailed(err)
		a.Pauses.heard(record.Account, result.Failure)
		return result
	}
	a.Pauses.accepted(record.Account)
	who, err := conn.OAuth.IdentifyMinted(ctx, tokens.Access)
	if err != nil {
		return mintFailed(err)
	}
	switch record.Subject {
	case "":
		return a.begin(ctx, record.Account, who, tokens)
	case who.Subject:
		return a.store(ctx, record, tokens)
	}
	return failed(credential.Misconfigured, CodeOtherSubject, fmt.Sprintf(
		"account %s belongs to %s, but its connector now gets tokens of %s; configure the former, or disconnect the account first",
		record.Account, record.Subject, who.Subject))
}

// mintFailed returns the failure of an attempt to mint. A token that is refused as soon as it was minted is no dead grant,
// because there is none: the connector is misconfigured.
func mintFailed(err error) RefreshResult {
	failure := describe(err)
	if failure.Kind == credential.DeadGrant {
		failure.Kind = credential.Misconfigured
	}
	return RefreshResult{Failure: &failure}
}

// beginLimit is how long the tokens of begin may stay in the vault as a pending authorization; a crash leaves them there
// until then.
const beginLimit = 5 * time.Minute

// begin makes minted tokens the first generation of an account. It takes the same way as a person's consent, so that a grant
// which another account owns is refused.
func (a *Account) begin(ctx context.Context, account credential.AccountID, who oauth.Identity, tokens credential.Tokens) RefreshResult {
	id := rand.Text()
	err := a.Vault.PutAuthorization(ctx, vault.Authorization{
		ID: id, Account: account, Subject: who.Subject, Display: who.Display, Tokens: tokens, ExpiresAt: a.now().Add(beginLimit),
	})
	if err != nil {
		return vaultAway(err)
	}
	record, err := a.Vault.Adopt(ctx, id)
	if owned, ok := errors.AsType[*vault.OwnedError](err); ok {
		return failed(credential.Misconfigured, CodeOwned, owned.Error())
	}
	if err != nil {
		return vaultAway(err)
	}
	a.granted(account)
	return refreshed(record)
}
