package triage

import (
	"strings"

	"tokenkeeper/credential"
)

// Place is a repository as an account sees it: two servers may each have one of the same name.
type Place struct {
	// Account is zero for the one that is meant anyway: the triage's in what is said of its routes, that of the issue in what is
	// said of an issue.
	Account    credential.AccountID
	Repository string // owner/name
}

const via = " via "

// String writes acme/app, or acme/app via acme/triage/github-enterprise.
func (p Place) String() string {
	if p.Account.IsZero() {
		return p.Repository
	}
	return p.Repository + via + p.Account.String()
}

// MarshalText writes what [Place.String] does. A place without an account is in JSON what a repository is.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what [Place.String] writes.
func (p *Place) UnmarshalText(text []byte) error {
	repository, account, _ := strings.Cut(string(text), via)
	p.Repository = repository
	return p.Account.UnmarshalText([]byte(account))
}

// Compare puts places in the order of how they are written.
func (p Place) Compare(other Place) int { return strings.Compare(p.String(), other.String()) }

// Seen returns the place as it is called where another account than before is meant anyway.
func (p Place) Seen(before, now credential.AccountID) Place {
	if p.Account.IsZero() {
		p.Account = before
	}
	if p.Account == now {
		p.Account = credential.AccountID{}
	}
	return p
}
