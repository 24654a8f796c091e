package gateway

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/gateway/openid"
)

// Role is what a person may do. Each may do what those before it may.
type Role int

// The roles, from none on.
const (
	NoRole   Role = iota // a stranger
	Viewer               // sees the status page
	Operator             // uses its buttons as well
)

// Person is who sends a request. The zero Person is a stranger.
type Person struct {
	Name string // for the audit log
	Role Role
	// Identity is zero for who did not sign in at the OpenID provider.
	Identity openid.Identity
}

// May reports whether the person has the role, or a greater one.
func (p Person) May(role Role) bool { return p.Role >= role }

// hash returns what the vault knows a person by who signed in at the OpenID provider; nil for everybody else.
func (p Person) hash() []byte {
	if p.Identity.Subject == "" {
		return nil
	}
	return digest(p.Identity.Issuer + "\x00" + p.Identity.Subject)
}

// is reports whether the person signed in at the OpenID provider as somebody: by an address, which counts if the provider has verified
// it, or by a subject. What holds an @ is an address only: where people choose the names that become their subjects, one could choose
// somebody else's address.
func (p Person) is(somebody string) bool {
	if strings.Contains(somebody, "@") {
		return strings.EqualFold(p.Identity.Email, somebody)
	}
	return somebody != "" && p.Identity.Subject == somebody
}

// how says by what a person is signed in, after "Signed in".
func (p Person) how() string {
	if p.Identity.Subject != "" {
		return "as " + p.Name
	}
	return "with the " + p.Name
}

// Tokens are what people and programs sign in with. With a zero one nobody does.
type Tokens struct {
	Admin  credential.Secret // of operators
	Viewer credential.Secret
}

// holder returns who has the token with this digest, the zero Person when nobody has.
func (t Tokens) holder(proof []byte) Person {
	is := func(token credential.Secret) bool {
		return !token.IsZero() && subtle.ConstantTimeCompare(proof, digest(token.Reveal())) == 1
	}
	switch {
	case is(t.Admin):
		return Person{Name: "admin token", Role: Operator}
	case is(t.Viewer):
		return Person{Name: "viewer token", Role: Viewer}
	}
	return Person{}
}

// asksWho reports whether people sign in.
func (s *Server) asksWho() bool { return s.Tokens != nil || s.OpenID != nil }

func (s *Server) tokens() Tokens {
	if s.Tokens == nil {
		return Tokens{}
	}
	return s.Tokens()
}

// local reports whether a gateway on loopback asks nobody: it is reached from this machine only, whose people are all
// operators.
func (s *Server) local() bool { return s.onLoopback() && !s.asksWho() }

// who returns the person that a request is from.
func (s *Server) who(r *http.Request) Person {
	switch token, ok := bearer(r); {
	case s.local():
		return Person{Name: "local", Role: Operator}
	case !s.asksWho():
		return Person{} // nobody can say who they are
	case ok && s.triedTooOften(r): // the right one too, or the answer would tell it from the wrong ones
		return Person{}
	case ok:
		return s.tokens().holder(digest(token))
	}
	return s.session(r)
}

// bearer returns the token of a program (RFC 6750 §2.1), and whether there is one.
func bearer(r *http.Request) (token string, ok bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}
