package gateway

import "net/http"

func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, indexPage, "tokenkeeper", s.PublicURL.JoinPath("connect/acme/triage/slack").String())
}
