package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/gateway/openid"
	"tokenkeeper/vault"
)

const (
	openIDPath       = "/login/openid"
	signedInPath     = "/login/callback"
	signInLimit      = 30 * time.Second // for what a callback asks the provider: endpoints, tokens, keys, UserInfo
	signInCookieName = "tokenkeeper-signin-"
)

// OpenID is the OpenID provider of the organization, and what its people may do here.
type OpenID struct {
	Provider *openid.Provider
	// Role returns what a person may do now, [NoRole] for whom nothing admits.
	Role func(openid.Identity) Role
}

// person returns who an identity is to us; the zero Person where it has no role.
func (o *OpenID) person(i openid.Identity) Person {
	if o == nil || i.Issuer != o.Provider.Issuer() {
		return Person{}
	}
	role := o.Role(i)
	if role == NoRole {
		return Person{}
	}
	return Person{Name: i.Name(), Role: role, Identity: i}
}

// attempt is a sign-in under way. It is in a cookie and not in the vault, because strangers begin them.
type attempt struct {
	openid.Attempt

	Link    string    `json:"link,omitempty"` // secret of the link to go on with
	Expires time.Time `json:"expires"`
}

// beginOpenID sends the browser to the provider.
func (s *Server) beginOpenID(w http.ResponseWriter, r *http.Request) {
	if s.OpenID == nil {
		s.notFound(w, r)
		return
	}
	link := r.PostFormValue("link")
	if !linkShape.MatchString(link) {
		link = ""
	}
	address, begun, err := s.OpenID.Provider.Begin(r.Context())
	if err != nil {
		s.log().WarnContext(r.Context(), "nobody can sign in at the OpenID provider", "error", err)
		m := s.notSignedIn(err)
		s.signInForm(w, r, m.status, signInContent{Problem: m.Title + ". " + m.Text[0], Link: link})
		return
	}
	value, err := s.seal(r.Context(), forAttempt, attempt{Attempt: begun, Link: link, Expires: s.now().Add(loginLimit)})
	if err != nil {
		s.log().ErrorContext(r.Context(), "beginning a sign-in", "error", err)
		s.say(w, r, vaultAway(credential.AccountID{}))
		return
	}
	http.SetCookie(w, s.signInCookie(begun.State, value))
	http.Redirect(w, r, address, http.StatusSeeOther)
}

// signedIn is where the provider sends the browser back to. It leads nowhere but to us.
func (s *Server) signedIn(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.OpenID == nil:
		s.notFound(w, r)
		return
	case r.Method == http.MethodHead:
		// Whatever looks ahead must not use up the code.
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	a, ok := readAnswer(r.URL.Query())
	begun, known := s.attempt(r, a.nonce)
	if !ok || !known {
		s.say(w, r, notThisBrowser())
		return
	}
	s.forgetAttempt(w, a.nonce)
	ctx, cancel := context.WithTimeout(r.Context(), signInLimit)
	defer cancel()
	identity, err := s.OpenID.Provider.Finish(ctx, begun.Attempt, openid.Answer{State: a.nonce, Code: a.code, Error: a.err, Issuer: a.issuer})
	if err != nil {
		s.log().WarnContext(ctx, "nobody signed in at the OpenID provider", "remote", s.remote(r), "error", err)
		m := s.notSignedIn(err)
		m.SignIn, m.Again = begun.Link == "", begun.Link != ""
		s.say(w, r, m)
		return
	}
	s.admit(w, r, identity, begun.Link)
}

// admit begins the session of a person whom the provider vouches for, if anything here is theirs, and leads to the status page
// or back to a link.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, identity openid.Identity, link string) {
	who := s.OpenID.person(identity)
	signedIn := action{name: vault.SignedIn, by: Person{Name: identity.Name()}, from: s.remote(r)}
	detail := "subject " + identity.Subject + " of " + identity.Issuer
	if !who.May(Viewer) {
		s.record(r.Context(), signedIn, vault.Refused, detail+": neither operator nor viewer")
		s.say(w, r, notAdmitted(identity))
		return
	}
	if err := s.beginSession(w, r, session{Identity: &identity}); err != nil {
		s.log().ErrorContext(r.Context(), "beginning a session", "error", err)
		s.say(w, r, vaultAway(credential.AccountID{}))
		return
	}
	s.record(r.Context(), signedIn, vault.Done, detail)
	to := "/"
	if link != "" {
		to = linkPath + link
	}
	http.Redirect(w, r, s.base()+to, http.StatusSeeOther)
}

