package gateway

import (
	"context"
	"net/http"
	"slices"

	"tokenkeeper/credential"
)

// disconnectContent is what somebody reads before an account is disconnected.
type disconnectContent struct {
	Account  credential.AccountID
	Provider string
	State    state
	Stops    []string // sentences
}

// confirmDisconnect names the account and what stops without it.
func (s *Server) confirmDisconnect(w http.ResponseWriter, r *http.Request, a action) {
	s.pageWithForms(w)
	content := disconnectContent{
		Account: a.account, Provider: a.account.Connector, State: s.state(r.Context(), a.account), Stops: whatStops(s.look(r.Context()), a.account),
	}
	if conn, err := s.Connections.Connection(a.account); err == nil {
		content.Provider = conn.Provider.Name
	}
	s.render(w, r, http.StatusOK, disconnectPage, "Disconnect "+a.account.String(), content)
}

// whatStops says what uses an account, as far as can be seen.
func whatStops(seen look, account credential.AccountID) []string {
	var stops []string
	for _, t := range seen.triages {
		if slices.Contains(t.Accounts, account) {
			stops = append(stops, "Triage "+t.Triage+" uses it: it waits, and so do its reports, until the account is connected again.")
		}
	}
	for _, view := range seen.accounts {
		if view.Account == account && view.Waiting > 0 {
			stops = append(stops, plural(view.Waiting, "Workflow")+" waiting for it now will wait on.")
		}
	}
	return stops
}

// disconnect has the grant revoked and the tokens destroyed; by force, whether or not it is revoked.
func (s *Server) disconnect(w http.ResponseWriter, r *http.Request, a action) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), actionLimit)
	defer cancel()
	ask, done := s.Owner.Disconnect, disconnected
	if r.PostFormValue("force") != "" {
		ask, done = s.Owner.ForceDisconnect, disconnectedByForce
	}
	status, err := ask(ctx, a.account)
	switch {
	case err != nil:
		s.conclude(w, r, a, s.notDisconnected(r.Context(), a, err))
	case status.Status != credential.Disconnected:
		s.conclude(w, r, a, banner{Result: stillConnected, Account: a.account, Detail: status.Warning})
	case status.Unrevoked != "":
		s.conclude(w, r, a, banner{Result: unrevoked, Account: a.account, Detail: status.Unrevoked})
	default:
		s.conclude(w, r, a, banner{Result: done, Account: a.account})
	}
}

// notDisconnected returns the banner after an error. Where the account itself answers, and is being disconnected, it is the
// provider that has not answered.
func (s *Server) notDisconnected(ctx context.Context, a action, err error) banner {
	b := s.failed(ctx, a, err)
	if b.Result != unanswered {
		return b
	}
	if status, err := s.accountNow(context.WithoutCancel(ctx), a.account); err == nil && status.Disconnecting {
		b.Result, b.Detail = disconnecting, status.Warning
	}
	return b
}
