package activities_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/provider"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
)

func (w *world) forceDisconnect(account credential.AccountID) activities.Disconnected {
	w.t.Helper()
	got := once(w, w.account.ForceDisconnect, activities.AccountInput{Account: account})
	require.NoError(w.t, got.err)
	return got.out
}

func TestForceDestroysWhatTheProviderDoesNotRevoke(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"outage":      {Kind: sandbox.FaultStatus, Status: 503},
		"no answer":   {Kind: sandbox.FaultDrop},
		"refused app": {Kind: sandbox.FaultStatus, Code: "bad_client_secret"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			held := w.held(slackAccount).Tokens
			fault.App, fault.Endpoint = sandbox.Slack, "auth.revoke"
			w.fault(fault)

			ended := w.forceDisconnect(slackAccount)

			assert.Contains(t, ended.Unrevoked, "slack")
			assert.NotContains(t, ended.Unrevoked, held.Access.Reveal())
			_, err := w.vault.Vault.Get(t.Context(), slackAccount)
			require.ErrorIs(t, err, vault.ErrNotFound)
			assert.Equal(t, ended, w.forceDisconnect(slackAccount), "whoever comes after it says the same")
		})
	}
}

func TestForceRevokesWhereTheProviderTakesIt(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	conn, err := w.Connection(slackAccount)
	require.NoError(t, err)
	access := w.held(slackAccount).Tokens.Access

	assert.Empty(t, w.forceDisconnect(slackAccount).Unrevoked)
	_, err = conn.OAuth.Identify(t.Context(), access)
	require.Error(t, err, "the provider knows the token no more")
}

func TestForceNeedsNoConnector(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	delete(w.providers, slackAccount.Connector)
	assert.Contains(t, w.forceDisconnect(slackAccount).Unrevoked, "slack")
	_, err := w.vault.Vault.Get(t.Context(), slackAccount)
	require.ErrorIs(t, err, vault.ErrNotFound)
}

// A worker dies when the tokens are gone, before it can say that the provider has not revoked them. The next one, which may be
// asked on another queue as if it were the first, finds nothing to revoke and does not take that for an answer.
func TestWhatWasLeftBehindIsSaidByWhoeverComesAfterADeath(t *testing.T) {
	for name, c := range map[string]struct {
		fault *sandbox.Fault
		want  string
	}{
		"revoked":     {nil, ""},
		"not revoked": {&sandbox.Fault{App: sandbox.Slack, Endpoint: "auth.revoke", Kind: sandbox.FaultStatus, Status: 503}, "HTTP 503"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			if c.fault != nil {
				w.fault(*c.fault)
			}
			dies := func(attempt int32) error {
				if attempt == 1 {
					return errDied
				}
				return nil
			}
			retried := retried(w, w.account.ForceDisconnect, activities.AccountInput{Account: slackAccount}, dies)

			require.NoError(t, retried.err)
			require.Len(t, retried.failed, 1)
			again := w.forceDisconnect(slackAccount)
			assert.Equal(t, again, retried.out)
			if c.want == "" {
				assert.Empty(t, again.Unrevoked)
				return
			}
			assert.Contains(t, again.Unrevoked, c.want)
		})
	}
}

// A disconnect that worked says what it could not ask for: what nobody can revoke, and what nobody has to revoke it with.
func TestADisconnectSaysWhatMayLiveOn(t *testing.T) {
	for name, c := range map[string]struct {
		rotation provider.Rotation
		none     bool // the provider takes no revocation
		lost     bool // the answer of a refresh is
		refused  bool
		want     string
	}{
		"revoked":                          {rotation: provider.RotationSingleUse},
		"a provider that revokes nothing":  {rotation: provider.RotationSingleUse, none: true, want: "Slack revokes no grant on request"},
		"an answer is lost":                {rotation: provider.RotationSingleUse, lost: true, want: "the answer is lost"},
		"an answer is lost, within grace":  {rotation: provider.RotationGrace, lost: true, want: "the answer is lost"},
		"an answer is lost, nothing spent": {rotation: provider.RotationStatic, lost: true},
		"a grant was refused":              {rotation: provider.RotationSingleUse, lost: true, refused: true},
	} {
		for _, forced := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, forced %t", name, forced), func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				w.rotates("slack", c.rotation, 0, false)
				if c.none {
					p := w.providers["slack"]
					p.Revocation.Style = provider.RevokeNone
					w.providers["slack"] = p
				}
				w.connect(slackAccount)
				if c.lost {
					w.lose(true)
					requireFailure(t, w.refresh(slackAccount, 1), credential.Ambiguous, "")
				}
				in := activities.AccountInput{Account: slackAccount, Refused: c.refused}
				ask := w.account.Disconnect
				if forced {
					ask = w.account.ForceDisconnect
				}
				first := once(w, ask, in)
				require.NoError(t, first.err)
				if c.want == "" {
					assert.Empty(t, first.out.Unrevoked)
				} else {
					assert.Contains(t, first.out.Unrevoked, c.want)
				}
				assert.Equal(t, first.out, once(w, w.account.Disconnect, in).out, "whoever comes after it says the same")
			})
		}
	}
}

