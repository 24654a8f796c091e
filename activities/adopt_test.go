package activities_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
)

func TestAdoptingMakesAConsentTheAccountsCredential(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	none := once(w, w.account.Describe, activities.DescribeInput{Account: slackAccount})
	require.NoError(t, none.err)
	assert.Equal(t, activities.Description{Provider: "slack"}, none.out)

	facts := w.connect(slackAccount)

	assert.EqualValues(t, 1, facts.Generation)
	assert.EqualValues(t, "T0SANDBOX/"+botOf(t, facts.Subject), facts.Subject)
	assert.NotEmpty(t, facts.Display)
	some := once(w, w.account.Describe, activities.DescribeInput{Account: slackAccount})
	require.NoError(t, some.err)
	assert.Equal(t, facts.Generation, some.out.Credential.Generation)
	assert.Equal(t, facts.Subject, some.out.Credential.Subject)
}

func botOf(t *testing.T, subject credential.Subject) string {
	t.Helper()
	require.Greater(t, len(subject), len("T0SANDBOX/"))
	return string(subject[len("T0SANDBOX/"):])
}

func TestAdoptingAgainChangesNothing(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	authorization := w.consent(slackAccount, "")
	require.NoError(t, w.adopt(slackAccount, authorization).err)
	w.refresh(slackAccount, 1)

	again := w.adopt(slackAccount, authorization)

	require.NoError(t, again.err)
	assert.EqualValues(t, 2, again.out.Generation, "not a generation that was there before")
}

// Who waits has asked nobody as long as there was no grant and so no owner; later ones the owner tells by itself.
func TestTheFirstGrantAndTheNextAfterADisconnectAreTold(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	var told []credential.AccountID
	w.account.Granted = func(account credential.AccountID) { told = append(told, account) }
	w.connect(githubAccount)
	require.NoError(t, w.adopt(githubAccount, w.consent(githubAccount, "")).err)
	assert.Equal(t, []credential.AccountID{githubAccount}, told)

	require.NoError(t, once(w, w.account.ForceDisconnect, activities.AccountInput{Account: githubAccount}).err)
	require.NoError(t, w.adopt(githubAccount, w.consent(githubAccount, "")).err)
	assert.Equal(t, []credential.AccountID{githubAccount, githubAccount}, told)
}

// The worker dies when the vault has the grant and nobody has been told.
func TestAFirstGrantIsToldByTheAttemptAfterADeath(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	authorization := w.consent(githubAccount, "")
	_, err := w.vault.Adopt(t.Context(), authorization)
	require.NoError(t, err)
	var told []credential.AccountID
	w.account.Granted = func(account credential.AccountID) { told = append(told, account) }

	require.NoError(t, w.adopt(githubAccount, authorization).err)

	assert.Equal(t, []credential.AccountID{githubAccount}, told)
}

func TestReauthorizationIsTheNextGeneration(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	w.Revoke(sandbox.GitHub)

	again := w.adopt(githubAccount, w.consent(githubAccount, ""))

	require.NoError(t, again.err)
	assert.EqualValues(t, 2, again.out.Generation)
	assert.EqualValues(t, 3, w.refresh(githubAccount, 2).Credential.Generation)
}

func TestAnotherSubjectIsRefusedAndTheOldTokensStay(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	facts := w.connect(githubAccount)
	before := w.held(githubAccount)
	authorization := w.consent(githubAccount, sandbox.OtherLogin)

	w.adopt(githubAccount, authorization).
		fails(t, activities.ErrTypeAuthorizationRejected, "acme/triage/github", facts.Display, sandbox.OtherLogin, "disconnect")

	after := w.held(githubAccount)
	assert.Equal(t, before.Generation, after.Generation)
	assert.True(t, after.Tokens.Access.Equal(before.Tokens.Access))
	_, err := w.vault.GetAuthorization(t.Context(), authorization)
	assert.NoError(t, err, "the new ones are kept apart")
}

// unidentified has a person consent while the identity endpoint is away.
func (w *world) unidentified(account credential.AccountID, subject string) string {
	w.t.Helper()
	a, err := w.vault.GetAuthorization(w.t.Context(), w.consent(account, subject))
	require.NoError(w.t, err)
	a.Subject, a.Display = "", ""
	return w.pend(a)
}

