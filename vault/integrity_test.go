package vault

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

// requireIntegrityError checks that err names the account, and gives away nothing.
func requireIntegrityError(t *testing.T, err error, account credential.AccountID) {
	t.Helper()
	var integrity *IntegrityError
	require.ErrorAs(t, err, &integrity)
	assert.Equal(t, account, integrity.Account)
	assert.ErrorContains(t, err, account.String())
	assert.ErrorContains(t, err, "restore the vault from a backup")
	assert.NotContains(t, err.Error(), "secret")
}

func testTamperedRecordsDoNotOpen(t *testing.T, b backend) {
	for name, statement := range map[string]string{
		"access of another account":  `UPDATE records SET access = (SELECT access FROM records WHERE account = 'acme/triage/github')`,
		"refresh of another account": `UPDATE records SET refresh = (SELECT refresh FROM records WHERE account = 'acme/triage/github')`,
		"whole pair of another account": `UPDATE records SET (access, refresh) =
			(SELECT access, refresh FROM records WHERE account = 'acme/triage/github')`,
		"another generation":      `UPDATE records SET generation = 7`,
		"refresh token as access": `UPDATE records SET access = refresh`,
		"access token as refresh": `UPDATE records SET refresh = access`,
		"authorization as access": `UPDATE records SET access = (SELECT tokens FROM authorizations)`,
		"cut short":               `UPDATE records SET access = substr(access, 1, 12)`,
		"cut to the key id":       `UPDATE records SET access = substr(access, 1, 5)`,
		"shorter than the key id": `UPDATE records SET access = substr(access, 1, 3)`,
		"emptied":                 `UPDATE records SET access = substr(access, 1, 0)`,
		"refresh emptied":         `UPDATE records SET refresh = substr(access, 1, 0)`,
		"cut at the end":          `UPDATE records SET access = substr(access, 1, length(access) - 1)`,
		"cut in front":            `UPDATE records SET access = substr(access, 2)`,
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := b.newVault(t)
			connectAccount(t, v, "a1", slack, "T1/B1")
			connectAccount(t, v, "a2", github, "42")
			require.NoError(t, v.PutAuthorization(t.Context(), authorization("a3", slack, "T1/B1")))
			tamper(t, v, statement+` WHERE account = 'acme/triage/slack'`)

			_, err := v.Get(t.Context(), slack)
			requireIntegrityError(t, err, slack)
			_, err = v.Get(t.Context(), github)
			assert.NoError(t, err, "the other account is well")
		})
	}
}

func testSwappedAccessDoesNotEnterTheCache(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	connectAccount(t, v, "a2", github, "42")
	tamper(t, v, `UPDATE records SET access = (SELECT access FROM records WHERE account = 'acme/triage/github')`)
	_, err := NewCache(v).Access(t.Context(), slack)
	requireIntegrityError(t, err, slack)
}

func testAlteredBytesDoNotOpen(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	var access []byte
	peek(t, v, `SELECT access FROM records`, &access)
	for at := range access {
		altered := slices.Clone(access)
		altered[at] ^= 0x40
		tamper(t, v, `UPDATE records SET access = $1`, altered)
		_, err := v.Get(t.Context(), slack)
		require.Error(t, err, "byte %d", at)
		assert.NotContains(t, err.Error(), "secret")
	}
	tamper(t, v, `UPDATE records SET access = $1`, access)
	_, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
}

func testTamperedAuthorizationDoesNotOpen(t *testing.T, b backend) {
	for name, statement := range map[string]string{
		"given to another account": `UPDATE authorizations SET account = 'acme/support/slack'`,
		"another id":               `UPDATE authorizations SET tokens = (SELECT tokens FROM authorizations WHERE id = 'a2')`,
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := b.newVault(t)
			require.NoError(t, v.PutAuthorization(t.Context(), authorization("a1", slack, "T1/B1")))
			require.NoError(t, v.PutAuthorization(t.Context(), authorization("a2", slack, "T1/B1")))
			tamper(t, v, statement+` WHERE id = 'a1'`)
			_, err := v.GetAuthorization(t.Context(), "a1")
			var integrity *IntegrityError
			require.ErrorAs(t, err, &integrity)
			_, err = v.Adopt(t.Context(), "a1")
			require.ErrorAs(t, err, &integrity)
			_, err = v.Get(t.Context(), slack)
			assert.ErrorIs(t, err, ErrNotFound)
		})
	}
}

