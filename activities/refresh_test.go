package activities_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/provider"
	"tokenkeeper/sandbox"
)

const (
	slackRefreshes  = "slack token.refresh"
	githubRefreshes = "github token.refresh"
)

// refresh runs one attempt that follows none, or one that reported its end, and remembers its marks as the Workflow does.
func (w *world) refresh(account credential.AccountID, g credential.Generation) activities.RefreshResult {
	w.t.Helper()
	r := w.refreshAfter(account, g, w.marks)
	if w.marks = (activities.Marks{}); r.Failure != nil {
		w.marks = r.Failure.Marks
	}
	return r
}

// refreshAfter runs one attempt where the last one that reported its end left those marks.
func (w *world) refreshAfter(account credential.AccountID, g credential.Generation, marks activities.Marks) activities.RefreshResult {
	w.t.Helper()
	got := once(w, w.account.RefreshToken, activities.RefreshInput{Account: account, Generation: g, Marks: marks})
	require.NoError(w.t, got.err)
	return got.out
}

// requireFailure requires a kind and a code of ours or of the provider.
func requireFailure(t *testing.T, r activities.RefreshResult, kind credential.FailureKind, code string) {
	t.Helper()
	require.NotNil(t, r.Failure, "%+v", r)
	assert.Nil(t, r.Credential)
	assert.Equal(t, kind, r.Failure.Kind, "%+v", r.Failure)
	assert.Equal(t, code, r.Failure.Code)
	assert.NotEmpty(t, r.Failure.Message)
}

func TestARefreshBringsTheNextGeneration(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	facts := w.connect(slackAccount)
	before := w.held(slackAccount)
	w.clock.advance(9 * time.Hour)

	r := w.refresh(slackAccount, 1)

	require.NotNil(t, r.Credential)
	after := w.held(slackAccount)
	assert.EqualValues(t, 2, r.Credential.Generation)
	assert.Equal(t, facts.Subject, r.Credential.Subject)
	assert.Equal(t, w.clock.Now().Add(12*time.Hour).UTC(), r.Credential.ExpiresAt.UTC())
	assert.True(t, r.Credential.Refreshable)
	assert.Equal(t, slackScopesSorted(), r.Credential.Scopes)
	assert.False(t, after.Tokens.Access.Equal(before.Tokens.Access))
	assert.False(t, after.Tokens.Refresh.Equal(before.Tokens.Refresh))
	assert.Nil(t, after.Presented, "the outcome is known")
}

func TestARefreshTokenThatTheAnswerOmitsIsKept(t *testing.T) {
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: sandbox.RotationStatic}})
	w.connect(slackAccount)
	before := w.held(slackAccount)

	r := w.refresh(slackAccount, 1)

	require.NotNil(t, r.Credential)
	assert.True(t, r.Credential.Refreshable)
	assert.True(t, w.held(slackAccount).Tokens.Refresh.Equal(before.Tokens.Refresh))
	assert.EqualValues(t, 3, w.refresh(slackAccount, 2).Credential.Generation, "and is good for the next one")
}

func TestANewerGenerationInTheVaultCostsNoRequest(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.refresh(slackAccount, 1)

	r := w.refresh(slackAccount, 1)

	assert.EqualValues(t, 2, r.Credential.Generation)
	assert.Equal(t, 1, w.Books().Requests[slackRefreshes])
}

func TestTheMarkIsInTheVaultBeforeTheTokenIsPresented(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	marked := false
	w.when(slackTokenPath, func() {
		p := w.held(slackAccount).Presented
		marked = p != nil && p.Generation == 1 && p.Attempts == 1
	})

	w.refresh(slackAccount, 1)

	assert.True(t, marked)
}

func TestEachKindOfFailureKeepsOrWithdrawsTheMark(t *testing.T) {
	const endpoint = "token.refresh"
	for name, c := range map[string]struct {
		fault sandbox.Fault
		kind  credential.FailureKind
		code  string
		wait  time.Duration
		kept  bool
	}{
		"dead grant":          {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Code: "invalid_refresh_token"}, kind: credential.DeadGrant, code: "invalid_refresh_token", kept: true},
		"dead client":         {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Code: "bad_client_secret"}, kind: credential.DeadClient, code: "bad_client_secret"},
		"throttled":           {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429, RetryAfter: 42 * time.Second}, kind: credential.Throttled, code: "ratelimited", wait: 42 * time.Second},
		"transient":           {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, kind: credential.Transient},
		"ambiguous status":    {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502}, kind: credential.Ambiguous, kept: true},
		"ambiguous no answer": {fault: sandbox.Fault{Kind: sandbox.FaultDrop}, kind: credential.Ambiguous, kept: true},
		"half an answer":      {fault: sandbox.Fault{Kind: sandbox.FaultTruncate}, kind: credential.Malformed, kept: true},
		"malformed":           {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 200}, kind: credential.Malformed, kept: true},
		"misconfigured":       {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Code: "invalid_grant_type"}, kind: credential.Misconfigured, code: "invalid_grant_type"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			before := w.held(slackAccount)
			c.fault.App, c.fault.Endpoint = sandbox.Slack, endpoint
			w.fault(c.fault)

			r := w.refresh(slackAccount, 1)

			requireFailure(t, r, c.kind, c.code)
			assert.Equal(t, c.wait, r.Failure.RetryAfter)
			after := w.held(slackAccount)
			assert.Equal(t, c.kept, after.Presented != nil, "the mark")
			assert.EqualValues(t, 1, after.Generation)
			assert.True(t, after.Tokens.Refresh.Equal(before.Tokens.Refresh), "nothing was stored")
		})
	}
}

