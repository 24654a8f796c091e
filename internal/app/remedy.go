package app

import (
	"errors"
	"io/fs"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// Remedy returns what a person does about a status, "" when there is nothing to do.
func Remedy(account credential.AccountID, status credential.Status) string {
	switch status {
	case credential.Pending, credential.Disconnected:
		return "tokenkeeper account connect " + account.String()
	case credential.ReauthorizationRequired:
		return "tokenkeeper account reauthorize " + account.String()
	case credential.ClientMisconfigured:
		return mendClient(account.Connector)
	case credential.Active, credential.Degraded:
	}
	return ""
}

// accountProblem says what is wrong with an account.
func accountProblem(status workflows.AccountStatus) string {
	text := "it is " + string(status.Status)
	if status.Reason != "" {
		text += ": " + status.Reason
	}
	return text
}

// VaultFix returns what a person does about a vault that does not open, "" where the error says it all.
func VaultFix(err error) string {
	if _, ok := errors.AsType[*vault.WrongKeyError](err); ok {
		return "name the keyset that belongs to this vault under vault.keyset, or restore it from a backup"
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "for a new vault: tokenkeeper vault init; for one that was in use, restore the keyset from its backup"
	}
	return ""
}
