package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/vault"
)

const (
	// verdictLimit is how long a person waits for the account's Workflow to take the tokens.
	verdictLimit = 30 * time.Second
	// authorizationLimit is how long tokens wait in the vault for an account that does not answer, or for the provider to say whose
	// they are: an outage may take a working day.
	authorizationLimit = 24 * time.Hour
)

// identifyPauses are the waits between attempts to ask whose tokens are while a person waits: long enough for a restart
// behind the provider's load balancer, so that the person need not begin again.
var identifyPauses = []time.Duration{time.Second, 2 * time.Second}

// complete turns the code into tokens, seals them before anything else can fail, and hands them to the account. It does not
// go through the task queue of the connector, because a code is good for a minute or so and a person waits: one click is one
// request, whatever token_rate says.
func (s *Server) complete(ctx context.Context, login vault.Login, conn activities.Connection, code string) message {
	tokens, err := conn.OAuth.Exchange(ctx, code, login.Verifier)
	if err != nil {
		return s.withoutTokens(ctx, login, conn, err)
	}
	a := vault.Authorization{
		ID: newAuthorizationID(), Account: login.Account, Tokens: tokens, ExpiresAt: s.now().Add(authorizationLimit),
	}
	// Slow calls to the provider must not leave the vault without time: nobody can ask for these tokens again.
	if err := s.Vault.PutAuthorization(context.WithoutCancel(ctx), a); err != nil {
		s.log().ErrorContext(ctx, "keeping an authorization", "account", login.Account.String(), "error", err)
		return notKept(login.Account).as(vault.Failed, vaultSilent)
	}
	a, err = identify(ctx, conn, s.Vault, a)
	if oauth.KindOf(err) == credential.DeadGrant {
		return s.withoutTokens(ctx, login, conn, err)
	}
	if err != nil { // the account asks again before it adopts
		s.log().WarnContext(ctx, "nobody says whose a consent is", "account", login.Account.String(), "error", err)
	}
	return s.handOver(ctx, a, ungranted(a, conn))
}

func (s *Server) withoutTokens(ctx context.Context, login vault.Login, conn activities.Connection, err error) message {
	s.log().WarnContext(ctx, "consent without tokens", "account", login.Account.String(), "error", err)
	return unauthorized(login.Account, conn, err).as(vault.Failed, "it brought no tokens: "+err.Error())
}

// identify asks whose the tokens are, and again after an outage: asking has no side effect.
func identify(ctx context.Context, conn activities.Connection, in activities.Nameless, of vault.Authorization) (vault.Authorization, error) {
	for attempt := 0; ; attempt++ {
		known, err := conn.Identify(ctx, in, of)
		if oauth.KindOf(err) != credential.Transient || attempt == len(identifyPauses) {
			return known, err
		}
		select {
		case <-ctx.Done():
			return known, err
		case <-time.After(identifyPauses[attempt]):
		}
	}
}

// newAuthorizationID returns 192 random bits. Who knows it can have the account adopt these tokens.
func newAuthorizationID() string {
	var id [24]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// ungranted returns the scopes that were asked for and not granted. There are none where the provider does not say what it
// granted, which by RFC 6749 §5.1 means all.
func ungranted(a vault.Authorization, conn activities.Connection) []string {
	if a.Tokens.Scopes == nil {
		return nil
	}
	return conn.Provider.Ungranted(conn.Scopes, a.Tokens.Scopes)
}

// handOver hands the authorization to its account, and returns the page for the verdict. Without a verdict the tokens stay
// in the vault, and workers hand them over again.
func (s *Server) handOver(ctx context.Context, a vault.Authorization, missing []string) message {
	limited, cancel := context.WithTimeout(ctx, verdictLimit)
	defer cancel()
	status, err := s.Owner.Reauthorized(limited, a.Account, a.ID)
	app, answered := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case answered && app.Type() == activities.ErrTypeAuthorizationRejected:
		s.log().WarnContext(ctx, "account refused the authorization", "account", a.Account.String(), "reason", app.Message())
		return rejected(a.Account, app).as(vault.Refused, app.Message())
	case answered && app.Type() == activities.ErrTypeLeaving:
		s.log().WarnContext(ctx, "account leaves, and takes no authorization", "account", a.Account.String())
		return leaving(a.Account).as(vault.Refused, app.Message())
	case err != nil && a.Subject == "":
		s.log().WarnContext(ctx, "an authorization waits until somebody says whose it is", "account", a.Account.String(), "error", err)
		return unidentified(a).as(vault.Failed, "kept: the provider does not say yet whose it is")
	case err != nil:
		s.log().WarnContext(ctx, "account gave no verdict on the authorization", "account", a.Account.String(), "error", err)
		return kept(a, answered).as(vault.Failed, "kept: the account has not taken it yet")
	}
	if a.Subject == "" { // the account found out
		a.Subject, a.Display = status.Subject, status.Display
	}
	s.log().InfoContext(ctx, "account took the authorization",
		"account", a.Account.String(), "status", status.Status, "generation", status.Generation)
	return taken(a, status, missing).as(vault.Done, "as "+credential.Holder{Subject: a.Subject, Display: a.Display}.String())
}
