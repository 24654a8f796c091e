package gateway

import (
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/go-chi/httprate"
)

// What one address may do in a minute. People need a few; a program that tries tokens or links needs many.
const (
	signInsInAMinute = 10
	linksInAMinute   = 60
)

// limits count by address, in this process alone: behind a balancer the true limit is this for each gateway.
type limits struct {
	once          sync.Once
	signIn, links *httprate.RateLimiter
}

func (l *limits) make() {
	l.once.Do(func() { l.signIn, l.links = newLimit(signInsInAMinute), newLimit(linksInAMinute) })
}

func (l *limits) signIns() *httprate.RateLimiter { l.make(); return l.signIn }

func (l *limits) opened() *httprate.RateLimiter { l.make(); return l.links }

func newLimit(inAMinute int) *httprate.RateLimiter {
	return httprate.NewRateLimiter(inAMinute, time.Minute, httprate.WithResponseHeaders(httprate.ResponseHeaders{RetryAfter: "Retry-After"}))
}

// slowly limits, by address, how often a handler is used: so that nobody can try out links, have the OpenID provider asked
// without end, or make the vault work (each state that comes back is looked up, even one that nobody gave out). The limit is
// generous, because all people of an office may share one address. A refused callback has used nothing up, so the page can
// be loaded again.
func (s *Server) slowly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.tooFast(w, r, s.limits.opened()) {
			next(w, r)
		}
	}
}

// tooFast counts a request against a limit, and reports whether it exceeds it; then the answer is written. On a gateway that
// serves only its own machine nothing is counted.
func (s *Server) tooFast(w http.ResponseWriter, r *http.Request, limit *httprate.RateLimiter) bool {
	if s.local() {
		return false
	}
	s.noteForwarder(r)
	if !limit.OnLimit(w, r, limitKey(s.client(r))) {
		return false
	}
	s.say(w, r, message{
		status: http.StatusTooManyRequests,
		Title:  "Too many requests",
		Text:   []string{"There were too many requests from your address within a minute. Nothing was changed. Wait for a minute, then go on."},
	})
	return true
}

// triedTooOften reports whether the next attempt of an address to sign in is one too many. It counts nothing.
func (s *Server) triedTooOften(r *http.Request) bool {
	_, tried, err := s.limits.signIns().Status(limitKey(s.client(r)))
	return err == nil && int(math.Round(tried)) >= signInsInAMinute
}

// limitKey returns by what an address is counted: itself, or for IPv6 the /64 network, which one customer usually has as a
// whole.
func limitKey(address netip.Addr) string {
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.String()
}
