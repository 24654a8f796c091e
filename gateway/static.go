package gateway

import "net/http"

// static serves a file that pages refer to.
func static(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "pages/"+name) }
}
