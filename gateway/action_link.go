package gateway

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// linkContent is a link and its code, each to be told by a way of its own.
type linkContent struct {
	Account credential.AccountID
	URL     string
	Code    string
	Expires *moment
}

// mintLink makes a link to a consent and leads there. Where links need a code, it shows both instead: neither may be in a
// URL or kept for another page.
func (s *Server) mintLink(w http.ResponseWriter, r *http.Request, a action) {
	conn, err := s.Connections.Connection(a.account)
	if err != nil {
		s.say(w, r, unknownConnector(a.account))
		return
	}
	if conn.Grant.Mints() {
		s.startMinting(w, r, a, conn)
		return
	}
	keys, err := s.Vault.NewLink(r.Context(), vault.LinkRequest{
		Account: a.account, Why: s.whyLink(r.Context(), a), Life: s.linkLife(), Code: s.RequireCode,
	})
	if err != nil {
		s.log().ErrorContext(r.Context(), "making a link", "account", a.account.String(), "error", err)
		s.record(r.Context(), a, vault.Failed, vaultSilent)
		s.say(w, r, vaultAway(a.account))
		return
	}
	s.record(r.Context(), a, vault.Done, "")
	if keys.Code == "" {
		http.Redirect(w, r, s.base()+linkPath+keys.Secret, http.StatusSeeOther)
		return
	}
	s.render(w, r, http.StatusOK, linkPage, "Link for "+a.account.String(), linkContent{
		Account: a.account, URL: s.PublicURL.JoinPath(linkPath, keys.Secret).String(), Code: keys.Code, Expires: at(s.now(), keys.ExpiresAt),
	})
}

// whyLink is what the person reads who opens the link.
func (s *Server) whyLink(ctx context.Context, a action) string {
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	asked := a.by.name() + " asked for it on the status page"
	status, err := s.Owner.Account(ctx, a.account)
	if err != nil || !status.Status.NeedsPerson() {
		return asked
	}
	return cmp.Or(status.Reason, asked)
}

// startMinting has an account whose tokens the app gets for itself begin.
func (s *Server) startMinting(w http.ResponseWriter, r *http.Request, a action, conn activities.Connection) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), actionLimit)
	defer cancel()
	a.name = vault.Connect
	if err := s.Owner.Connect(ctx, a.account); err != nil {
		s.conclude(w, r, a, s.failed(ctx, a, err))
		return
	}
	s.conclude(w, r, a, banner{Result: starting, Account: a.account, Detail: conn.Provider.Name})
}

func (s *Server) linkLife() time.Duration {
	if s.LinkLife == nil {
		return vault.LinkLife
	}
	return s.LinkLife()
}
