package vault

import (
	"fmt"

	"tokenkeeper/credential"
)

// IntegrityError says that something sealed does not open in the place where it was found, although its key is there:
// it was altered, or it belongs to another account, generation or field.
type IntegrityError struct {
	Vault      string
	Account    credential.AccountID // zero when the vault's own key check does not open
	Generation credential.Generation
	Field      string
	Err        error // never holds what is sealed
}

func (e *IntegrityError) Error() string {
	if e.Account.IsZero() {
		return fmt.Sprintf("vault %s: the %s does not open: the file was altered: restore it from a backup", e.Vault, e.Field)
	}
	return fmt.Sprintf("vault %s: the %s of account %s at generation %d does not open: it was altered, or sealed for another place: "+
		"restore the vault from a backup, or reauthorize the account", e.Vault, e.Field, e.Account, e.Generation)
}

func (e *IntegrityError) Unwrap() error { return e.Err }
