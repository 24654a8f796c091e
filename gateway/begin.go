package gateway

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/vault"
)

// loginLimit is how long a person may take at the provider: signing in, a second factor, asking somebody.
const loginLimit = 10 * time.Minute

// begin starts a login and sends the browser to the provider.
func (s *Server) begin(w http.ResponseWriter, r *http.Request) {
	account, conn, ok := s.account(w, r)
	if !ok || s.leaves(w, r, account) {
		return
	}
	s.redirect(w, r, account, conn, vault.Link{})
}

// redirect sends the browser to the provider, and remembers the link that it came by, which is zero for none.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, account credential.AccountID, conn activities.Connection, link vault.Link) {
	nonce, browser, verifier := newSecret(), newSecret(), oauth.NewVerifier()
	err := s.Vault.PutLogin(r.Context(), vault.Login{
		StateHash:   digest(nonce),
		Account:     account,
		Verifier:    verifier,
		BrowserHash: digest(browser),
		ExpiresAt:   s.now().Add(loginLimit),
		LinkHash:    link.Hash,
		PersonHash:  link.PersonHash,
	})
	if err != nil {
		s.log().ErrorContext(r.Context(), "beginning a login", "account", account.String(), "error", err)
		s.say(w, r, vaultAway(account))
		return
	}
	http.SetCookie(w, s.browserCookie(nonce, browser))
	http.Redirect(w, r, conn.OAuth.AuthorizeURL(nonce, verifier), http.StatusSeeOther)
}

// newSecret returns 260 random bits as text that fits a URL and a cookie.
func newSecret() string { return rand.Text() + rand.Text() }

func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func vaultAway(account credential.AccountID) message {
	return message{
		status:  http.StatusInternalServerError,
		Title:   "The vault does not answer",
		Account: account,
		Text: []string{
			"tokenkeeper cannot use its vault now, so nothing was connected. The log of the worker says why.",
			"The operator finds the fix with: tokenkeeper doctor",
		},
		Again: true,
	}
}
