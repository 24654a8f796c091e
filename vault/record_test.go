package vault

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

func testRecordRoundTrip(t *testing.T, b backend) {
	everything := tokens("a1")
	everything.Access = credential.NewSecret("not UTF-8: \xff\x00 <&>")
	for name, want := range map[string]credential.Tokens{
		"everything":     everything,
		"no refresh":     {Access: credential.NewSecret("only")},
		"scopes unknown": {Access: credential.NewSecret("a"), Refresh: credential.NewSecret("r"), Type: "bot"},
		"scopes empty":   {Access: credential.NewSecret("a"), Scopes: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			v, clock := b.newVault(t)
			a := authorization("a1", slack, "T1/B1")
			a.Tokens = want
			require.NoError(t, v.PutAuthorization(t.Context(), a))
			adopted, err := v.Adopt(t.Context(), "a1")
			require.NoError(t, err)
			got, err := v.Get(t.Context(), slack)
			require.NoError(t, err)
			assert.Equal(t, adopted, got)
			assert.Equal(t, Record{
				Account: slack, Generation: 1, Subject: "T1/B1", Display: "Display of T1/B1", Tokens: want,
				AuthorizationID: "a1", UpdatedAt: clock.Now(), key: got.key,
			}, got)
		})
	}
}

func testGetOfAnUnknownAccount(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	for _, account := range []credential.AccountID{slack, {}} {
		_, err := v.Get(t.Context(), account)
		require.ErrorIs(t, err, ErrNotFound)
		assert.ErrorContains(t, err, account.String())
	}
}

func testSwapMovesOneGenerationOn(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	clock.Advance(time.Minute)
	g, err := v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)
	assert.EqualValues(t, 2, g)
	r, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, Record{
		Account: slack, Generation: 2, Subject: "T1/B1", Display: "Display of T1/B1", Tokens: tokens("two"),
		AuthorizationID: "a1", UpdatedAt: clock.Now(), key: r.key,
	}, r)
}

func testSwapKeepsWhatTheAnswerLeavesOut(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	_, err := v.Swap(t.Context(), slack, 1, credential.Tokens{Access: credential.NewSecret("second")})
	require.NoError(t, err)
	r, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	want := tokens("a1")
	want.Access, want.IssuedAt, want.ExpiresAt = credential.NewSecret("second"), time.Time{}, time.Time{}
	assert.Equal(t, want, r.Tokens)

	rotated := credential.Tokens{Access: credential.NewSecret("third"), Refresh: credential.NewSecret("other"), Scopes: []string{}}
	_, err = v.Swap(t.Context(), slack, 2, rotated)
	require.NoError(t, err)
	r, err = v.Get(t.Context(), slack)
	require.NoError(t, err)
	rotated.Type = "Bearer"
	assert.Equal(t, rotated, r.Tokens, "another refresh token has another end, and no scopes are no scopes")
}

func testLateSwapIsFenced(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	_, err := v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)

	for _, from := range []credential.Generation{0, 1, 3} {
		_, err = v.Swap(t.Context(), slack, from, tokens("late"))
		require.ErrorIs(t, err, ErrConflict)
		assert.ErrorContains(t, err, "acme/triage/slack")
	}
	_, err = v.Present(t.Context(), slack, 1, 0, "one")
	require.ErrorIs(t, err, ErrConflict)
	require.ErrorIs(t, v.Withdraw(t.Context(), slack, 1), ErrConflict)

	r, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, tokens("two"), r.Tokens)
	assert.EqualValues(t, 2, r.Generation)
	assert.Nil(t, r.Presented)
}

func testWritesToAnUnknownAccount(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	_, err := v.Swap(t.Context(), slack, 1, tokens("x"))
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.Present(t.Context(), slack, 1, 0, "one")
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorIs(t, v.Withdraw(t.Context(), slack, 1), ErrNotFound)
}

func testTokensWithoutAnAccessTokenAreNeverStored(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	_, err := v.Swap(t.Context(), slack, 1, credential.Tokens{Refresh: credential.NewSecret("alone")})
	require.ErrorIs(t, err, errNoAccessToken)
	r, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, tokens("a1"), r.Tokens)
}

