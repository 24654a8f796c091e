package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/provider"
	"tokenkeeper/sandbox"
)

func slackScopesSorted() []string {
	return []string{"channels:history", "channels:read", "chat:write", "reactions:read", "reactions:write", "users:read"}
}

// rotates says what the catalogue knows of a connector's provider.
func (w *world) rotates(connector string, rotation provider.Rotation, grace time.Duration, reuseRevokes bool) {
	p := w.providers[connector]
	p.Token.Rotation, p.Token.Grace, p.Token.ReuseRevokesGrant = rotation, grace, reuseRevokes
	w.providers[connector] = p
}

// lose has the next refresh carried out at the provider, or not, and its answer lost.
func (w *world) lose(processed bool) {
	w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultDrop, Processed: processed})
}

// TestAnUnknownOutcomeIsDecidedByTheProvidersFacts goes through every kind of rotation: the refresh was sent and no
// answer came.
func TestAnUnknownOutcomeIsDecidedByTheProvidersFacts(t *testing.T) {
	const grace = time.Minute
	for name, c := range map[string]struct {
		rotation     sandbox.Rotation
		facts        provider.Rotation
		reuseRevokes bool
		processed    bool
		after        time.Duration
		requests     int // in all
		twice        int // presentations of a spent token
		recovers     bool
		code         string // of the failure where it does not
	}{
		"static, carried out": {
			rotation: sandbox.RotationStatic, facts: provider.RotationStatic, processed: true, after: time.Hour, requests: 2, recovers: true,
		},
		"grace, carried out, inside": {
			rotation: sandbox.RotationGrace, facts: provider.RotationGrace, processed: true, after: 50 * time.Second, requests: 2, recovers: true,
		},
		"grace, carried out, outside": {
			rotation: sandbox.RotationGrace, facts: provider.RotationGrace, processed: true, after: 2 * time.Minute, requests: 2, twice: 1,
			code: "invalid_refresh_token",
		},
		"grace, not carried out, outside": {
			rotation: sandbox.RotationGrace, facts: provider.RotationGrace, after: 2 * time.Minute, requests: 2, recovers: true,
		},
		"grace and reuse revokes, early": {
			rotation: sandbox.RotationGraceRevokeFamily, facts: provider.RotationGrace, reuseRevokes: true, processed: true, after: 2 * time.Second,
			requests: 2, recovers: true,
		},
		"grace and reuse revokes, late in the window": {
			rotation: sandbox.RotationGraceRevokeFamily, facts: provider.RotationGrace, reuseRevokes: true, processed: true, after: 40 * time.Second,
			requests: 1, code: activities.CodeOutcomeUnknown,
		},
		"single use, carried out": {
			rotation: sandbox.RotationSingleUse, facts: provider.RotationSingleUse, processed: true, after: time.Second, requests: 2, twice: 1,
			code: "invalid_refresh_token",
		},
		"single use, not carried out": {
			rotation: sandbox.RotationSingleUse, facts: provider.RotationSingleUse, after: time.Second, requests: 2, recovers: true,
		},
		"reuse revokes the family, carried out": {
			rotation: sandbox.RotationRevokeFamily, facts: provider.RotationSingleUse, reuseRevokes: true, processed: true, after: time.Second,
			requests: 1, code: activities.CodeOutcomeUnknown,
		},
		"reuse revokes the family, not carried out": {
			rotation: sandbox.RotationRevokeFamily, facts: provider.RotationSingleUse, reuseRevokes: true, after: time.Second,
			requests: 1, code: activities.CodeOutcomeUnknown,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: c.rotation, Grace: grace}})
			w.rotates("slack", c.facts, grace, c.reuseRevokes)
			w.connect(slackAccount)
			w.lose(c.processed)
			requireFailure(t, w.refresh(slackAccount, 1), credential.Ambiguous, "")
			w.clock.advance(c.after)

			r := w.refresh(slackAccount, 1)

			if c.recovers {
				require.NotNil(t, r.Credential, "%+v", r.Failure)
				assert.EqualValues(t, 2, r.Credential.Generation)
				assert.Nil(t, w.held(slackAccount).Presented)
			} else {
				requireFailure(t, r, credential.DeadGrant, c.code)
				assert.EqualValues(t, 1, w.held(slackAccount).Generation)
			}
			assert.Equal(t, c.requests, w.Books().Requests[slackRefreshes])
			assert.Equal(t, c.twice, w.Books().RefreshTokensPresentedTwice)
		})
	}
}

