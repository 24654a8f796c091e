package vault

import (
	"errors"
	"fmt"

	"tokenkeeper/credential"
)

var (
	// ErrNotFound is returned when the vault holds no such account, authorization, login or link, or it has expired.
	ErrNotFound = errors.New("not in the vault")
	// ErrConflict is returned when a write speaks of a generation that is no longer the newest. The newer tokens stay.
	ErrConflict = errors.New("generation moved on")
	// ErrPresented is returned when somebody else has presented a generation since it was read, or has taken that back.
	ErrPresented = errors.New("another attempt has presented it meanwhile")
	// ErrQuarantined is returned for an authorization that did not fit its account and that nobody has accepted.
	ErrQuarantined = errors.New("in quarantine")
	// ErrConsentWaits is returned when an account has not taken what somebody consented to.
	ErrConsentWaits = errors.New("a consent waits")
	// ErrUnshared is returned when nobody uses other tokens of the same subject any more.
	ErrUnshared = errors.New("nobody uses other tokens of its subject any more")
)

func conflict(current, wanted credential.Generation) error {
	return fmt.Errorf("%w: the vault is at generation %d, not %d", ErrConflict, current, wanted)
}

var (
	// ErrOtherBrowser is returned when another browser has opened a link first.
	ErrOtherBrowser = errors.New("another browser has opened it")
	// ErrOtherPerson is returned when somebody else has opened a link first, in the same browser.
	ErrOtherPerson = errors.New("another person has opened it")
)
