package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/vault"
)

// RefreshInput asks for a generation above Generation.
type RefreshInput struct {
	Account    credential.AccountID  `json:"account"`
	Generation credential.Generation `json:"generation"`
	// Settled says that the last attempt reported its end, so that a mark which it left is of nothing still under way.
	Settled bool `json:"settled,omitempty"`
	// Opened is the last episode of a refused app of which the account was told that it is over.
	Opened int `json:"opened,omitempty"`
	// Try has the request sent although the app is known to be refused.
	Try bool `json:"try,omitempty"`
	// Refusal is what the provider said of this generation to an attempt that could not compare it with the vault.
	Refusal *Failure `json:"refusal,omitempty"`
	// Unspent is that of the last attempt's [Failure].
	Unspent int `json:"unspent,omitempty"`
}

// RefreshResult is how an attempt ended. A failure is a value, not an error: the Workflow keeps the state and decides
// when to try again, Temporal's retries must not.
type RefreshResult struct {
	// Credential is what the vault holds now, when the attempt ended well.
	Credential *Facts `json:"credential,omitempty"`
	// Failure is set when it did not.
	Failure *Failure `json:"failure,omitempty"`
	// Sealed holds the new tokens, sealed by the data key of the generation that was presented, when the vault did not take them.
	Sealed []byte `json:"sealed,omitempty"`
}

// Failure is a bad end in words that may enter history.
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
	// Unspent is how many presentations are on record, where it is known of all of them that the refresh token was not spent and the
	// vault was away when they should have been withdrawn. Each presentation counts one more, so that another number says that there
	// were others since.
	Unspent int `json:"unspent,omitempty"`
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
	first := !activity.IsActivity(ctx) || activity.GetInfo(ctx).Attempt == 1
	// Once the POST may have left, a cancelled Activity must still store what comes back.
	deadline, _ := ctx.Deadline()
	ctx = context.WithoutCancel(ctx)
	record, err := a.Vault.Get(ctx, in.Account)
	mints := conn.Grant.Mints()
	switch {
	case errors.Is(err, vault.ErrNotFound) && mints:
		record = vault.Record{Account: in.Account}
	case errors.Is(err, vault.ErrNotFound):
		return failed(credential.DeadGrant, CodeNoCredential, "the vault holds no credential of this account"), nil
	case err != nil:
		return vaultUnread(conn, first, in, err), nil
	case record.Generation > in.Generation:
		return refreshed(record), nil
	case !mints && !record.Tokens.Refreshable():
		return a.check(ctx, conn, record), nil
	}
	if record.Presentations() != in.Unspent && record.Presented != nil && !mints {
		if verdict, blocked := a.unsettled(conn, record, in, first && in.Settled); blocked {
			return verdict, nil
		}
	}
	return a.request(ctx, conn, in, record, deadline), nil
}

// vaultUnread is the end of an attempt that cannot see whether a presentation is on record. Where it takes the place of another one
// of the same Activity, that may still be waiting for its answer: the next attempt has to come later than that.
func vaultUnread(conn Connection, first bool, in RefreshInput, err error) RefreshResult {
	result := vaultAway(err)
	result.Failure.Unspent = in.Unspent
	if !first {
		result.Failure.RetryAfter = conn.Timeout + talkMargin
	}
	return result
}

// request asks the authorization server for tokens, unless it does not want to be asked now.
func (a *Account) request(ctx context.Context, conn Connection, in RefreshInput, record vault.Record, deadline time.Time) RefreshResult {
	if paused := a.Pauses.hold(ctx, in); paused != nil {
		paused.Unspent = in.Unspent
		return RefreshResult{Failure: paused}
	}
	if conn.Grant.Mints() {
		return a.mint(ctx, conn, record)
	}
	return a.present(ctx, conn, in, record, deadline)
}

// unsettled judges a generation that was presented before and whose outcome is not known. over says that nobody waits for
// its answer any more. blocked is false when the provider's facts allow to present it once more.
func (a *Account) unsettled(conn Connection, record vault.Record, in RefreshInput, over bool) (verdict RefreshResult, blocked bool) {
	if in.Refusal != nil && record.Generation == in.Generation {
		return RefreshResult{Failure: in.Refusal}, true // it is known after all
	}
	ago := a.now().Sub(record.Presented.At)
	if talking := stillTalking(conn, *record.Presented, ago); talking > 0 && !over {
		// Its worker may only seem dead: one that lost Temporal still waits for the provider.
		return inFlight("an earlier attempt may still be waiting for its answer", talking), true
	}
	if conn.Provider.RetryAfterAmbiguous(ago) {
		return RefreshResult{}, false
	}
	return failed(credential.DeadGrant, CodeOutcomeUnknown, outcomeUnknown(conn, record)), true
}

func inFlight(message string, wait time.Duration) RefreshResult {
	result := failed(credential.Transient, CodeInFlight, message)
	result.Failure.RetryAfter = wait
	return result
}

// stillTalking returns how long an attempt that left the mark may go on. The mark has the time of the first presentation
// only; a later one may have begun just now.
func stillTalking(conn Connection, p vault.Presentation, ago time.Duration) time.Duration {
	whole := conn.Timeout + talkMargin
	if p.Attempts > 1 {
		return whole
	}
	return min(whole-ago, whole)
}

