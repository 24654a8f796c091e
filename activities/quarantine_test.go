package activities_test

import (
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

func (w *world) accept(account credential.AccountID, authorization string, subject credential.Subject) ran[activities.Facts] {
	w.t.Helper()
	return once(w, w.account.Adopt, activities.AdoptInput{Account: account, Authorization: authorization, AcceptSubject: subject})
}

func (w *world) discard(in activities.DiscardInput) ran[struct{}] {
	w.t.Helper()
	return once(w, noResult(w.account.Discard), in)
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

func TestAcceptedTokensAreTheAccountsAndTheOldGrantIsRevoked(t *testing.T) {
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
	assert.False(t, w.works(githubAccount, old.Tokens.Access), "nobody holds it any more")
	assert.True(t, w.works(githubAccount, w.held(githubAccount).Tokens.Access))
	again := w.accept(githubAccount, other, q.Got.Subject)
	require.NoError(t, again.err)
	assert.Equal(t, accepted.out.Generation, again.out.Generation)
}

// A provider that is down has no say in whose the account is.
func TestAnOldGrantThatIsNotRevokedIsTold(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	other := w.consent(githubAccount, sandbox.OtherLogin)
	q := w.adopt(githubAccount, other).quarantined(t, other)
	w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "applications.grant.delete", Kind: sandbox.FaultStatus, Status: 503})

	require.NoError(t, w.accept(githubAccount, other, q.Got.Subject).err)
	assert.Contains(t, w.log.String(), "the grant of the subject before was not revoked")
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
	w.clock.advance(73 * time.Hour) // beyond its end

	in := activities.DiscardInput{Account: githubAccount, Authorization: other}
	require.NoError(t, w.discard(in).err)
	assert.False(t, w.works(githubAccount, access))
	_, err := w.vault.GetStray(t.Context(), other)
	require.ErrorIs(t, err, vault.ErrNotFound)
	require.NoError(t, w.discard(in).err, "again")
	assert.EqualValues(t, 1, w.held(githubAccount).Generation)
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
	in.Unrevoked = true
	require.NoError(t, w.discard(in).err)
	_, err := w.vault.GetStray(t.Context(), other)
	assert.ErrorIs(t, err, vault.ErrNotFound)
}
