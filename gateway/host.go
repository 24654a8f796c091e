package gateway

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// checkHost refuses names that are not ours. A site that points its own name at this machine (DNS rebinding) would
// otherwise have the same origin as our pages.
func (s *Server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Probes address a machine by number, and the answer tells a stranger nothing.
		if r.URL.Path != healthPath && !s.ours(r) {
			s.say(w, r, message{
				status: http.StatusMisdirectedRequest,
				Title:  "The gateway has another address",
				Text: []string{
					"This request asked for a host that the gateway does not serve. Open " + s.PublicURL.String() + " instead.",
					"If the address you used is right, write it into tokenkeeper.yaml as gateway.public_url.",
				},
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ours reports whether the request is for the public host, or for a loopback name with the port of either. Reverse
// proxies often ask for the latter.
func (s *Server) ours(r *http.Request) bool {
	if strings.EqualFold(r.Host, s.PublicURL.Host) {
		return true
	}
	asked := &url.URL{Host: r.Host}
	if !provider.IsLoopback(asked.Hostname()) {
		return false
	}
	port := asked.Port()
	return port == s.PublicURL.Port() || port == localPort(r)
}

func localPort(r *http.Request) string {
	address, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return ""
	}
	_, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return ""
	}
	return port
}

// onHomeHost redirects a browser that came by another loopback name to the public one: the provider will send it back there,
// and a cookie that was set for localhost is not sent to 127.0.0.1.
//
// It does nothing behind a public name: a reverse proxy may have changed Host, and the redirect would go in circles.
func (s *Server) onHomeHost(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		account, err := credential.ParseAccountID(r.PathValue("account"))
		if err == nil && provider.IsLoopback(s.PublicURL.Hostname()) && !strings.EqualFold(r.Host, s.PublicURL.Host) {
			http.Redirect(w, r, s.PublicURL.JoinPath("connect", account.String()).String(), http.StatusSeeOther)
			return
		}
		next(w, r)
	}
}
