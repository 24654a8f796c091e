package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
)

// An account is another subject's by now, and the worker dies while it asks the provider to revoke the grant before.
func TestADeathKeepsNoReplacedGrantFromBeingRevoked(t *testing.T) {
	beside(t)
	k := newKillWorld(t)
	const kind = "grace"
	account := k.account(kind)
	connect := func(subject string) error {
		_, err := k.Workflows.Reauthorized(t.Context(), account, k.consentAs(account, subject))
		return err
	}
	require.NoError(t, connect(""))
	before, err := k.Vault.Get(t.Context(), account)
	require.NoError(t, err)
	q, kept := activities.QuarantineOf(connect(sandbox.OtherLogin))
	require.True(t, kept)
	provider := k.sandboxes[kind]
	require.NoError(t, provider.Fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "applications.grant.delete", Kind: sandbox.FaultHang, Times: -1}))

	accepted, err := k.Workflows.Accept(t.Context(), account, q)
	require.NoError(t, err, "the provider has no say in whose the account is")
	assert.Equal(t, credential.Active, accepted.Status)
	assert.Equal(t, q.Got.Subject, accepted.Subject)
	require.Len(t, accepted.Replaced, 1)
	assert.Equal(t, before.Subject, accepted.Replaced[0].Holder.Subject)
	k.eventually("the provider to be asked", func() bool { return provider.Books().Requests["github applications.grant.delete"] > 0 })
	k.kill()
	assert.True(t, k.takes(kind, before.Tokens.Access))
	provider.ClearFaults()
	k.start()

	k.eventually("the grant before to be revoked", func() bool { return !k.takes(kind, before.Tokens.Access) })
	k.eventually("the account to know it", func() bool { return len(k.status(account).Replaced) == 0 })
	k.works(kind)
}
