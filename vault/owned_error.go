package vault

import (
	"fmt"

	"tokenkeeper/credential"
)

// OwnedError says that the grant of a subject through a connector belongs to another account already. Two owners would
// present the same refresh tokens behind each other's back.
type OwnedError struct {
	Connector string
	Subject   credential.Subject
	Owner     credential.AccountID // the account that has the grant
	Account   credential.AccountID // the account that was refused
}

func (e *OwnedError) Error() string {
	return fmt.Sprintf("subject %s of connector %s is connected as account %s already, so it is refused for %s: "+
		"use %s, or disconnect it first", e.Subject, e.Connector, e.Owner, e.Account, e.Owner)
}
