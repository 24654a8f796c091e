package activities_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
)

// quarantined requires that the adoption was refused, and returns what the refusal says.
func (r ran[Out]) quarantined(t *testing.T, authorization string) credential.Quarantine {
	t.Helper()
	q, kept := activities.QuarantineOf(r.err)
	require.True(t, kept, "%v", r.err)
	assert.Equal(t, authorization, q.Authorization)
	return q
}

func (w *world) accept(account credential.AccountID, authorization string, subject credential.Subject) ran[activities.Adopted] {
	w.t.Helper()
	return once(w, w.account.Adopt, activities.AdoptInput{Account: account, Authorization: authorization, AcceptSubject: subject})
}

func (w *world) discard(in activities.DiscardInput) ran[activities.Discarded] {
	w.t.Helper()
	return once(w, w.account.Discard, in)
}

// works reports whether the provider takes an access token.
func (w *world) works(account credential.AccountID, access credential.Secret) bool {
	w.t.Helper()
	conn, err := w.Connection(account)
	require.NoError(w.t, err)
	_, err = conn.OAuth.Identify(w.t.Context(), access)
	return err == nil
}

func (w *world) stray(authorization string) vault.Stray {
	w.t.Helper()
	stray, err := w.vault.GetStray(w.t.Context(), authorization)
	require.NoError(w.t, err)
	return stray
}

func TestWhatDiffersIsSaid(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	facts := w.connect(githubAccount)
	other := w.consent(githubAccount, sandbox.OtherLogin)
	refused := w.adopt(githubAccount, other)
	q := refused.quarantined(t, other)
	assert.Equal(t, credential.Holder{Subject: facts.Subject, Display: facts.Display}, q.Expected)
	assert.Equal(t, sandbox.OtherLogin, q.Got.Display)
	assert.True(t, q.AnotherSubject())
	assert.True(t, q.Since.Equal(w.clock.Now()), q.Since)
	assert.True(t, q.Until.Equal(w.clock.Now().Add(72*time.Hour)), q.Until)

	w.clock.advance(time.Hour)
	again := w.adopt(githubAccount, other).quarantined(t, other)
	assert.Equal(t, q.Until.UTC(), again.Until.UTC(), "handed over again it does not last longer")

	w.connect(slackAccount)
	held := w.held(slackAccount)
	fewer := vault.Authorization{Account: slackAccount, Subject: held.Subject, Display: held.Display, Tokens: held.Tokens}
	fewer.Tokens.Scopes = []string{"channels:history", "files:read"}
	authorization := w.pend(fewer)
	q = w.adopt(slackAccount, authorization).quarantined(t, authorization)
	assert.False(t, q.AnotherSubject())
	assert.Contains(t, q.Missing, "chat:write")
	assert.Equal(t, []string{"files:read"}, q.Extra)
}

func TestAcceptedTokensAreTheAccountsAndTheOldGrantIsToBeRevoked(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	old := w.held(githubAccount)
	other := w.consent(githubAccount, sandbox.OtherLogin)
	q := w.adopt(githubAccount, other).quarantined(t, other)
	require.True(t, w.works(githubAccount, old.Tokens.Access), "the old tokens are kept, and work")

	w.accept(githubAccount, other, old.Subject).fails(t, activities.ErrTypeAuthorizationRejected, string(q.Got.Subject), string(old.Subject))
	accepted := w.accept(githubAccount, other, q.Got.Subject)
	require.NoError(t, accepted.err)
	assert.Equal(t, q.Got.Subject, accepted.out.Subject)
	assert.EqualValues(t, 2, accepted.out.Generation)
	require.Len(t, accepted.out.Replaced, 1)
	assert.Equal(t, credential.Holder{Subject: old.Subject, Display: old.Display}, accepted.out.Replaced[0].Holder)
	again := w.accept(githubAccount, other, q.Got.Subject)
	require.NoError(t, again.err)
	assert.Equal(t, accepted.out.Generation, again.out.Generation)
	described := once(w, w.account.Describe, activities.DescribeInput{Account: githubAccount})
	assert.Equal(t, again.out.Replaced, described.out.Replaced, "also when nobody came back to say so")

	require.NoError(t, w.discard(activities.DiscardInput{Account: githubAccount, Authorization: accepted.out.Replaced[0].Authorization}).err)
	assert.False(t, w.works(githubAccount, old.Tokens.Access), "nobody holds it any more")
	assert.True(t, w.works(githubAccount, w.held(githubAccount).Tokens.Access))
	assert.Empty(t, w.accept(githubAccount, other, q.Got.Subject).out.Replaced)
}

