package activities

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/connector"
	"tokenkeeper/credential"
)

// Types of the application errors that Activities return. Workflows decide by them; they are constant because Temporal
// keeps an error's type in clear.
const (
	// ErrTypeAccountUnavailable: the account needs a person. Not retried: the Workflow waits for the account's Signal.
	// Details: [Unavailable].
	ErrTypeAccountUnavailable = "AccountUnavailable"
	// ErrTypeRefreshPending: the account's refresh is under way or will be tried again by itself.
	ErrTypeRefreshPending = "RefreshPending"
	// ErrTypeNothingNew: a poll found nothing; the next attempt is the next poll.
	ErrTypeNothingNew = "NothingNew"
	// ErrTypeUndecided: nobody has answered a question yet; the next attempt is the next look.
	ErrTypeUndecided = "Undecided"
	// ErrTypeNotQuiet: people are still writing in a thread; the next attempt looks again.
	ErrTypeNotQuiet = "NotQuiet"
	// ErrTypeUnwatched: some of the threads or issues of a triage cannot be watched; the next attempt looks again.
	ErrTypeUnwatched = "Unwatched"
	// ErrTypePollsFail: no poll of a channel has worked for so long that people should know. Not retried: the Workflow
	// tells them and goes on polling. Details: [PollTrouble].
	ErrTypePollsFail = "PollsFail"
	// ErrTypePanicked: the code panicked over what it read. Retried, because a worker with corrected code may take over.
	ErrTypePanicked = "Panicked"
	// ErrTypePoisoned: one message fails again and again where others pass. Not retried.
	ErrTypePoisoned = "Poisoned"
	// ErrTypeInterrupted: the worker of the previous attempt died in the middle of a write. Retried when that can no longer
	// take effect.
	ErrTypeInterrupted = "Interrupted"
	// ErrTypeRateLimited: the provider said how long to wait.
	ErrTypeRateLimited = "RateLimited"
	// ErrTypeOutOfTurn: it is another channel's turn to read through the account; see [Reading]. Retried at its own turn.
	ErrTypeOutOfTurn = "OutOfTurn"
	// ErrTypeProviderUnavailable: an outage or an unclear answer; tried again with backoff.
	ErrTypeProviderUnavailable = "ProviderUnavailable"
	// ErrTypeRejected: the provider refuses this request for good, and would refuse it again. Not retried.
	ErrTypeRejected = "Rejected"
	// ErrTypeNotConfigured: the configuration names no such thing. Not retried.
	ErrTypeNotConfigured = "NotConfigured"
	// ErrTypeAuthorizationRejected: a pending authorization must not become the account's grant. Not retried.
	// Details: [credential.Quarantine], unless there is no such authorization of the account.
	ErrTypeAuthorizationRejected = "AuthorizationRejected"
	// ErrTypeUnidentified: the provider does not say whose a pending authorization is, so that nobody may adopt it yet. It stays in
	// the vault. Not retried: the account has more to do, and whoever hands the authorization over again is answered.
	ErrTypeUnidentified = "Unidentified"
	// ErrTypeLeaving: the account is being disconnected, and takes no consent.
	ErrTypeLeaving = "Leaving"
)

// Unavailable is the detail of [ErrTypeAccountUnavailable].
type Unavailable struct {
	Account    credential.AccountID  `json:"account"`
	Generation credential.Generation `json:"generation"`
	Status     credential.Status     `json:"status"`
	Reason     string                `json:"reason,omitempty"`
}

// unavailable translates the errors of the connector's transport: an account without a usable token, and a host that must
// not get one. It returns nil for any other error.
func unavailable(err error) error {
	down, ok := errors.AsType[*connector.UnavailableError](err)
	if !ok {
		if host, ok := errors.AsType[*connector.HostError](err); ok {
			return temporal.NewNonRetryableApplicationError(host.Error(), ErrTypeRejected, nil)
		}
		return nil
	}
	if down.NeedsPerson() {
		return temporal.NewNonRetryableApplicationError(down.Error(), ErrTypeAccountUnavailable, nil, Unavailable{
			Account: down.Account, Generation: down.Generation, Status: down.Status, Reason: down.Reason,
		})
	}
	return again(ErrTypeRefreshPending, down.Error(), min(time.Until(down.RetryAt), maxRefreshWait))
}

const (
	// maxRefreshWait bounds the pause until an Activity asks the account again: a person, or another caller, may have it
	// work earlier than planned.
	maxRefreshWait = time.Minute
	// maxLimitWait bounds what a provider asks for: an Activity that sleeps for a year on one header is lost.
	maxLimitWait = time.Hour
	// refusedPause is how long an Activity rests whose token was refused, replaced, and refused again: every attempt costs
	// the account a refresh, and only a person can find out why.
	refusedPause = 5 * time.Minute
)

// again returns a failure that is retried after a pause of at least a second. It is part of normal life, and so benign to
// Temporal.
func again(kind, message string, after time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(message, kind, temporal.ApplicationErrorOptions{
		NextRetryDelay: max(after, time.Second),
		Category:       temporal.ApplicationErrorCategoryBenign,
	})
}

func rateLimited(doing string, wait time.Duration) error {
	return again(ErrTypeRateLimited, doing+": the provider's rate limit", min(wait, maxLimitWait))
}

// refusedAnew returns the failure of a request whose token was refused, replaced, and refused again.
func refusedAnew(doing, said string) error {
	return again(ErrTypeProviderUnavailable,
		doing+": a fresh token is refused too ("+said+"); see whether the app may be used from this address and is still installed", refusedPause)
}

func rejected(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), ErrTypeRejected, nil)
}

func poisoned(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), ErrTypePoisoned, nil)
}

func notConfigured(err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), ErrTypeNotConfigured, nil)
}

// outage is a failure that Temporal retries with the backoff of the Activity's policy.
func outage(doing string, err error) error {
	return temporal.NewApplicationError(doing+": "+err.Error(), ErrTypeProviderUnavailable)
}

// applicationDelay returns how long an error asks to wait, 0 when it does not say.
func applicationDelay(err error) time.Duration {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return app.NextRetryDelay()
	}
	return 0
}
