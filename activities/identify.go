package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// identifyAttempts is how often the account asks whose an authorization is before it goes on with other work: with the backoff of
// [time.Second] that doubles, for some 15 s.
const identifyAttempts = 5

// identify asks the provider whose an authorization is that was kept without knowing: the identity endpoint was away when the
// person came back, and a code cannot be presented twice.
func (a *Account) identify(ctx context.Context, of vault.Authorization) (vault.Authorization, error) {
	conn, err := a.Connections.Connection(of.Account)
	if err != nil {
		return of, unidentified(of, err.Error())
	}
	who, err := conn.OAuth.Identify(ctx, of.Tokens.Access)
	if err != nil {
		return of, notIdentified(ctx, of, describe(err))
	}
	if who.Subject == "" {
		return of, refuse("the provider of account %s names nobody whose the consent could be; add identity.subject to its entry", of.Account)
	}
	known, err := a.Vault.Identify(ctx, of.ID, credential.Holder{Subject: who.Subject, Display: who.Display}, who.Scopes)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return of, refuse("authorization %q is unknown or expired; connect again with: tokenkeeper account connect %s", of.ID, of.Account)
	case err != nil:
		return of, fmt.Errorf("adopting for account %s: %w", of.Account, err)
	}
	return known, nil
}

// notIdentified says what follows from a failure to ask. What the provider no longer accepts is of no use to anybody.
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
		"nobody knows yet whose the consent for account %s is, and it is not adopted before: %s; it waits in the vault until %s, hand it over again before then",
		of.Account, why, of.ExpiresAt.UTC().Format(time.RFC3339)), ErrTypeUnidentified, nil)
}
