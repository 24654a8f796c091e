package app

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

const configuration = `vault: {path: vault.db, keyset: vault.key}
connectors:
  slack:
    provider: slack
    client_id: "1111111111.2222222222"
    client_secret_env: SLACK_CLIENT_SECRET
    scopes: [channels:history, channels:read, chat:write, reactions:read, reactions:write, users:read]
    endpoints: {authorize: SANDBOX/slack/oauth/v2/authorize, api: SANDBOX/slack/api/}
  github:
    provider: github-app
    client_id: Iv23liSandboxTriage0
    client_secret_env: GITHUB_CLIENT_SECRET
    endpoints:
      authorize: SANDBOX/github/login/oauth/authorize
      token: SANDBOX/github/login/oauth/access_token
      api: SANDBOX/github/api/v3/
triages:
  acme/bug-reports:
    slack: acme/triage/slack
    github: acme/triage/github
    routes:
      - {channel: C0BUGREPORTS, repository: acme/app}
      - {channel: C0RANDOM, repository: acme/app}
      - {channel: C0SUPPORT, repository: acme/none}
      - {channel: C0NOWHERE, repository: acme/closed, template: bug_report.yml}
`

// world is an App whose accounts are connected to a sandbox. No Temporal runs.
type world struct {
	*App
	sandbox *sandbox.Sandbox
}

// newWorld takes sections of the configuration besides those that every world has.
func newWorld(t *testing.T, sections ...string) *world {
	t.Helper()
	w := &world{sandbox: sandbox.New(sandbox.Options{
		Repositories: []string{"acme/app", "acme/closed"}, IssuesDisabled: []string{"acme/closed"},
	})}
	server := httptest.NewServer(w.sandbox.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(w.sandbox.Close)
	dir := t.TempDir()
	path := filepath.Join(dir, "tokenkeeper.yaml")
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(configuration+strings.Join(sections, ""), "SANDBOX", server.URL)), 0o600))
	_, err := vault.CreateKeyset(filepath.Join(dir, "vault.key"))
	require.NoError(t, err)
	env := map[string]string{
		"SLACK_CLIENT_SECRET": w.sandbox.App(sandbox.Slack).ClientSecret, "GITHUB_CLIENT_SECRET": w.sandbox.App(sandbox.GitHub).ClientSecret,
		"TEMPORAL_ADDRESS": "127.0.0.1:1", "MODEL_KEY": w.sandbox.App(sandbox.Model).ClientSecret,
	}
	w.App, err = Open(Options{ConfigPath: path, Env: func(name string) (string, bool) { value, ok := env[name]; return value, ok }})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, w.Close()) })
	return w
}

// connect has somebody consent, and puts the grant into the vault.
func (w *world) connect(t *testing.T, name string) {
	t.Helper()
	account, err := credential.ParseAccountID(name)
	require.NoError(t, err)
	conn, err := w.Connection(account)
	require.NoError(t, err)
	redirect, err := sandbox.Decide(t.Context(), nil, conn.OAuth.AuthorizeURL("state", credential.Secret{}), "", sandbox.Allow)
	require.NoError(t, err)
	callback, err := url.Parse(redirect)
	require.NoError(t, err)
	tokens, err := conn.OAuth.Exchange(t.Context(), callback.Query().Get("code"), credential.Secret{})
	require.NoError(t, err)
	identity, err := conn.OAuth.Identify(t.Context(), tokens.Access)
	require.NoError(t, err)
	require.NoError(t, w.Vault.PutAuthorization(t.Context(), vault.Authorization{
		ID: "authorization-of-" + account.Connector, Account: account, Subject: identity.Subject, Display: identity.Display,
		Tokens: tokens, ExpiresAt: time.Now().Add(time.Hour),
	}))
	_, err = w.Vault.Adopt(t.Context(), "authorization-of-"+account.Connector)
	require.NoError(t, err)
}

func TestWhatATriageNamesIsLookedAt(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.OpenVault(t.Context()))
	w.connect(t, "acme/triage/slack")
	w.connect(t, "acme/triage/github")

	findings := w.CheckTriage(t.Context(), "acme/bug-reports", 10*time.Second)
	faults := map[string]string{}
	for _, f := range Faults(findings) {
		faults[f.Subject] = f.String()
	}
	require.Len(t, findings, 8, "four channels, three repositories and a template")
	require.Len(t, faults, 5)
	for subject, want := range map[string][]string{
		"channel C0RANDOM":                       {"tokenkeeper.yaml:23:", "not_in_channel", "fix: invite the bot"},
		"channel C0NOWHERE":                      {"tokenkeeper.yaml:25:", "channel_not_found", "check the channel id"},
		"repository acme/none":                   {"tokenkeeper.yaml:24:", "finds no such repository", "fix: correct the name"},
		"repository acme/closed":                 {"tokenkeeper.yaml:25:", "issues are disabled", "fix: enable them"},
		"template bug_report.yml of acme/closed": {"tokenkeeper.yaml:25:", "there is no such file in .github/ISSUE_TEMPLATE", "fix: correct it"},
	} {
		for _, part := range want {
			assert.Contains(t, faults[subject], part)
		}
	}
}

