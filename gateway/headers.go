package gateway

import (
	"net/http"
	"strings"
)

// secureHeaders are those of every answer. A page that needs more says so, as the connect page does.
func (s *Server) secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentSecurityPolicy("'none'"))
		header.Set("Referrer-Policy", "no-referrer") // the callback's URL holds a code
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// contentSecurityPolicy allows our stylesheet, no script at all, and forms that lead to formAction only.
func contentSecurityPolicy(formAction string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"style-src 'self'",
		"base-uri 'none'",
		"form-action " + formAction,
		"frame-ancestors 'none'",
	}, "; ")
}
