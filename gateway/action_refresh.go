package gateway

import (
	"context"
	"net/http"

	"tokenkeeper/credential"
)

// refreshNow has an account fetch new tokens, and waits for the outcome.
func (s *Server) refreshNow(w http.ResponseWriter, r *http.Request, a action) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), actionLimit)
	defer cancel()
	before, err := s.accountNow(ctx, a.account) // finds out soon when there is no worker
	if err != nil {
		s.conclude(w, r, a, s.failed(ctx, a, err))
		return
	}
	after, err := s.Owner.RefreshNow(ctx, a.account)
	if err != nil {
		s.conclude(w, r, a, s.failed(ctx, a, err))
		return
	}
	s.conclude(w, r, a, refreshed(before, after))
}

func (s *Server) accountNow(ctx context.Context, account credential.AccountID) (credential.AccountStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*statusLimit)
	defer cancel()
	return s.Owner.Account(ctx, account)
}

// refreshed says what a refresh came to.
func refreshed(before, after credential.AccountStatus) banner {
	b := banner{Account: before.Account, Detail: after.Reason}
	switch {
	case after.Status.NeedsPerson():
		b.Result = needsPerson
	case after.Generation > before.Generation:
		b.Result, b.Detail = newTokens, ""
	case after.Reason != "":
		b.Result = notRefreshed
	default:
		b.Result = nothingToRefresh
	}
	return b
}
