package gateway

import "net/http"

// index is the status page where it may be seen, and elsewhere a page that says what this is.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	if s.Board != nil && s.who(r).May(Viewer) {
		s.status(w, r)
		return
	}
	s.render(w, r, http.StatusOK, indexPage, "tokenkeeper", nil)
}
