package gateway

import (
	"net"
	"net/http"
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
}

// May reports whether the person has the role, or a greater one.
func (p Person) May(role Role) bool { return p.Role >= role }

// who returns the person that a request is from. A gateway on loopback is reached from this machine only, whose people are
// all operators. Anywhere else nobody has said who they are.
func (s *Server) who(*http.Request) Person {
	if s.onLoopback() {
		return Person{Name: "local", Role: Operator}
	}
	return Person{}
}

// remote returns the address that a request came from, for the audit log.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
