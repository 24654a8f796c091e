package activities

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/vault"
)

// attempt is one attempt at a refresh; the package documentation numbers its steps.
type attempt struct {
	*Account
	conn     Connection
	in       RefreshInput
	deadline time.Time // after which there may be another attempt; zero for none
	record   vault.Record
	marks    Marks // for the attempt after this one
}

// run reads the record (step 1), and either answers from it or goes on to the request.
func (t *attempt) run(ctx context.Context) RefreshResult {
	opening, cancel := t.opening(ctx)
	defer cancel()
	record, err := t.Vault.Get(opening, t.in.Account)
	mints := t.conn.Grant.Mints()
	switch {
	case errors.Is(err, vault.ErrNotFound) && mints:
		record = vault.Record{Account: t.in.Account}
	case errors.Is(err, vault.ErrNotFound):
		return failed(credential.DeadGrant, CodeNoCredential, "the vault holds no credential of this account")
	case err != nil:
		return vaultAway(err)
	case record.Generation > t.in.Generation:
		if t.in.Generation == 0 { // an attempt that died may not have come to say so
			t.granted(t.in.Account)
		}
		return refreshed(record)
	case !mints && !record.Tokens.Refreshable():
		return t.check(ctx, t.conn, record)
	}
	if t.record = record; t.marks.Of != record.Generation {
		t.marks = Marks{Of: record.Generation}
	}
	if !mints && !t.marks.unspent(record) {
		if verdict, blocked := t.unsettled(); blocked {
			return verdict
		}
	}
	return t.request(ctx)
}

// opening returns ctx with a deadline for what comes before the request. Beyond it the request could outlast the attempt.
func (t *attempt) opening(ctx context.Context) (context.Context, context.CancelFunc) {
	if t.deadline.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, t.deadline.Add(-t.conn.Timeout-talkMargin), errNoTimeLeft)
}

var errNoTimeLeft = errors.New("the vault took so long that the request would outlast this attempt")

// request asks the authorization server for tokens, unless the requests of the connector are paused.
func (t *attempt) request(ctx context.Context) RefreshResult {
	if paused := t.Pauses.hold(ctx, t.in); paused != nil {
		return RefreshResult{Failure: paused}
	}
	if t.conn.Grant.Mints() {
		return t.mint(ctx, t.conn, t.record)
	}
	return t.present(ctx)
}

// present spends the refresh token: steps 2 to 5.
func (t *attempt) present(ctx context.Context) RefreshResult {
	opening, cancel := t.opening(ctx)
	defer cancel()
	known, name := t.record.Presentations(), rand.Text()
	_, err := t.Vault.Present(opening, t.record.Account, t.record.Generation, known, name)
	switch {
	case errors.Is(err, vault.ErrConflict):
		return t.current(ctx, t.record.Account)
	case errors.Is(err, vault.ErrPresented):
		// This attempt was held up since it read the record, and is not the account's last any more.
		return inFlight("another attempt presented the refresh token while this one was held up", t.conn.Timeout+talkMargin)
	case err != nil:
		t.marks = t.unsent(name)
		return vaultAway(err)
	case opening.Err() != nil:
		return t.withdraw(ctx, name, *vaultAway(context.Cause(opening)).Failure)
	}
	if paused := t.Pauses.recall(t.in); paused != nil { // while the mark was written
		return t.withdraw(ctx, name, *paused)
	}
	tokens, err := t.conn.OAuth.Refresh(ctx, t.record.Tokens.Refresh)
	if err != nil {
		return t.refused(ctx, name, describe(err))
	}
	t.marks = t.sent(name)
	t.Pauses.accepted(t.record.Account)
	return t.store(ctx, t.record, tokens)
}

// refused decides what follows from a failed POST: the mark is taken back where nothing can have been spent, and stays where
// the provider may have rotated the token.
func (t *attempt) refused(ctx context.Context, name string, failure Failure) RefreshResult {
	ctx, cancel := context.WithTimeout(ctx, talkMargin)
	defer cancel()
	t.Pauses.heard(t.record.Account, &failure)
	switch failure.Kind {
	case credential.DeadClient, credential.Throttled, credential.Transient, credential.Misconfigured:
		return t.withdraw(ctx, name, failure)
	case credential.DeadGrant:
		// A late invalid_grant must not speak for tokens that somebody stored meanwhile.
		now, err := t.Vault.Get(ctx, t.record.Account)
		if err != nil {
			t.marks = t.sent(name)
			return unchecked(failure, err)
		}
		if now.Generation > t.record.Generation {
			return refreshed(now)
		}
	case credential.Ambiguous, credential.Malformed:
		// The mark stays: the provider may have rotated.
	}
	t.marks = t.sent(name)
	return RefreshResult{Failure: &failure}
}

// unchecked hands a refusal to the next attempt, because the vault could not say whether it holds newer tokens.
func unchecked(refusal Failure, err error) RefreshResult {
	result := failed(credential.Transient, CodeVault,
		"the grant is refused, and the vault does not say whether there is a newer one: "+refusal.Message+"; "+err.Error())
	result.Failure.Refusal = &refusal
	return result
}

// withdraw takes back this attempt's mark, because the refresh token was not spent. Where the vault does not do that, the
// marks name it as one that means nothing.
func (t *attempt) withdraw(ctx context.Context, name string, failure Failure) RefreshResult {
	ctx, cancel := context.WithTimeout(ctx, talkMargin)
	defer cancel()
	if err := t.Vault.Withdraw(ctx, t.record.Account, t.record.Generation); err != nil {
		t.Log.WarnContext(ctx, "the vault did not take back the mark of a refresh token that was not spent",
			"account", t.record.Account.String(), "generation", t.record.Generation, "error", err)
	}
	t.marks = t.unsent(name)
	return RefreshResult{Failure: &failure}
}

// unsent returns the marks after this attempt where it spent nothing: those from before it, and the name of its own, which
// the vault may have or not.
func (t *attempt) unsent(own string) Marks {
	m := Marks{Of: t.record.Generation, Ended: t.record.Presentations(), Vain: own}
	if p := t.record.Presented; p != nil {
		m.By = p.By
	}
	if t.in.unspent(t.record) {
		m.Unspent = m.Ended
	}
	return m
}

// sent returns the marks after this attempt where the authorization server may have got its request.
func (t *attempt) sent(name string) Marks {
	return Marks{Of: t.record.Generation, Ended: t.record.Presentations() + 1, By: name}
}

// describe returns an error as a failure whose words may enter history. The text of an error that is not the OAuth client's
// is left out: it could hold a secret. Nor does such an error say whether anything was sent.
func describe(err error) Failure {
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		return Failure{Kind: e.Kind, Code: e.Code, Message: e.Error(), RetryAfter: e.RetryAfter}
	}
	return Failure{Kind: credential.Ambiguous, Message: "the request ended in a way that nobody foresaw"}
}

// store makes new tokens durable: in the vault, or, where that does not take them, sealed in the result, which the
// Workflow's history keeps.
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
