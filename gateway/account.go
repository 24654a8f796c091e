package gateway

import (
	"net/http"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// account finds the account that the path names and its connector. When it reports false, the answer is written.
func (s *Server) account(w http.ResponseWriter, r *http.Request) (credential.AccountID, activities.Connection, bool) {
	account, err := credential.ParseAccountID(r.PathValue("account"))
	if err != nil {
		s.say(w, r, malformedAccount())
		return credential.AccountID{}, activities.Connection{}, false
	}
	conn, err := s.Connections.Connection(account)
	if err != nil {
		s.log().InfoContext(r.Context(), "account without a connector", "account", account.String(), "error", err)
		s.say(w, r, unknownConnector(account))
		return credential.AccountID{}, activities.Connection{}, false
	}
	if conn.Grant.Mints() {
		s.say(w, r, noConsentNeeded(account, conn))
		return credential.AccountID{}, activities.Connection{}, false
	}
	if !s.permanent() {
		s.say(w, r, linkNeeded(account))
		return credential.AccountID{}, activities.Connection{}, false
	}
	return account, conn, true
}

// noConsentNeeded is the page of an account whose tokens the app gets for itself: there is nothing to click.
func noConsentNeeded(account credential.AccountID, conn activities.Connection) message {
	return message{
		status: http.StatusConflict,
		Title:  "Nobody has to consent for account " + account.String(),
		Text: []string{
			"Connector “" + account.Connector + "” gets its tokens from " + conn.Provider.Name + " for itself, with a key or secret of the app.",
			"The operator connects the account with: tokenkeeper account connect " + account.String(),
		},
	}
}

func malformedAccount() message {
	return message{
		status: http.StatusBadRequest,
		Title:  "This is no account",
		Text: []string{
			"After /connect/ comes organization/user/connector, for example /connect/acme/triage/slack.",
			"Each part has 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen, and begins with a letter or digit.",
		},
	}
}

func unknownConnector(account credential.AccountID) message {
	return message{
		status: http.StatusNotFound,
		Title:  "There is no connector “" + account.Connector + "”",
		Text: []string{
			"The last part of account " + account.String() + " names a connector, and tokenkeeper.yaml has none of that name.",
			"Correct the link, or add the connector under connectors: in tokenkeeper.yaml, which takes effect within seconds.",
		},
	}
}
