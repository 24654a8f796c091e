package credential

import (
	"slices"
	"strings"
	"time"
)

// Holder names who consented, as the provider does.
type Holder struct {
	Subject Subject `json:"subject"`
	Display string  `json:"display,omitempty"`
}

// String returns the name for people and, where it is another, the subject.
func (h Holder) String() string {
	if h.Display == "" || h.Display == string(h.Subject) {
		return string(h.Subject)
	}
	return h.Display + " (" + string(h.Subject) + ")"
}

// Quarantine says how the tokens of a consent differ from what the account should have. They are kept, sealed and unused,
// until somebody accepts them or their time is over, and then until the provider has revoked them. Nothing in it is secret.
type Quarantine struct {
	// Authorization is the id that the vault knows the tokens by.
	Authorization string `json:"authorization"`
	// Expected is who the account belongs to; zero for one that nobody has connected yet.
	Expected Holder `json:"expected,omitzero"`
	Got      Holder `json:"got"`
	// Missing are scopes that the account has and the tokens have not; Extra the reverse.
	Missing []string `json:"missing_scopes,omitempty"`
	Extra   []string `json:"extra_scopes,omitempty"`
	// Owner is the account that owns the grant of this subject already; zero where none does.
	Owner AccountID `json:"owner,omitzero"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until"` // when they are revoked and destroyed
}

// Replaced is a grant that an account had until the consent of another subject took its place, or one in quarantine that nobody can
// accept any more. Its tokens are kept, sealed and unused, until the provider has revoked it. Nothing in it is secret.
type Replaced struct {
	// Authorization is the id that the vault knows the tokens by.
	Authorization string    `json:"authorization"`
	Holder        Holder    `json:"holder"`
	Since         time.Time `json:"since"` // it was replaced, or put into quarantine
}

func (r Replaced) String() string { return "the grant of " + r.Holder.String() }

// Fits reports whether nothing keeps the tokens from the account. More scopes than before do not.
func (q Quarantine) Fits() bool {
	return !q.AnotherSubject() && len(q.Missing) == 0 && q.Owner.IsZero()
}

// AnotherSubject reports whether somebody else consented than the one whom the account belongs to.
func (q Quarantine) AnotherSubject() bool {
	return q.Expected.Subject != "" && q.Expected.Subject != q.Got.Subject
}

// Compare returns how what was granted to got differs from what an account has. Scopes that are nil are not known, and differ
// from none.
func Compare(expected, got Holder, had, granted []string) Quarantine {
	q := Quarantine{Expected: expected, Got: got}
	if granted != nil && expected.Subject != "" {
		q.Missing = missingScopes(had, granted)
	}
	if had != nil {
		q.Extra = missingScopes(granted, had)
	}
	return q
}

// Difference is one line of what differs: {"Expected", "Ann (U1)"}.
type Difference struct{ Name, Value string }

// Differences lists for people what was expected and what came instead.
func (q Quarantine) Differences() []Difference {
	all := []Difference{
		{"Expected", q.Expected.String()}, {"Consented", q.Got.String()},
		{"Missing scopes", strings.Join(q.Missing, ", ")}, {"Extra scopes", strings.Join(q.Extra, ", ")},
		{"Owned by", q.Owner.String()},
	}
	return slices.DeleteFunc(all, func(d Difference) bool { return d.Value == "" })
}
