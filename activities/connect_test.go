package activities_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

func codeIn(t *testing.T, redirect string) string {
	t.Helper()
	target, err := url.Parse(redirect)
	require.NoError(t, err)
	require.NotEmpty(t, target.Query().Get("code"))
	return target.Query().Get("code")
}

func (w *world) adopt(account credential.AccountID, authorization string) ran[activities.Adopted] {
	w.t.Helper()
	return once(w, w.account.Adopt, activities.AdoptInput{Account: account, Authorization: authorization})
}

// connect gives an account its first grant.
func (w *world) connect(account credential.AccountID) activities.Facts {
	w.t.Helper()
	got := w.adopt(account, w.consent(account, ""))
	require.NoError(w.t, got.err)
	return got.out.Facts
}

// held returns what the vault holds of an account.
func (w *world) held(account credential.AccountID) vault.Record {
	w.t.Helper()
	record, err := w.vault.Vault.Get(w.t.Context(), account)
	require.NoError(w.t, err)
	return record
}