const whoPath = "/github/api/v3/user"

func outOfService(rw http.ResponseWriter) { rw.WriteHeader(http.StatusServiceUnavailable) }

func TestWhoseAConsentIsIsAskedBeforeItIsAdopted(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	authorization := w.unidentified(githubAccount, "")
	got := retried(w, w.account.Adopt, activities.AdoptInput{Account: githubAccount, Authorization: authorization}, func(attempt int32) error {
		if attempt < 3 {
			w.replace(whoPath, outOfService)
		}
		return nil
	})
	require.NoError(t, got.err)
	require.Len(t, got.failed, 2)
	assert.NotEmpty(t, got.out.Subject)

	w.adopt(githubAccount, w.unidentified(githubAccount, sandbox.OtherLogin)).
		fails(t, activities.ErrTypeAuthorizationRejected, "belongs to", sandbox.OtherLogin)
	assert.Equal(t, got.out.Subject, w.held(githubAccount).Subject)
}

// The account has more to do than to ask a provider that does not answer.
func TestAConsentOfNobodyKnowsWhomWaits(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	authorization := w.unidentified(githubAccount, "")
	got := retried(w, w.account.Adopt, activities.AdoptInput{Account: githubAccount, Authorization: authorization}, func(int32) error {
		w.replace(whoPath, outOfService)
		return nil
	})
	got.fails(t, activities.ErrTypeUnidentified, "acme/triage/github", "waits in the vault until", "workers go on asking")
	assert.Len(t, got.failed, 4)
	w.mu.Lock()
	delete(w.instead, whoPath)
	w.mu.Unlock()
	assert.NoError(t, w.adopt(githubAccount, authorization).err, "nothing is lost")
}

// brief is how long access tokens live where a consent waits for longer.
const brief = 5 * time.Minute

// The provider did not say whose a consent is for longer than its access token lives. The grant lives on.
func TestAConsentThatOutlivesItsAccessTokenIsNotLost(t *testing.T) {
	w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{AccessLifetime: brief}})
	authorization := w.unidentified(githubAccount, "")
	w.clock.advance(2 * brief)
	away := sandbox.Fault{App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 503}
	w.fault(away)

	w.adopt(githubAccount, authorization).fails(t, activities.ErrTypeProviderUnavailable, "acme/triage/github")
	adopted := w.adopt(githubAccount, authorization)

	require.NoError(t, adopted.err)
	assert.NotEmpty(t, adopted.out.Subject)
	record := w.held(githubAccount)
	assert.True(t, w.works(githubAccount, record.Tokens.Access))
	assert.EqualValues(t, 2, w.refresh(githubAccount, 1).Credential.Generation, "it has the refresh token that came with the access token")
	assert.Zero(t, w.Books().RefreshTokensPresentedTwice)
}

// Nobody has what the refresh token of a consent brought.
func TestAConsentWhoseAnswerIsLostIsDroppedAndSaidToLiveOn(t *testing.T) {
	w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{AccessLifetime: brief}})
	authorization := w.unidentified(githubAccount, "")
	w.clock.advance(2 * brief)
	w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultDrop, Processed: true})

	w.adopt(githubAccount, authorization).fails(t, activities.ErrTypeAuthorizationRejected, "tokenkeeper account connect acme/triage/github")

	_, err := w.vault.GetAuthorization(t.Context(), authorization)
	require.ErrorIs(t, err, vault.ErrNotFound)
	trail, err := w.vault.AuditTrail(t.Context(), vault.AuditFilter{Account: githubAccount}, 1)
	require.NoError(t, err)
	assert.Contains(t, trail[0].Detail, "not revoked: its refresh token was presented")
}

// The worker died when it had presented the refresh token.
func TestAConsentWhoseAnswerIsLostIsNotSaidToBeRevoked(t *testing.T) {
	w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{AccessLifetime: brief}})
	authorization, err := w.vault.GetAuthorization(t.Context(), w.unidentified(githubAccount, ""))
	require.NoError(t, err)
	authorization.Tokens.Refresh = credential.Secret{}
	require.NoError(t, w.vault.Retoken(t.Context(), authorization.ID, authorization.Tokens))
	w.clock.advance(2 * brief)
	ended := once(w, w.account.Disconnect, activities.AccountInput{Account: githubAccount})
	require.NoError(t, ended.err)
	assert.Contains(t, ended.out.Unrevoked, "nothing to get an access token by")
}

