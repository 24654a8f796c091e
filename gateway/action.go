package gateway

import (
	"context"
	"net/http"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

const (
	// actionLimit bounds what a button asks an account for: a refresh that is tried again, a provider that revokes on the
	// third try.
	actionLimit = time.Minute
	// auditLimit bounds the note of it in the audit log.
	auditLimit = 5 * time.Second

	accountPath = "/accounts/{organization}/{user}/{connector}/"
)

// deeds are what an operator has an account's Workflow do.
type deeds interface {
	// Connect starts the Workflow that owns the account, or finds it running.
	Connect(ctx context.Context, account credential.AccountID) error
	// RefreshNow returns how the account is after it tried, and an error that wraps [serviceerror.NotFound] when it has no
	// Workflow; so does Disconnect.
	RefreshNow(ctx context.Context, account credential.AccountID) (credential.AccountStatus, error)
	// Disconnect returns another status than disconnected where the grant could not be revoked, with the cause as its
	// warning. It waits for a provider that is away, and is safe to repeat.
	Disconnect(ctx context.Context, account credential.AccountID) (credential.AccountStatus, error)
	// ForceDisconnect does not wait: the status then says why the provider has not revoked the grant.
	ForceDisconnect(ctx context.Context, account credential.AccountID) (credential.AccountStatus, error)
}

// action is one use of a button.
type action struct {
	name    vault.Action
	account credential.AccountID
	by      Person
	from    string
}

// act returns a handler that lets only operators do something to the account that the path names. Refusals are in the audit
// log too.
func (s *Server) act(name vault.Action, do func(http.ResponseWriter, *http.Request, action)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		account, err := credential.ParseAccountID(r.PathValue("organization") + "/" + r.PathValue("user") + "/" + r.PathValue("connector"))
		if err != nil {
			s.say(w, r, malformedAccount())
			return
		}
		a := action{name: name, account: account, by: s.who(r), from: s.remote(r)}
		if !a.by.May(Viewer) {
			// Strangers must not make the audit log grow as fast as they can send.
			if s.asksWho() {
				s.signInFirst(w, r)
				return
			}
			if s.tooFast(w, r, s.limits.signIns()) {
				return
			}
		}
		if !a.by.May(Operator) {
			s.record(r.Context(), a, vault.Refused, "not an operator")
			s.say(w, r, notAllowed(a.by))
			return
		}
		do(w, r, a)
	}
}

// vaultSilent is the detail of what failed because the vault is away.
const vaultSilent = "the vault does not answer"

// record writes what somebody did to the audit log. It cannot undo that: when the vault is away, at least the log of the
// process has it.
func (s *Server) record(ctx context.Context, a action, outcome vault.Outcome, detail string) {
	s.log().InfoContext(ctx, "action of a person", "action", string(a.name), "account", a.account.String(), "person", a.by.Name,
		"outcome", string(outcome))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditLimit)
	defer cancel()
	err := s.Vault.Audit(ctx, vault.Event{
		Actor: a.by.name(), Action: a.name, Account: a.account, Remote: a.from, Outcome: outcome, Detail: detail,
	})
	if err != nil {
		s.log().ErrorContext(ctx, "an action is not in the audit log", "account", a.account.String(), "error", err)
	}
}

// name returns the name for the audit log, which takes no event without one.
func (p Person) name() string {
	if p.Name == "" {
		return "stranger"
	}
	return p.Name
}

func notAllowed(who Person) message {
	m := message{status: http.StatusForbidden, Title: "This is for operators"}
	if who.May(Viewer) {
		m.Text = []string{"You may look at the accounts, and not change them. Nothing was changed. Ask an operator."}
		return m
	}
	m.Text = []string{
		"The gateway does not know who you are, so nothing was changed.",
		"Open it on the machine that it runs on, or use the command there: tokenkeeper account, with connect, reauthorize, refresh or disconnect.",
	}
	return m
}