func testPresentIsWrittenAheadAndCounted(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	first := f.clock.Now()
	p, err := v.Present(t.Context(), slack, 1, 0, "one")
	require.NoError(t, err)
	assert.Equal(t, Presentation{Generation: 1, At: first, Attempts: 1, By: "one"}, p)

	f.clock.Advance(time.Minute)
	r, err := f.open(t).Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, &p, r.Presented, "the next process sees it")

	for _, known := range []int{0, 2} {
		_, err = v.Present(t.Context(), slack, 1, known, "one")
		require.ErrorIs(t, err, ErrPresented, "who has read of other presentations has judged by them")
		require.NotErrorIs(t, err, ErrConflict)
	}
	p, err = v.Present(t.Context(), slack, 1, 1, "two")
	require.NoError(t, err)
	assert.Equal(t, Presentation{Generation: 1, At: first, Attempts: 2, By: "two"}, p, "grace counts from the first")

	_, err = v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)
	r, err = v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Nil(t, r.Presented, "an answer ends it")
}

func testWithdrawTakesBackOnePresentation(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	require.NoError(t, v.Withdraw(t.Context(), slack, 1), "there is nothing to take back")
	first := clock.Now()
	presented := func() *Presentation {
		r, err := v.Get(t.Context(), slack)
		require.NoError(t, err)
		return r.Presented
	}

	_, err := v.Present(t.Context(), slack, 1, 0, "one")
	require.NoError(t, err)
	require.NoError(t, v.Withdraw(t.Context(), slack, 1))
	assert.Nil(t, presented())

	_, err = v.Present(t.Context(), slack, 1, 0, "one")
	require.NoError(t, err)
	clock.Advance(time.Minute)
	_, err = v.Present(t.Context(), slack, 1, 1, "two")
	require.NoError(t, err)
	require.NoError(t, v.Withdraw(t.Context(), slack, 1))
	assert.Equal(t, &Presentation{Generation: 1, At: first, Attempts: 1, By: "two"}, presented(), "the first is still out, and had one after it")
}

func testOneWinnerPerGeneration(t *testing.T, b backend) {
	f := b.newFixture(t)
	vaults := []*Vault{f.open(t), f.open(t)}
	connectAccount(t, vaults[0], "a1", slack, "T1/B1")
	const goroutines, rounds = 32, 6
	var mu sync.Mutex
	winners := map[credential.Generation]string{}
	together(goroutines, func(i int) {
		v := vaults[i%len(vaults)]
		for range rounds {
			r, err := v.Get(t.Context(), slack)
			if !assert.NoError(t, err) {
				return
			}
			name := accountNumber(i).User + r.Tokens.Access.Reveal()
			g, err := v.Swap(t.Context(), slack, r.Generation, tokens(name))
			if err != nil {
				assert.ErrorIs(t, err, ErrConflict)
				continue
			}
			mu.Lock()
			assert.NotContains(t, winners, g)
			assert.Equal(t, r.Generation+1, g)
			winners[g] = name
			mu.Unlock()
		}
	})
	r, err := vaults[1].Get(t.Context(), slack)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(winners), rounds, "in each round somebody wins")
	assert.EqualValues(t, len(winners)+1, r.Generation)
	assert.Equal(t, tokens(winners[r.Generation]), r.Tokens, "the pair is one winner's, whole")
}

// Of those that read a token as not presented one may present it: the others have judged by what is no longer so.
func testOneOfManyPresents(t *testing.T, b backend) {
	f := b.newFixture(t)
	vaults := []*Vault{f.open(t), f.open(t)}
	connectAccount(t, vaults[0], "a1", slack, "T1/B1")
	var presented atomic.Int32
	together(32, func(i int) {
		_, err := vaults[i%len(vaults)].Present(t.Context(), slack, 1, 0, "one")
		if err == nil {
			presented.Add(1)
			return
		}
		assert.ErrorIs(t, err, ErrPresented)
	})
	assert.EqualValues(t, 1, presented.Load())
	r, err := vaults[1].Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, 1, r.Presentations())
}

func testSwapWithoutAFileInReach(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	connected := connectAccount(t, v, "a1", slack, "T1/B1")
	require.NoError(t, v.Close())
	_, err := v.Swap(t.Context(), slack, 1, tokens("two"))
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrConflict)

	sealed, err := v.SealTokens(connected, tokens("two"))
	require.NoError(t, err, "sealing needs no file")
	again := f.open(t)
	carried, err := again.OpenTokens(t.Context(), slack, 1, sealed)
	require.NoError(t, err)
	_, err = again.Swap(t.Context(), slack, 1, carried)
	require.NoError(t, err)
	r, err := again.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, tokens("two"), r.Tokens)
}
