package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// nameless is a consent of which the gateway learned no more than its tokens.
func (w *world) nameless(account credential.AccountID) (authorization string) {
	w.t.Helper()
	tokens, err := w.grant(w.t.Context(), account, "")
	require.NoError(w.t, err)
	id := "nameless-" + strings.ReplaceAll(account.String(), "/", "-")
	require.NoError(w.t, w.Vault.PutAuthorization(w.t.Context(), vault.Authorization{
		ID: id, Account: account, Tokens: tokens, ExpiresAt: time.Now().Add(time.Hour),
	}))
	return id
}

// The process that people came back to died before any account had heard of what they consented to: nobody knows the ids.
func TestConsentsOutliveTheProcessThatTookThem(t *testing.T) {
	k := newKillWorld(t)
	k.kill()
	known, nameless := k.account("grace"), k.account("single")
	k.consent(known)
	k.nameless(nameless)
	k.start()
	for _, account := range []credential.AccountID{known, nameless} {
		k.eventually(account.String()+" to take its tokens", func() bool {
			status, err := k.Workflows.Account(t.Context(), account)
			return err == nil && status.Status == credential.Active
		})
	}
	waiting, err := k.Consents(t.Context())
	require.NoError(t, err)
	assert.Empty(t, waiting)
}

// A consent of nobody knows whom waits for as long as the provider does not say, and then nobody has to type anything.
func TestAConsentIsHandedOverWhenTheProviderSaysWhoseItIs(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	account := w.account("github")
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{
		App: sandbox.GitHub, Endpoint: "user.get", Kind: sandbox.FaultStatus, Status: http.StatusServiceUnavailable, Times: -1,
	}))
	id := w.nameless(account)
	handOver := func(until func() bool) {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.HandOver(ctx)
		}()
		w.eventually("the round to end", until)
		stop()
		<-done
	}
	handOver(func() bool { return w.sandbox.Books().Requests["github user.get"] > 0 })
	_, err := w.Workflows.Account(t.Context(), account)
	require.True(t, workflows.IsNotFound(err), "an account is not troubled with it: %v", err)
	var shown struct {
		Consents []vault.Pending `json:"consents"`
	}
	w.sandbox.ClearFaults()
	other := w.connect("slack")
	w.consent(other)
	require.NoError(t, json.Unmarshal([]byte(w.types("account", "show", other.String(), "--json")), &shown))
	require.Len(t, shown.Consents, 1)
	assert.Equal(t, other, shown.Consents[0].Account)
	assert.Contains(t, w.types("account", "show", other.String()), "a consent that the account has not taken yet")

	handOver(func() bool {
		status, err := w.Workflows.Account(t.Context(), account)
		return err == nil && status.Status == credential.Active
	})
	_, err = w.Vault.GetAuthorization(t.Context(), id)
	require.ErrorIs(t, err, vault.ErrNotFound)
	w.eventually("the other one to be taken as well", func() bool { return w.status(other).Generation == 2 })
}
