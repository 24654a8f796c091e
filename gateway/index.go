package gateway

import "net/http"

func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	page := ""
	if s.permanent() {
		page = s.PublicURL.JoinPath("connect/acme/triage/slack").String()
	}
	s.render(w, r, http.StatusOK, indexPage, "tokenkeeper", page)
}
