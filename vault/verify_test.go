package vault

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/vault/internal/storage"
)

func testVerifyCountsAndChangesNothing(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	fill(t, v)
	f.clock.Advance(48 * 60 * 60 * 1e9) // what has expired is looked at, not pruned
	before := dump(t, v)
	found := f.verified(t)
	key := f.keyset.KeyIDs()[0]
	assert.Equal(t, Verification{
		Vault: f.name(), Keyset: f.keyset.Path(), KeyInForce: key,
		Keys: []KeyUse{{ID: key, Sealed: 5, InKeyset: true}}, Rows: Rows{Records: 2, Authorizations: 1, Logins: 1},
	}, found)
	assert.True(t, found.OK())
	assert.Equal(t, before, dump(t, v))
}

func testVerifyNamesWhatIsDamaged(t *testing.T, b backend) {
	const altered = "it does not open: it was altered, or sealed for another place"
	for name, c := range map[string]struct {
		statement string
		want      []Damage
	}{
		"rows swapped": {
			`UPDATE records SET account = 'acme/support/slack' WHERE account = 'acme/triage/slack'`,
			[]Damage{
				{Account: "acme/support/slack", Generation: 1, Field: "data key", Problem: altered},
			},
		},
		"columns swapped": {
			`UPDATE records SET access = refresh, refresh = access WHERE account = 'acme/triage/slack'`,
			[]Damage{
				{Account: "acme/triage/slack", Generation: 1, Field: "access token", Problem: altered},
				{Account: "acme/triage/slack", Generation: 1, Field: "refresh token", Problem: altered},
			},
		},
		"one field": {
			`UPDATE records SET refresh = substr(refresh, 1, 30) WHERE account = 'acme/triage/github'`,
			[]Damage{{Account: "acme/triage/github", Generation: 1, Field: "refresh token", Problem: altered}},
		},
		"connector": {
			`UPDATE records SET connector = 'jira' WHERE account = 'acme/triage/github'`,
			[]Damage{{Account: "acme/triage/github", Generation: 1, Field: "connector", Problem: `the row says "jira"`}},
		},
		"authorization": {
			`UPDATE authorizations SET id = 'other'`,
			[]Damage{{Account: "acme/triage/slack", Field: "data key", Problem: altered}},
		},
		"login": {
			`UPDATE logins SET verifier = substr(verifier, 1, 4)`,
			[]Damage{{Account: "acme/triage/slack", Field: "login's code verifier", Problem: altered}},
		},
		"key check":    {`UPDATE canary SET sealed = substr(sealed, 1, 20)`, []Damage{{Field: "key check", Problem: altered}}},
		"no key check": {`DELETE FROM canary`, []Damage{{Field: "key check", Problem: altered}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := b.newFixture(t)
			v := f.open(t)
			fill(t, v)
			tamper(t, v, c.statement)
			found := f.verified(t)
			assert.Equal(t, c.want, found.Damaged)
			assert.False(t, found.OK())
			assert.Equal(t, Rows{Records: 2, Authorizations: 1, Logins: 1}, found.Rows, "it goes on to the end")
		})
	}
}

func testVerifyTellsOfAMissingKey(t *testing.T, b backend) {
	f := b.newFixture(t)
	fill(t, f.open(t))
	key := f.keyset.KeyIDs()[0]
	other := newFixture(t).keyset
	found, err := Verify(t.Context(), f.with(other))
	require.NoError(t, err)
	assert.Len(t, found.Damaged, 5)
	for _, d := range found.Damaged {
		assert.Equal(t, "it was sealed with "+keyList([]uint32{key})+", which the keyset lacks", d.Problem)
	}
	assert.Contains(t, found.Keys, KeyUse{ID: key, Sealed: 5})
	assert.Contains(t, found.Keys, KeyUse{ID: other.KeyIDs()[0], InKeyset: true})
}

func testVerifyMakesNoVault(t *testing.T, b backend) {
	f := b.newFixture(t)
	for range 2 {
		_, err := Verify(t.Context(), f.options())
		require.ErrorIs(t, err, storage.ErrAbsent)
		assert.ErrorContains(t, err, f.name())
	}
	_, err := Verify(t.Context(), Options{Path: f.path, URL: f.url})
	assert.ErrorContains(t, err, "no keyset given")
}

func TestVerifyLeavesTheFileAsItIs(t *testing.T) {
	f := newFixture(t)
	v := f.open(t)
	fill(t, v)
	require.NoError(t, v.Close())
	before, err := os.ReadFile(f.path)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(f.path, 0o400))
	assert.True(t, f.verified(t).OK())
	after, err := os.ReadFile(f.path)
	require.NoError(t, err)
	assert.Equal(t, before, after)
}
