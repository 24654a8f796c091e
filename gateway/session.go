package gateway

import (
	"context"
	"net/http"
	"time"

	"tokenkeeper/gateway/openid"
	"tokenkeeper/vault"
)

// Sessions seals what the browser of a person keeps who signed in. Whatever gateway of the same vault the next request meets,
// it knows the person, and nothing has to be stored for it until the person signs out.
type Sessions interface {
	SealSession(ctx context.Context, session []byte) ([]byte, error)
	// OpenSession returns an error for what SealSession did not seal.
	OpenSession(ctx context.Context, sealed []byte) ([]byte, error)
	// EndSession makes every copy of a session worthless, also those that somebody stole.
	EndSession(ctx context.Context, e vault.EndedSession) error
	SessionEnded(ctx context.Context, hash []byte) (bool, error)
}

// sessionLife is a working day. A session ends earlier when the token that began it is replaced, or when the configuration
// no longer admits its person.
const sessionLife = 12 * time.Hour

// session is sealed before a browser sees it. Each sign-in makes a new one.
type session struct {
	ID string `json:"id"` // random
	// Proof is the digest of the token that the person signed in with: a session lasts only while that token is valid. Nil
	// for a sign-in by OpenID.
	Proof []byte `json:"proof,omitempty"`
	// Identity is who signed in at the OpenID provider; what they may do is looked up each time.
	Identity *openid.Identity `json:"identity,omitempty"`
	Expires  time.Time        `json:"expires"`
}

// session returns the person whose browser sends the request, the zero Person where there is no good session.
func (s *Server) session(r *http.Request) Person {
	found, ok := s.openSession(r)
	switch {
	case !ok:
		return Person{}
	case found.Identity != nil:
		return s.OpenID.person(*found.Identity)
	}
	return s.tokens().holder(found.Proof)
}

// openSession reports false where there is no session, or one that is over.
func (s *Server) openSession(r *http.Request) (session, bool) {
	cookie, err := r.Cookie(s.sessionCookie("").Name)
	if err != nil {
		return session{}, false
	}
	var found session
	if err := s.unseal(r.Context(), forSession, cookie.Value, &found); err != nil {
		s.log().InfoContext(r.Context(), "a session does not open, so that its browser is a stranger", "error", err)
		return session{}, false
	}
	if found.ID == "" || !s.now().Before(found.Expires) {
		return session{}, false
	}
	ended, err := s.Sessions.SessionEnded(r.Context(), digest(found.ID))
	if err != nil {
		s.log().ErrorContext(r.Context(), "nobody can tell whether a session was ended, so that its browser is a stranger", "error", err)
		return session{}, false
	}
	return found, !ended
}

// beginSession has the browser keep who its person is.
func (s *Server) beginSession(w http.ResponseWriter, r *http.Request, begun session) error {
	begun.ID, begun.Expires = newSecret(), s.now().Add(sessionLife)
	value, err := s.seal(r.Context(), forSession, begun)
	if err != nil {
		return err
	}
	http.SetCookie(w, s.sessionCookie(value))
	return nil
}

// endSession has the browser forget, and the vault remember that the session is over.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) {
	cookie := s.sessionCookie("") //nolint:gosec // as it was set
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
	found, ok := s.openSession(r)
	if !ok {
		return
	}
	if err := s.Sessions.EndSession(r.Context(), vault.EndedSession{Hash: digest(found.ID), ExpiresAt: found.Expires}); err != nil {
		s.log().ErrorContext(r.Context(), "a session was ended in its browser alone: a copy of its cookie is good until it expires",
			"expires", found.Expires, "error", err)
	}
}

func (s *Server) sessionCookie(value string) *http.Cookie {
	return s.cookie("tokenkeeper-session", value, "/", sessionLife)
}
