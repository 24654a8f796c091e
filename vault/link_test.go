package vault

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testLinkIsBoundToOneBrowserAndSpentOnce(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	keys, err := v.NewLink(t.Context(), LinkRequest{Account: slack, Why: "the grant is dead"})
	require.NoError(t, err)
	secret, hash := keys.Secret, LinkHash(keys.Secret)
	assert.Empty(t, keys.Code)
	assert.Equal(t, clock.Now().Add(30*time.Minute), keys.ExpiresAt)
	want := Link{Hash: hash, Account: slack, Why: "the grant is dead", ExpiresAt: clock.Now().Add(LinkLife)}
	for range 2 {
		got, err := v.GetLink(t.Context(), hash)
		require.NoError(t, err)
		assert.Equal(t, want, got, "looking uses nothing up")
	}
	_, err = v.OpenLink(t.Context(), Opening{Secret: secret})
	require.ErrorContains(t, err, "no browser")
	var opened atomic.Int64
	together(8, func(i int) {
		if l, err := v.OpenLink(t.Context(), Opening{Secret: secret, BrowserHash: []byte{byte(i)}}); err == nil {
			opened.Add(1)
		} else {
			assert.ErrorIs(t, err, ErrOtherBrowser)
			assert.Equal(t, slack, l.Account)
		}
	})
	assert.EqualValues(t, 1, opened.Load())
	bound, err := v.GetLink(t.Context(), hash)
	require.NoError(t, err)
	_, err = v.OpenLink(t.Context(), Opening{Secret: secret, BrowserHash: bound.BrowserHash})
	require.NoError(t, err, "the same browser comes again")

	clock.Advance(LinkLife)
	var spent atomic.Int64
	together(8, func(int) {
		if err := v.SpendLink(t.Context(), hash); err == nil {
			spent.Add(1)
		} else {
			assert.ErrorIs(t, err, ErrNotFound)
		}
	})
	assert.EqualValues(t, 1, spent.Load(), "a login that it led to may end after it")
}

func testLinkIsBoundToOnePerson(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	keys := newLink(t, v, LinkRequest{Account: slack})
	open := func(browser, person string) error {
		o := Opening{Secret: keys.Secret, BrowserHash: []byte(browser)}
		if person != "" {
			o.PersonHash = []byte(person)
		}
		_, err := v.OpenLink(t.Context(), o)
		return err
	}
	require.NoError(t, open("browser", "jane"))
	require.NoError(t, open("browser", "jane"))
	for _, person := range []string{"eve", ""} {
		require.ErrorIs(t, open("browser", person), ErrOtherPerson, person)
	}
	require.ErrorIs(t, open("another", "jane"), ErrOtherBrowser)
	link, err := v.GetLink(t.Context(), LinkHash(keys.Secret))
	require.NoError(t, err)
	assert.Equal(t, []byte("jane"), link.PersonHash)

	keys = newLink(t, v, LinkRequest{Account: slack})
	link, err = v.GetLink(t.Context(), LinkHash(keys.Secret))
	require.NoError(t, err)
	assert.Nil(t, link.PersonHash, "a new link is nobody's")
	require.NoError(t, open("browser", ""))
	assert.ErrorIs(t, open("browser", "jane"), ErrOtherPerson, "it was opened before people had to sign in")
}

func testNewLinkVoidsTheOld(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	old := newLink(t, v, LinkRequest{Account: slack, Code: true}).Secret
	_, err := v.OpenLink(t.Context(), Opening{Secret: old, Code: "wrong", BrowserHash: []byte("browser")})
	require.Error(t, err)
	other := newLink(t, v, LinkRequest{Account: github}).Secret
	fresh := newLink(t, v, LinkRequest{Account: slack}).Secret
	_, err = v.GetLink(t.Context(), LinkHash(old))
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorIs(t, v.SpendLink(t.Context(), LinkHash(old)), ErrNotFound)
	link, err := v.GetLink(t.Context(), LinkHash(fresh))
	require.NoError(t, err)
	assert.Nil(t, link.BrowserHash)
	assert.Nil(t, link.CodeHash)
	assert.Zero(t, link.Attempts)
	_, err = v.GetLink(t.Context(), LinkHash(other))
	assert.NoError(t, err)
	require.NoError(t, v.Shred(t.Context(), slack, 1, ""))
	_, err = v.GetLink(t.Context(), LinkHash(fresh))
	assert.ErrorIs(t, err, ErrNotFound, "a link goes with its account")
}

func newLink(t *testing.T, v *Vault, r LinkRequest) LinkKeys {
	t.Helper()
	keys, err := v.NewLink(t.Context(), r)
	require.NoError(t, err)
	return keys
}