// talkMargin is what an attempt may take beyond the timeout of its request to have stored the answer.
const talkMargin = 5 * time.Second

func outcomeUnknown(conn Connection, record vault.Record) string {
	return fmt.Sprintf("the refresh token was presented at %s and the answer is lost; presenting it again could revoke the grant at %s",
		record.Presented.At.UTC().Format(time.RFC3339), conn.Provider.Name)
}

// present spends the refresh token: steps 2 to 5. They end before the deadline, after which there may be another attempt;
// zero means that there is none.
func (a *Account) present(ctx context.Context, conn Connection, in RefreshInput, record vault.Record, deadline time.Time) RefreshResult {
	p, err := a.Vault.Present(ctx, record.Account, record.Generation, record.Presentations())
	switch {
	case errors.Is(err, vault.ErrConflict):
		return a.current(ctx, record.Account)
	case errors.Is(err, vault.ErrPresented):
		// This attempt was held up since it read the record, and is not the account's last any more.
		return inFlight("another attempt presented the refresh token while this one was held up", conn.Timeout+talkMargin)
	case err != nil:
		result := vaultAway(err)
		result.Failure.Unspent = in.Unspent
		return result
	}
	if !deadline.IsZero() && time.Until(deadline) < conn.Timeout+talkMargin {
		late := vaultAway(errors.New("the vault took so long that the request would outlast this attempt"))
		a.withdraw(ctx, record, in, p, late.Failure)
		return late
	}
	if paused := a.Pauses.recall(in); paused != nil { // while the mark was written
		a.withdraw(ctx, record, in, p, paused)
		return RefreshResult{Failure: paused}
	}
	tokens, err := conn.OAuth.Refresh(ctx, record.Tokens.Refresh)
	if err != nil {
		return a.refused(ctx, record, in, p, err)
	}
	a.Pauses.accepted(record.Account)
	return a.store(ctx, record, tokens)
}

// refused sorts a failed POST.
func (a *Account) refused(ctx context.Context, record vault.Record, in RefreshInput, p vault.Presentation, err error) RefreshResult {
	ctx, cancel := context.WithTimeout(ctx, talkMargin)
	defer cancel()
	failure := describe(err)
	a.Pauses.heard(record.Account, &failure)
	switch failure.Kind {
	case credential.Ambiguous, credential.Malformed:
		// The mark stays: the provider may have rotated.
	case credential.DeadGrant:
		// A late invalid_grant must not speak for tokens that somebody stored meanwhile.
		now, err := a.Vault.Get(ctx, record.Account)
		if err != nil {
			return unchecked(failure, err)
		}
		if now.Generation > record.Generation {
			return refreshed(now)
		}
	case credential.DeadClient, credential.Throttled, credential.Transient, credential.Misconfigured:
		a.withdraw(ctx, record, in, p, &failure)
	}
	return RefreshResult{Failure: &failure}
}

// unchecked keeps a refusal for the next attempt, which finds out whether the vault holds newer tokens.
func unchecked(refusal Failure, err error) RefreshResult {
	result := failed(credential.Transient, CodeVault,
		"the grant is refused, and the vault does not say whether there is a newer one: "+refusal.Message+"; "+err.Error())
	result.Failure.Refusal = &refusal
	return result
}

// withdraw takes back the mark p: the refresh token was not spent. Where the vault does not take that, and there was no other mark
// whose outcome is unknown, the failure carries it to the next attempt.
func (a *Account) withdraw(ctx context.Context, record vault.Record, in RefreshInput, p vault.Presentation, failure *Failure) {
	ctx, cancel := context.WithTimeout(ctx, talkMargin)
	defer cancel()
	err := a.Vault.Withdraw(ctx, record.Account, record.Generation)
	if err != nil {
		a.Log.WarnContext(ctx, "the vault did not take back the mark of a refresh token that was not spent",
			"account", record.Account.String(), "generation", record.Generation, "error", err)
	}
	switch before := record.Presentations(); {
	case before != in.Unspent && before > 0: // an earlier one is of unknown outcome
	case err != nil:
		failure.Unspent = p.Attempts
	default:
		failure.Unspent = before
	}
}

// describe puts a failure into words that may enter history. An error that the OAuth client did not sort says neither
// what was sent nor what may be shown of it.
func describe(err error) Failure {
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		return Failure{Kind: e.Kind, Code: e.Code, Message: e.Error(), RetryAfter: e.RetryAfter}
	}
	return Failure{Kind: credential.Ambiguous, Message: "the request ended in a way that nobody foresaw"}
}

// store makes the answer durable: in the vault, or else sealed in the Workflow's history.
func (a *Account) store(ctx context.Context, record vault.Record, tokens credential.Tokens) RefreshResult {
	ctx, cancel := context.WithTimeout(ctx, talkMargin)
	defer cancel()
	_, err := a.Vault.Swap(ctx, record.Account, record.Generation, tokens)
	if err == nil || errors.Is(err, vault.ErrConflict) {
		return a.current(ctx, record.Account)
	}
	sealed, sealErr := a.Vault.SealTokens(record, tokens)
	if sealErr != nil {
		return failed(credential.Ambiguous, CodeVault, "storing the new tokens: "+errors.Join(err, sealErr).Error())
	}
	return RefreshResult{Sealed: sealed}
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