func testTamperedLoginDoesNotOpen(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	l := login("s1", slack)
	require.NoError(t, v.PutLogin(t.Context(), l))
	tamper(t, v, `UPDATE logins SET account = 'acme/support/slack'`)
	_, err := v.TakeLogin(t.Context(), l.StateHash)
	requireIntegrityError(t, err, slack2)
	_, err = v.TakeLogin(t.Context(), l.StateHash)
	assert.ErrorIs(t, err, ErrNotFound, "it is used up")
}

func testRowsThatNameNoAccount(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	l := login("s1", slack)
	require.NoError(t, v.PutLogin(t.Context(), l))
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a2", slack, "T1/B1")))
	tamper(t, v, `UPDATE records SET account = 'nonsense'`)
	tamper(t, v, `UPDATE authorizations SET account = 'nonsense'`)
	tamper(t, v, `UPDATE logins SET account = 'nonsense'`)

	const want = "want organization/user/connector"
	_, err := v.Accounts(t.Context())
	require.ErrorContains(t, err, want)
	_, _, err = v.OwnerOf(t.Context(), "slack", "T1/B1")
	require.ErrorContains(t, err, want)
	_, err = v.GetAuthorization(t.Context(), "a2")
	require.ErrorContains(t, err, want)
	_, err = v.Adopt(t.Context(), "a1")
	require.ErrorContains(t, err, want)
	_, err = v.TakeLogin(t.Context(), l.StateHash)
	require.ErrorContains(t, err, want)
}

func testCarriedTokensAreBound(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	record := connectAccount(t, v, "a1", slack, "T1/B1")
	connectAccount(t, v, "a2", github, "42")
	sealed, err := v.SealTokens(record, tokens("carried"))
	require.NoError(t, err)
	assert.NotContains(t, string(sealed), "secret")

	got, err := v.OpenTokens(t.Context(), slack, 1, sealed)
	require.NoError(t, err)
	assert.Equal(t, tokens("carried"), got)

	_, err = v.OpenTokens(t.Context(), github, 1, sealed)
	requireIntegrityError(t, err, github)
	for _, part := range [][]byte{sealed[:4], sealed[:1], nil, sealed[1:], sealed[:len(sealed)-1]} {
		_, err = v.OpenTokens(t.Context(), slack, 1, part)
		requireIntegrityError(t, err, slack)
	}
	_, err = v.OpenTokens(t.Context(), slack2, 1, sealed)
	require.ErrorIs(t, err, ErrNotFound)
}

// The row that has the key is gone or written anew: what a history still holds is nothing to anybody who has the keyset.
func testCarriedTokensEndWithTheirGeneration(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	carry := func(record Record) []byte {
		t.Helper()
		sealed, err := v.SealTokens(record, tokens("carried"))
		require.NoError(t, err)
		return sealed
	}
	first := carry(connectAccount(t, v, "a1", slack, "T1/B1"))
	_, err := v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err)
	_, err = v.OpenTokens(t.Context(), slack, 1, first)
	require.ErrorIs(t, err, ErrConflict)

	record, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	second := carry(record)
	require.NoError(t, v.Shred(t.Context(), slack, 2, ""))
	_, err = v.OpenTokens(t.Context(), slack, 2, second)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = sealerOf(v.keyset).open(binding{account: slack, generation: 2, field: fieldCarried}, second)
	requireIntegrityError(t, err, slack)

	_, err = v.OpenTokens(t.Context(), slack, 7, first)
	require.ErrorIs(t, err, ErrNotFound)
	connectAccount(t, v, "a2", slack, "T1/B1")
	_, err = v.OpenTokens(t.Context(), slack, 7, first)
	require.ErrorIs(t, err, ErrConflict, "the vault was restored from a backup")
	tamper(t, v, `UPDATE records SET generation = 2`)
	_, err = v.OpenTokens(t.Context(), slack, 2, second)
	requireIntegrityError(t, err, slack)
}

