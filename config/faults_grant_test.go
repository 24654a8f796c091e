package config

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenkeeper/provider"
)

// keyText is made once: an RSA key takes its time.
var keyText = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
})

func keyFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "app.pem")
	write(t, name, keyText(), 0o600)
	return name
}

// serviceAccountFile is a key of Google's with changed members; a nil one is left out.
func serviceAccountFile(t *testing.T, change map[string]any) string {
	t.Helper()
	account := map[string]any{
		"type": "service_account", "client_email": "agent@acme.iam.gserviceaccount.com", "private_key": keyText(),
		"private_key_id": "key-7", "token_uri": "https://evil.example/token",
	}
	maps.Copy(account, change)
	text, err := json.Marshal(account)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "account.json")
	write(t, name, string(text), 0o600)
	return name
}

// github is the connector of the good file that the tables put another in the place of.
const github = "    provider: github-app\n    client_id: Iv1.abc\n    client_secret_env: GITHUB_CLIENT_SECRET\n"

// asGitHub writes lines of a connector in the place of that one.
func asGitHub(lines ...string) string { return "    " + strings.Join(lines, "\n    ") + "\n" }

func TestConnectorsThatMint(t *testing.T) {
	c := mustLoad(t, edit(t, good, github, asGitHub(
		"provider: github-installation", "client_id: Iv1.abc", `installation_id: "4711"`, "private_key_file: "+keyFile(t))))
	got := c.Connectors["github"]
	if key, id := got.SigningKey(); key.IsZero() || id != "" || got.Grant != provider.GrantGitHubInstallation || got.Issuer() != "Iv1.abc" {
		t.Errorf("installation = %+v", got)
	}
	if got.ValidateEvery != 15*time.Minute || c.Connectors["slack"].Grant != provider.GrantAuthorizationCode {
		t.Errorf("defaults = %s, %s", got.ValidateEvery, c.Connectors["slack"].Grant)
	}
	if shown := fmt.Sprintf("%+v %#v", got, got); strings.Contains(shown, "PRIVATE") {
		t.Errorf("the key is shown: %s", shown)
	}

	text := edit(t, good, "triages:\n", "  drive:\n"+asGitHub("provider: google-service-account",
		"service_account_file: "+serviceAccountFile(t, nil), "scopes: [drive]", "subject: jane@example.com", "validate_every: 0s")+"triages:\n")
	drive := mustLoad(t, text).Connectors["drive"]
	key, id := drive.SigningKey()
	if key.IsZero() || id != "key-7" || drive.ClientID != "agent@acme.iam.gserviceaccount.com" || drive.Issuer() != drive.ClientID ||
		drive.ValidateEvery != 0 || drive.Provider.Endpoints.Token != "https://oauth2.googleapis.com/token" {
		t.Errorf("drive = %+v", drive)
	}
}

func TestKeyFromTheEnvironment(t *testing.T) {
	for name, text := range map[string]string{"lines": keyText(), "one line": strings.ReplaceAll(keyText(), "\n", `\n`)} {
		file := edit(t, good, github, asGitHub(
			"provider: github-installation", "client_id: Iv1.abc", `installation_id: "4711"`, "private_key_env: APP_KEY"))
		c, err := build([]byte(file), newReport("tokenkeeper.yaml"), func(variable string) (string, bool) {
			if variable == "APP_KEY" {
				return text, true
			}
			return secretText, true
		}, t.TempDir())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if key, _ := c.Connectors["github"].SigningKey(); key.IsZero() {
			t.Errorf("%s: no key", name)
		}
	}
}

