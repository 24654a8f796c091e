package gateway

import (
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"time"
)

// browserCookie binds a login to the browser that began it. Its name follows from the state, so that several logins in
// one browser do not overwrite each other.
func (s *Server) browserCookie(nonce, secret string) *http.Cookie {
	cookie := &http.Cookie{ //nolint:gosec // Secure wherever there is TLS; plain http is for loopback
		Name:     s.cookieName(nonce),
		Value:    secret,
		Path:     s.base() + callbackPath,
		MaxAge:   int(loginLimit / time.Second),
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode, // the provider sends the browser back across sites
		Secure:   s.overTLS(),
	}
	if s.overTLS() {
		cookie.Path = "/" // the prefix __Host- demands it
	}
	return cookie
}

// cookieName has the prefix that keeps other hosts of the same domain from setting the cookie. Browsers accept it over
// https only.
func (s *Server) cookieName(nonce string) string {
	name := "tokenkeeper-login-" + hex.EncodeToString(digest(nonce)[:8])
	if s.overTLS() {
		return "__Host-" + name
	}
	return name
}

func (s *Server) overTLS() bool { return s.PublicURL.Scheme == "https" }

// forgetBrowser deletes the cookie of a login that is over.
func (s *Server) forgetBrowser(w http.ResponseWriter, nonce string) {
	cookie := s.browserCookie(nonce, "") //nolint:gosec // as it was set
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
}

// sameBrowser reports whether the request comes from the browser that a login was begun with.
func (s *Server) sameBrowser(r *http.Request, nonce string, hash []byte) bool {
	cookie, err := r.Cookie(s.cookieName(nonce))
	if err != nil || cookie.Value == "" {
		return false
	}
	return subtle.ConstantTimeCompare(digest(cookie.Value), hash) == 1
}