// Who has a copy of a row, and the keyset, opens nothing without the key that was in the row.
func testRowsWithoutTheirDataKeyDoNotOpen(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a2", slack, "T1/B1")))
	var key []byte
	peek(t, v, `SELECT data_key FROM records`, &key)
	for name, at := range map[string]string{
		"gone":                   `substr(data_key, 1, 0)`,
		"of the other row":       `(SELECT data_key FROM authorizations)`,
		"cut short":              `substr(data_key, 1, 30)`,
		"one that seals no more": `access`,
	} {
		tamper(t, v, `UPDATE records SET data_key = `+at)
		_, err := v.Get(t.Context(), slack)
		requireIntegrityError(t, err, slack)
		_, err = NewCache(v).Access(t.Context(), slack)
		requireIntegrityError(t, err, slack)
		tamper(t, v, `UPDATE records SET data_key = $1`, key)
		_, err = v.Get(t.Context(), slack)
		require.NoError(t, err, name)
	}
	short, err := sealerOf(v.keyset).seal(binding{account: slack, generation: 1}.dataKey(), []byte("no key"))
	require.NoError(t, err)
	tamper(t, v, `UPDATE records SET data_key = $1`, short)
	_, err = v.Get(t.Context(), slack)
	requireIntegrityError(t, err, slack)
}

func testEachGenerationHasItsOwnKey(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	var key, access []byte
	peek(t, v, `SELECT data_key, access FROM records`, &key, &access)
	_, err := v.Swap(t.Context(), slack, 1, tokens("a1"))
	require.NoError(t, err)
	var next []byte
	peek(t, v, `SELECT access FROM records`, &next)
	opens, err := sealerOf(v.keyset).withKey(binding{account: slack, generation: 1}, key, access)
	require.NoError(t, err)
	_, err = opens.openTokens(binding{account: slack, generation: 1, field: fieldAccess}, access)
	require.NoError(t, err)
	_, err = opens.openTokens(binding{account: slack, generation: 2, field: fieldAccess}, next)
	requireIntegrityError(t, err, slack)
}

func testSealedThingThatIsNoTokens(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	record := connectAccount(t, v, "a1", slack, "T1/B1")
	sealed, err := tokenSealer{key: record.key}.seal(binding{account: slack, generation: 1, field: fieldCarried}, []byte("no JSON"))
	require.NoError(t, err)
	_, err = v.OpenTokens(t.Context(), slack, 1, sealed)
	requireIntegrityError(t, err, slack)
}

func TestNothingIsInTheClear(t *testing.T) {
	f := newFixture(t)
	v := f.open(t)
	secrets := []string{"access-secret-", "refresh-secret-", "verifier-secret-"}
	require.NoError(t, v.PutLogin(t.Context(), login("s1", slack)))
	connectAccount(t, v, "a1", slack, "T1/B1")
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a2", github, "42")))
	for g := range credential.Generation(50) {
		_, err := v.Present(t.Context(), slack, g+1, 0, "one")
		require.NoError(t, err)
		_, err = v.Swap(t.Context(), slack, g+1, tokens(string(subjectNumber(int(g)))))
		require.NoError(t, err)
	}
	l := login("s2", slack)
	require.NoError(t, v.PutLogin(t.Context(), l))
	_, err := v.TakeLogin(t.Context(), l.StateHash)
	require.NoError(t, err)

	search := func(files map[string][]byte) {
		for name, content := range files {
			assert.NotEmpty(t, content, name)
			for _, secret := range secrets {
				assert.NotContains(t, string(content), secret, name)
			}
		}
	}
	open := filesOf(t, f)
	assert.Len(t, open, 3, "the file, its log and its index")
	assert.Contains(t, string(open["vault.db-wal"]), "acme/triage/slack", "the search would find something plain")
	search(open)
	require.NoError(t, v.Close())
	search(filesOf(t, f))
}