func TestFaultsOfGrants(t *testing.T) {
	key, notKey := keyFile(t), filepath.Join(t.TempDir(), "x.pem")
	write(t, notKey, "hunter2", 0o600)
	open := filepath.Join(t.TempDir(), "open.pem")
	write(t, open, keyText(), 0o644)
	installation := func(lines ...string) string {
		return asGitHub(append([]string{"provider: github-installation", "client_id: Iv1.abc"}, lines...)...)
	}
	google := func(lines ...string) string {
		return asGitHub(append([]string{"provider: google-service-account", "client_id: x", "scopes: [drive]"}, lines...)...)
	}
	const googleIsNoGitHub = `triages.acme/bug-reports.github: account acme/triage/github: connector github is of provider google-service-account, which is not github; fix: use a connector whose provider is github, or an own one with github as a word of its id, such as acme-github`
	testFaults(t, []fault{
		{"grant of another provider", "    timeout: 10s\n", "    grant: jwt_bearer\n", []string{
			`tokenkeeper.yaml:15:12: connectors.slack.grant: provider slack has no grant "jwt_bearer"; fix: write one of: authorization_code; or delete the line`,
		}},
		{"grant misspelt", "    timeout: 10s\n", "    grant: authorisation_code\n", []string{
			`tokenkeeper.yaml:15:12: connectors.slack.grant: provider slack has no grant "authorisation_code", did you mean "authorization_code"?; fix: write one of: authorization_code; or delete the line`,
		}},
		{"key without use", "    timeout: 10s\n", "    private_key_file: x.pem\n", []string{
			`tokenkeeper.yaml:15:23: connectors.slack.private_key_file: grant authorization_code has no use for this; fix: delete it`,
		}},
		{"subject without use", "    timeout: 10s\n", "    subject: jane\n    audience: x\n    installation_id: \"1\"\n", []string{
			`tokenkeeper.yaml:15:14: connectors.slack.subject: grant authorization_code has no use for this; fix: delete it`,
			`tokenkeeper.yaml:16:15: connectors.slack.audience: grant authorization_code has no use for this; fix: delete it`,
			`tokenkeeper.yaml:17:22: connectors.slack.installation_id: grant authorization_code has no use for this; fix: delete it`,
		}},
		{"key inline", "    timeout: 10s\n", "    private_key: |\n      -----BEGIN RSA PRIVATE KEY-----\n", []string{
			`tokenkeeper.yaml:15:5: connectors.slack.private_key: a key must never stand in this file; fix: put it into a file of mode 600 and write private_key_file: PATH or service_account_file: PATH, or private_key_env: NAME; if this file was shared, make a new key at the provider`,
		}},
		{"no key, no installation", github, installation(), []string{
			`tokenkeeper.yaml:16:3: connectors.github.installation_id: this is missing; fix: write the number at the end of the installation's URL, in quotes: installation_id: "12345678"`,
			`tokenkeeper.yaml:16:3: connectors.github.private_key_file: the private key is missing, and grant github_installation signs with one; fix: write private_key_file: PATH or private_key_env: NAME; generate the key on the app's page at GitHub`,
		}},
		{"installation by name", github, installation("installation_id: acme", "private_key_file: "+key), []string{
			`tokenkeeper.yaml:19:22: connectors.github.installation_id: "acme" is no id of an installation; fix: write the number at the end of the installation's URL, in quotes: installation_id: "12345678"`,
		}},
		{"installation without quotes", github, installation("installation_id: 4711", "private_key_file: "+key), []string{
			`tokenkeeper.yaml:19:22: connectors.github.installation_id: want text, got a number; fix: put it in quotes`,
		}},
		{"installation as a variable", github, installation(`installation_id: "1"`, "private_key_file: "+key, "variables: {installation_id: \"1\"}"), []string{
			`tokenkeeper.yaml:21:34: connectors.github.variables.installation_id: it is filled from the connector's installation_id; fix: remove it`,
		}},
		{"scopes of an installation", github, installation(`installation_id: "1"`, "private_key_file: "+key, "scopes: [issues]"), []string{
			`tokenkeeper.yaml:21:5: connectors.github.scopes: grant github_installation has no use for this; fix: delete it; permissions are set at the app`,
		}},
		{"two keys", github, installation(`installation_id: "1"`, "private_key_file: "+key, "private_key_env: SLACK_CLIENT_SECRET"), []string{
			`tokenkeeper.yaml:21:22: connectors.github.private_key_env: private_key_file is there too, and one of them would be ignored; fix: delete one of them`,
		}},
		{"no key in the file", github, installation(`installation_id: "1"`, "private_key_file: "+notKey), []string{
			`tokenkeeper.yaml:20:23: connectors.github.private_key_file: this holds no PEM: want a text that begins with -----BEGIN; fix: name the .pem file as the provider handed it out`,
		}},
		{"no key in the variable", github, installation(`installation_id: "1"`, "private_key_env: SLACK_CLIENT_SECRET"), []string{
			`tokenkeeper.yaml:20:22: connectors.github.private_key_env: this holds no PEM: want a text that begins with -----BEGIN; fix: name the .pem file as the provider handed it out`,
		}},
		{"variable not set", github, installation(`installation_id: "1"`, "private_key_env: NO_SUCH"), []string{
			`tokenkeeper.yaml:20:22: connectors.github.private_key_env: environment variable NO_SUCH is not set; fix: export NO_SUCH='…' before the start`,
		}},
		{"key open to all", github, installation(`installation_id: "1"`, "private_key_file: "+open), []string{
			`tokenkeeper.yaml:20:23: connectors.github.private_key_file: ` + open + ` is open to every user of this machine (mode 0644); fix: chmod 600 ` + open,
		}},
		{"service account of another kind", github, google("service_account_file: " + serviceAccountFile(t, map[string]any{"type": "authorized_user"})), []string{
			`tokenkeeper.yaml:20:27: connectors.github.service_account_file: its "type" is not "service_account"; fix: name the JSON key as Google hands it out, IAM & Admin, Service Accounts, Keys`,
			`tokenkeeper.yaml:24:13: ` + googleIsNoGitHub,
		}},
		{"service account without a key", github, google("service_account_file: " + serviceAccountFile(t, map[string]any{"private_key": ""})), []string{
			`tokenkeeper.yaml:20:27: connectors.github.service_account_file: "client_email" or "private_key" is missing in it; fix: name the JSON key as Google hands it out, IAM & Admin, Service Accounts, Keys`,
			`tokenkeeper.yaml:24:13: ` + googleIsNoGitHub,
		}},
		{"service account no JSON", github, google("service_account_file: " + notKey), []string{
			`tokenkeeper.yaml:20:27: connectors.github.service_account_file: this is no JSON; fix: name the JSON key as Google hands it out, IAM & Admin, Service Accounts, Keys`,
			`tokenkeeper.yaml:24:13: ` + googleIsNoGitHub,
		}},
		{"service account without scopes", github, asGitHub("provider: google-service-account", "client_id: x", "private_key_file: "+key), []string{
			`tokenkeeper.yaml:16:3: connectors.github.scopes: there are none, and Google service account gives no tokens for nothing; fix: list the scopes that the agent needs`,
			`tokenkeeper.yaml:23:13: ` + googleIsNoGitHub,
		}},
		{"service account without a key at all", github, google(), []string{
			`tokenkeeper.yaml:16:3: connectors.github.private_key_file: the private key is missing, and grant jwt_bearer signs with one; fix: write service_account_file: PATH, private_key_file: PATH or private_key_env: NAME`,
			`tokenkeeper.yaml:23:13: ` + googleIsNoGitHub,
		}},
		{"validated too often", "    timeout: 10s\n", "    validate_every: 1s\n", []string{
			`tokenkeeper.yaml:15:21: connectors.slack.validate_every: 1s is outside 10s to 24h0m0s; fix: write for example 15m, or 0s for never`,
		}},
		{"validated too seldom", "    timeout: 10s\n", "    validate_every: 48h\n", []string{
			`tokenkeeper.yaml:15:21: connectors.slack.validate_every: 48h0m0s is outside 10s to 24h0m0s; fix: write for example 15m, or 0s for never`,
		}},
	})
}