func TestAPlanKnowsWhoIsInATeam(t *testing.T) {
	w := newWorld(t)
	c := w.Config().Triages["acme/bug-reports"]
	c.Teams, c.Logins = map[string][]string{"mobile": {"U1", "U2"}, "web": {"U3"}}, map[string]string{"U1": "ada"}
	c.Routes = []config.Route{
		{Channel: "C1", Repository: "acme/mobile", Match: config.Match{Teams: []string{"mobile"}, Components: []string{"sync"}, Patterns: []string{"x"}}},
		{Channel: "C1", Repository: "acme/app", AssignReporter: true},
	}
	w.Config().Triages["acme/bug-reports"] = c

	plan, err := w.Plan("acme/bug-reports")

	require.NoError(t, err)
	assert.Equal(t, triage.Match{Reporters: []string{"U1", "U2"}, Components: []string{"sync"}, Patterns: []string{"x"}}, plan.Routes[0].Match)
	assert.True(t, plan.Routes[1].AssignReporter)
	assert.Equal(t, map[string]string{"U1": "ada"}, plan.Logins)
	assert.Equal(t, []string{"C1"}, plan.Channels())
	repositories, mode := destination(plan, "C1")
	assert.Equal(t, "acme/mobile, acme/app", repositories)
	assert.Empty(t, mode)
	plan.Routes[0].DryRun = true
	_, mode = destination(plan, "C1")
	assert.Equal(t, gateway.ModeMixed, mode)
	repositories, mode = destination(plan, "C2")
	assert.Empty(t, repositories+mode)
}

// Who names the triage's account for a route names none of its own.
func TestARouteMayHaveAnAccountOfItsOwn(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.OpenVault(t.Context()))
	w.connect(t, "acme/platform/github")
	platform := credential.AccountID{Organization: "acme", User: "platform", Connector: "github"}
	c := w.Config().Triages["acme/bug-reports"]
	c.Routes = []config.Route{
		{Channel: "C1", Repository: "acme/app", GitHub: platform}, {Channel: "C2", Repository: "acme/none", GitHub: platform, Template: "bug.yml"},
		{Channel: "C3", Repository: "acme/app", GitHub: c.GitHub}, {Channel: "C4", Repository: "acme/app"},
	}
	w.Config().Triages["acme/bug-reports"] = c

	plan, err := w.Plan("acme/bug-reports")
	require.NoError(t, err)
	assert.Equal(t, []credential.AccountID{c.Slack, platform, c.GitHub}, plan.Accounts())
	assert.Equal(t, plan.Accounts(), c.Accounts())
	assert.Equal(t, plan.Accounts(), w.ConfiguredAccounts())
	assert.Len(t, plan.Places(), 3)
	repositories, _ := destination(plan, "C1")
	assert.Equal(t, "acme/app via acme/platform/github", repositories)

	var found []string
	for _, f := range w.CheckTriage(t.Context(), "acme/bug-reports", 10*time.Second) {
		found = append(found, f.Subject+": "+f.Problem)
	}
	assert.Equal(t, []string{
		"repository acme/app via acme/platform/github: ",
		"repository acme/none via acme/platform/github: account acme/platform/github finds no such repository",
		"template bug.yml of acme/none via acme/platform/github: there is no such file in .github/ISSUE_TEMPLATE, or the app may not read it",
	}, found, "the triage's own account has no token, so that its repository is not looked at")
}

// Whether a triage runs with the settings of the configuration is not a matter of how often one looks.
func TestAPlanIsTheSameAfterItWentThroughTemporal(t *testing.T) {
	w := newWorld(t)
	for range 10 {
		plan, err := w.Plan("acme/bug-reports")
		require.NoError(t, err)
		payload, err := converter.GetDefaultDataConverter().ToPayload(plan)
		require.NoError(t, err)
		var kept activities.Plan
		require.NoError(t, converter.GetDefaultDataConverter().FromPayload(payload, &kept))
		again, err := w.Plan("acme/bug-reports")
		require.NoError(t, err)
		assert.True(t, samePlan(again, kept))
		kept.Routes[0].DryRun = true
		assert.False(t, samePlan(again, kept))
	}
}

// What cannot be looked at is not said to be wrong: the account's own check says what is.
func TestChannelsOfAnAccountWithoutATokenAreLeftOut(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.OpenVault(t.Context()))
	w.connect(t, "acme/triage/github")
	for _, f := range w.CheckTriage(t.Context(), "acme/bug-reports", 2*time.Second) {
		assert.NotContains(t, f.Subject, "channel", f.String())
	}
}

func TestTheDoctorNamesWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	faults := Faults(w.Check(t.Context(), time.Second))
	require.Len(t, faults, 1, "%v", faults)
	assert.Contains(t, faults[0].String(), "Temporal at 127.0.0.1:1")
	assert.Contains(t, faults[0].String(), "make run")
}