// leaves disconnects an account of which nothing lives on.
func (w *world) leaves(account credential.AccountID, force bool) {
	w.t.Helper()
	disconnect := w.account.Disconnect
	if force {
		disconnect = w.account.ForceDisconnect
	}
	ended := once(w, disconnect, activities.AccountInput{Account: account})
	require.NoError(w.t, ended.err)
	assert.Empty(w.t, ended.out.Unrevoked)
}

// An account that leaves revokes what it has not taken, although the access token has ended.
func TestAConsentThatOutlivesItsAccessTokenIsRevoked(t *testing.T) {
	for _, force := range []bool{false, true} {
		for name, consent := range map[string]func(*world) string{
			"known":        func(w *world) string { return w.consent(githubAccount, "") },
			"unidentified": func(w *world) string { return w.unidentified(githubAccount, "") },
		} {
			t.Run(fmt.Sprint(name, " ", force), func(t *testing.T) {
				w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{AccessLifetime: brief}})
				waiting, err := w.vault.GetAuthorization(t.Context(), consent(w))
				require.NoError(t, err)
				w.clock.advance(2 * brief)
				w.leaves(githubAccount, force)
				conn, err := w.Connection(githubAccount)
				require.NoError(t, err)
				_, err = conn.OAuth.Refresh(t.Context(), waiting.Tokens.Refresh)
				assert.Equal(t, credential.DeadGrant, oauth.KindOf(err))
			})
		}
	}
}

func TestFewerScopesAreRefused(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	before := w.held(slackAccount)
	fewer := vault.Authorization{Account: slackAccount, Subject: before.Subject, Display: before.Display, Tokens: before.Tokens}
	fewer.Tokens.Scopes = []string{"channels:history", "channels:read", "users:read", "team:read"}

	w.adopt(slackAccount, w.pend(fewer)).
		fails(t, activities.ErrTypeAuthorizationRejected, "chat:write, reactions:read, reactions:write", "consent to all of them")
	assert.EqualValues(t, 1, w.held(slackAccount).Generation)

	unsaid := fewer
	unsaid.Tokens.Scopes = nil
	assert.NoError(t, w.adopt(slackAccount, w.pend(unsaid)).err, "a provider that does not say is believed")
}

func TestAnAuthorizationOfAnotherAccountIsRefused(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	authorization := w.consent(githubAccount, "")

	w.adopt(slackAccount, authorization).
		fails(t, activities.ErrTypeAuthorizationRejected, "belongs to account acme/triage/github", "not to acme/triage/slack")
}

func TestAnAuthorizationThatIsNotThereIsRefused(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.adopt(slackAccount, "no-such-authorization").
		fails(t, activities.ErrTypeAuthorizationRejected, "unknown or expired", "tokenkeeper account connect acme/triage/slack")
	w.adopt(slackAccount, "").fails(t, activities.ErrTypeAuthorizationRejected, "unknown or expired")

	late := w.consent(slackAccount, "")
	w.clock.advance(31 * time.Minute)
	w.adopt(slackAccount, late).fails(t, activities.ErrTypeAuthorizationRejected, "unknown or expired")
}

// Two owners of one grant would spend each other's refresh tokens.
func TestASecondOwnerIsRefusedAndToldOfTheFirst(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	second := credential.AccountID{Organization: "acme", User: "support", Connector: "slack"}

	w.adopt(second, w.consent(second, "")).
		fails(t, activities.ErrTypeAuthorizationRejected, "acme/triage/slack", "acme/support/slack")

	assert.EqualValues(t, 1, w.held(slackAccount).Generation)
}

