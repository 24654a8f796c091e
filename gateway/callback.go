package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// callbackLimit bounds a callback as a whole: two calls to the provider, which the configuration allows 30 s each, asking again
// whose the tokens are, the account's verdict, and the vault.
const callbackLimit = 2*30*time.Second + verdictLimit + 15*time.Second

// answer is what the provider had the browser carry back (RFC 6749 §4.1.2, RFC 9207 §2).
type answer struct {
	nonce  string // the state parameter
	code   string
	err    string
	issuer string
}

// readAnswer reports false for a parameter that is there twice: RFC 6749 §3.1 forbids it, and two readers of such a URL
// need not agree on its meaning.
func readAnswer(query url.Values) (answer, bool) {
	for _, name := range []string{"state", "code", "error", "iss"} {
		if len(query[name]) > 1 {
			return answer{}, false
		}
	}
	return answer{
		nonce:  query.Get("state"),
		code:   query.Get("code"),
		err:    query.Get("error"),
		issuer: query.Get("iss"),
	}, true
}

func (s *Server) callback(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		// Whatever looks ahead must not use up the login.
		w.Header().Set("Allow", http.MethodGet)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	// A spent code cannot be presented again, so a closed tab must not cost the tokens.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), callbackLimit)
	defer cancel()
	s.say(w, r, s.answered(ctx, w, r))
}

// answered takes the login that a callback answers, and writes down how it ended.
func (s *Server) answered(ctx context.Context, w http.ResponseWriter, r *http.Request) message {
	a, ok := readAnswer(r.URL.Query())
	if !ok || a.nonce == "" {
		return notOurs()
	}
	login, problem := s.takeLogin(ctx, a.nonce)
	if problem != nil {
		return *problem
	}
	s.forgetBrowser(w, a.nonce)
	m := s.finish(ctx, r, a, login)
	s.lookout.expire()
	s.record(ctx, action{name: vault.Consent, account: login.Account, by: s.who(r), from: s.remote(r)}, m.outcome, m.detail)
	return m
}

// finish checks a callback step by step, and exchanges the code last.
func (s *Server) finish(ctx context.Context, r *http.Request, a answer, login vault.Login) message {
	if !s.sameBrowser(r, a.nonce, login.BrowserHash) {
		s.log().WarnContext(ctx, "callback from another browser than the login's", "account", login.Account.String())
		return otherBrowser(login.Account).as(vault.Refused, "another browser than the one that began brought it back")
	}
	if !s.samePerson(r, login) {
		s.log().WarnContext(ctx, "callback from another person than the login's", "account", login.Account.String())
		return otherPerson(login.Account).as(vault.Refused, "another person than the one who began brought it back")
	}
	conn, err := s.Connections.Connection(login.Account)
	if err != nil {
		return unknownConnector(login.Account).as(vault.Failed, "its connector is gone")
	}
	if r.PathValue("connector") != login.Account.Connector {
		s.log().WarnContext(ctx, "callback at the redirect URL of another connector than the login's", "account", login.Account.String())
		return wrongIssuer(login.Account, conn).as(vault.Refused, "it came to the redirect URL of another connector")
	}
	if !rightIssuer(conn, a) {
		s.log().WarnContext(ctx, "callback from another issuer than the connector's", "account", login.Account.String(),
			"issuer", cleanName(a.issuer), "expected", conn.Provider.Authorization.Issuer)
		return wrongIssuer(login.Account, conn).as(vault.Refused, "another issuer than the connector's")
	}
	switch {
	case a.err != "":
		return s.refused(ctx, login.Account, conn, a.err)
	case a.code == "":
		return noCode(login.Account, conn).as(vault.Failed, "the provider sent no code")
	}
	if s.state(ctx, login.Account).Leaving {
		return leaving(login.Account).as(vault.Refused, "the account is being disconnected")
	}
	if problem := s.spendLink(ctx, login); problem != nil {
		return *problem
	}
	return s.complete(ctx, login, conn, a.code)
}

// takeLogin returns the login that the state belongs to, and deletes it, so that no other callback can take it; or the page
// that says what is wrong.
func (s *Server) takeLogin(ctx context.Context, nonce string) (vault.Login, *message) {
	login, err := s.Vault.TakeLogin(ctx, digest(nonce))
	switch {
	case errors.Is(err, vault.ErrNotFound):
		m := unknownLogin()
		return vault.Login{}, &m
	case err != nil:
		s.log().ErrorContext(ctx, "taking a login", "error", err)
		m := vaultAway(credential.AccountID{})
		return vault.Login{}, &m
	}
	return login, nil
}

// rightIssuer defends against mix-up (RFC 9207 §2.4): the answer of one provider must not pass for another's. (The redirect
// URL, of which each connector has its own, does as well.) A provider that is known to name itself must do so, except in
// errors, which bring nothing that could be stolen.
func rightIssuer(conn activities.Connection, a answer) bool {
	return conn.Provider.AnswersAs(a.issuer) || a.err != "" && a.issuer == ""
}