// A gateway answers 502 for hours. The refresh token was never spent, and the grant outlives the outage.
func TestAnOutageEndsNoGrantWhereReuseIsHarmless(t *testing.T) {
	for name, processed := range map[string]bool{"no request arrived": false, "the first arrived": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: sandbox.RotationSingleUse}})
			w.rotates("slack", provider.RotationSingleUse, 0, false)
			w.connect(slackAccount)
			for i := range 5 {
				w.lose(processed && i == 0)
				requireFailure(t, w.refresh(slackAccount, 1), credential.Ambiguous, "")
				w.clock.advance(time.Hour)
			}
			r := w.refresh(slackAccount, 1)
			if processed {
				requireFailure(t, r, credential.DeadGrant, "invalid_refresh_token")
				return
			}
			require.NotNil(t, r.Credential, "%+v", r.Failure)
			assert.EqualValues(t, 2, r.Credential.Generation)
			assert.Zero(t, w.Books().RefreshTokensPresentedTwice)
		})
	}
}

// A service that says 503 did not handle the request (RFC 9110 §15.6.4), and its maintenance outlasts the few presentations that a
// lost answer leaves. A proxy may say so of a request that went through, and then the grant is over whatever the answer is taken
// for: presented again, a spent token is refused. Taken for a lost answer, each outage would end the grants that were due in it.
func TestAnOutageThatSays503CostsNoGrantHoweverLongItIs(t *testing.T) {
	const outage = 5 // attempts
	for name, c := range map[string]struct {
		rotation     sandbox.Rotation
		facts        provider.Rotation
		reuseRevokes bool
	}{
		"static":                      {rotation: sandbox.RotationStatic, facts: provider.RotationStatic},
		"grace":                       {rotation: sandbox.RotationGrace, facts: provider.RotationGrace},
		"grace and reuse revokes":     {rotation: sandbox.RotationGraceRevokeFamily, facts: provider.RotationGrace, reuseRevokes: true},
		"single use":                  {rotation: sandbox.RotationSingleUse, facts: provider.RotationSingleUse},
		"single use, reuse revokes":   {rotation: sandbox.RotationRevokeFamily, facts: provider.RotationSingleUse, reuseRevokes: true},
		"nobody knows: as single use": {rotation: sandbox.RotationSingleUse},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: c.rotation, Grace: time.Minute}})
			w.rotates("slack", c.facts, time.Minute, c.reuseRevokes)
			w.connect(slackAccount)
			w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 503, Times: outage})
			for range outage {
				requireFailure(t, w.refresh(slackAccount, 1), credential.Transient, "")
				assert.Nil(t, w.held(slackAccount).Presented)
				w.clock.advance(10 * time.Minute)
			}

			r := w.refresh(slackAccount, 1)

			require.NotNil(t, r.Credential, "%+v", r.Failure)
			assert.EqualValues(t, 2, r.Credential.Generation)
			assert.Zero(t, w.Books().RefreshTokensPresentedTwice)
		})
	}
}

// What a proxy lied about ends the grant, as a lost answer would, and where reuse revokes it the access token as well. The account
// knows at the next answer.
func TestA503OfARequestThatWentThroughEndsInARefusal(t *testing.T) {
	for _, rotation := range []sandbox.Rotation{sandbox.RotationSingleUse, sandbox.RotationRevokeFamily} {
		w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: rotation}})
		w.rotates("slack", provider.RotationSingleUse, 0, rotation == sandbox.RotationRevokeFamily)
		w.connect(slackAccount)
		w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 503, Processed: true})
		requireFailure(t, w.refresh(slackAccount, 1), credential.Transient, "")
		requireFailure(t, w.refresh(slackAccount, 1), credential.DeadGrant, "invalid_refresh_token")
	}
}