func TestAWrongClientSecretTouchesNoGrant(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	w.wrongSecret = true
	requireFailure(t, w.refresh(githubAccount, 1), credential.DeadClient, "incorrect_client_credentials")
	w.wrongSecret = false

	assert.EqualValues(t, 2, w.refresh(githubAccount, 1).Credential.Generation, "the grant is as good as before")
	assert.Zero(t, w.Books().RefreshesRefused)
}

func TestARevokedGrantIsDeadAndIsNotPostedAgainByALostWorkflow(t *testing.T) {
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: sandbox.RotationRevokeFamily}})
	w.rotates("slack", "single_use", 0, true)
	w.connect(slackAccount)
	w.Revoke(sandbox.Slack)
	requireFailure(t, w.refresh(slackAccount, 1), credential.DeadGrant, "invalid_refresh_token")
	w.clock.advance(time.Hour)

	requireFailure(t, w.refreshAfter(slackAccount, 1, activities.Marks{}), credential.DeadGrant, activities.CodeOutcomeUnknown)
	assert.Equal(t, 1, w.Books().Requests[slackRefreshes])
}

func TestALateInvalidGrantDoesNotSpeakForNewerTokens(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Code: "invalid_refresh_token"})
	w.when(slackTokenPath, func() { // somebody consents while the old token is on its way
		got := w.adopt(slackAccount, w.consent(slackAccount, ""))
		assert.NoError(t, got.err)
	})

	r := w.refresh(slackAccount, 1)

	require.NotNil(t, r.Credential, "%+v", r.Failure)
	assert.EqualValues(t, 2, r.Credential.Generation)
}

// The vault goes away while the provider refuses a grant. Whether the refusal is a late one is found out when the vault is back,
// and the token that was refused is not presented again for that.
func TestARefusalThatCannotBeCheckedIsCheckedLater(t *testing.T) {
	for name, c := range map[string]struct {
		rotation provider.Rotation
		reuse    bool
	}{
		"static": {provider.RotationStatic, false}, "grace": {provider.RotationGrace, false},
		"single use": {provider.RotationSingleUse, false}, "family": {provider.RotationSingleUse, true},
	} {
		for _, consented := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, consented %t", name, consented), func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				w.rotates("slack", c.rotation, 0, c.reuse)
				w.connect(slackAccount)
				w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Code: "invalid_refresh_token"})
				w.when(slackTokenPath, func() { w.vault.fail("Get") })

				first := w.refresh(slackAccount, 1)
				requireFailure(t, first, credential.Transient, activities.CodeVault)
				require.NotNil(t, first.Failure.Refusal)
				assert.Contains(t, first.Failure.Message, "invalid_refresh_token")
				in := activities.RefreshInput{Account: slackAccount, Generation: 1, Marks: first.Failure.Marks, Refusal: first.Failure.Refusal}
				requireFailure(t, w.refreshWith(in), credential.Transient, activities.CodeVault)
				w.vault.fail()
				assert.NotNil(t, w.held(slackAccount).Presented, "the mark stays until the refusal is believed")
				if consented {
					require.NoError(t, w.adopt(slackAccount, w.consent(slackAccount, "")).err)
				}

				last := w.refreshWith(in)
				if consented {
					require.NotNil(t, last.Credential, "%+v", last.Failure)
					assert.EqualValues(t, 2, last.Credential.Generation)
				} else {
					requireFailure(t, last, credential.DeadGrant, "invalid_refresh_token")
				}
				assert.Equal(t, 1, w.Books().Requests[slackRefreshes], "one presentation")
			})
		}
	}
}

func TestALateSuccessDoesNotReplaceNewerTokens(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.when(slackTokenPath, func() { assert.NoError(t, w.adopt(slackAccount, w.consent(slackAccount, "")).err) })

	r := w.refresh(slackAccount, 1)

	assert.EqualValues(t, 2, r.Credential.Generation)
	assert.Equal(t, "authorization-2", w.held(slackAccount).AuthorizationID, "the consented ones stay")
	assert.Nil(t, r.Sealed)
}

func TestAnAccountWithoutACredentialHasNothingToPresent(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	requireFailure(t, w.refresh(slackAccount, 1), credential.DeadGrant, activities.CodeNoCredential)
}