// attempt returns the sign-in that this browser began with the state.
func (s *Server) attempt(r *http.Request, state string) (attempt, bool) {
	cookie, err := r.Cookie(s.signInCookie(state, "").Name)
	if err != nil || state == "" {
		return attempt{}, false
	}
	var begun attempt
	if err := s.unseal(r.Context(), forAttempt, cookie.Value, &begun); err != nil {
		s.log().InfoContext(r.Context(), "an attempt to sign in does not open", "error", err)
		return attempt{}, false
	}
	return begun, s.now().Before(begun.Expires)
}

func (s *Server) forgetAttempt(w http.ResponseWriter, state string) {
	cookie := s.signInCookie(state, "") //nolint:gosec // as it was set
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
}

// signInCookie is named after the state, so that two tabs do not overwrite each other's.
func (s *Server) signInCookie(state, value string) *http.Cookie {
	return s.cookie(signInCookieName+hex.EncodeToString(digest(state)[:8]), value, signedInPath, loginLimit)
}

func notThisBrowser() message {
	return message{
		status: http.StatusBadRequest,
		Title:  "This sign-in was not begun here",
		Text: []string{
			"It was begun in another browser, is over already, or took longer than ten minutes. Nobody was signed in.",
			"Sign in once more, and allow this site to set cookies.",
			"If you did not mean to sign in at all, somebody wanted you to be somebody else here: close this page.",
		},
		SignIn: true,
	}
}

// notSignedIn is the page for a failure of the provider's, by who has to act.
func (s *Server) notSignedIn(err error) message {
	host := s.OpenID.Provider.Host()
	m := message{status: http.StatusBadGateway, SignIn: true}
	failure, _ := errors.AsType[*openid.Error](err)
	if failure == nil {
		failure = &openid.Error{Kind: openid.Away}
	}
	m.Code = failure.Code
	switch failure.Kind {
	case openid.Declined:
		m.status = http.StatusForbidden
		m.Title = host + " did not sign you in"
		m.Text = []string{"Nobody was signed in. Try again; if this comes back, ask whoever runs " + host + " whether you may use tokenkeeper."}
	case openid.Stale:
		m.status = http.StatusBadRequest
		m.Title = host + " no longer accepts this sign-in"
		m.Text = []string{"It was used already or took too long. Nobody was signed in. Sign in once more."}
	case openid.Refused:
		m.status = http.StatusBadRequest
		m.Title = "The answer is not believed"
		m.Text = []string{
			"What came back is no answer of " + host + " to this sign-in. Nobody was signed in.",
			"Sign in once more. If this page comes back, the log of the gateway says what is wrong.",
		}
	case openid.Misconfigured:
		m.Title = host + " refuses tokenkeeper"
		m.Text = []string{
			"You did everything right. The operator has to compare oidc under gateway in tokenkeeper.yaml with what is registered there: issuer, client_id, " +
				"client secret, scopes, and the redirect URL " + s.PublicURL.JoinPath(signedInPath).String() + ".",
		}
	case openid.Away:
		fallthrough
	default:
		m.status = http.StatusServiceUnavailable
		m.Title = host + " does not answer"
		m.Text = []string{"Nobody can sign in there now. Try again in a minute."}
	}
	return m
}

func notAdmitted(identity openid.Identity) message {
	return message{
		status: http.StatusForbidden,
		Title:  "You may not come in",
		Text: []string{
			"You are " + identity.Name() + ", and nobody has given you a right here. Nothing was shown or changed.",
			"The operator gives rights in tokenkeeper.yaml, under operators and viewers of gateway.oidc. Addresses that the provider has not verified do not count.",
		},
		SignIn: true,
	}
}
