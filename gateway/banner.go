package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// result is how a button's action ended.
type result string

const (
	starting         result = "starting"
	newTokens        result = "new_tokens"
	needsPerson      result = "needs_person"
	notRefreshed     result = "not_refreshed"
	nothingToRefresh result = "nothing_to_refresh"
	disconnected     result = "disconnected"
	// disconnectedByForce: the provider has revoked the grant all the same; unrevoked: it has not.
	disconnectedByForce result = "disconnected_by_force"
	unrevoked           result = "unrevoked"
	// disconnecting: the provider has not answered yet.
	disconnecting  result = "disconnecting"
	stillConnected result = "still_connected"
	noWorkflow     result = "no_workflow"
	unanswered     result = "unanswered"
	broken         result = "broken"
)

// banner says on the status page what the button before it did.
type banner struct {
	Result  result               `json:"result"`
	Account credential.AccountID `json:"account"`
	Detail  string               `json:"detail,omitempty"` // of the account or its provider; not secret
}

// Good reports whether nothing is left to do.
func (b banner) Good() bool {
	return b.Result == starting || b.Result == newTokens || b.Result == disconnected || b.Result == disconnectedByForce
}

// outcome returns what the audit log says. The account's part is done even where something is left to do at the provider.
func (b banner) outcome() vault.Outcome {
	if b.Good() || b.Result == unrevoked {
		return vault.Done
	}
	return vault.Failed
}

// Text is what happened and what to do next; "" for a result that is none of ours.
func (b banner) Text() string {
	account := "Account " + b.Account.String()
	switch b.Result {
	case starting:
		return account + " gets its tokens from " + b.Detail + " for itself. Look at its state in a few seconds."
	case newTokens:
		return account + " has new tokens."
	case needsPerson:
		return account + " was not refreshed, because it needs a person first: its state below says what to do."
	case notRefreshed:
		return account + " was not refreshed. It tries again by itself, and this is why:"
	case nothingToRefresh:
		return account + " was not refreshed: its provider issued no refresh token. Nothing has to be done while it works."
	case disconnected, disconnectedByForce:
		return account + " is disconnected: its tokens are destroyed, and what uses it waits until somebody connects it again."
	case unrevoked:
		return account + " is disconnected: its tokens are destroyed here, but the provider has not revoked the grant, which may live on " +
			"there. Remove the app's access at the provider: until then a copy of the tokens would work. This is why:"
	case disconnecting:
		return account + " is still being disconnected: its provider has not taken the revocation yet, and is asked until it does. " +
			"Disconnect says how to end it without the provider."
	case stillConnected:
		return account + " could not be disconnected. Mend what is in the way and do it again; Disconnect says how to end it without " +
			"the provider. This is why:"
	case noWorkflow:
		return account + " has no Workflow, so there is nothing to do it to. Connect it first."
	case unanswered:
		return account + " gave no answer in time. Make sure that a worker runs, look at the account's state, then do it again: that is safe."
	case broken:
		return "Account " + b.Account.String() + ": something failed on our side. The log of the worker says what; tokenkeeper doctor finds the fix."
	}
	return ""
}

// failed sorts the error of a request to an account.
func (s *Server) failed(ctx context.Context, a action, err error) banner {
	s.log().WarnContext(ctx, "action on an account", "action", string(a.name), "account", a.account.String(), "error", err)
	b := banner{Result: broken, Account: a.account}
	switch {
	case isNotFound(err):
		b.Result = noWorkflow
	case isUnanswered(err):
		b.Result = unanswered
	}
	return b
}

func isNotFound(err error) bool {
	_, ok := errors.AsType[*serviceerror.NotFound](err)
	return ok
}

// isUnanswered reports whether no worker took the request in time.
func isUnanswered(err error) bool {
	_, late := errors.AsType[*client.WorkflowUpdateServiceTimeoutOrCanceledError](err)
	_, expired := errors.AsType[*serviceerror.DeadlineExceeded](err)
	_, nobody := errors.AsType[*serviceerror.FailedPrecondition](err) // no poller was seen for some minutes
	return late || expired || nobody || errors.Is(err, context.DeadlineExceeded)
}

// conclude records an action and leads back to the status page, which says how it ended.
func (s *Server) conclude(w http.ResponseWriter, r *http.Request, a action, b banner) {
	detail := string(b.Result)
	if b.Detail != "" {
		detail += ": " + clean(b.Detail)
	}
	s.record(r.Context(), a, b.outcome(), detail)
	s.lookout.expire()
	b.Detail = clip(clean(b.Detail), maxName) // a cookie holds 4 KiB
	http.SetCookie(w, s.bannerCookie(b))
	http.Redirect(w, r, s.base()+"/#result", http.StatusSeeOther)
}

// bannerCookie carries the banner to the next page. It is not in the address, where anybody could send somebody a link with
// a made-up banner.
func (s *Server) bannerCookie(b banner) *http.Cookie {
	value, err := json.Marshal(b)
	if err != nil {
		value = nil // it is three texts
	}
	cookie := s.cookie("tokenkeeper-result", base64.RawURLEncoding.EncodeToString(value), "/", time.Minute) //nolint:gosec // as it is set there
	cookie.SameSite = http.SameSiteStrictMode
	return cookie
}

// takeBanner returns the banner of the action before, once; nil where there is none, or one that we would not show.
func (s *Server) takeBanner(w http.ResponseWriter, r *http.Request) *banner {
	gone := s.bannerCookie(banner{}) //nolint:gosec // as it was set
	cookie, err := r.Cookie(gone.Name)
	if err != nil {
		return nil
	}
	gone.Value, gone.MaxAge = "", -1
	http.SetCookie(w, gone)
	value, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return nil
	}
	var b banner
	if json.Unmarshal(value, &b) != nil || b.Text() == "" || b.Account.IsZero() {
		return nil
	}
	return &b
}