// The worker dies as soon as the account is another subject's. A provider that is down has no say in whose it is, and keeps the
// grant before from being revoked, not from being remembered.
func TestAnOldGrantIsRevokedAfterADeathWhenTheProviderTakesIt(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	old := w.held(githubAccount)
	other := w.consent(githubAccount, sandbox.OtherLogin)
	q := w.adopt(githubAccount, other).quarantined(t, other)
	dies := func(attempt int32) error {
		if attempt == 1 {
			return errDied
		}
		return nil
	}
	in := activities.AdoptInput{Account: githubAccount, Authorization: other, AcceptSubject: q.Got.Subject}
	accepted := retried(w, w.account.Adopt, in, dies)
	require.NoError(t, accepted.err)
	require.Len(t, accepted.out.Replaced, 1)

	discard := activities.DiscardInput{Account: githubAccount, Authorization: accepted.out.Replaced[0].Authorization}
	for name, c := range map[string]struct {
		fault sandbox.Fault
		kind  string
	}{
		"outage":    {sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, activities.ErrTypeProviderUnavailable},
		"throttled": {sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429, RetryAfter: 42 * time.Second}, activities.ErrTypeRateLimited},
	} {
		c.fault.App, c.fault.Endpoint, c.fault.Name = sandbox.GitHub, "applications.grant.delete", name
		w.fault(c.fault)
		w.discard(discard).fails(t, c.kind)
		w.clock.advance(time.Minute)
	}
	github := w.providers["github"]
	delete(w.providers, "github")
	w.discard(discard).fails(t, activities.ErrTypeNotConfigured, "no such connector")
	w.providers["github"] = github
	assert.True(t, w.works(githubAccount, old.Tokens.Access))
	require.NoError(t, w.discard(discard).err)
	assert.False(t, w.works(githubAccount, old.Tokens.Access))
}

func TestForceAsksOnceForWhatWasReplaced(t *testing.T) {
	for name, faulty := range map[string]bool{"revoked": false, "not revoked": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(githubAccount)
			old := w.held(githubAccount)
			other := w.consent(githubAccount, sandbox.OtherLogin)
			q := w.adopt(githubAccount, other).quarantined(t, other)
			require.NoError(t, w.accept(githubAccount, other, q.Got.Subject).err)
			if faulty {
				w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "applications.grant.delete", Kind: sandbox.FaultStatus, Status: 503, Times: -1})
			}

			ended := w.forceDisconnect(githubAccount)

			assert.Equal(t, faulty, w.works(githubAccount, old.Tokens.Access))
			if !faulty {
				assert.Empty(t, ended.Unrevoked)
				return
			}
			assert.Contains(t, ended.Unrevoked, "the grant of "+old.Display)
			assert.Equal(t, 2, strings.Count(ended.Unrevoked, "HTTP 503"), "each by its own answer")
		})
	}
}

func TestAGrantThatAnotherAccountOwnsIsAcceptedByNobody(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	second := credential.AccountID{Organization: "acme", User: "support", Connector: "slack"}
	authorization := w.consent(second, "")
	q := w.adopt(second, authorization).quarantined(t, authorization)
	assert.Equal(t, slackAccount, q.Owner)

	refused := w.accept(second, authorization, q.Got.Subject)
	refused.fails(t, activities.ErrTypeAuthorizationRejected, "acme/triage/slack")
	assert.Equal(t, slackAccount, refused.quarantined(t, authorization).Owner)
	assert.EqualValues(t, 1, w.held(slackAccount).Generation)
	assert.True(t, w.stray(authorization).Shared, "destroying it must not end the owner's")
}

func TestDiscardingRevokesAndDestroys(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	other := w.consent(githubAccount, sandbox.OtherLogin)
	w.adopt(githubAccount, other).quarantined(t, other)
	access := w.stray(other).Tokens.Access
	require.True(t, w.works(githubAccount, access))

	in := activities.DiscardInput{Account: githubAccount, Authorization: other}
	discarded := w.discard(in)
	require.NoError(t, discarded.err)
	assert.Empty(t, discarded.out.Unrevoked)
	assert.False(t, w.works(githubAccount, access))
	_, err := w.vault.GetStray(t.Context(), other)
	require.ErrorIs(t, err, vault.ErrNotFound)
	require.NoError(t, w.discard(in).err, "again")
	assert.EqualValues(t, 1, w.held(githubAccount).Generation)
}

