package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/vault"
)

// identifyAttempts is how often the account asks whose an authorization is before it goes on with other work. With the
// backoff of its Activities, which doubles from a second, that takes some 15 s.
const identifyAttempts = 5

// Nameless keeps authorizations of which the provider has not said yet whose they are.
type Nameless interface {
	Identify(ctx context.Context, id string, who credential.Holder, scopes []string) (vault.Authorization, error)
	DropAuthorization(ctx context.Context, id, unrevoked string) error
}

// Identify asks the provider whose an authorization is, and writes that down. Where the provider no longer accepts its
// tokens, nobody can use it and it is dropped. Errors: [oauth.Error], those of the vault, and one where the provider names
// no subject.
func (c Connection) Identify(ctx context.Context, in Nameless, of vault.Authorization) (vault.Authorization, error) {
	who, err := c.OAuth.Identify(ctx, of.Tokens.Access)
	if oauth.KindOf(err) == credential.DeadGrant {
		return of, errors.Join(err, in.DropAuthorization(ctx, of.ID, "the provider no longer accepted its access token before anybody knew whose it was"))
	}
	if err != nil {
		return of, err
	}
	if who.Subject == "" {
		return of, errNamesNobody
	}
	if who.Scopes == nil && len(c.Scopes) > 0 {
		who.Scopes = c.Scopes // RFC 6749 §5.1: silence says that what was asked for was granted
	}
	known, err := in.Identify(ctx, of.ID, credential.Holder{Subject: who.Subject, Display: who.Display}, who.Scopes)
	if err != nil {
		return of, err
	}
	return known, nil
}

var errNamesNobody = errors.New("the provider names nobody whose the consent could be; add identity.subject to its entry")

// identify has an authorization identified before it is adopted.
func (a *Account) identify(ctx context.Context, of vault.Authorization) (vault.Authorization, error) {
	conn, err := a.Connections.Connection(of.Account)
	if err != nil {
		return of, unidentified(of, err.Error())
	}
	of, failure := a.nameable(ctx, conn, of)
	if failure != nil {
		return of, notIdentified(ctx, of, *failure)
	}
	known, err := conn.Identify(ctx, a.Vault, of)
	_, ofProvider := errors.AsType[*oauth.Error](err)
	switch {
	case errors.Is(err, errNamesNobody):
		return of, refuse("account %s: %s", of.Account, err)
	case errors.Is(err, vault.ErrNotFound):
		return of, refuse("authorization %q is unknown or expired; connect again with: tokenkeeper account connect %s", of.ID, of.Account)
	case ofProvider:
		return of, notIdentified(ctx, of, describe(err))
	case err != nil:
		return of, fmt.Errorf("adopting for account %s: %w", of.Account, err)
	}
	return known, nil
}

// nameable returns an authorization with an access token by which the provider says whose it is. One that nobody can use any more it
// drops.
func (a *Account) nameable(ctx context.Context, conn Connection, of vault.Authorization) (vault.Authorization, *Failure) {
	tokens, failure := a.living(ctx, conn, of)
	of.Tokens = tokens
	unrevoked := ""
	switch {
	case failure == nil:
		return of, nil
	case isLost(failure):
		unrevoked = answerLost
	case failure.Kind != credential.DeadGrant:
		return of, failure
	}
	if err := a.Vault.DropAuthorization(ctx, of.ID, unrevoked); err != nil {
		return of, vaultAway(err).Failure
	}
	failure.Kind = credential.DeadGrant
	return of, failure
}

// notIdentified returns the error after a failure to ask: final where the grant is dead, another attempt while some are
// left, and else [ErrTypeUnidentified].
func notIdentified(ctx context.Context, of vault.Authorization, failure Failure) error {
	switch {
	case failure.Kind == credential.DeadGrant:
		return refuse("the provider no longer accepts what account %s was granted: %s; connect again with: tokenkeeper account connect %s",
			of.Account, failure.Message, of.Account)
	case !activity.IsActivity(ctx), activity.GetInfo(ctx).Attempt >= identifyAttempts, failure.RetryAfter > identifyAttempts*time.Second:
		return unidentified(of, failure.Message)
	}
	return outage("asking whose the consent for account "+of.Account.String()+" is", errors.New(failure.Message))
}

func unidentified(of vault.Authorization, why string) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
		"nobody knows yet whose the consent for account %s is, and it is not adopted before: %s; it waits in the vault until %s, and workers go on asking",
		of.Account, why, of.ExpiresAt.UTC().Format(time.RFC3339)), ErrTypeUnidentified, nil)
}
