package vault

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

// versions are how each database keeps the version of its tables.
var versions = map[string]struct{ get, set string }{
	onSQLite.name:   {`PRAGMA user_version`, `PRAGMA user_version = `},
	onPostgres.name: {`SELECT version FROM schema_version`, `UPDATE schema_version SET version = `},
}

// sealAsBeforeDataKeys has the keyset itself seal all tokens, as a vault of before schema version 14 has them.
func sealAsBeforeDataKeys(t *testing.T, f fixture, v *Vault) {
	t.Helper()
	by := tokenSealer{sealer: sealerOf(f.keyset)}
	seal := func(b binding, tokens credential.Tokens) []byte {
		t.Helper()
		sealed, err := by.sealTokens(b, tokens)
		require.NoError(t, err)
		return sealed
	}
	for _, account := range []credential.AccountID{slack, github} {
		r, err := v.Get(t.Context(), account)
		require.NoError(t, err)
		access, refresh := r.Tokens, credential.Tokens{Refresh: r.Tokens.Refresh}
		access.Refresh = credential.Secret{}
		b := binding{account: account, generation: r.Generation}
		b.field = fieldAccess
		sealedAccess := seal(b, access)
		b.field = fieldRefresh
		tamper(t, v, `UPDATE records SET access = $1, refresh = $2, data_key = substr(data_key, 1, 0) WHERE account = $3`,
			sealedAccess, seal(b, refresh), account.String())
	}
	a, err := v.GetAuthorization(t.Context(), "a3")
	require.NoError(t, err)
	tamper(t, v, `UPDATE authorizations SET tokens = $1, data_key = substr(data_key, 1, 0)`, seal(a.binding(), a.Tokens))
}

func testRowsOfBeforeDataKeysGoOn(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	fill(t, v)
	sealAsBeforeDataKeys(t, f, v)
	f.allUnder(t, f.keyset.KeyIDs()[0])
	old, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	access, err := NewCache(v).Access(t.Context(), github)
	require.NoError(t, err)
	assert.Equal(t, tokens("a2").Access, access.Token)
	carried, err := v.SealTokens(old, tokens("carried"))
	require.NoError(t, err)
	got, err := v.OpenTokens(t.Context(), slack, 1, carried)
	require.NoError(t, err)
	assert.Equal(t, tokens("carried"), got)

	// A worker that does not know of the column writes a row, and leaves the key of the tokens before in it.
	stale, _, err := sealerOf(f.keyset).sealPair(github, 7, tokens("before"))
	require.NoError(t, err)
	tamper(t, v, `UPDATE records SET data_key = $1 WHERE account = 'acme/triage/github'`, stale.key)
	f.allUnder(t, f.keyset.KeyIDs()[0])
	_, err = v.Get(t.Context(), github)
	require.NoError(t, err)

	r, err := v.Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)
	assert.Equal(t, Rows{Records: 2, Authorizations: 1, Logins: 1}, r.Resealed)
	f.allUnder(t, r.Key)
	assert.Zero(t, count(t, v, `records WHERE length(data_key) = 0`))
	assert.Zero(t, count(t, v, `authorizations WHERE length(data_key) = 0`))
	now, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, old.Tokens, now.Tokens)
	got, err = v.OpenTokens(t.Context(), slack, 1, carried)
	require.NoError(t, err, "it was under way during the rotation")
	assert.Equal(t, tokens("carried"), got)
	_, err = v.Adopt(t.Context(), "a3")
	require.NoError(t, err)
}

func testOldVaultIsBroughtUpToDate(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	fill(t, v)
	sealAsBeforeDataKeys(t, f, v)
	want, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	want.Presented.By = "" // nobody knows
	tamper(t, v, `DROP TABLE retired_keys`)
	tamper(t, v, `DROP TABLE audit`)
	tamper(t, v, `DROP TABLE links`)
	tamper(t, v, `DROP TABLE deliveries`)
	tamper(t, v, `DROP TABLE budgets`)
	tamper(t, v, `DROP TABLE ended_sessions`)
	tamper(t, v, `ALTER TABLE logins DROP COLUMN link_hash`)
	tamper(t, v, `ALTER TABLE logins DROP COLUMN person_hash`)
	tamper(t, v, `ALTER TABLE authorizations DROP COLUMN quarantined_at`)
	tamper(t, v, `ALTER TABLE authorizations DROP COLUMN replaced`)
	tamper(t, v, `ALTER TABLE records DROP COLUMN data_key`)
	tamper(t, v, `ALTER TABLE records DROP COLUMN presented_by`)
	tamper(t, v, `ALTER TABLE authorizations DROP COLUMN data_key`)
	tamper(t, v, `ALTER TABLE shredded DROP COLUMN unrevoked`)
	tamper(t, v, versions[b.name].set+`1`)

	assert.True(t, f.verified(t).OK())
	_, err = Open(t.Context(), f.with(newFixture(t).keyset))
	wrong, ok := errors.AsType[*WrongKeyError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, f.keyset.KeyIDs(), wrong.SealedWith)
	assert.NotContains(t, err.Error(), "column")
	var version int
	peek(t, v, versions[b.name].get, &version)
	assert.Equal(t, 1, version, "to verify is not to migrate")

	vaults := make([]*Vault, 4)
	together(len(vaults), func(i int) {
		var err error
		vaults[i], err = Open(t.Context(), f.options())
		assert.NoError(t, err)
	})
	for _, opened := range vaults {
		got, err := opened.Get(t.Context(), slack)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		require.NoError(t, opened.Close())
	}
	peek(t, v, versions[b.name].get, &version)
	assert.Equal(t, 17, version)
	require.NoError(t, v.Audit(t.Context(), event(Refresh, slack)))
	_, err = v.Rotate(t.Context(), RotateOptions{})
	require.NoError(t, err)
}

func testNewerSchemaIsRefused(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	tamper(t, v, versions[b.name].set+`99`)
	for _, open := range []func() error{
		func() error { _, err := Open(t.Context(), f.options()); return err },
		func() error { _, err := Verify(t.Context(), f.options()); return err },
	} {
		err := open()
		require.ErrorContains(t, err, "schema version 99")
		assert.ErrorContains(t, err, "use a newer tokenkeeper")
		assert.ErrorContains(t, err, f.name())
	}
}
