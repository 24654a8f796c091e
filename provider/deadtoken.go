package provider

import (
	"net/http"
	"slices"
)

// Matches reports whether an answer of the API says that the token is dead. Pass an empty code where the answer has none.
func (d DeadToken) Matches(status int, code string) bool {
	if len(d.Statuses) == 0 && len(d.Codes) == 0 {
		return status == http.StatusUnauthorized
	}
	return slices.Contains(d.Statuses, status) || (code != "" && slices.Contains(d.Codes, code))
}

// IsUnsure reports whether an answer with the code says no more than that the token may be dead.
func (d DeadToken) IsUnsure(code string) bool { return code != "" && slices.Contains(d.Unsure, code) }
