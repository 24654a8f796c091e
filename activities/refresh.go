package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// RefreshInput asks for a generation above Generation.
type RefreshInput struct {
	Account    credential.AccountID  `json:"account"`
	Generation credential.Generation `json:"generation"`
	// Marks are those of the last attempt's [Failure].
	Marks
	// Opened is the last episode of a refused app of which the account was told that it is over.
	Opened int `json:"opened,omitempty"`
	// Try has the request sent although the app is known to be refused.
	Try bool `json:"try,omitempty"`
	// Refusal is what the provider said of this generation to an attempt that could not compare it with the vault.
	Refusal *Failure `json:"refusal,omitempty"`
}

// RefreshResult is how an attempt ended. A failure is a value and not an error, because the Workflow decides when to try
// again; Temporal's retries must not.
type RefreshResult struct {
	// Credential is what the vault holds now, when the attempt ended well.
	Credential *Facts `json:"credential,omitempty"`
	// Failure is set when it did not.
	Failure *Failure `json:"failure,omitempty"`
	// Sealed holds the new tokens, sealed by the data key of the generation that was presented, when the vault did not take them.
	Sealed []byte `json:"sealed,omitempty"`
}

// Failure is how an attempt failed, in words that may enter history.
type Failure struct {
	Kind credential.FailureKind `json:"kind"`
	// Code is the provider's, or one of ours: see the constants.
	Code       string        `json:"code,omitempty"`
	Message    string        `json:"message"`
	RetryAfter time.Duration `json:"retry_after,omitempty"` // nanoseconds; 0 where nothing was said
	// Shared: the other accounts of the connector would meet it too.
	Shared bool `json:"shared,omitempty"`
	// Refusal is that of a grant for which a newer one may be in the vault, which was away. The next attempt looks, with
	// [RefreshInput].Refusal: it presents a token no more that was refused, and takes no refusal for a lost answer.
	Refusal *Failure `json:"refusal,omitempty"`
	// Marks are for the next attempt.
	Marks
}

// Codes of our own in [Failure].
const (
	// CodeOutcomeUnknown: the refresh token was presented, its answer is lost, and the provider's facts forbid to
	// present it again.
	CodeOutcomeUnknown = "outcome_unknown"
	// CodeOtherSubject: the connector now gets tokens of somebody else.
	CodeOtherSubject = "other_subject"
	// CodeOwned: another account owns the grant.
	CodeOwned = "owned"
	// CodeNoRefreshToken: the token died and there is nothing to get a new one with.
	CodeNoRefreshToken = "no_refresh_token"
	// CodeNoCredential: the vault holds nothing for the account.
	CodeNoCredential = "no_credential" //nolint:gosec // a code
	// CodeInFlight: another attempt for the same generation may not have ended yet.
	CodeInFlight = "in_flight"
	// CodeVault: the vault did not answer; nothing was sent, or what came of it is in [Failure].Refusal.
	CodeVault = "vault_unavailable"
	// CodePaused: the requests of all accounts of the connector are paused; nothing was sent.
	CodePaused = "paused"
	// CodeUnsure: the provider refuses a token that nothing renews, in words that it has for a good one too.
	CodeUnsure = "revoked_or_not_allowed_here"
	// CodeUnreadable: answer after answer is none, for example HTML in place of JSON.
	CodeUnreadable = "unreadable_answers"
	// CodeUnserved: no worker took the request from the queue of its connector; nothing was sent.
	CodeUnserved = "unserved"
)

func failed(kind credential.FailureKind, code, message string) RefreshResult {
	return RefreshResult{Failure: &Failure{Kind: kind, Code: code, Message: message}}
}

