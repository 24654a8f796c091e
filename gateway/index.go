package gateway

import "net/http"

// index is the status page for whom it is, and for others the way to sign in, or a page that says what this is.
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
