package gateway

import (
	"net/http"
	"strings"

	"tokenkeeper/vault"
)

const (
	// maxURL is far above what a provider sends; Google's callback lists the granted scopes.
	maxURL = 8 << 10
	// maxBody is for forms that have one field at most.
	maxBody = 8 << 10

	callbackPath = "/oauth/callback"
	linkPath     = "/c/"
	loginPath    = "/login"
	logoutPath   = "/logout"
	stylePath    = "/static/style.css"
)

// Handler returns all routes of the gateway.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET "+loginPath, s.showSignIn)
	mux.HandleFunc("POST "+loginPath, s.signIn)
	mux.HandleFunc("POST "+openIDPath, s.slowly(s.beginOpenID))
	mux.HandleFunc("GET "+signedInPath, s.slowly(s.signedIn))
	mux.HandleFunc("POST "+logoutPath, s.signOut)
	mux.HandleFunc("GET "+linkPath+"{link}", s.slowly(s.showLink))
	mux.HandleFunc("POST "+linkPath+"{link}", s.slowly(s.followLink))
	mux.HandleFunc("GET /connect/{account...}", s.onHomeHost(s.connect))
	mux.HandleFunc("POST /connect/{account...}", s.onHomeHost(s.begin))
	mux.HandleFunc("POST "+accountPath+"connect", s.act(vault.LinkMinted, s.mintLink))
	mux.HandleFunc("POST "+accountPath+"reauthorize", s.act(vault.LinkMinted, s.mintLink))
	mux.HandleFunc("POST "+accountPath+"refresh", s.act(vault.Refresh, s.refreshNow))
	mux.HandleFunc("GET "+accountPath+"disconnect", s.act(vault.Disconnect, s.confirmDisconnect))
	mux.HandleFunc("POST "+accountPath+"disconnect", s.act(vault.Disconnect, s.disconnect))
	mux.HandleFunc("GET "+callbackPath+"/{connector}", s.slowly(s.callback))
	mux.HandleFunc("GET "+healthPath, s.healthz)
	mux.HandleFunc("GET "+metricsPath, s.metrics)
	mux.HandleFunc("GET "+stylePath, static("style.css"))
	mux.HandleFunc("GET "+scriptPath, static("live.js"))
	mux.HandleFunc("GET "+livePath, s.stream)
	mux.HandleFunc("GET "+boardPath, s.board)
	for _, d := range []dialect{slackDialect(), gitHubDialect()} {
		mux.HandleFunc("POST "+eventsPath+string(d.source)+"/{connector}", s.takeEvents(d))
	}
	mux.HandleFunc("/", s.notFound)

	handler := s.sameOrigin(mux)
	handler = s.limitSize(handler)
	handler = s.checkNear(handler)
	handler = s.checkHost(handler)
	handler = s.checkTransport(handler)
	handler = s.secureHeaders(handler)
	handler = s.logRequests(handler)
	return s.stripBase(handler)
}

// base is the path that everything lies below; "" when the gateway has a host of its own.
func (s *Server) base() string { return strings.TrimRight(s.PublicURL.Path, "/") }

// stripBase takes the base off the path. A reverse proxy may have done so already.
func (s *Server) stripBase(next http.Handler) http.Handler {
	base := s.base()
	if base == "" {
		return next
	}
	strip := http.StripPrefix(base, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == base:
			http.Redirect(w, r, base+"/", http.StatusSeeOther)
		case strings.HasPrefix(r.URL.Path, base+"/"):
			strip.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// sameOrigin refuses what another site's page has a browser post (OWASP: CSRF).
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	// Browsers without Sec-Fetch-Site are known by Origin, and a reverse proxy may have changed the Host it is compared to.
	if err := protection.AddTrustedOrigin(s.PublicURL.Scheme + "://" + s.PublicURL.Host); err != nil {
		s.log().Warn("the public URL names no origin", "error", err)
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.say(w, r, message{
			status: http.StatusForbidden,
			Title:  "This request came from another site",
			Text: []string{
				"A page of another site tried to change or connect an account with your browser. Nothing was changed.",
				"If that was you: open the page or link here and use the button on it. Very old browsers are refused as well.",
			},
		})
	}))
	return protection.Handler(next)
}

func (s *Server) limitSize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.Path)+len(r.URL.RawQuery) > maxURL {
			s.say(w, r, message{
				status: http.StatusRequestURITooLong,
				Title:  "This address is too long",
				Text:   []string{"No provider sends an address like this one. Open the account's link again."},
			})
			return
		}
		limit := int64(maxBody)
		if isEvent(r) {
			limit = maxEvent
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.say(w, r, message{
		status: http.StatusNotFound,
		Title:  "There is no such page",
		Text:   []string{"The page of an account is behind a link. A new one comes from: tokenkeeper account connect, followed by the account."},
	})
}