// A worker that lost Temporal still waits for the provider while Temporal starts the next attempt elsewhere.
func TestNoTokenIsPresentedWhileAnotherAttemptMayWaitForItsAnswer(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.rotates("slack", provider.RotationStatic, 0, false)
	w.connect(slackAccount)
	var during activities.RefreshResult
	w.when(slackTokenPath, func() {
		w.clock.advance(4 * time.Second)
		during = w.refreshAfter(slackAccount, 1, w.marks)
	})

	r := w.refresh(slackAccount, 1)

	requireFailure(t, during, credential.Transient, activities.CodeInFlight)
	assert.Equal(t, 11*time.Second, during.Failure.RetryAfter, "the request's 10 s and 5 s to store, less the 4 s gone by")
	assert.EqualValues(t, 2, r.Credential.Generation)
	assert.Equal(t, 1, w.Books().Requests[slackRefreshes])
}

// A worker lost Temporal while it waits for the provider, and then the vault is away as well. Neither the attempt after it nor a
// reset, which makes that the first one again, ends the time that it has.
func TestOnlyTheMarkSaysWhetherAnybodyWaitsForAnAnswer(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.rotates("slack", provider.RotationStatic, 0, false)
	w.connect(slackAccount)
	w.lose(false)
	requireFailure(t, w.refresh(slackAccount, 1), credential.Ambiguous, "")
	w.clock.advance(time.Minute)
	var unseen, during activities.RefreshResult
	w.when(slackTokenPath, func() { // everything there is a first attempt, as the test environment and a reset count them
		w.vault.fail("Get")
		unseen = w.refreshAfter(slackAccount, 1, w.marks)
		w.vault.fail()
		during = w.refreshAfter(slackAccount, 1, unseen.Failure.Marks)
	})

	r := w.refresh(slackAccount, 1)

	requireFailure(t, unseen, credential.Transient, activities.CodeVault)
	requireFailure(t, during, credential.Transient, activities.CodeInFlight)
	assert.Equal(t, 15*time.Second, during.Failure.RetryAfter)
	assert.EqualValues(t, 2, r.Credential.Generation)
	assert.Equal(t, 2, w.Books().Requests[slackRefreshes])
}

// The mark has the time of the first presentation only, and the second may have been made a moment ago.
func TestASecondPresentationIsWaitedForAsLongAsTheFirst(t *testing.T) {
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: sandbox.RotationSingleUse}})
	w.rotates("slack", provider.RotationSingleUse, 0, false)
	w.connect(slackAccount)
	w.lose(false)
	requireFailure(t, w.refresh(slackAccount, 1), credential.Ambiguous, "")
	w.clock.advance(time.Minute)
	var during activities.RefreshResult
	w.when(slackTokenPath, func() { during = w.refreshAfter(slackAccount, 1, w.marks) })

	r := w.refresh(slackAccount, 1)

	requireFailure(t, during, credential.Transient, activities.CodeInFlight)
	assert.Equal(t, 15*time.Second, during.Failure.RetryAfter)
	assert.EqualValues(t, 2, r.Credential.Generation, "a grant that was given up for dead would have been alive")
}

func TestAClockThatWentBackDelaysNoAttemptForLong(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.lose(false)
	requireFailure(t, w.refresh(slackAccount, 1), credential.Ambiguous, "")
	w.clock.advance(-3 * time.Hour)

	r := w.refreshAfter(slackAccount, 1, activities.Marks{})

	requireFailure(t, r, credential.Transient, activities.CodeInFlight)
	assert.LessOrEqual(t, r.Failure.RetryAfter, 15*time.Second)
}

func TestAVaultThatIsAwayBeforeTheRequestCostsNothing(t *testing.T) {
	for _, method := range []string{"Get", "Present"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			w.vault.fail(method)
			requireFailure(t, w.refresh(slackAccount, 1), credential.Transient, activities.CodeVault)
			assert.Zero(t, w.Books().Requests[slackRefreshes])
			w.vault.fail()
			assert.EqualValues(t, 2, w.refresh(slackAccount, 1).Credential.Generation)
		})
	}
}