// GitHub answers 404 to an access token that has ended, as if there were no grant, and quarantine outlasts one.
func TestWhatOutlivedItsAccessTokenInQuarantineIsRevokedByANewOne(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *world, in activities.DiscardInput)
		want    string // that lives on
	}{
		"at once": {},
		"after an outage": {prepare: func(w *world, in activities.DiscardInput) {
			w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 503})
			w.discard(in).fails(w.t, activities.ErrTypeProviderUnavailable, "503")
		}},
		"after a death of the worker": {prepare: func(w *world, in activities.DiscardInput) {
			w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "applications.grant.delete", Kind: sandbox.FaultStatus, Status: 503})
			w.discard(in).fails(w.t, activities.ErrTypeProviderUnavailable, "503")
		}},
		"refused": {prepare: func(w *world, _ activities.DiscardInput) { w.Revoke(sandbox.GitHub) }},
		"an answer is lost": {prepare: func(w *world, _ activities.DiscardInput) {
			w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultDrop, Processed: true})
		}, want: "the answer is lost"},
		"an attempt died before the answer": {prepare: func(w *world, in activities.DiscardInput) {
			spent := w.stray(in.Authorization).Tokens
			spent.Refresh = credential.Secret{}
			require.NoError(w.t, w.vault.Retoken(w.t.Context(), in.Authorization, spent))
		}, want: "nothing to get another by"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(githubAccount)
			other := w.consent(githubAccount, sandbox.OtherLogin)
			w.adopt(githubAccount, other).quarantined(t, other)
			w.clock.advance(73 * time.Hour)
			in := activities.DiscardInput{Account: githubAccount, Authorization: other}
			if c.prepare != nil {
				c.prepare(w, in)
			}

			ended := w.discard(in)

			require.NoError(t, ended.err)
			_, err := w.vault.GetStray(t.Context(), other)
			require.ErrorIs(t, err, vault.ErrNotFound)
			trail, err := w.vault.AuditTrail(t.Context(), vault.AuditFilter{Account: githubAccount}, 1)
			require.NoError(t, err)
			assert.Equal(t, vault.Discarded, trail[0].Action)
			if c.want != "" {
				assert.Contains(t, ended.out.Unrevoked, c.want)
				assert.Contains(t, trail[0].Detail, "not revoked: "+ended.out.Unrevoked)
				return
			}
			assert.Empty(t, ended.out.Unrevoked)
			assert.NotContains(t, trail[0].Detail, "not revoked")
			if name != "refused" {
				assert.Equal(t, 1, w.Revoke(sandbox.GitHub), "of the account itself, and no grant of the other")
			}
		})
	}
}

// A consent waits of which GitHub has not said whose it is. To revoke another one of the same person would end it.
func TestARevocationWaitsForWhatMayBeOfTheSameGrant(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	other := w.consent(githubAccount, sandbox.OtherLogin)
	w.adopt(githubAccount, other).quarantined(t, other)
	stray := w.stray(other)
	second := credential.AccountID{Organization: "acme", User: "support", Connector: "github"}
	w.pend(vault.Authorization{Account: second, Tokens: w.stray(other).Tokens})
	in := activities.DiscardInput{Account: githubAccount, Authorization: other}

	w.discard(in).fails(t, activities.ErrTypeUnidentified, "a consent waits")
	assert.True(t, w.works(githubAccount, stray.Tokens.Access))
	assert.Equal(t, stray.Tokens, w.stray(other).Tokens)

	w.clock.advance(time.Hour) // nobody adopts it any more
	require.NoError(t, w.discard(in).err)
	assert.False(t, w.works(githubAccount, stray.Tokens.Access))
}

// An account that nobody has connected, and that only has a consent of somebody else's grant in quarantine.
func TestForceAsksOnceForWhatIsInQuarantine(t *testing.T) {
	for name, faulty := range map[string]bool{"revoked": false, "not revoked": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			other := w.consent(githubAccount, sandbox.OtherLogin)
			_, err := w.vault.Quarantine(t.Context(), other, w.clock.Now().Add(72*time.Hour))
			require.NoError(t, err)
			access := w.stray(other).Tokens.Access
			if faulty {
				w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "applications.grant.delete", Kind: sandbox.FaultStatus, Status: 503, Times: -1})
			}

			ended := w.forceDisconnect(githubAccount)

			assert.Equal(t, faulty, w.works(githubAccount, access))
			_, err = w.vault.GetStray(t.Context(), other)
			require.ErrorIs(t, err, vault.ErrNotFound)
			if !faulty {
				assert.Empty(t, ended.Unrevoked)
				return
			}
			assert.Contains(t, ended.Unrevoked, "the grant of "+sandbox.OtherLogin)
			assert.Contains(t, ended.Unrevoked, "HTTP 503")
		})
	}
}

