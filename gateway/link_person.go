package gateway

import (
	"crypto/subtle"
	"net/http"
	"regexp"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// linkShape is what a link's secret looks like. Nothing else is carried along while a person signs in.
var linkShape = regexp.MustCompile(`^[A-Z2-7]{52}$`)

// opener returns the person that a link is to be bound to; the zero Person where nobody has to sign in. It reports false,
// with the answer written, where the person has to sign in first, or is not the one that the link is for. A token is not
// enough to sign in with here: it does not say who somebody is.
func (s *Server) opener(w http.ResponseWriter, r *http.Request, secret string, link vault.Link) (Person, bool) {
	if !s.RequireSignIn && link.Recipient == "" {
		return Person{}, true
	}
	if s.OpenID == nil { // the link is older than the configuration
		s.say(w, r, nowhereToSignIn())
		return Person{}, false
	}
	if who := s.who(r); who.hash() != nil {
		if link.Recipient == "" || who.is(link.Recipient) {
			return who, true
		}
		s.log().WarnContext(r.Context(), "a link came from another person than the one it is for", "account", link.Account.String())
		s.record(r.Context(), action{name: vault.LinkOpened, account: link.Account, by: who, from: s.remote(r)}, vault.Refused,
			"it is for "+link.Recipient)
		s.say(w, r, linkForAnother())
		return Person{}, false
	}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusForbidden
	}
	s.signInForm(w, r, status, signInContent{Link: secret})
	return Person{}, false
}

// samePerson reports whether the person who comes back is the one who opened the link. Where nobody had to sign in, it is
// true.
func (s *Server) samePerson(r *http.Request, login vault.Login) bool {
	if login.PersonHash == nil && !s.RequireSignIn {
		return true
	}
	who := s.who(r).hash()
	return who != nil && subtle.ConstantTimeCompare(who, login.PersonHash) == 1
}

func otherPerson(account credential.AccountID) message {
	return message{
		status:  http.StatusForbidden,
		Title:   "This was begun by somebody else",
		Account: account,
		Text: []string{
			"Who opens a link has to be the one who consents, and stay signed in until then. Nothing was connected.",
			"If you began it yourself, sign in as the same person and begin again.",
		},
		Again: true,
	}
}

func linkOfAnother() message {
	return message{
		status: http.StatusForbidden,
		Title:  "This link was opened by somebody else",
		Text: []string{
			"Who opens a link has to be the one who consents, so only the first person goes on. Nothing was connected.",
			"If that was you, sign in as the same person. If it was not, get a new link, which makes this one void: " +
				"tokenkeeper account reauthorize, followed by the account.",
		},
		SignIn: true,
	}
}

func linkForAnother() message {
	return message{
		status: http.StatusForbidden,
		Title:  "This link is for somebody else",
		Text: []string{
			"It was made for one person, and you are signed in as another. Nothing was connected, and the link is as good as before.",
			"If it is yours, sign in as the one whom it was made for: by an address that the provider has verified.",
		},
		SignIn: true,
	}
}

func nowhereToSignIn() message {
	return message{
		status: http.StatusForbidden,
		Title:  "Nobody can sign in here",
		Text: []string{
			"This link is for one person, and the gateway has no OpenID provider any more that says who somebody is. Nothing was connected.",
			"The operator makes another link: tokenkeeper account reauthorize, followed by the account, with --code.",
		},
	}
}