// Nothing was spent, because the provider said so or because nothing was sent, and the vault does not say whether it has the mark.
// The next attempts know it, also where a second presentation would end the grant.
func TestAMarkOfNothingSpentIsKnownToTheNextAttempt(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.rotates("slack", provider.RotationSingleUse, 0, true)
	w.connect(slackAccount)
	throttled := sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 429}
	for _, step := range []struct {
		away, unheard string
		onRecord      int
	}{
		{away: "Withdraw", onRecord: 1}, {unheard: "Withdraw", onRecord: 1}, {away: "Withdraw", onRecord: 2}, {onRecord: 2},
		{away: "Get", onRecord: 2}, {away: "Present", onRecord: 2}, {unheard: "Present", onRecord: 3}, {away: "Get", onRecord: 3},
		{unheard: "Present", onRecord: 4}, {unheard: "Withdraw", onRecord: 4}, {onRecord: 4},
	} {
		if step.away != "Get" && step.away+step.unheard != "Present" {
			w.fault(throttled)
		}
		w.vault.fail(step.away)
		w.vault.mute(step.unheard)
		r := w.refresh(slackAccount, 1)
		w.vault.fail()
		require.NotNil(t, r.Failure)
		require.NotEqual(t, activities.CodeOutcomeUnknown, r.Failure.Code, "%+v", step)
		require.Equal(t, step.onRecord, w.held(slackAccount).Presentations(), "%+v", step)
	}
	assert.Contains(t, w.log.String(), "acme/triage/slack")
	assert.EqualValues(t, 2, w.refresh(slackAccount, 1).Credential.Generation)
}

// An attempt that knows of unspent marks presents, and its worker dies. The next one is told the same, and finds one more.
func TestAMarkThatCameAfterTheUnspentOnesIsUnknown(t *testing.T) {
	unspent := activities.Marks{Of: 1, By: "one", Ended: 1, Unspent: 1}
	inVain := activities.Marks{Of: 1, By: "one", Ended: 1, Unspent: 1, Vain: "in vain"}
	for name, c := range map[string]struct {
		marks activities.Marks
		names []string // of the presentations on record
	}{
		"one more":                     {marks: unspent, names: []string{"one", "two"}},
		"another in its place":         {marks: unspent, names: []string{"two"}}, // whoever was given up took back its own
		"of another generation":        {marks: activities.Marks{Of: 2, By: "one", Ended: 1, Unspent: 1}, names: []string{"one"}},
		"another than the one in vain": {marks: inVain, names: []string{"one", "two"}},
		"after the one in vain":        {marks: inVain, names: []string{"one", "in vain", "three"}},
		"before the one in vain":       {marks: inVain, names: []string{"one", "two", "in vain"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.rotates("slack", provider.RotationSingleUse, 0, true)
			w.connect(slackAccount)
			for known, name := range c.names {
				_, err := w.vault.Vault.Present(t.Context(), slackAccount, 1, known, name)
				require.NoError(t, err)
			}
			r := w.refreshAfter(slackAccount, 1, c.marks)
			requireFailure(t, r, credential.Transient, activities.CodeInFlight)
			requireFailure(t, w.refreshAfter(slackAccount, 1, r.Failure.Marks), credential.DeadGrant, activities.CodeOutcomeUnknown)
			assert.Zero(t, w.Books().Requests[slackRefreshes])
		})
	}
}

// Withdrawing its own mark does not make the one before it known.
func TestAMarkBeforeTheUnspentOneStaysUnknown(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.rotates("slack", provider.RotationSingleUse, 0, false)
	w.connect(slackAccount)
	w.lose(false)
	requireFailure(t, w.refresh(slackAccount, 1), credential.Ambiguous, "")
	for _, away := range []string{"Withdraw", "Present", ""} {
		w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 429})
		w.vault.fail(away)
		r := w.refresh(slackAccount, 1)
		w.vault.fail()
		require.NotNil(t, r.Failure)
		assert.Zero(t, r.Failure.Unspent)
	}
	w.rotates("slack", provider.RotationSingleUse, 0, true)
	requireFailure(t, w.refresh(slackAccount, 1), credential.DeadGrant, activities.CodeOutcomeUnknown)
}