// Somebody consents by mistake, and again. Neither of the two is spared for the sake of the other when the account leaves.
func TestAnAccountThatLeavesSparesNoneOfItsKin(t *testing.T) {
	two := func(w *world, other credential.AccountID) (ids [2]string, access [2]credential.Secret) {
		w.connect(githubAccount)
		for i := range ids {
			ids[i] = w.consent(other, sandbox.OtherLogin)
			_, err := w.vault.Quarantine(w.t.Context(), ids[i], w.clock.Now().Add(72*time.Hour))
			require.NoError(w.t, err)
			stray := w.stray(ids[i])
			access[i] = stray.Tokens.Access
			require.True(w.t, w.works(other, access[i]))
		}
		return ids, access
	}
	neverConnected := credential.AccountID{Organization: "acme", User: "support", Connector: "github"}
	for name, account := range map[string]credential.AccountID{"connected": githubAccount, "never connected": neverConnected} {
		t.Run("by force, "+name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			_, access := two(w, account)
			assert.Empty(t, w.forceDisconnect(account).Unrevoked)
			assert.False(t, w.works(account, access[0]))
			assert.False(t, w.works(account, access[1]))
		})
	}
	t.Run("while somebody waits", func(t *testing.T) {
		w := newWorld(t, sandbox.Options{})
		ids, access := two(w, githubAccount)
		in := activities.DiscardInput{Account: githubAccount, Authorization: ids[0], Awaited: true}
		require.NoError(t, w.discard(in).err)
		assert.False(t, w.works(githubAccount, access[0]))
	})
}

// hastyVault has something happen as soon as a stray was looked at, once.
type hastyVault struct {
	activities.Vault
	then func()
}

func (v *hastyVault) GetStray(ctx context.Context, id string) (vault.Stray, error) {
	stray, err := v.Vault.GetStray(ctx, id)
	if act := v.then; act != nil {
		v.then = nil
		act()
	}
	return stray, err
}

func TestOfTwoThatAreDiscardedAtTheSameMomentOneIsRevoked(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	second := credential.AccountID{Organization: "acme", User: "support", Connector: "github"}
	var of [2]activities.DiscardInput
	var access [2]credential.Secret
	for i, account := range []credential.AccountID{githubAccount, second} {
		of[i] = activities.DiscardInput{Account: account, Authorization: w.consent(account, sandbox.OtherLogin)}
		_, err := w.vault.Quarantine(t.Context(), of[i].Authorization, w.clock.Now().Add(72*time.Hour))
		require.NoError(t, err)
		access[i] = w.stray(of[i].Authorization).Tokens.Access
	}
	w.account.Vault = &hastyVault{Vault: w.vault, then: func() { require.NoError(t, w.discard(of[1]).err) }}
	require.NoError(t, w.discard(of[0]).err)
	assert.False(t, w.works(githubAccount, access[0]))
	assert.False(t, w.works(githubAccount, access[1]))
}

// At many providers all tokens of a subject are one grant.
func TestDiscardingEndsNothingThatIsInUse(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	held := w.held(slackAccount)
	fewer := vault.Authorization{Account: slackAccount, Subject: held.Subject, Display: held.Display, Tokens: held.Tokens}
	fewer.Tokens.Scopes = []string{"chat:write"}
	authorization := w.pend(fewer)
	w.adopt(slackAccount, authorization).quarantined(t, authorization)

	require.NoError(t, w.discard(activities.DiscardInput{Account: slackAccount, Authorization: authorization}).err)
	assert.True(t, w.works(slackAccount, held.Tokens.Access))
	_, err := w.vault.GetStray(t.Context(), authorization)
	require.ErrorIs(t, err, vault.ErrNotFound)
}

func TestWhatTheProviderDoesNotTakeBackIsDestroyedOnDemand(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	other := w.consent(githubAccount, sandbox.OtherLogin)
	w.adopt(githubAccount, other).quarantined(t, other)
	w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "applications.grant.delete", Kind: sandbox.FaultStatus, Status: 503})

	in := activities.DiscardInput{Account: githubAccount, Authorization: other}
	w.discard(in).fails(t, activities.ErrTypeProviderUnavailable, "acme/triage/github")
	w.stray(other)
	w.wrongSecret = true
	w.discard(in).fails(t, activities.ErrTypeProviderUnavailable, "acme/triage/github")
	in.Awaited = true
	w.discard(in).fails(t, activities.ErrTypeRejected, "github")
	w.wrongSecret = false
	in.Unrevoked = true
	require.NoError(t, w.discard(in).err)
	_, err := w.vault.GetStray(t.Context(), other)
	assert.ErrorIs(t, err, vault.ErrNotFound)
}
