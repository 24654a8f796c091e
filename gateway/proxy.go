package gateway

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// client returns the address that a request came from: the last one of the way here that is no trusted proxy's. What is left
// of it in X-Forwarded-For the sender may have written himself. It is the zero Addr for a connection that has none.
func (s *Server) client(r *http.Request) netip.Addr {
	address, ok := parseHop(r.RemoteAddr)
	if !ok {
		return netip.Addr{}
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for len(hops) > 0 && s.trusts(address) {
		hop, ok := parseHop(hops[len(hops)-1])
		if !ok {
			break // the proxy does not know, or somebody made it up
		}
		address, hops = hop, hops[:len(hops)-1]
	}
	return address
}

// parseHop reads an address with a port or without.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr().Unmap(), true
	}
	address, err := netip.ParseAddr(text)
	return address.Unmap(), err == nil
}

// remote returns the address that a request came from, for the audit log.
func (s *Server) remote(r *http.Request) string {
	if address := s.client(r); address.IsValid() {
		return address.String()
	}
	return r.RemoteAddr
}

func (s *Server) trusts(address netip.Addr) bool {
	for _, network := range s.TrustedProxies {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// maxForwarders bounds of how many addresses it is noted that they forward: anybody can write the headers of a proxy.
const maxForwarders = 8

// forwarders are the addresses of which the log has said that they forward, and are not trusted.
type forwarders struct {
	mu    sync.Mutex
	known map[netip.Addr]bool // guarded by mu
}

// learn reports whether an address is a new one, as long as there are not too many.
func (f *forwarders) learn(address netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known[address] || len(f.known) >= maxForwarders {
		return false
	}
	if f.known == nil {
		f.known = map[netip.Addr]bool{}
	}
	f.known[address] = true
	return true
}

// noteForwarder says once in the log of an address that it forwards requests and is not trusted. If that is the proxy in front
// of the gateway, all who come by it share what one address may do.
func (s *Server) noteForwarder(r *http.Request) {
	peer, ok := parseHop(r.RemoteAddr)
	if !ok || !isForwarded(r) || s.trusts(peer) || !s.forwarders.learn(peer) {
		return
	}
	s.log().WarnContext(r.Context(), "an address forwards requests, and gateway.trusted_proxies does not name it: whoever comes by it "+
		"counts as this one address, in the limits and in the audit log; name it there if it is your proxy", "address", peer.String())
}

// isForwarded reports whether a proxy or a tunnel says that somebody else sent a request.
func isForwarded(r *http.Request) bool {
	return r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
}

// isNear reports whether a request comes from this machine, as far as a proxy on it tells.
func (s *Server) isNear(r *http.Request) bool {
	if !isForwarded(r) {
		return true
	}
	peer, ok := parseHop(r.RemoteAddr)
	return ok && s.trusts(peer) && s.client(r).IsLoopback()
}

// checkNear refuses what a tunnel or proxy brings in, where whoever comes is an operator: one that writes a loopback name into Host
// opens the pages to everybody. Events are signed, and probes learn nothing.
func (s *Server) checkNear(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.local() && !s.isNear(r) && r.URL.Path != healthPath && !isEvent(r) {
			s.say(w, r, message{
				status: http.StatusForbidden,
				Title:  "This request came through a proxy or tunnel",
				Text: []string{
					"Here nobody is asked who they are, because the gateway is for people on its own machine. Nothing was shown or changed.",
					"If others are to reach it: write the address that they use into tokenkeeper.yaml as gateway.public_url, and have the tunnel pass Host on.",
				},
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkTransport refuses what came in clear, where a proxy is there to speak TLS: a cookie or a token may be in it. Probes
// address the gateway itself.
func (s *Server) checkTransport(next http.Handler) http.Handler {
	if s.TLS != nil || len(s.TrustedProxies) == 0 || !s.overTLS() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != healthPath && !s.cameOverTLS(r) {
			s.say(w, r, message{
				status: http.StatusForbidden,
				Title:  "This request did not come over TLS",
				Text: []string{
					"The gateway is reached by its proxy, at " + s.PublicURL.String() + ".",
					"If you came that way: gateway.trusted_proxies in tokenkeeper.yaml has to name the proxy's address, and the proxy has to set X-Forwarded-Proto.",
				},
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// cameOverTLS reports whether a trusted proxy says so. Of several values the nearest proxy's is the last.
func (s *Server) cameOverTLS(r *http.Request) bool {
	peer, ok := parseHop(r.RemoteAddr)
	if !ok || !s.trusts(peer) {
		return false
	}
	said := strings.Join(r.Header.Values("X-Forwarded-Proto"), ",")
	return strings.EqualFold(strings.TrimSpace(said[strings.LastIndexByte(said, ',')+1:]), "https")
}
