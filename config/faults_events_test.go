package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEventsOfConnectors(t *testing.T) {
	c := mustLoad(t, good)
	if family, secret := c.Connectors["slack"].Events.Secret(); family != "" || !secret.IsZero() {
		t.Errorf("no events were configured, and there are some of %q", family)
	}
	file := filepath.Join(t.TempDir(), "webhook")
	write(t, file, secretText+"\n", 0o600)
	text := edit(t, good, "    timeout: 10s\n", "    events: {signing_secret_env: SLACK_CLIENT_SECRET}\n")
	text = edit(t, text, github, github+"    events:\n      webhook_secret_file: "+file+"\n")
	c = mustLoad(t, text)
	for connector, want := range map[string]string{"slack": "slack", "github": "github"} {
		got := c.Connectors[connector]
		if family, secret := got.Events.Secret(); family != want || secret.Reveal() != secretText {
			t.Errorf("%s: events of %q", connector, family)
		}
		if shown := fmt.Sprintf("%+v %#v", got, got); strings.Contains(shown, secretText) {
			t.Errorf("the secret is shown: %s", shown)
		}
	}
}

func TestFaultsOfEvents(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	write(t, short, "hunter2", 0o600)
	open := filepath.Join(t.TempDir(), "open")
	write(t, open, secretText, 0o600)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	slack := func(lines ...string) string { return "    events:\n      " + strings.Join(lines, "\n      ") + "\n" }
	testFaults(t, []fault{
		{"inline", "    timeout: 10s\n", slack("signing_secret: 8f14e45fceea167a5a36dedd4bea2543"), []string{
			`tokenkeeper.yaml:16:7: connectors.slack.events.signing_secret: a secret must never stand in this file; fix: put it into an environment variable and write signing_secret_env: NAME; if this file was shared, make a new secret at the provider`,
		}},
		{"nothing", "    timeout: 10s\n", "    events: {}\n", []string{
			`tokenkeeper.yaml:15:5: connectors.slack.events.signing_secret_env: the secret is missing, and an event that is not signed is not believed; fix: write signing_secret_env: NAME or signing_secret_file: PATH; the signing secret is on the page Basic Information of the app`,
		}},
		{"of GitHub at Slack", "    timeout: 10s\n", slack("signing_secret_env: SLACK_CLIENT_SECRET", "webhook_secret_env: GITHUB_CLIENT_SECRET"), []string{
			`tokenkeeper.yaml:17:27: connectors.slack.events.webhook_secret_env: events of slack are not signed with this; fix: delete it`,
		}},
		{"twice", "    timeout: 10s\n", slack("signing_secret_env: SLACK_CLIENT_SECRET", "signing_secret_file: x"), []string{
			`tokenkeeper.yaml:17:28: connectors.slack.events.signing_secret_file: signing_secret_env is there too, and one of them would be ignored; fix: delete one of the two`,
		}},
		{"not set", "    timeout: 10s\n", slack("signing_secret_env: NO_SUCH"), []string{
			`tokenkeeper.yaml:16:27: connectors.slack.events.signing_secret_env: environment variable NO_SUCH is not set; fix: export NO_SUCH='…' before the start`,
		}},
		{"short", "    timeout: 10s\n", slack("signing_secret_file: " + short), []string{
			`tokenkeeper.yaml:16:28: connectors.slack.events.signing_secret_file: the secret has 7 characters, and could be guessed; fix: use one of 16 or more; the signing secret is on the page Basic Information of the app`,
		}},
		{"open", "    timeout: 10s\n", slack("signing_secret_file: " + open), []string{
			`tokenkeeper.yaml:16:28: connectors.slack.events.signing_secret_file: ` + open + ` is open to every user of this machine (mode 0644); fix: chmod 600 ` + open,
		}},
		{"misspelt", "    timeout: 10s\n", slack("signing_secret_evn: SLACK_CLIENT_SECRET"), []string{
			`tokenkeeper.yaml:16:7: connectors.slack.events.signing_secret_evn: unknown key, did you mean "signing_secret_env"?; fix: write signing_secret_env`,
		}},
		{"of an OAuth App", github, asGitHub("provider: github-oauth-app", "client_id: x", "client_secret_env: GITHUB_CLIENT_SECRET",
			"events: {webhook_secret_env: GITHUB_CLIENT_SECRET}"), []string{
			`tokenkeeper.yaml:20:5: connectors.github.events: an OAuth App has no webhook of its own, a GitHub App has; fix: delete it; the tokens are looked at every validate_every`,
		}},
		{"of a provider that sends none", github, asGitHub("provider: google", "client_id: x", "client_secret_env: GITHUB_CLIENT_SECRET",
			"events: {webhook_secret_env: GITHUB_CLIENT_SECRET}"), []string{
			`tokenkeeper.yaml:20:5: connectors.github.events: tokenkeeper takes no events of provider google; fix: delete it; the tokens are looked at every validate_every`,
			`tokenkeeper.yaml:24:13: triages.acme/bug-reports.github: account acme/triage/github: connector github is of provider google, which is not github; fix: use a connector whose provider is github, or an own one with github as a word of its id, such as acme-github`,
		}},
	})
}
