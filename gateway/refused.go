package gateway

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// codeShape is what an error code looks like. Everything else is prose of somebody else and is not shown.
var codeShape = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// refused is the page for an error that the provider's authorize endpoint sent (RFC 6749 §4.1.2.1).
func (s *Server) refused(ctx context.Context, account credential.AccountID, conn activities.Connection, code string) message {
	if !codeShape.MatchString(code) {
		code = ""
	}
	s.log().InfoContext(ctx, "the provider sent no consent", "account", account.String(), "code", code)
	m := message{status: http.StatusBadGateway, Account: account, Code: code, Again: true}.
		as(vault.Failed, strings.TrimSpace("the provider sent an error "+code))
	switch code {
	case "access_denied":
		m = m.as(vault.Denied, "")
		m.status = http.StatusForbidden
		m.Title = "You did not consent"
		m.Text = []string{
			conn.Provider.Name + " says that the request was declined. Nothing was changed: what worked before works on, and what waits goes on waiting.",
			"If that was not what you wanted, try again. If your organization has to approve the app first, ask its administrator.",
		}
	case "server_error", "temporarily_unavailable":
		m.Title = conn.Provider.Name + " has trouble of its own"
		m.Text = []string{"The provider could not answer just now. Nothing was changed. Try again in a few minutes."}
	default:
		m.Title = conn.Provider.Name + " refuses the request"
		m.Text = []string{
			"The provider did not ask for your consent, because it does not accept the request itself. Nothing was changed.",
			"The operator has to compare connector “" + account.Connector + "” in tokenkeeper.yaml with the app's settings at " +
				conn.Provider.Name + ": client id, scopes, and the redirect URL " + s.PublicURL.JoinPath(callbackPath, account.Connector).String() + ".",
		}
	}
	return m
}
