package app

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

func TestThePlanOfNoticesIsTheConfigurationsOfNow(t *testing.T) {
	account := credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	a := &App{base: http.DefaultTransport}
	a.current.Store(newSetup(&config.Config{
		Notices: config.Notices{Quiet: time.Minute, Targets: map[string]config.NoticeTarget{
			"pager": {Type: config.TargetWebhook}, "log": {Type: config.TargetLog},
		}},
		Triages: map[string]config.Triage{"acme/b": {GitHub: account}, "acme/a": {Slack: account}, "acme/c": {}},
	}, nil))
	plan := a.noticePlan()
	assert.True(t, plan.Log)
	assert.Equal(t, []string{"pager"}, plan.Targets)
	assert.Equal(t, time.Minute, plan.Quiet)
	assert.Equal(t, []string{"acme/a", "acme/b"}, a.triagesOf(account))
	_, err := a.webhook("pager")
	require.NoError(t, err)
	for _, name := range []string{"log", "gone"} {
		_, err := a.webhook(name)
		require.ErrorContains(t, err, "no target")
	}

	a.current.Store(newSetup(&config.Config{Notices: config.Notices{Targets: map[string]config.NoticeTarget{"pager": {Type: config.TargetWebhook}}}}, nil))
	assert.False(t, a.noticePlan().Log)
}

// A signature must not go to whom a receiver redirects.
func TestAWebhookFollowsNoRedirect(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(server.Close)
	t.Setenv("HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	a := openNotices(t, "notices:\n  targets:\n    pager: {type: webhook, url: "+server.URL+", secret_env: HOOK_SECRET}\n")
	target, err := a.webhook("pager")
	require.NoError(t, err)
	require.ErrorContains(t, target.Send(t.Context(), testLetter()), "it answers 307")
	assert.Equal(t, 1, asked)
}

func openNotices(t *testing.T, text string) *App {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokenkeeper.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	a, err := Open(Options{ConfigPath: file})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.Close()) })
	return a
}

func testLetter() activities.Letter {
	return activities.Letter{Announcement: activities.Announcement{ID: "ntc_1", Type: "account.trouble", Text: "it is broken"}}
}

// Links void each other, so the targets of one notice get the same one, until it was used.
func TestTheTargetsOfANoticeGetOneLink(t *testing.T) {
	account := credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	folder := t.TempDir()
	a := openNotices(t, "vault: {path: "+filepath.Join(folder, "v.db")+", keyset: "+filepath.Join(folder, "v.key")+"}\n")
	_, err := vault.CreateKeyset(a.Config().Vault.Keyset)
	require.NoError(t, err)
	require.NoError(t, a.OpenVault(t.Context()))
	get := func(why string) string {
		link, err := a.ConnectLink(t.Context(), account, why)
		require.NoError(t, err)
		return link
	}
	first := get("revoked")
	assert.Equal(t, first, get("revoked"))
	other := get("expired")
	assert.NotEqual(t, first, other)
	require.NoError(t, a.Vault.SpendLink(t.Context(), vault.LinkHash(path.Base(other))))
	assert.NotEqual(t, other, get("expired"), "it was used")
}
