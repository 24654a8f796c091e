package activities

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// ValidateInput asks whether an account's access token still works.
type ValidateInput struct {
	Account credential.AccountID `json:"account"`
	// Every has the Activity go on until it finds a dead token, with a look in each interval; 0 means one look.
	Every time.Duration `json:"every,omitempty"` // nanoseconds
	// NotBefore is the earliest first look.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Known is a generation whose death is no news.
	Known credential.Generation `json:"known,omitempty"`
}

// TokenVerdict is what a look at a token found.
type TokenVerdict string

// What a look can find.
const (
	TokenAlive TokenVerdict = "alive"
	TokenDead  TokenVerdict = "dead"
	// TokenUnclear: nothing to look at, an outage, a policy that forbids the look. It says nothing about the token.
	TokenUnclear TokenVerdict = "unclear"
)

// Validation is what a look found.
type Validation struct {
	Generation credential.Generation `json:"generation"` // 0 where there was none to look at
	Verdict    TokenVerdict          `json:"verdict"`
	// Note says why the verdict is not a clear one.
	Note string    `json:"note,omitempty"`
	At   time.Time `json:"at"`
	// Policy is that of the connector at this moment; nil where the configuration names none.
	Policy *Policy `json:"policy,omitempty"`
}

// Heard is what travels from look to look, in the heartbeat: it costs no history, and an operator finds it at the pending
// Activity.
type Heard struct {
	// Alive is when the token was last found alive.
	Alive time.Time `json:"alive,omitzero"`
	// Note says why the last look gave no clear verdict.
	Note string `json:"note,omitempty"`
}

// Validate calls the provider's identity endpoint with the account's token. It only looks: a dead token is news for the
// account's owner, who has it refreshed or finds the grant dead.
//
// With an interval it returns when it finds a dead token that is news. Until then each attempt fails with
// [ErrTypeNothingNew] and is retried after the interval: Temporal's own retry is the timer, and writes nothing to history.
// It reads the newest generation at each look, so a refresh need not restart it. Errors: [ErrTypeNotConfigured] for a single
// look.
func (a *Account) Validate(ctx context.Context, in ValidateInput) (Validation, error) {
	var heard atomic.Pointer[Heard]
	heard.Store(heardBefore(ctx))
	defer beatWith(ctx, func() []any { return []any{*heard.Load()} })()
	if wait := in.NotBefore.Sub(a.now()); in.Every > 0 && wait > 0 {
		return Validation{}, again(ErrTypeNothingNew, "the next look at account "+in.Account.String()+" is not due", wait)
	}
	conn, err := a.Connections.Connection(in.Account)
	if err != nil && in.Every == 0 {
		return Validation{}, notConfigured(err)
	}
	v := Validation{Verdict: TokenUnclear, At: a.now()}
	wait := in.Every
	if err != nil {
		v.Note = err.Error()
	} else {
		var asked time.Duration
		v, asked = a.look(ctx, conn, in.Account)
		wait = max(wait, asked)
	}
	if in.Every == 0 || v.Verdict == TokenDead && v.Generation > in.Known {
		return v, nil
	}
	heard.Store(heard.Load().with(v))
	tell(ctx, *heard.Load())
	return Validation{}, again(ErrTypeNothingNew, notFound(in, v), wait)
}

func notFound(in ValidateInput, v Validation) string {
	switch v.Verdict {
	case TokenAlive:
		return "the token of account " + in.Account.String() + " lives"
	case TokenDead:
		return "the token of account " + in.Account.String() + " is dead, as its owner knows"
	case TokenUnclear:
	}
	return "the look at account " + in.Account.String() + " says nothing: " + v.Note
}

// with returns what is heard after another look.
func (h Heard) with(v Validation) *Heard {
	h.Note = v.Note
	if v.Verdict == TokenAlive {
		h.Alive = v.At
	}
	return &h
}

// heardBefore returns what the look before left.
func heardBefore(ctx context.Context) *Heard {
	var heard Heard
	if activity.IsActivity(ctx) && activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &heard) // what cannot be read was another version's, and is no loss
	}
	return &heard
}

// tell records what the next look, and an operator, will find in the heartbeat.
func tell(ctx context.Context, heard Heard) {
	if activity.IsActivity(ctx) {
		activity.RecordHeartbeat(ctx, heard)
	}
}

// look asks the provider once, and returns how long it asks to wait, 0 where it does not.
func (a *Account) look(ctx context.Context, conn Connection, account credential.AccountID) (Validation, time.Duration) {
	policy := conn.policy()
	v := Validation{Verdict: TokenUnclear, At: a.now(), Policy: &policy}
	record, err := a.Vault.Get(ctx, account)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		v.Note = "there is no token"
		return v, 0
	case err != nil:
		v.Note = err.Error()
		return v, 0
	}
	v.Generation = record.Generation
	if !record.Tokens.ValidAt(a.now()) {
		v.Note = "the access token is over by the clock"
		return v, 0
	}
	_, err = conn.OAuth.Identify(ctx, record.Tokens.Access)
	if err == nil {
		v.Verdict = TokenAlive
		return v, 0
	}
	failure := describe(err)
	v.Note = failure.Message
	if failure.Kind == credential.DeadGrant && a.newest(ctx, record) {
		v.Verdict = TokenDead
	}
	return v, failure.RetryAfter
}

// newest reports whether no newer tokens came while the provider was asked: at some providers a refresh ends the old token.
func (a *Account) newest(ctx context.Context, record vault.Record) bool {
	now, err := a.Vault.Get(ctx, record.Account)
	return err == nil && now.Generation == record.Generation
}
