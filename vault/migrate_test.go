package vault

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// versions are how each database keeps the version of its tables.
var versions = map[string]struct{ get, set string }{
	onSQLite.name:   {`PRAGMA user_version`, `PRAGMA user_version = `},
	onPostgres.name: {`SELECT version FROM schema_version`, `UPDATE schema_version SET version = `},
}

func testOldVaultIsBroughtUpToDate(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	fill(t, v)
	want, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
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
	tamper(t, v, `ALTER TABLE shredded DROP COLUMN unrevoked`)
	tamper(t, v, versions[b.name].set+`1`)

	assert.True(t, f.verified(t).OK())
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
	assert.Equal(t, 13, version)
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
