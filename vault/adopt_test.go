package vault

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

func testAuthorizationRoundTrip(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	want := authorization("a1", slack, "T1/B1")
	require.NoError(t, v.PutAuthorization(t.Context(), want))
	got, err := v.GetAuthorization(t.Context(), "a1")
	require.NoError(t, err)
	assert.Equal(t, want, got)

	dated := authorization("a2", slack, "T1/B1")
	dated.CreatedAt = time.Time{}
	clock.Advance(time.Second)
	require.NoError(t, v.PutAuthorization(t.Context(), dated))
	got, err = v.GetAuthorization(t.Context(), "a2")
	require.NoError(t, err)
	assert.Equal(t, clock.Now(), got.CreatedAt)

	require.NoError(t, v.DropAuthorization(t.Context(), "a1", ""))
	require.NoError(t, v.DropAuthorization(t.Context(), "a1", ""), "dropping again is fine")
	_, err = v.GetAuthorization(t.Context(), "a1")
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.Adopt(t.Context(), "a1")
	require.ErrorIs(t, err, ErrNotFound)
}

func testAuthorizationsThatAreRefused(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	for want, spoil := range map[string]func(*Authorization){
		"no id":                  func(a *Authorization) { a.ID = "" },
		"a NUL":                  func(a *Authorization) { a.Display = "a\x00b" },
		"no access token":        func(a *Authorization) { a.Tokens.Access = credential.Secret{} },
		"no time of expiry":      func(a *Authorization) { a.ExpiresAt = time.Time{} },
		"expired already":        func(a *Authorization) { a.ExpiresAt = clock.Now() },
		"organization/user":      func(a *Authorization) { a.Account = credential.AccountID{} },
		"starting with a letter": func(a *Authorization) { a.Account.User = "Not Allowed" },
	} {
		a := authorization("a1", slack, "T1/B1")
		spoil(&a)
		assert.ErrorContains(t, v.PutAuthorization(t.Context(), a), want)
	}
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a1", slack, "T1/B1")))
	assert.Error(t, v.PutAuthorization(t.Context(), authorization("a1", github, "42")), "an id is never taken over")
}

// A consent is kept although the provider does not say whose it is, and is nobody's until it does.
func testAnAuthorizationIsIdentifiedBeforeItIsAdopted(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	unknown := authorization("a1", slack, "")
	unknown.Display, unknown.Tokens.Scopes = "", nil
	require.NoError(t, v.PutAuthorization(t.Context(), unknown))
	_, err := v.Adopt(t.Context(), "a1")
	require.ErrorContains(t, err, "no subject")
	_, err = v.Accept(t.Context(), "a1", "")
	require.ErrorContains(t, err, "no subject")
	_, err = v.Identify(t.Context(), "a1", credential.Holder{}, nil)
	require.ErrorContains(t, err, "no subject")

	for _, subject := range []credential.Subject{"T1/B1", "T1/B2"} { // the second is too late
		got, err := v.Identify(t.Context(), "a1", credential.Holder{Subject: subject, Display: "triage"}, []string{"read"})
		require.NoError(t, err)
		assert.Equal(t, credential.Holder{Subject: "T1/B1", Display: "triage"}, credential.Holder{Subject: got.Subject, Display: got.Display})
	}
	r, err := v.Adopt(t.Context(), "a1")
	require.NoError(t, err)
	assert.Equal(t, credential.Subject("T1/B1"), r.Subject)
	assert.Equal(t, []string{"read"}, r.Tokens.Scopes)
	assert.True(t, r.Tokens.Access.Equal(unknown.Tokens.Access))
	_, err = v.Identify(t.Context(), "a1", credential.Holder{Subject: "T1/B1"}, nil)
	require.ErrorIs(t, err, ErrNotFound)
}

func testAdoptIsIdempotent(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	first := connectAccount(t, v, "a1", slack, "T1/B1")
	again, err := v.Adopt(t.Context(), "a1")
	require.NoError(t, err)
	assert.Equal(t, first, again)
	_, err = v.GetAuthorization(t.Context(), "a1")
	require.ErrorIs(t, err, ErrNotFound, "its tokens are the account's now")

	_, err = v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)
	again, err = v.Adopt(t.Context(), "a1")
	require.NoError(t, err)
	assert.EqualValues(t, 2, again.Generation, "it never goes back")
	assert.Equal(t, tokens("two"), again.Tokens)
}

