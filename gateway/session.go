package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// Sessions seals what the browser of a person keeps who signed in. Whatever gateway of the same vault the next request meets,
// it knows the person, and nothing has to be stored for it.
type Sessions interface {
	SealSession(ctx context.Context, session []byte) ([]byte, error)
	// OpenSession returns an error for what SealSession did not seal.
	OpenSession(ctx context.Context, sealed []byte) ([]byte, error)
}

// sessionLife is a working day. A token that is replaced ends the sessions that it began at once.
const sessionLife = 12 * time.Hour

// session is sealed before a browser sees it.
type session struct {
	Proof   []byte    `json:"proof"` // digest of the token: who has a token now has its sessions
	Expires time.Time `json:"expires"`
}

// session returns the person whose browser sends the request, the zero Person where there is no good session.
func (s *Server) session(r *http.Request) Person {
	cookie, err := r.Cookie(s.sessionCookie("").Name)
	if err != nil {
		return Person{}
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return Person{}
	}
	plain, err := s.Sessions.OpenSession(r.Context(), sealed)
	if err != nil {
		s.log().InfoContext(r.Context(), "a session does not open, so that its browser is a stranger", "error", err)
		return Person{}
	}
	var found session
	if json.Unmarshal(plain, &found) != nil || !s.now().Before(found.Expires) {
		return Person{}
	}
	return s.Tokens().holder(found.Proof)
}

// beginSession has the browser keep that its person has the token with this digest.
func (s *Server) beginSession(w http.ResponseWriter, r *http.Request, proof []byte) error {
	plain, err := json.Marshal(session{Proof: proof, Expires: s.now().Add(sessionLife)})
	if err != nil {
		return err
	}
	sealed, err := s.Sessions.SealSession(r.Context(), plain)
	if err != nil {
		return err
	}
	http.SetCookie(w, s.sessionCookie(base64.RawURLEncoding.EncodeToString(sealed)))
	return nil
}

// endSession has the browser forget.
func (s *Server) endSession(w http.ResponseWriter) {
	cookie := s.sessionCookie("") //nolint:gosec // as it was set
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
}

func (s *Server) sessionCookie(value string) *http.Cookie {
	cookie := &http.Cookie{ //nolint:gosec // Secure wherever there is TLS; plain http is for loopback
		Name:     "tokenkeeper-session",
		Value:    value,
		Path:     s.base() + "/",
		MaxAge:   int(sessionLife / time.Second),
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // people come from their chat; what changes anything is posted from our own pages
		Secure:   s.overTLS(),
	}
	if s.overTLS() {
		cookie.Name, cookie.Path = "__Host-"+cookie.Name, "/" // the prefix demands the path
	}
	return cookie
}
