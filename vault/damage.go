package vault

import (
	"errors"
	"fmt"

	"tokenkeeper/credential"
)

// Damage is one thing in the vault that does not open, or does not fit where it is.
type Damage struct {
	Account    string                `json:"account,omitempty"` // as it is written in the row; "" for the vault's own key check
	Generation credential.Generation `json:"generation,omitempty"`
	Field      string                `json:"field"`
	Problem    string                `json:"problem"`
}

// damagedRowError says that the plain part of a row is not what it should be.
type damagedRowError struct{ Damage }

func (e *damagedRowError) Error() string {
	return fmt.Sprintf("the %s of %q: %s", e.Field, e.Account, e.Problem)
}

func parseAccount(text string, f field) (credential.AccountID, error) {
	account, err := credential.ParseAccountID(text)
	if err != nil {
		return account, &damagedRowError{Damage{Account: text, Field: string(f), Problem: "it names no account: " + err.Error()}}
	}
	return account, nil
}

// damageOf reports whether an error speaks of one thing that does not open, which is no reason to stop at the next.
func damageOf(err error) (Damage, bool) {
	if row, ok := errors.AsType[*damagedRowError](err); ok {
		return row.Damage, true
	}
	if broken, ok := errors.AsType[*IntegrityError](err); ok {
		d := Damage{
			Generation: broken.Generation, Field: broken.Field,
			Problem: "it does not open: it was altered, or sealed for another place",
		}
		if !broken.Account.IsZero() {
			d.Account = broken.Account.String()
		}
		return d, true
	}
	if wrong, ok := errors.AsType[*WrongKeyError](err); ok && !wrong.Account.IsZero() {
		return Damage{
			Account: wrong.Account.String(), Generation: wrong.Generation, Field: wrong.Field,
			Problem: "it was sealed with " + keyList(wrong.SealedWith) + ", which the keyset lacks",
		}, true
	}
	return Damage{}, false
}