// RefreshToken gets the account a generation above in.Generation, in one of three ways:
//
//	the app mints for itself     another token is asked for, as often as need be
//	there is a refresh token     it is presented
//	neither                      nothing renews the token; the provider is asked whether it still lives
//
// Only the account's Workflow may ask for it, one at a time. The package's documentation draws the protocol.
// Errors: [ErrTypeNotConfigured].
func (a *Account) RefreshToken(ctx context.Context, in RefreshInput) (RefreshResult, error) {
	conn, err := a.Connections.Connection(in.Account)
	if err != nil {
		return RefreshResult{}, notConfigured(err)
	}
	defer beat(ctx)()
	t := attempt{Account: a, conn: conn, in: in, marks: in.Marks}
	t.deadline, _ = ctx.Deadline()
	// Once the POST may have left, a cancelled Activity must still store what comes back.
	result := t.run(context.WithoutCancel(ctx))
	if result.Failure != nil {
		result.Failure.Marks = t.marks
	}
	return result, nil
}

// current returns what the vault holds after somebody wrote to it.
func (a *Account) current(ctx context.Context, account credential.AccountID) RefreshResult {
	record, err := a.Vault.Get(ctx, account)
	if err != nil {
		return vaultAway(err)
	}
	return refreshed(record)
}

// check asks the provider whether a token that cannot be refreshed still lives. An answer that a good token gets as well (Slack:
// invalid_auth, to an address that is not allowed) is for the operator, and no reason to give up the grant.
func (a *Account) check(ctx context.Context, conn Connection, record vault.Record) RefreshResult {
	if record.Tokens.ValidAt(a.now()) {
		_, err := conn.OAuth.Identify(ctx, record.Tokens.Access)
		if err == nil {
			return refreshed(record)
		}
		failure := describe(err)
		if failure.Kind == credential.DeadGrant && conn.Provider.API.DeadToken.IsUnsure(failure.Code) {
			return failed(credential.Misconfigured, CodeUnsure, fmt.Sprintf("%s says %s of the access token: it was revoked, or the address "+
				"of this worker is not allowed to use it", conn.Provider.Name, failure.Code))
		}
		if failure.Kind != credential.DeadGrant {
			return RefreshResult{Failure: &failure}
		}
	}
	return failed(credential.DeadGrant, CodeNoRefreshToken, "the access token is over, and the provider issued no refresh token")
}

func refreshed(record vault.Record) RefreshResult {
	facts := factsOf(record)
	return RefreshResult{Credential: &facts}
}

func vaultAway(err error) RefreshResult {
	return failed(credential.Transient, CodeVault, err.Error())
}

func isIntegrityError(err error) bool {
	_, ok := errors.AsType[*vault.IntegrityError](err)
	return ok
}

// StoreInput carries tokens that the vault did not take.
type StoreInput struct {
	Account    credential.AccountID  `json:"account"`
	Generation credential.Generation `json:"generation"` // that was presented
	Sealed     []byte                `json:"sealed"`
}

// StoreTokens puts sealed tokens into the vault. Temporal retries it until the vault is back; a second run finds the
// newer generation and leaves it. Errors: [ErrTypeRejected] when the account was shredded meanwhile, or its vault
// is an older one.
func (a *Account) StoreTokens(ctx context.Context, in StoreInput) (Facts, error) {
	tokens, err := a.Vault.OpenTokens(ctx, in.Account, in.Generation, in.Sealed)
	if err == nil {
		_, err = a.Vault.Swap(ctx, in.Account, in.Generation, tokens)
	}
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return Facts{}, rejected("the vault holds no credential of account %s any more; connect it again with: tokenkeeper account connect %s",
			in.Account, in.Account)
	case isIntegrityError(err): // they will never open, and the account has to go on
		return Facts{}, rejected("%v; the new tokens of account %s are lost: the vault was restored from a backup while they were under way", err, in.Account)
	case err != nil && !errors.Is(err, vault.ErrConflict):
		return Facts{}, fmt.Errorf("storing the tokens of account %s: %w", in.Account, err)
	}
	record, err := a.Vault.Get(ctx, in.Account)
	if err != nil {
		return Facts{}, fmt.Errorf("reading back account %s: %w", in.Account, err)
	}
	return factsOf(record), nil
}
