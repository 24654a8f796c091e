package gateway

import (
	"net/http"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// showSignIn asks for a token. It leads nowhere but to the status page, so that nobody can be led elsewhere by it.
func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.asksWho():
		s.notFound(w, r)
	case s.who(r).May(Viewer):
		http.Redirect(w, r, s.base()+"/", http.StatusSeeOther)
	default:
		s.signInForm(w, r, http.StatusOK, "")
	}
}

func (s *Server) signInForm(w http.ResponseWriter, r *http.Request, status int, problem string) {
	s.pageWithForms(w)
	s.render(w, r, status, signInPage, "Sign in", problem)
}

// signIn takes a token from the form, and never from the URL, which browsers, proxies and logs remember.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	if !s.asksWho() {
		s.notFound(w, r)
		return
	}
	if s.tooFast(w, r, s.limits.signIns()) {
		return
	}
	proof := digest(strings.TrimSpace(r.PostFormValue("token")))
	who := s.Tokens().holder(proof)
	if !who.May(Viewer) {
		s.log().WarnContext(r.Context(), "somebody tried to sign in with a wrong token", "remote", s.remote(r))
		s.signInForm(w, r, http.StatusUnauthorized, "This is neither the admin token nor the viewer token. Copy it again, as a whole.")
		return
	}
	if err := s.beginSession(w, r, proof); err != nil {
		s.log().ErrorContext(r.Context(), "beginning a session", "error", err)
		s.say(w, r, vaultAway(credential.AccountID{}))
		return
	}
	s.record(r.Context(), action{name: vault.SignedIn, by: who, from: s.remote(r)}, vault.Done, "")
	http.Redirect(w, r, s.base()+"/", http.StatusSeeOther)
}

// signOut needs no session: who wants to be a stranger is one.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if !s.asksWho() {
		s.notFound(w, r)
		return
	}
	if who := s.who(r); who.May(Viewer) {
		s.record(r.Context(), action{name: vault.SignedOut, by: who, from: s.remote(r)}, vault.Done, "")
	}
	s.endSession(w)
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
