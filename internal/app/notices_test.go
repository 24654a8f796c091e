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
	account := credential.AccountID{Organization: "acme", User: "ops", Connector: "slack"}
	a := &App{base: http.DefaultTransport}
	a.current.Store(newSetup(&config.Config{Notices: config.Notices{Quiet: time.Minute, Targets: map[string]config.NoticeTarget{
		"pager": {Type: config.TargetWebhook}, "log": {Type: config.TargetLog}, "team": {Type: config.TargetSlack, Account: account},
		"ops": {Type: config.TargetEmail, To: []string{"jane@example.com", "joe@example.com"}},
	}}}, nil))
	plan := a.noticePlan()
	assert.True(t, plan.Log)
	assert.Equal(t, []activities.PlannedTarget{
		{Name: "ops/jane@example.com"}, {Name: "ops/joe@example.com"}, {Name: "pager"}, {Name: "team", Through: account},
	}, plan.Targets)
	assert.Equal(t, time.Minute, plan.Quiet)
	for name, want := range map[string]activities.Target{
		"pager": &activities.Webhook{}, "log": activities.LogTarget{}, "team": &activities.SlackChannel{}, "ops/joe@example.com": &activities.Mailbox{},
	} {
		got, err := a.noticeTarget(name)
		require.NoError(t, err)
		assert.IsType(t, want, got)
	}
	for _, name := range []string{"gone", "ops", "ops/who@example.com", "pager/joe@example.com", ""} {
		_, err := a.noticeTarget(name)
		require.ErrorContains(t, err, "no target", name)
	}

	a.current.Store(newSetup(&config.Config{Notices: config.Notices{Targets: map[string]config.NoticeTarget{"pager": {Type: config.TargetWebhook}}}}, nil))
	assert.False(t, a.noticePlan().Log)
}

func TestATriageIsPausedByTheAccountsOfItsRoutes(t *testing.T) {
	account := func(connector string) credential.AccountID {
		return credential.AccountID{Organization: "acme", User: "triage", Connector: connector}
	}
	a := &App{}
	a.current.Store(newSetup(&config.Config{Triages: map[string]config.Triage{
		"acme/bugs": {Slack: account("slack"), GitHub: account("github"), Routes: []config.Route{{Channel: "C1"}, {Channel: "C2", GitHub: account("ghes")}}},
		"acme/web":  {Slack: account("slack"), GitHub: account("github"), Routes: []config.Route{{Channel: "C3"}}},
	}}, nil))
	for connector, want := range map[string][]string{"ghes": {"acme/bugs"}, "github": {"acme/bugs"}, "other": nil} {
		paused := a.pausedBy(t.Context(), activities.Notice{Account: account(connector), Channels: map[string]int{"C2": 1}})
		assert.Equal(t, want, paused, connector)
	}
}

// Slack counts what an app reads, and not what for: notices and every agent of a process take turns with its polls.
func TestAllOfAProcessReadSlackWithinOneBudget(t *testing.T) {
	a := openNotices(t, `connectors:
  slack:
    provider: slack
    client_id: "1.2"
    client_secret_env: PATH
    scopes: ["channels:history", "chat:write"]
notices:
  targets:
    team: {type: slack, account: acme/ops/slack, channel: C0123456}
    log: {type: log}
`)
	target, err := a.noticeTarget("team")
	require.NoError(t, err)
	team, ok := target.(*activities.SlackChannel)
	require.True(t, ok)
	require.NotNil(t, team.Slack.Reading)
	assert.Same(t, team.Slack.Reading, a.Slack().Reading)
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
	target, err := a.noticeTarget("pager")
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

// Links void each other, so all that tell of one episode get the same one, until it was used.
func TestTheTargetsOfANoticeGetOneLink(t *testing.T) {
	account := credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	folder := t.TempDir()
	workers := make([]*App, 2)
	for i := range workers {
		workers[i] = openNotices(t, "vault: {path: "+filepath.Join(folder, "v.db")+", keyset: "+filepath.Join(folder, "v.key")+"}\n")
		if i == 0 {
			_, err := vault.CreateKeyset(workers[i].Config().Vault.Keyset)
			require.NoError(t, err)
		}
		require.NoError(t, workers[i].OpenVault(t.Context()))
	}
	get := func(worker int, episode string) string {
		link, err := workers[worker].ConnectLink(t.Context(), account, "revoked", episode)
		require.NoError(t, err)
		return link
	}
	first := get(0, "ntc_1")
	assert.Equal(t, first, get(1, "ntc_1"))
	assert.Equal(t, first, get(0, "ntc_1"))
	other := get(1, "ntc_2")
	assert.NotEqual(t, first, other)
	require.NoError(t, workers[0].Vault.SpendLink(t.Context(), vault.LinkHash(path.Base(other))))
	assert.NotEqual(t, other, get(0, "ntc_2"), "it was used")

	_, err := workers[1].NewLink(t.Context(), vault.LinkRequest{Account: account, Why: "somebody asked for it"})
	require.NoError(t, err)
	_, err = workers[0].ConnectLink(t.Context(), account, "revoked", "ntc_2")
	require.ErrorAs(t, err, new(*activities.NoLinkError))
	assert.Regexp(t, `^somebody made another link, which is good until \d\d:\d\d:\d\d UTC$`, err.Error())
	trail, err := workers[0].Vault.AuditTrail(t.Context(), vault.AuditFilter{Account: account}, 10)
	require.NoError(t, err)
	require.Len(t, trail, 3, "one for each link that was made")
	assert.Equal(t, "notices", trail[0].Actor)
	assert.Equal(t, vault.LinkMinted, trail[0].Action)
}