func testLinksEnd(t *testing.T, b backend) {
	v, clock := b.newVault(t)
	_, err := v.NewLink(t.Context(), LinkRequest{})
	require.ErrorContains(t, err, "organization/user")
	const life = 5 * time.Minute
	keys := newLink(t, v, LinkRequest{Account: slack, Life: life})
	assert.Equal(t, clock.Now().Add(life), keys.ExpiresAt)
	clock.Advance(life - time.Second)
	_, err = v.GetLink(t.Context(), LinkHash(keys.Secret))
	require.NoError(t, err)
	clock.Advance(time.Second)
	_, err = v.GetLink(t.Context(), LinkHash(keys.Secret))
	require.ErrorIs(t, err, ErrNotFound)
	_, err = v.OpenLink(t.Context(), Opening{Secret: keys.Secret, BrowserHash: []byte("browser")})
	require.ErrorIs(t, err, ErrNotFound)
	clock.Advance(clockSkew)
	require.NoError(t, v.Prune(t.Context()))
	assert.Zero(t, count(t, v, "links"))
}

func testLinkWithACode(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	keys := newLink(t, v, LinkRequest{Account: slack, Code: true})
	assert.Regexp(t, `^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`, keys.Code)
	link, err := v.GetLink(t.Context(), LinkHash(keys.Secret))
	require.NoError(t, err)
	assert.NotEqual(t, LinkHash(keys.Code), link.CodeHash, "whoever has the vault alone could try out all codes")
	assert.NotEqual(t, LinkHash(plainCode(keys.Code)), link.CodeHash)

	var wrong *WrongCodeError
	refused, err := v.OpenLink(t.Context(), Opening{Secret: keys.Secret, BrowserHash: []byte("stranger")})
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, 4, wrong.Left)
	assert.Equal(t, slack, refused.Account)
	other := newLink(t, v, LinkRequest{Account: github, Code: true})
	_, err = v.OpenLink(t.Context(), Opening{Secret: keys.Secret, Code: other.Code, BrowserHash: []byte("stranger")})
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, 3, wrong.Left)

	typed := strings.ToLower(strings.ReplaceAll(keys.Code, "-", " "))
	got, err := v.OpenLink(t.Context(), Opening{Secret: keys.Secret, Code: typed, BrowserHash: []byte("person")})
	require.NoError(t, err, "the attempts of a stranger keep nobody out")
	assert.Equal(t, []byte("person"), got.BrowserHash)
	_, err = v.OpenLink(t.Context(), Opening{Secret: keys.Secret, BrowserHash: []byte("person")})
	require.NoError(t, err, "the same browser comes again")
	_, err = v.OpenLink(t.Context(), Opening{Secret: keys.Secret, Code: keys.Code, BrowserHash: []byte("stranger")})
	require.ErrorIs(t, err, ErrOtherBrowser)
}

func testWrongCodesVoidTheLink(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	keys := newLink(t, v, LinkRequest{Account: slack, Code: true})
	var tried, void atomic.Int64
	together(3*maxCodeAttempts, func(int) {
		_, err := v.OpenLink(t.Context(), Opening{Secret: keys.Secret, Code: "BBBB-BBBB", BrowserHash: []byte("stranger")})
		if wrong, ok := errors.AsType[*WrongCodeError](err); ok {
			tried.Add(1)
			if wrong.Left == 0 {
				void.Add(1)
			}
			return
		}
		assert.ErrorIs(t, err, ErrNotFound)
	})
	assert.EqualValues(t, maxCodeAttempts, tried.Load(), "not one guess more, however many come at once")
	assert.EqualValues(t, 1, void.Load())
	_, err := v.OpenLink(t.Context(), Opening{Secret: keys.Secret, Code: keys.Code, BrowserHash: []byte("person")})
	require.ErrorIs(t, err, ErrNotFound)
	fresh := newLink(t, v, LinkRequest{Account: slack, Code: true})
	_, err = v.OpenLink(t.Context(), Opening{Secret: fresh.Secret, Code: fresh.Code, BrowserHash: []byte("person")})
	require.NoError(t, err)
}

// The letters about one episode lead to one link, whichever process writes them.
func testLettersShareALink(t *testing.T, b backend) {
	f := b.newFixture(t)
	v, other := f.open(t), f.fromFile(t).open(t)
	ask := LinkRequest{Account: slack, Why: "the grant is dead", Episode: "ntc_1"}
	secrets := make([]string, 8)
	together(len(secrets), func(i int) {
		keys, err := []*Vault{v, other}[i%2].NewLink(t.Context(), ask)
		assert.NoError(t, err)
		secrets[i] = keys.Secret
	})
	first := secrets[0]
	for _, secret := range secrets {
		assert.Equal(t, first, secret)
	}
	f.clock.Advance(LinkLife / 2)
	again := newLink(t, other, ask)
	assert.Equal(t, first, again.Secret)
	assert.Equal(t, f.clock.Now().Add(LinkLife/2), again.ExpiresAt, "it lives no longer for that")
	f.clock.Advance(time.Second)
	assert.NotEqual(t, first, newLink(t, v, ask).Secret, "too little of its life is left")

	second := newLink(t, v, ask).Secret
	_, err := v.OpenLink(t.Context(), Opening{Secret: second, BrowserHash: []byte("person")})
	require.NoError(t, err)
	f.clock.Advance(LinkLife - time.Second)
	assert.Equal(t, second, newLink(t, other, ask).Secret, "nobody is stopped in the middle")
	require.NoError(t, v.SpendLink(t.Context(), LinkHash(second)))
	third := newLink(t, v, ask).Secret
	assert.NotEqual(t, second, third, "it was used")

	for _, r := range []LinkRequest{{Account: slack, Episode: "ntc_2"}, {Account: slack}, {Account: slack, Episode: "ntc_2", Code: true}} {
		assert.NotEqual(t, third, newLink(t, v, r).Secret)
	}
	_, err = v.GetLink(t.Context(), LinkHash(third))
	require.ErrorIs(t, err, ErrNotFound, "it was voided as any other")
}