func testManyAdoptOneAuthorization(t *testing.T, b backend) {
	f := b.newFixture(t)
	vaults := []*Vault{f.open(t), f.open(t)}
	require.NoError(t, vaults[0].PutAuthorization(t.Context(), authorization("a1", slack, "T1/B1")))
	together(16, func(i int) {
		r, err := vaults[i%2].Adopt(t.Context(), "a1")
		assert.NoError(t, err)
		assert.EqualValues(t, 1, r.Generation)
		assert.Equal(t, tokens("a1"), r.Tokens)
	})
}

func testReauthorizationIsTheNextGeneration(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	_, err := v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)
	_, err = v.Present(t.Context(), slack, 2, 0, "one")
	require.NoError(t, err)
	clock.Advance(time.Minute)

	r := connectAccount(t, v, "a2", slack, "T1/B1")
	got, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, r, got)
	assert.EqualValues(t, 3, r.Generation)
	assert.Equal(t, tokens("a2"), r.Tokens)
	assert.Equal(t, "a2", r.AuthorizationID)
	assert.Nil(t, got.Presented, "the note spoke of the old grant")

	_, err = v.Swap(t.Context(), slack, 2, tokens("late"))
	require.ErrorIs(t, err, ErrConflict, "the late answer of the old grant")
	_, err = v.Adopt(t.Context(), "a1")
	require.ErrorIs(t, err, ErrNotFound, "the first consent is history")
}

func testOneOwnerPerGrant(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a2", slack2, "T1/B1")))

	_, err := v.Adopt(t.Context(), "a2")
	var owned *OwnedError
	require.ErrorAs(t, err, &owned)
	assert.Equal(t, &OwnedError{Connector: "slack", Subject: "T1/B1", Owner: slack, Account: slack2}, owned)
	assert.ErrorContains(t, err, "connected as account acme/triage/slack already")
	_, err = v.Get(t.Context(), slack2)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.GetAuthorization(t.Context(), "a2")
	require.NoError(t, err, "the refused tokens are there to be revoked")

	connectAccount(t, v, "a3", github, "T1/B1")
	connectAccount(t, v, "a4", slack2, "T1/B2")

	owner, found, err := v.OwnerOf(t.Context(), "slack", "T1/B1")
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, slack, owner)
	_, found, err = v.OwnerOf(t.Context(), "slack", "T9/B9")
	require.NoError(t, err)
	assert.False(t, found)
}

func testOneOwnerWinsTheRace(t *testing.T, b backend) {
	f := b.newFixture(t)
	vaults := []*Vault{f.open(t), f.open(t)}
	const accounts = 12
	for i := range accounts {
		require.NoError(t, vaults[0].PutAuthorization(t.Context(), authorization(accountNumber(i).User, accountNumber(i), "T1/B1")))
	}
	owners := make(chan credential.AccountID, accounts)
	together(accounts, func(i int) {
		r, err := vaults[i%2].Adopt(t.Context(), accountNumber(i).User)
		if err == nil {
			owners <- r.Account
			return
		}
		var owned *OwnedError
		assert.ErrorAs(t, err, &owned)
	})
	require.Len(t, owners, 1)
	owner, _, err := vaults[0].OwnerOf(t.Context(), "slack", "T1/B1")
	require.NoError(t, err)
	assert.Equal(t, owner, <-owners)
}

func testTheIndexRefusesASecondOwnerToo(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	err := v.writeSealed(t.Context(), func(tx storage.Queryer, s sealer) error {
		_, err := s.putRecord(t.Context(), tx, Record{
			Account: slack2, Generation: 1, Subject: "T1/B1", Tokens: tokens("x"), AuthorizationID: "a2",
		})
		return err
	})
	require.Error(t, err)
	assert.Regexp(t, `UNIQUE constraint failed: records.connector, records.subject|unique constraint "records_owner"`, err.Error())
	_, err = v.Get(t.Context(), slack)
	assert.NoError(t, err, "the owner stays")
}

func testAnotherSubjectFreesTheFirst(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	connectAccount(t, v, "a2", slack, "T1/B2")
	_, found, err := v.OwnerOf(t.Context(), "slack", "T1/B1")
	require.NoError(t, err)
	assert.False(t, found)
	connectAccount(t, v, "a3", slack2, "T1/B1")
}

