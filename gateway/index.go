package gateway

import "net/http"

// index shows the status page to viewers, leads strangers to the sign-in, and says what this is where nobody can sign in.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	who := s.who(r)
	switch {
	case s.Board != nil && who.May(Viewer):
		s.status(w, r, who)
		return
	case s.asksWho() && !who.May(Viewer):
		s.signInFirst(w, r)
		return
	}
	s.render(w, r, http.StatusOK, indexPage, "tokenkeeper", nil)
}