func TestTokensThatTheVaultDoesNotTakeLeaveSealedAndAreStoredLater(t *testing.T) {
	w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{Rotation: sandbox.RotationSingleUse}})
	w.connect(githubAccount)
	w.when(githubTokenPath, func() { w.vault.fail("Swap") })

	r := w.refresh(githubAccount, 1)

	require.NotEmpty(t, r.Sealed)
	assert.Nil(t, r.Failure)
	assert.EqualValues(t, 1, w.held(githubAccount).Generation)
	assert.NotNil(t, w.held(githubAccount).Presented, "who looks now must not present it again")
	store := activities.StoreInput{Account: githubAccount, Generation: 1, Sealed: r.Sealed}
	require.ErrorContains(t, once(w, w.account.StoreTokens, store).err, errAway.Error(), "Temporal tries again")
	w.vault.fail()
	for range 2 { // a second run leaves what it finds
		got := once(w, w.account.StoreTokens, store)
		require.NoError(t, got.err)
		assert.EqualValues(t, 2, got.out.Generation)
	}
	assert.Nil(t, w.held(githubAccount).Presented)
	assert.EqualValues(t, 3, w.refresh(githubAccount, 2).Credential.Generation, "the pair is the one that the provider expects")
	assert.Zero(t, w.Books().RefreshTokensPresentedTwice)
}

func TestSealedTokensOfAShreddedAccountAreRefused(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.when(slackTokenPath, func() { w.vault.fail("Swap") })
	r := w.refresh(slackAccount, 1)
	w.vault.fail()
	require.NoError(t, w.vault.Vault.Shred(t.Context(), slackAccount, 1, ""))

	once(w, w.account.StoreTokens, activities.StoreInput{Account: slackAccount, Generation: 1, Sealed: r.Sealed}).
		fails(t, activities.ErrTypeRejected, "acme/triage/slack", "account connect")
}

func TestSealedTokensOpenForTheirAccountAndGenerationOnly(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.when(slackTokenPath, func() { w.vault.fail("Swap") })
	sealed := w.refresh(slackAccount, 1).Sealed
	w.vault.fail()

	for _, in := range []activities.StoreInput{
		{Account: githubAccount, Generation: 1, Sealed: sealed},
		{Account: slackAccount, Generation: 1, Sealed: sealed[:len(sealed)/2]},
		{Account: slackAccount, Generation: 1},
	} {
		once(w, w.account.StoreTokens, in).fails(t, activities.ErrTypeRejected)
	}
	assert.EqualValues(t, 1, w.held(slackAccount).Generation)
}

// While the tokens wait in history somebody restores a backup of the vault, which is behind. The account goes on with what it has.
func TestSealedTokensOfAVaultThatWasRestored(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.when(slackTokenPath, func() { w.vault.fail("Swap") })
	sealed := w.refresh(slackAccount, 1).Sealed
	w.vault.fail()
	stored := once(w, w.account.StoreTokens, activities.StoreInput{Account: slackAccount, Generation: 2, Sealed: sealed})
	require.NoError(t, stored.err)
	assert.EqualValues(t, 1, stored.out.Generation)
}

func TestTokensThatNobodyCanKeepAreAnUnknownOutcome(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.when(slackTokenPath, func() { w.vault.fail("Swap", "SealTokens") })

	requireFailure(t, w.refresh(slackAccount, 1), credential.Ambiguous, activities.CodeVault)
	assert.NotNil(t, w.held(slackAccount).Presented)
}

// An attempt is held up between its look at the vault and its mark, so that Temporal takes it for dead. The one that takes its
// place presents the token, and its answer is lost. When the first wakes up it knows nothing of that.
func TestAnAttemptThatWasHeldUpDoesNotPresentWhatAnotherHas(t *testing.T) {
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: sandbox.RotationRevokeFamily}})
	w.rotates("slack", provider.RotationSingleUse, 0, true)
	w.connect(slackAccount)
	honest := w.account.Vault
	w.account.Vault = meanwhile{Vault: honest, before: func() {
		w.account.Vault = honest
		w.lose(true)
		requireFailure(t, w.refresh(slackAccount, 1), credential.Ambiguous, "")
	}}

	r := w.refresh(slackAccount, 1)

	requireFailure(t, r, credential.Transient, activities.CodeInFlight)
	assert.Equal(t, 15*time.Second, r.Failure.RetryAfter, "as long as the other may take")
	assert.Equal(t, 1, w.Books().Requests[slackRefreshes])
	assert.Equal(t, 1, w.held(slackAccount).Presentations(), "it left no mark of its own")
	w.clock.advance(time.Minute)
	requireFailure(t, w.refresh(slackAccount, 1), credential.DeadGrant, activities.CodeOutcomeUnknown)
}