func TestAVaultThatIsAwayIsNoVerdict(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	authorization := w.consent(slackAccount, "")
	w.vault.fail("Get")
	err := w.adopt(slackAccount, authorization).err
	require.ErrorContains(t, err, errAway.Error())
	assert.NotContains(t, err.Error(), activities.ErrTypeAuthorizationRejected)
	assert.Error(t, once(w, w.account.Describe, activities.DescribeInput{Account: slackAccount}).err)
	w.vault.fail()
	assert.NoError(t, w.adopt(slackAccount, authorization).err)
}

func (w *world) disconnect(account credential.AccountID) error {
	w.t.Helper()
	return once(w, w.account.Disconnect, activities.AccountInput{Account: account}).err
}

func TestDisconnectingRevokesAndThenDestroys(t *testing.T) {
	for _, account := range []credential.AccountID{slackAccount, githubAccount} {
		t.Run(account.Connector, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(account)
			conn, err := w.Connection(account)
			require.NoError(t, err)
			access := w.held(account).Tokens.Access

			require.NoError(t, w.disconnect(account))

			_, err = conn.OAuth.Identify(t.Context(), access)
			require.Error(t, err, "the provider knows the token no more")
			_, err = w.vault.Vault.Get(t.Context(), account)
			require.ErrorIs(t, err, vault.ErrNotFound)
			assert.NoError(t, w.disconnect(account), "again")
		})
	}
}

// A consent that waits would connect the account again, and its grant outlives the account if only its tokens are destroyed.
func TestConsentsThatWaitGoWithTheirAccount(t *testing.T) {
	for name, c := range map[string]struct {
		disconnect func(w *world) activities.Disconnected
	}{
		"disconnected": {func(w *world) activities.Disconnected {
			got := once(w, w.account.Disconnect, activities.AccountInput{Account: githubAccount})
			require.NoError(w.t, got.err)
			return got.out
		}},
		"by force": {func(w *world) activities.Disconnected {
			got := once(w, w.account.ForceDisconnect, activities.AccountInput{Account: githubAccount})
			require.NoError(w.t, got.err)
			return got.out
		}},
	} {
		for _, connected := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, connected %t", name, connected), func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				if connected {
					w.connect(githubAccount)
				}
				other := w.consent(githubAccount, sandbox.OtherLogin)
				w.unidentified(githubAccount, sandbox.OtherLogin)
				kept := w.consent(slackAccount, "")
				waiting, err := w.vault.GetAuthorization(t.Context(), other)
				require.NoError(t, err)
				require.True(t, w.works(githubAccount, waiting.Tokens.Access))

				assert.Empty(t, c.disconnect(w).Unrevoked)
				assert.False(t, w.works(githubAccount, waiting.Tokens.Access), "its grant is revoked")
				left, err := w.vault.Pending(t.Context())
				require.NoError(t, err)
				require.Len(t, left, 1)
				assert.Equal(t, kept, left[0].ID, "it is another account's")
				trail, err := w.vault.AuditTrail(t.Context(), vault.AuditFilter{Account: githubAccount}, 20)
				require.NoError(t, err)
				gone := 0
				for _, e := range trail {
					if e.Action == vault.Discarded {
						gone++
						assert.NotContains(t, e.Detail, "not revoked")
					}
				}
				assert.Equal(t, 3, gone, "all are in the audit log, also that of which nobody knew whose it was")
			})
		}
	}
}

// busyVault has something happen just before an account is destroyed, once.
type busyVault struct {
	activities.Vault
	before func()
}

func (v *busyVault) Shred(ctx context.Context, account credential.AccountID, g credential.Generation, unrevoked string) error {
	if act := v.before; act != nil {
		v.before = nil
		act()
	}
	return v.Vault.Shred(ctx, account, g, unrevoked)
}

// Somebody consents while the account is on its way out, after it was looked what waits.
func TestAConsentInTheLastMomentGoesWithItsAccount(t *testing.T) {
	for _, force := range []bool{false, true} {
		t.Run(fmt.Sprintf("by force %t", force), func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(githubAccount)
			var access credential.Secret
			w.account.Vault = &busyVault{Vault: w.vault, before: func() {
				late, err := w.vault.GetAuthorization(t.Context(), w.consent(githubAccount, sandbox.OtherLogin))
				require.NoError(t, err)
				access = late.Tokens.Access
				require.True(t, w.works(githubAccount, access))
			}}
			w.leaves(githubAccount, force)
			assert.False(t, w.works(githubAccount, access), "its grant is revoked")
			left, err := w.vault.Pending(t.Context())
			require.NoError(t, err)
			assert.Empty(t, left)
			_, err = w.vault.Vault.Get(t.Context(), githubAccount)
			require.ErrorIs(t, err, vault.ErrNotFound)
		})
	}
}

