package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// appKey is made once: an RSA key takes its time.
var appKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func appKeyText() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(appKey())}))
}

// signing is a sandbox that knows the key of the configuration.
func signing(lifetime time.Duration) sandbox.Options {
	app := sandbox.AppOptions{Key: &appKey().PublicKey, MintedLifetime: lifetime}
	return sandbox.Options{GitHub: app, Google: app}
}

// active starts the owner of an account that needs nobody's consent.
func (w *world) active(account credential.AccountID) workflows.AccountStatus {
	w.t.Helper()
	require.NoError(w.t, w.Workflows.Connect(w.t.Context(), account))
	w.eventually(account.String()+" to become active", func() bool { return w.status(account).Status == credential.Active })
	return w.status(account)
}

// tellsNothing makes sure that nothing secret is in a history. The binary form holds payloads as they are.
func (w *world) tellsNothing(account credential.AccountID) {
	w.t.Helper()
	text, err := proto.Marshal(w.history(workflows.AccountWorkflowID(account)))
	require.NoError(w.t, err)
	for _, token := range w.sandbox.IssuedTokens() {
		require.NotContains(w.t, string(text), token)
	}
	require.NotContains(w.t, string(text), "eyJhbGci", "an assertion is in the history")
	require.Contains(w.t, string(text), "installation/51000001", "the search finds what is there")
}

// Accounts whose app acts for itself become active by themselves, are renewed by the clock, and have one owner each.
func TestAccountsThatMintLive(t *testing.T) {
	beside(t)
	w := newWorld(t, signing(5*time.Second))
	bot := w.account("bot")
	for connector, subject := range map[string]credential.Subject{
		"bot": "installation/51000001", "service": "jane@example.com", "machine": "triage-agent@sandbox.iam.gserviceaccount.com",
	} {
		assert.Equal(t, subject, w.active(w.account(connector)).Subject)
	}
	w.eventually("renewals by the clock", func() bool {
		return w.status(bot).Generation >= 3 && w.status(w.account("service")).Generation >= 3 && w.status(w.account("machine")).Generation >= 3
	})
	api, err := w.API(bot)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.Base.JoinPath("installation/repositories").String(), http.NoBody)
	require.NoError(t, err)
	answer, err := api.HTTP.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Equal(t, http.StatusOK, answer.StatusCode)

	rival := credential.AccountID{Organization: w.organization, User: "rival", Connector: "bot"}
	require.NoError(t, w.Workflows.Connect(t.Context(), rival))
	w.eventually("the rival to be refused", func() bool { return w.status(rival).Status == credential.ClientMisconfigured })
	assert.Contains(t, w.status(rival).Reason, bot.String(), "the owner is named")

	w.sandbox.SetKey(sandbox.GitHub, nil) // the key was deleted at the provider
	w.eventually("the refusal", func() bool { return w.status(bot).Failures > 0 })
	w.eventually("the end of the last token", func() bool { return !w.status(bot).ExpiresAt.After(time.Now()) })
	assert.Contains(t, w.status(bot).Reason, "private key")
	ended, err := w.Workflows.Disconnect(t.Context(), w.account("service"))
	require.NoError(t, err)
	assert.Equal(t, credential.Disconnected, ended.Status)
	w.tellsNothing(bot)
}

// A token that was revoked is found by the looks at it, which cost the history nothing while all is well.
func TestLooksFindADeadTokenAndCostNoHistory(t *testing.T) {
	beside(t)
	w := newWorld(t, signing(time.Hour))
	bot := w.account("bot")
	w.active(bot)
	looks := func() int { return w.sandbox.Books().Requests["github installation.repositories"] }
	w.eventually("the first look", func() bool { return looks() >= 1 && !w.status(bot).LastValidated.IsZero() })
	events := len(w.history(workflows.AccountWorkflowID(bot)).GetEvents())
	first := w.status(bot).LastValidated
	w.eventually("two more", func() bool { return looks() >= 3 })
	assert.Len(t, w.history(workflows.AccountWorkflowID(bot)).GetEvents(), events)
	assert.True(t, w.status(bot).LastValidated.After(first))

	w.sandbox.Revoke(sandbox.GitHub)
	w.eventually("a new token", func() bool { s := w.status(bot); return s.Generation == 2 && s.Status == credential.Active })
	found := len(w.history(workflows.AccountWorkflowID(bot)).GetEvents()) - events
	t.Logf("a dead token that was found and replaced: %d events", found)
	assert.Less(t, found, 25)
	w.tellsNothing(bot)
	w.replays(workflows.AccountWorkflowID(bot), "minting-account")
}

// A token that never expires and was revoked is found by whoever asks, and by the triage that starts.
func TestARevokedTokenIsFoundByAsking(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: sandbox.RotationNone, AccessLifetime: sandbox.NeverExpires}})
	slack := w.connect("slack")
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "auth.test", Kind: sandbox.FaultStatus, Code: "ekm_access_denied"}))
	status, err := w.Workflows.Validate(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, credential.Active, status.Status, "a policy is not the end of a token")
	assert.Contains(t, status.ValidationNote, "ekm_access_denied")
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "auth.test", Kind: sandbox.FaultStatus, Status: 503}))
	status, err = w.Workflows.Validate(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, credential.Active, status.Status, "nor is an outage")

	w.sandbox.Revoke(sandbox.Slack)
	w.ValidateAll(t.Context())
	w.eventually("the end", func() bool { return w.status(slack).Status == credential.ReauthorizationRequired })
}

// A token that never expires is revoked while no worker runs. The worker that starts has every account look at its token, long
// before the account would by itself. It is no triage's: what those need is looked at in other ways too.
func TestAWorkerThatStartsFindsTokensThatWereRevokedWhileNoneRan(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: sandbox.RotationNone, AccessLifetime: sandbox.NeverExpires}})
	slack := w.settleMany(1, "slack")[0]
	w.worker.Stop()
	w.sandbox.Revoke(sandbox.Slack)

	w.process()

	w.eventually("the end", func() bool { return w.status(slack).Status == credential.ReauthorizationRequired })
}