// GitHub revokes a grant by an access token that lives, and answers 404 to one that has ended, as if there were no grant.
func TestAGrantWhoseAccessTokenHasEndedIsRevokedByANewOne(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	w.clock.advance(9 * time.Hour)
	w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 503})
	in := activities.AccountInput{Account: githubAccount}
	once(w, w.account.Disconnect, in).fails(t, activities.ErrTypeProviderUnavailable, "503")
	w.held(githubAccount)
	w.wrongSecret = true
	once(w, w.account.Disconnect, in).fails(t, activities.ErrTypeRejected, "incorrect_client_credentials")
	w.wrongSecret = false

	ended := once(w, w.account.Disconnect, in)

	require.NoError(t, ended.err)
	assert.Empty(t, ended.out.Unrevoked)
	assert.Equal(t, 1, w.Books().RefreshesByApp[sandbox.GitHub])
	assert.Zero(t, w.Revoke(sandbox.GitHub), "no grant lives on")
	_, err := w.vault.Vault.Get(t.Context(), githubAccount)
	require.ErrorIs(t, err, vault.ErrNotFound)
}

// Where there is no way to a token that lives, the end is no lie.
func TestAGrantThatNoLivingTokenRevokesIsSaidToLiveOn(t *testing.T) {
	for name, c := range map[string]struct {
		rotation sandbox.Rotation
		prepare  func(w *world, in *activities.AccountInput)
		force    bool
		want     string
	}{
		"by force":            {force: true, want: "by an access token that lives"},
		"no refresh token":    {rotation: sandbox.RotationNone, want: "by an access token that lives"},
		"refused before":      {prepare: func(w *world, in *activities.AccountInput) { w.Revoke(sandbox.GitHub); in.Refused = true }},
		"refused now":         {prepare: func(w *world, _ *activities.AccountInput) { w.Revoke(sandbox.GitHub) }},
		"an answer is lost":   {prepare: func(w *world, _ *activities.AccountInput) { w.loseGitHub() }, want: "the answer is lost"},
		"by force, none left": {prepare: func(w *world, in *activities.AccountInput) { w.Revoke(sandbox.GitHub); in.Refused = true }, force: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{Rotation: c.rotation, AccessLifetime: 8 * time.Hour}})
			w.connect(githubAccount)
			w.clock.advance(9 * time.Hour)
			in := activities.AccountInput{Account: githubAccount}
			if c.prepare != nil {
				c.prepare(w, &in)
			}
			disconnect := w.account.Disconnect
			if c.force {
				disconnect = w.account.ForceDisconnect
			}

			ended := once(w, disconnect, in)

			require.NoError(t, ended.err)
			if c.want == "" {
				assert.Empty(t, ended.out.Unrevoked)
				return
			}
			assert.Contains(t, ended.out.Unrevoked, c.want)
		})
	}
}

// loseGitHub has the answer to a refresh of the account lost.
func (w *world) loseGitHub() {
	w.t.Helper()
	w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultDrop, Processed: true})
	requireFailure(w.t, w.refresh(githubAccount, 1), credential.Ambiguous, "")
}

// What an attempt at a refresh knows of its marks, or one at the disconnect itself, is no lost answer to a disconnect either.
func TestADisconnectKnowsWhichMarksMeanNothing(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.rotates("github", provider.RotationSingleUse, 0, true)
	w.connect(githubAccount)
	throttled := sandbox.Fault{App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 429}
	w.fault(throttled)
	w.vault.fail("Withdraw")
	requireFailure(t, w.refresh(githubAccount, 1), credential.Throttled, "")
	w.clock.advance(9 * time.Hour)
	in := activities.AccountInput{Account: githubAccount, Marks: w.marks}
	w.fault(throttled)
	attempts := 0

	ended := retried(w, w.account.Disconnect, in, func(attempt int32) error {
		if attempts++; attempt > 1 {
			w.vault.fail()
		}
		return nil
	})

	require.NoError(t, ended.err)
	assert.Empty(t, ended.out.Unrevoked)
	assert.Equal(t, 2, attempts)
	assert.Zero(t, w.Revoke(sandbox.GitHub), "no grant lives on")
}

func TestForceSaysNothingOfMarksThatMeanNothing(t *testing.T) {
	for of, want := range map[credential.Generation]string{1: "", 2: "the answer is lost"} {
		w := newWorld(t, sandbox.Options{})
		w.connect(githubAccount)
		w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 429})
		w.vault.fail("Withdraw")
		requireFailure(t, w.refresh(githubAccount, 1), credential.Throttled, "")
		w.marks.Of = of

		ended := once(w, w.account.ForceDisconnect, activities.AccountInput{Account: githubAccount, Marks: w.marks})

		require.NoError(t, ended.err)
		if want == "" {
			assert.Empty(t, ended.out.Unrevoked)
		}
		assert.Contains(t, ended.out.Unrevoked, want)
	}
}