func TestTheDoctorKnowsAWrongKey(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.OpenVault(t.Context()))
	require.NoError(t, w.Vault.Close())
	w.Vault = nil
	keyset := w.Config().Vault.Keyset
	require.NoError(t, os.Remove(keyset))
	_, err := vault.CreateKeyset(keyset)
	require.NoError(t, err)
	faults := Faults(w.Check(t.Context(), time.Second))
	require.Len(t, faults, 2)
	assert.Contains(t, fmt.Sprint(faults[1]), "wrong key")
	assert.Contains(t, faults[1].Fix, "backup")
}

func TestWhatATriageDoesIsLookedAtToo(t *testing.T) {
	now := time.Now()
	const interval = 30 * time.Second
	good := gateway.TriageView{Triage: "acme/bugs", State: workflows.TriagePolling}
	problem, _ := triageProblem(good, interval, now)
	assert.Empty(t, problem)
	for name, c := range map[string]struct {
		change       func(*gateway.TriageView)
		problem, fix string
	}{
		"not running":   {func(r *gateway.TriageView) { r.State = gateway.TriageNotRunning }, "does not run", "triage start acme/bugs"},
		"no worker":     {func(r *gateway.TriageView) { r.State = gateway.TriageNoWorker }, "no worker", "make run"},
		"misconfigured": {func(r *gateway.TriageView) { r.State, r.Trouble = workflows.TriageMisconfigured, "no route" }, "no route", "correct"},
		"paused":        {func(r *gateway.TriageView) { r.State = workflows.TriagePaused }, "paused", "triage resume acme/bugs"},
		"waiting": {func(r *gateway.TriageView) {
			r.State = workflows.TriageWaiting
			r.Waiting = []activities.Unavailable{{Status: credential.ReauthorizationRequired}}
		}, "waits for account", "reauthorize"},
		"parked": {func(r *gateway.TriageView) {
			r.Reports.Parked = []gateway.ParkedReport{{Report: "T1/C1/1.1", Reason: "issues are disabled"}}
		}, "1 reports are parked, the first T1/C1/1.1: issues are disabled", "triage retry acme/bugs"},
		"reports wait": {func(r *gateway.TriageView) {
			account := credential.AccountID{Organization: "acme", User: "triage", Connector: "ghes"}
			r.Reports.Waiting = []gateway.WaitedFor{{Account: account, Status: credential.ReauthorizationRequired, Reports: 3}}
		}, "3 reports wait for account acme/triage/ghes", "reauthorize acme/triage/ghes"},
		"unread": {func(r *gateway.TriageView) {
			r.Channels = []gateway.ChannelView{{Channel: "C1", FailingSince: now.Add(-2 * time.Minute), Trouble: "HTTP 503"}}
		}, "channel C1 cannot be read since", "triage status acme/bugs"},
		"unread, and nobody says since when": {func(r *gateway.TriageView) {
			r.Channels = []gateway.ChannelView{{Channel: "C1", LastPoll: now.Add(-7 * time.Minute), Trouble: "heartbeat timeout"}}
		}, "heartbeat timeout", "triage status acme/bugs"},
		"unwatched": {func(r *gateway.TriageView) {
			r.Watch = &gateway.WatchView{Trouble: "acme/none: HTTP 404", FailingSince: now.Add(-time.Hour)}
		}, "do not all follow each other: acme/none: HTTP 404", "triage status acme/bugs"},
		"unheard":  {func(r *gateway.TriageView) { r.Reports.Unheard = 900 }, "900 reports under way did not say", "triage status acme/bugs --timeout 1m"},
		"outdated": {func(r *gateway.TriageView) { r.Outdated = true }, "other settings", "triage reload acme/bugs"},
		"backlog":  {func(r *gateway.TriageView) { r.Backlog = "40 reports are under way" }, "40 reports", "triage status"},
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			c.change(&r)
			problem, fix := triageProblem(r, interval, now)
			assert.Contains(t, problem, c.problem)
			assert.Contains(t, fix, c.fix)
		})
	}
	brief := good
	brief.Channels = []gateway.ChannelView{{Channel: "C1", FailingSince: now.Add(-time.Minute), Trouble: "HTTP 503"}}
	problem, _ = triageProblem(brief, interval, now)
	assert.Empty(t, problem, "two polls that failed are no news")
	brief.Channels = []gateway.ChannelView{{Channel: "C1", FailingSince: now.Add(-30 * time.Minute), Patience: 36 * time.Minute, Trouble: "refused in its turn"}}
	problem, _ = triageProblem(brief, interval, now)
	assert.Empty(t, problem, "turns are rare")
	brief.Channels = []gateway.ChannelView{{Channel: "C1", LastPoll: now.Add(-6 * time.Minute), Trouble: "heartbeat timeout"}}
	problem, _ = triageProblem(brief, interval, now)
	assert.Empty(t, problem, "one worker that died is no news")
	brief.Channels, brief.Watch = nil, &gateway.WatchView{Trouble: "its worker died"}
	problem, _ = triageProblem(brief, interval, now)
	assert.Empty(t, problem, "nobody knows since when")
}
