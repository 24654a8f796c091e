package connector

import (
	"fmt"
	"time"

	"tokenkeeper/credential"
)

// UnavailableError says that the account has no usable token now. Nothing was lost: the request was not carried out, or
// was refused by the provider before it did anything.
type UnavailableError struct {
	Account credential.AccountID
	Status  credential.Status
	Reason  string
	// RetryAt is when the next refresh is due; zero when the owner did not say or a person has to act first.
	RetryAt time.Time
	// Generation is the one that failed, 0 when there never was one.
	Generation credential.Generation
}

// NeedsPerson reports whether waiting alone cannot help.
func (e *UnavailableError) NeedsPerson() bool { return e.Status.NeedsPerson() }

func (e *UnavailableError) Error() string {
	text := fmt.Sprintf("account %s is %s", e.Account, e.Status)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	switch e.Status {
	case credential.Pending, credential.Disconnected:
		text += fmt.Sprintf("; connect it with: tokenkeeper account connect %s", e.Account)
	case credential.ReauthorizationRequired:
		text += fmt.Sprintf("; fix it with: tokenkeeper account reauthorize %s", e.Account)
	case credential.ClientMisconfigured:
		text += fmt.Sprintf("; correct client id and secret of connector %q in tokenkeeper.yaml", e.Account.Connector)
	case credential.Active, credential.Degraded:
		text += "; its refresh is under way"
	}
	return text
}

// HostError says that a request was not sent because its host may not receive the account's token.
type HostError struct {
	Account credential.AccountID
	Host    string
	Allowed []string
}

func (e *HostError) Error() string {
	return fmt.Sprintf("host %q may not receive a token of account %s: connector %q allows %v; add an endpoint of that host to the connector if it is right",
		e.Host, e.Account, e.Account.Connector, e.Allowed)
}
