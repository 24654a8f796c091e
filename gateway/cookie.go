package gateway

import (
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"time"
)

// cookie returns a cookie that pages below a path get, and no script. It is sent along when people come from another site:
// their chat, their mail, a provider. Over https its name has the prefix that keeps other hosts of the same domain from
// setting it, which demands the path / (RFC 6265bis §4.1.3.2); without TLS browsers would not take it.
func (s *Server) cookie(name, value, path string, life time.Duration) *http.Cookie {
	cookie := &http.Cookie{ //nolint:gosec // Secure wherever there is TLS; plain http is for loopback
		Name:     s.cookieName(name),
		Value:    value,
		Path:     s.base() + path,
		MaxAge:   int(life / time.Second),
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
		Secure:   s.overTLS(),
	}
	if s.overTLS() {
		cookie.Path = "/"
	}
	return cookie
}

func (s *Server) cookieName(name string) string {
	if s.overTLS() {
		return "__Host-" + name
	}
	return name
}

// browserCookie binds a login to the browser that began it. Its name follows from the state, so that several logins in
// one browser do not overwrite each other.
func (s *Server) browserCookie(nonce, secret string) *http.Cookie {
	return s.cookie(loginCookieName(nonce), secret, callbackPath, loginLimit)
}

func loginCookieName(nonce string) string {
	return "tokenkeeper-login-" + hex.EncodeToString(digest(nonce)[:8])
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
	cookie, err := r.Cookie(s.cookieName(loginCookieName(nonce)))
	if err != nil || cookie.Value == "" {
		return false
	}
	return subtle.ConstantTimeCompare(digest(cookie.Value), hash) == 1
}
