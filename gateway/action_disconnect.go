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

// disconnect has the grant revoked and the tokens destroyed.
func (s *Server) disconnect(w http.ResponseWriter, r *http.Request, a action) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), actionLimit)
	defer cancel()
	status, err := s.Owner.Disconnect(ctx, a.account)
	switch {
	case err != nil:
		s.conclude(w, r, a, s.failed(ctx, a, err))
	case status.Status != credential.Disconnected:
		s.conclude(w, r, a, banner{Result: stillConnected, Account: a.account, Detail: status.Warning})
	default:
		s.conclude(w, r, a, banner{Result: disconnected, Account: a.account})
	}
}
