package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// signInContent are the ways to sign in.
type signInContent struct {
	Problem string // what went wrong before; "" for nothing
	OpenID  string // where the OpenID provider is; "" for none
	Tokens  bool   // there are tokens
	Link    string // secret of the link to come back to; "" for the status page
}

// showSignIn offers the ways to sign in. It leads nowhere but to the status page, so that nobody can be led elsewhere by it.
func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request) {
	_, program := bearer(r)
	switch {
	case !s.asksWho():
		s.notFound(w, r)
	case s.OpenID != nil && s.onLoopback() && !strings.EqualFold(r.Host, s.PublicURL.Host):
		// The provider sends the browser back there, and cookies of localhost are not sent to 127.0.0.1.
		http.Redirect(w, r, s.PublicURL.JoinPath(loginPath).String(), http.StatusSeeOther)
	case s.who(r).May(Viewer):
		http.Redirect(w, r, s.base()+"/", http.StatusSeeOther)
	case program: // a guess, which counts here as well
		s.signInFirst(w, r)
	default:
		s.signInForm(w, r, http.StatusOK, signInContent{})
	}
}

// signInForm shows the ways that there are. With a token nobody comes back to a link.
func (s *Server) signInForm(w http.ResponseWriter, r *http.Request, status int, content signInContent) {
	s.pageWithForms(w)
	content.Tokens = s.Tokens != nil && content.Link == ""
	if s.OpenID != nil {
		content.OpenID = s.OpenID.Provider.Host()
		w.Header().Set("Content-Security-Policy", contentSecurityPolicy(s.signInTargets()))
	}
	s.render(w, r, status, signInPage, "Sign in", content)
}

// signInTargets are where a form may lead that has a person sign in, as with formTargets.
func (s *Server) signInTargets() string {
	targets := "'self' https:"
	if u, err := url.Parse(s.OpenID.Provider.Issuer()); err == nil && u.Scheme == "http" {
		targets += " http://" + u.Host
	}
	return targets
}

// signIn takes a token from the form, and never from the URL, which browsers, proxies and logs remember.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	if s.Tokens == nil {
		s.notFound(w, r)
		return
	}
	if s.tooFast(w, r, s.limits.signIns()) {
		return
	}
	proof := digest(strings.TrimSpace(r.PostFormValue("token")))
	who := s.tokens().holder(proof)
	if !who.May(Viewer) {
		s.log().WarnContext(r.Context(), "somebody tried to sign in with a wrong token", "remote", s.remote(r))
		s.signInForm(w, r, http.StatusUnauthorized,
			signInContent{Problem: "This is neither the admin token nor the viewer token. Copy it again, as a whole."})
		return
	}
	if err := s.beginSession(w, r, session{Proof: proof}); err != nil {
		s.log().ErrorContext(r.Context(), "beginning a session", "error", err)
		s.say(w, r, vaultAway(credential.AccountID{}))
		return
	}
	s.record(r.Context(), action{name: vault.SignedIn, by: who, from: s.remote(r)}, vault.Done, "")
	http.Redirect(w, r, s.base()+"/", http.StatusSeeOther)
}

// signOut ends the session. It needs none: whoever has no session is signed out already.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if !s.asksWho() {
		s.notFound(w, r)
		return
	}
	if who := s.who(r); who.May(Viewer) {
		s.record(r.Context(), action{name: vault.SignedOut, by: who, from: s.remote(r)}, vault.Done, "")
	}
	s.endSession(w, r)
	http.Redirect(w, r, s.base()+loginPath, http.StatusSeeOther)
}

// signInFirst answers a stranger who asks for more than strangers see: a browser that opens the status page is led to the
// form, programs and buttons are told.
func (s *Server) signInFirst(w http.ResponseWriter, r *http.Request) {
	_, program := bearer(r)
	if !program && r.URL.Path == "/" {
		http.Redirect(w, r, s.base()+loginPath, http.StatusSeeOther)
		return
	}
	if program && s.tooFast(w, r, s.limits.signIns()) {
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="tokenkeeper"`)
	m := message{
		status: http.StatusUnauthorized,
		Title:  "Sign in first",
		Text:   []string{"The gateway does not know who you are, so nothing was shown or changed. A session lasts 12 hours."},
		SignIn: true,
	}
	if program {
		m.Text = []string{"The token after Authorization: Bearer is neither the admin token nor the viewer token of this gateway."}
	}
	s.say(w, r, m)
}