// What is kept for them opens with the vault's keys alone, and a rotation loses no more than a link.
func testASharedLinkIsSealed(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	ask := LinkRequest{Account: slack, Episode: "ntc_1"}
	first := newLink(t, v, ask).Secret
	assert.NotContains(t, dump(t, v), first)
	_, err := v.Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)
	assert.Equal(t, first, newLink(t, v, ask).Secret, "its key is there still")
	_, err = v.Rotate(t.Context(), RotateOptions{DropOld: true})
	require.NoError(t, err)
	assert.NotEqual(t, first, newLink(t, v, ask).Secret)
	assert.True(t, f.verified(t).OK())
}

// Letters are written by the clock. They stop nobody in the middle of a consent, and void no link that a person made.
func testALetterVoidsNoLinkInUse(t *testing.T, b backend) {
	letter := LinkRequest{Account: slack, Episode: "ntc_1"}
	byHand := LinkRequest{Account: slack}
	withCode := LinkRequest{Account: slack, Code: true}
	another := LinkRequest{Account: slack, Episode: "ntc_2"}
	for name, test := range map[string]struct {
		before LinkRequest
		opened bool
		login  time.Duration // of the consent that it leads to; 0 for none
		after  time.Duration
		until  time.Duration // 0 where the letter gets a link
	}{
		"made by hand":                        {byHand, false, 0, 0, LinkLife},
		"made by hand, with a code":           {withCode, false, 0, time.Minute, LinkLife},
		"made by hand, opened":                {byHand, true, 0, LinkLife - time.Second, LinkLife},
		"made by hand, over":                  {byHand, false, 0, LinkLife, 0},
		"made by hand, opened, over":          {byHand, true, 0, LinkLife, 0},
		"over, its consent is under way":      {byHand, true, LinkLife + 9*time.Minute, LinkLife + 8*time.Minute, LinkLife + 9*time.Minute},
		"over, its consent is over":           {byHand, true, LinkLife + 9*time.Minute, LinkLife + 9*time.Minute, 0},
		"of another trouble":                  {another, false, 0, 0, 0},
		"of another trouble, opened":          {another, true, 0, time.Minute, LinkLife},
		"of the same, its consent is current": {letter, true, LinkLife + 9*time.Minute, LinkLife, LinkLife + 9*time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			v, clock := b.newVault(t)
			began := clock.Now()
			keys := newLink(t, v, test.before)
			if test.opened {
				_, err := v.OpenLink(t.Context(), Opening{Secret: keys.Secret, Code: keys.Code, BrowserHash: []byte("person")})
				require.NoError(t, err)
			}
			if test.login > 0 {
				l := login("s1", slack)
				l.LinkHash, l.ExpiresAt = LinkHash(keys.Secret), began.Add(test.login)
				require.NoError(t, v.PutLogin(t.Context(), l))
			}
			clock.Advance(test.after)
			made, err := v.NewLink(t.Context(), letter)
			if test.until == 0 {
				require.NoError(t, err)
				assert.NotEqual(t, keys.Secret, made.Secret)
				assert.ErrorIs(t, v.SpendLink(t.Context(), LinkHash(keys.Secret)), ErrNotFound, "the old one is void")
				return
			}
			inUse, ok := errors.AsType[*LinkInUseError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, test.opened, inUse.Opened)
			assert.WithinDuration(t, began.Add(test.until), inUse.Until, 0)
			require.NoError(t, v.SpendLink(t.Context(), LinkHash(keys.Secret)), "it is good still")

			newLink(t, v, letter)
			newLink(t, v, byHand) // whoever wants one by hand gets one
		})
	}
}

func testLinkOfOnePerson(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	for _, recipient := range []string{"jane@example.com", ""} { // the second has no more of the first than the account
		keys, err := v.NewLink(t.Context(), LinkRequest{Account: slack, Why: "the grant is dead", Recipient: recipient, Episode: "one"})
		require.NoError(t, err)
		assert.False(t, keys.Shared)
		l, err := v.GetLink(t.Context(), LinkHash(keys.Secret))
		require.NoError(t, err)
		assert.Equal(t, recipient, l.Recipient)
	}
}
