package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"go.temporal.io/api/serviceerror"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// statusLimit is how long a person waits for a page because an account's Workflow is slow.
const statusLimit = 2 * time.Second

// connectContent is what a person reads before they are sent to a provider.
type connectContent struct {
	Account  credential.AccountID
	Provider string
	Host     string // where the button leads
	Scopes   []string
	State    state
	Action   string // where the button posts to
	Why      string // what made the link necessary
	Code     bool   // ask for the link's confirmation code
	Person   string // who signed in, where somebody has to
	// Recipient: the link is for this person alone.
	Recipient bool
}

// state is what is known of the account now.
type state struct {
	Text   string
	Good   bool
	Reason string
	Since  string
	Holder string // who consented the last time
	// Leaving: a disconnect waits for the provider.
	Leaving bool
}

func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	account, conn, ok := s.account(w, r)
	if !ok {
		return
	}
	s.ask(w, r, account, conn, invitation{action: "/connect/" + account.String()})
}

// invitation is what differs between the ways to the connect page.
type invitation struct {
	action, why, person string
	recipient, code     bool
}

// ask shows the page that says who asks for what, before the provider does.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, account credential.AccountID, conn activities.Connection, i invitation) {
	header := w.Header()
	header.Set("Content-Security-Policy", contentSecurityPolicy(formTargets(conn)))
	// With no-referrer a browser posts even our own form with "Origin: null", and one that sends no Sec-Fetch-Site over http, on
	// loopback included, would then look like another site. same-origin still keeps the address from other origins: it may hold
	// the secret of a link.
	header.Set("Referrer-Policy", "same-origin")
	s.render(w, r, http.StatusOK, connectPage, "Connect "+account.String(), connectContent{
		Account:  account,
		Provider: conn.Provider.Name,
		Host:     authorizeURL(conn).Host,
		Scopes:   conn.Scopes,
		State:    s.state(r.Context(), account),
		Action:   i.action,
		Why:      i.why,
		Code:     i.code,
		Person:   i.person,

		Recipient: i.recipient,
	})
}

// formTargets returns where the form of the connect page may lead, for the Content-Security-Policy. Browsers hold every
// redirect after a form to this list, and providers redirect to hosts that nobody can name beforehand: the workspace's own,
// the company's sign-in. So any https is allowed; an authorize endpoint on plain http, which is on loopback, is named.
func formTargets(conn activities.Connection) string {
	targets := "'self' https:"
	if u := authorizeURL(conn); u.Scheme == "http" {
		targets += " http://" + u.Host
	}
	return targets
}

// authorizeURL returns the provider's authorize endpoint; the zero URL where that cannot be parsed.
func authorizeURL(conn activities.Connection) *url.URL {
	u, err := url.Parse(conn.Provider.Endpoints.Authorize)
	if err != nil {
		return &url.URL{}
	}
	return u
}

func (s *Server) state(ctx context.Context, account credential.AccountID) state {
	limited, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	status, err := s.Owner.Account(limited, account)
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return state{Text: describe(credential.Pending)}
	}
	if err != nil {
		s.log().WarnContext(ctx, "account does not say how it is", "account", account.String(), "error", err)
		return state{Text: "unknown: Temporal or the worker does not answer. You can consent all the same; what you consent to is kept."}
	}
	return state{
		Text:    describe(status.Status),
		Good:    status.Status == credential.Active,
		Reason:  status.Reason,
		Since:   formatTime(status.Since),
		Holder:  holder(status.Display, status.Subject),
		Leaving: status.Disconnecting,
	}
}

// leaves reports whether an account is being disconnected, so that it takes no consent; then the answer is written. Neither
// link nor login is used up.
func (s *Server) leaves(w http.ResponseWriter, r *http.Request, account credential.AccountID) bool {
	if !s.state(r.Context(), account).Leaving {
		return false
	}
	s.say(w, r, leaving(account))
	return true
}

func leaving(account credential.AccountID) message {
	return message{
		status:  http.StatusConflict,
		Title:   "This account is being disconnected",
		Account: account,
		Text: []string{
			"It waits for its provider to take back what it had, and takes no consent before that is done. Nothing was connected.",
			"After that, begin again. The operator need not wait for a provider that does not answer: tokenkeeper account disconnect " + account.String() + " --force",
		},
		Again: true,
	}
}

// describe says in words what a status means for the person before the page.
func describe(status credential.Status) string {
	switch status {
	case credential.Pending:
		return "not connected yet"
	case credential.Active:
		return "active: it works, and consenting again renews it"
	case credential.Degraded:
		return "degraded: it still works, and something is wrong"
	case credential.ReauthorizationRequired:
		return "reauthorization required: it waits for your consent"
	case credential.ClientMisconfigured:
		return "client misconfigured: the provider refuses the app, and the operator has to correct the connector first"
	case credential.Disconnected:
		return "disconnected: consenting connects it anew"
	}
	return string(status)
}

// holder names who consented, the way the provider does for people.
func holder(display string, subject credential.Subject) string {
	if display == "" {
		return string(subject)
	}
	return display
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