func TestAnAccountOfNoConnectorIsNotConfigured(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	unknown := credential.AccountID{Organization: "acme", User: "triage", Connector: "jira"}
	once(w, w.account.RefreshToken, activities.RefreshInput{Account: unknown}).
		fails(t, activities.ErrTypeNotConfigured, "acme/triage/jira", "github, slack")
	once(w, w.account.Describe, activities.DescribeInput{Account: unknown}).fails(t, activities.ErrTypeNotConfigured, "acme/triage/jira")
	awaited := once(w, w.account.Describe, activities.DescribeInput{Account: unknown, Await: true})
	app, ok := errors.AsType[*temporal.ApplicationError](awaited.err)
	require.True(t, ok, "%v", awaited.err)
	assert.False(t, app.NonRetryable(), "another worker may have it, or this one soon")
	once(w, w.account.Disconnect, activities.AccountInput{Account: unknown}).fails(t, activities.ErrTypeNotConfigured, "acme/triage/jira")
}

func TestATokenThatCannotBeRefreshedIsCheckedBeforeItIsGivenUp(t *testing.T) {
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: sandbox.RotationNone, AccessLifetime: sandbox.NeverExpires}})
	facts := w.connect(slackAccount)
	assert.False(t, facts.Refreshable)
	assert.True(t, facts.ExpiresAt.IsZero())

	assert.EqualValues(t, 1, w.refresh(slackAccount, 1).Credential.Generation, "it lives")
	w.fault(sandbox.Fault{Endpoint: "auth.test", Kind: sandbox.FaultStatus, Status: 503})
	requireFailure(t, w.refresh(slackAccount, 1), credential.Transient, "")
	w.Revoke(sandbox.Slack)
	requireFailure(t, w.refresh(slackAccount, 1), credential.DeadGrant, activities.CodeNoRefreshToken)
	assert.Zero(t, w.Books().Requests[slackRefreshes])
}

// Slack says invalid_auth of a token that was revoked and to an address that is not allowed. Without a refresh token nothing tells
// which, and a grant is not given up for a policy.
func TestARefusalThatMayBeOfTheAddressIsForTheOperator(t *testing.T) {
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: sandbox.RotationNone, AccessLifetime: sandbox.NeverExpires}})
	w.connect(slackAccount)
	says := func(code string) {
		w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "auth.test", Kind: sandbox.FaultStatus, Code: code})
	}
	says("invalid_auth")
	r := w.refresh(slackAccount, 1)
	requireFailure(t, r, credential.Misconfigured, activities.CodeUnsure)
	assert.Equal(t, "Slack says invalid_auth of the access token: it was revoked, or the address of this worker is not allowed to use it",
		r.Failure.Message)
	assert.EqualValues(t, 1, w.refresh(slackAccount, 1).Credential.Generation, "the address is allowed now")

	says("account_inactive")
	requireFailure(t, w.refresh(slackAccount, 1), credential.DeadGrant, activities.CodeNoRefreshToken)
}

func TestACancelledActivityStillStoresWhatComesBack(t *testing.T) {
	w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{Rotation: sandbox.RotationSingleUse}})
	w.connect(githubAccount)
	ctx, cancel := context.WithCancel(t.Context())
	w.when(githubTokenPath, cancel)

	attempt(w, ctx, nil, w.account.RefreshToken, activities.RefreshInput{Account: githubAccount, Generation: 1})

	require.Error(t, ctx.Err())
	assert.EqualValues(t, 2, w.held(githubAccount).Generation)
}

func TestARequestThatWouldOutlastItsAttemptIsNotSent(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	ctx, cancel := context.WithTimeout(t.Context(), 14*time.Second) // less than the request's 10 s and the 5 s to store
	defer cancel()

	got := attempt(w, ctx, nil, w.account.RefreshToken, activities.RefreshInput{Account: slackAccount, Generation: 1})

	require.NoError(t, got.err)
	requireFailure(t, got.out, credential.Transient, activities.CodeVault)
	assert.Zero(t, w.Books().Requests[slackRefreshes])
	assert.Nil(t, w.held(slackAccount).Presented, "nothing was presented")
}

// Another process keeps the vault locked. The attempt ends in time all the same, and with nothing sent.
func TestNoVaultHoldsUpAnAttemptUntilItsEnd(t *testing.T) {
	for _, method := range []string{"Get", "Present"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			w.vault.hold(method)
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second+100*time.Millisecond)
			defer cancel()

			got := attempt(w, ctx, nil, w.account.RefreshToken, activities.RefreshInput{Account: slackAccount, Generation: 1})

			require.NoError(t, got.err)
			requireFailure(t, got.out, credential.Transient, activities.CodeVault)
			require.NoError(t, ctx.Err())
			assert.Zero(t, w.Books().Requests[slackRefreshes])
		})
	}
}