// What waits is found without its id, which nobody may know any more.
func testWhatWaitsIsListed(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	put := func(id string, account credential.AccountID, subject credential.Subject) Pending {
		a := authorization(id, account, subject)
		a.CreatedAt = clock.Now()
		require.NoError(t, v.PutAuthorization(t.Context(), a))
		clock.Advance(time.Second)
		return Pending{
			ID: id, Account: account, Holder: credential.Holder{Subject: subject, Display: a.Display},
			CreatedAt: a.CreatedAt.UTC(), ExpiresAt: a.ExpiresAt.UTC(),
		}
	}
	lists := func(want ...Pending) {
		t.Helper()
		got, err := v.Pending(t.Context())
		require.NoError(t, err)
		for i := range got {
			got[i].CreatedAt, got[i].ExpiresAt = got[i].CreatedAt.UTC(), got[i].ExpiresAt.UTC()
		}
		assert.Equal(t, want, got)
	}
	lists()
	first, nameless, other := put("a1", slack, "T1/B1"), put("a2", slack, ""), put("a3", slack, "T1/B2")
	later := put("a4", slack, "T1/B1")
	elsewhere := put("a5", slack2, "")
	lists(first, nameless, other, later, elsewhere)

	_, err := v.Adopt(t.Context(), "a1")
	require.NoError(t, err)
	lists(nameless, other, later, elsewhere)
	_, err = v.Adopt(t.Context(), "a4")
	require.NoError(t, err)
	lists(other, elsewhere) // the nameless one is older than what the account took, and would take its place
	events, err := v.AuditTrail(t.Context(), AuditFilter{Account: slack}, 1)
	require.NoError(t, err)
	assert.Contains(t, events[0].Detail, "; 1 older, not taken before, destroyed")
	_, err = v.Quarantine(t.Context(), "a3", clock.Now().Add(time.Hour))
	require.NoError(t, err)
	lists(elsewhere)
	clock.Advance(48 * time.Hour)
	lists()
}

func testExpiredAuthorizationsAreGone(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	for name, prune := range map[string]func(){
		"by pruning": func() { require.NoError(t, v.Prune(t.Context())) },
		"by opening": func() { f.open(t) },
		"by a login": func() {
			l := login("s1", slack)
			l.ExpiresAt = f.clock.Now().Add(time.Minute)
			require.NoError(t, v.PutLogin(t.Context(), l))
		},
		"by the next one": func() {
			a := authorization("next", slack, "T1/B1")
			a.ExpiresAt = f.clock.Now().Add(time.Minute)
			require.NoError(t, v.PutAuthorization(t.Context(), a))
			require.NoError(t, v.DropAuthorization(t.Context(), "next", ""))
		},
	} {
		a := authorization(name, slack, "T1/B1")
		a.ExpiresAt = f.clock.Now().Add(time.Minute)
		require.NoError(t, v.PutAuthorization(t.Context(), a))
		require.Equal(t, 1, count(t, v, "authorizations"))
		f.clock.Advance(time.Minute)
		_, err := v.GetAuthorization(t.Context(), name)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = v.Adopt(t.Context(), name)
		require.ErrorIs(t, err, ErrNotFound)
		require.NoError(t, v.Prune(t.Context()))
		assert.Equal(t, 1, count(t, v, "authorizations"), "to another clock it may be good yet")
		f.clock.Advance(clockSkew)
		prune()
		assert.Zero(t, count(t, v, "authorizations"), name)
	}
}

func testAccountsListsNoSecrets(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	none, err := v.Accounts(t.Context())
	require.NoError(t, err)
	assert.Empty(t, none)

	connectAccount(t, v, "a1", slack, "T1/B1")
	connectAccount(t, v, "a2", github, "42")
	_, err = v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)
	all, err := v.Accounts(t.Context())
	require.NoError(t, err)
	expires := tokens("").ExpiresAt
	assert.Equal(t, []Summary{
		{Account: github, Generation: 1, Subject: "42", Display: "Display of 42", ExpiresAt: expires, UpdatedAt: clock.Now()},
		{Account: slack, Generation: 2, Subject: "T1/B1", Display: "Display of T1/B1", ExpiresAt: expires, UpdatedAt: clock.Now()},
	}, all)
}
