package credential

import (
	"fmt"
	"regexp"
	"strings"
)

// AccountID names a connected account: the scope of one credential. Written "acme/triage/slack".
type AccountID struct {
	Organization string
	User         string
	Connector    string
}

// segment keeps ids safe in Workflow ids, URLs, file names and shells.
var segment = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// ParseAccountID reads "organization/user/connector". Each part is 1 to 64 characters of a-z, 0-9, dot, underscore and
// hyphen, and begins with a letter or digit.
func ParseAccountID(s string) (AccountID, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		return AccountID{}, fmt.Errorf("account %q: want organization/user/connector, for example acme/triage/slack", s)
	}
	for _, part := range parts {
		if !segment.MatchString(part) {
			return AccountID{}, fmt.Errorf("account %q: part %q: want 1 to 64 of a-z, 0-9, '.', '_', '-', starting with a letter or digit", s, part)
		}
	}
	return AccountID{Organization: parts[0], User: parts[1], Connector: parts[2]}, nil
}

// String returns the written form, or "" for the zero value.
func (a AccountID) String() string {
	if a.IsZero() {
		return ""
	}
	return a.Organization + "/" + a.User + "/" + a.Connector
}

// IsZero reports whether a names no account.
func (a AccountID) IsZero() bool { return a == AccountID{} }

// MarshalText writes the form that [ParseAccountID] reads, so that JSON and YAML hold one string.
func (a AccountID) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is [ParseAccountID]; empty text is the zero value.
func (a *AccountID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*a = AccountID{}
		return nil
	}
	parsed, err := ParseAccountID(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}