func TestAConsentThatWaitsKeepsItsAccountUntilItIsRevoked(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.consent(githubAccount, "")
	away := sandbox.Fault{App: sandbox.GitHub, Endpoint: "applications.grant.delete", Kind: sandbox.FaultStatus, Status: 503, Times: -1}
	w.fault(away)
	once(w, w.account.Disconnect, activities.AccountInput{Account: githubAccount}).fails(t, activities.ErrTypeProviderUnavailable, "acme/triage/github")
	forced := once(w, w.account.ForceDisconnect, activities.AccountInput{Account: githubAccount})
	require.NoError(t, forced.err)
	assert.Contains(t, forced.out.Unrevoked, "a consent that it had not taken yet: ")
	trail, err := w.vault.AuditTrail(t.Context(), vault.AuditFilter{Account: githubAccount}, 1)
	require.NoError(t, err)
	assert.Equal(t, vault.Discarded, trail[0].Action)
	assert.Contains(t, trail[0].Detail, "not revoked: ")
}

func TestAProviderThatIsDownKeepsTheGrantUntilItIsRevoked(t *testing.T) {
	for name, c := range map[string]struct {
		fault sandbox.Fault
		kind  string
		wait  time.Duration
	}{
		"outage":    {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, kind: activities.ErrTypeProviderUnavailable},
		"no answer": {fault: sandbox.Fault{Kind: sandbox.FaultDrop}, kind: activities.ErrTypeProviderUnavailable},
		"throttled": {
			fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429, RetryAfter: 42 * time.Second}, kind: activities.ErrTypeRateLimited,
			wait: 42 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			c.fault.App, c.fault.Endpoint = sandbox.Slack, "auth.revoke"
			w.fault(c.fault)

			got := once(w, w.account.Disconnect, activities.AccountInput{Account: slackAccount})

			got.fails(t, c.kind, "slack")
			assert.Equal(t, c.wait, got.wait(t))
			assert.EqualValues(t, 1, w.held(slackAccount).Generation)
			w.clock.advance(time.Minute)
			assert.NoError(t, w.disconnect(slackAccount), "the next attempt")
		})
	}
}

func TestAGrantThatIsDeadAlreadyCountsAsRevoked(t *testing.T) {
	for _, account := range []credential.AccountID{slackAccount, githubAccount} {
		w := newWorld(t, sandbox.Options{})
		w.connect(account)
		w.Revoke(sandbox.App(account.Connector))

		require.NoError(t, w.disconnect(account))
		_, err := w.vault.Vault.Get(t.Context(), account)
		require.ErrorIs(t, err, vault.ErrNotFound)
	}
}

func TestACredentialThatCannotBeDestroyedIsTriedAgain(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.vault.fail("Shred")
	require.ErrorContains(t, w.disconnect(slackAccount), "destroying the credential of account acme/triage/slack")
	w.vault.fail()
	assert.NoError(t, w.disconnect(slackAccount), "although its tokens are revoked by now")
}

func TestNoticesNameAccountReasonAndLink(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	notice := activities.Notice{Account: slackAccount, Status: credential.ReauthorizationRequired, Reason: "revoked", Since: w.clock.Now(), Waiting: 3}
	require.NoError(t, once(w, w.account.Notify, notice).err)
	for _, part := range []string{"acme/triage/slack", "revoked", "http://127.0.0.1:8780/c/", `"waiting":3`} {
		assert.Contains(t, w.log.String(), part)
	}
	notice.Status = credential.ClientMisconfigured
	require.NoError(t, once(w, w.account.Notify, notice).err)
	assert.Contains(t, w.log.String(), "correct client id and secret")
	notice.Status = credential.Active
	require.NoError(t, once(w, w.account.Notify, notice).err)
	assert.Contains(t, w.log.String(), "works again")
}
