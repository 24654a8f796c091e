package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenkeeper/credential"
)

const secretText = "s3cr3t-of-slack-shhh"

// good is a file without a fault; the tables edit single lines of it.
const good = `temporal:
  task_queue: tokenkeeper
vault:
  path: ./v.db
  keyset: ./v.key
gateway:
  listen: 127.0.0.1:8780
  public_url: http://127.0.0.1:8780
connectors:
  slack:
    provider: slack
    client_id: "123.456"
    client_secret_env: SLACK_CLIENT_SECRET
    scopes: [channels:history, chat:write]
    timeout: 10s
  github:
    provider: github-app
    client_id: Iv1.abc
    client_secret_env: GITHUB_CLIENT_SECRET
triages:
  acme/bug-reports:
    slack: acme/triage/slack
    github: acme/triage/github
    poll_interval: 30s
    lookback: 0s
    routes:
      - channel: C0123456
        repository: acme/app
        labels: [bug]
`

func testEnv(name string) (string, bool) {
	value, ok := map[string]string{
		"SLACK_CLIENT_SECRET":      secretText,
		"GITHUB_CLIENT_SECRET":     "s3cr3t-of-github",
		"ZENDESK_CLIENT_SECRET":    "s3cr3t-of-zendesk",
		"SLACK_CLIENT_ID":          "987.654",
		"EMPTY":                    " ",
		"TOKENKEEPER_ADMIN_TOKEN":  adminToken,
		"TOKENKEEPER_VIEWER_TOKEN": "viewer-" + adminToken,
		"SHORT_TOKEN":              "s3cr3t",
		"SPACED_TOKEN":             "s3cr3t " + adminToken,
		"VAULT_URL":                vaultURL,
		"BROKEN_URL":               "postgres://u:s3cr3t%zz@h/db",
		"NOTICE_SECRET":            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"VAULT_URL_WEB":            "https://x.example.com/token-in-path",
		"NOTICE_SHORT":             "whsec_MfKQ9r8GKYqrTwjU",
		"SMTP_PASSWORD":            "s3cr3t-of-mail",
	}[name]
	return value, ok
}

// load writes text to tokenkeeper.yaml in the current folder, which it makes a fresh one, and loads it from there.
func load(t *testing.T, text string) (*Config, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, DefaultPath, text, 0o600)
	return Load("", testEnv)
}

func mustLoad(t *testing.T, text string) *Config {
	t.Helper()
	c, err := load(t, text)
	if err != nil {
		t.Fatalf("loading:\n%v", err)
	}
	return c
}

func write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
}

// edit replaces old, which must stand in text once.
func edit(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q stands %d times in the file, want once", old, strings.Count(text, old))
	}
	return strings.Replace(text, old, replacement, 1)
}

func TestLoad(t *testing.T) {
	c := mustLoad(t, good)
	slack, ok := c.Connector("slack")
	if !ok || slack.Name != "slack" || slack.ProviderID != "slack" || slack.Provider.ID != "slack" || slack.ClientID != "123.456" ||
		slack.ClientSecret().Reveal() != secretText || slack.Timeout != 10*time.Second || len(slack.Scopes) != 2 {
		t.Errorf("connector slack = %+v", slack)
	}
	triage, ok := c.Triage("acme/bug-reports")
	if !ok || triage.Name != "acme/bug-reports" || triage.PollInterval != 30*time.Second || triage.Lookback != 0 ||
		triage.Slack != (credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}) {
		t.Errorf("triage = %+v", triage)
	}
	if r := triage.Routes[0]; r.Channel != "C0123456" || r.Repository != "acme/app" || r.Labels[0] != "bug" {
		t.Errorf("route = %+v", r)
	}
	if got := c.Gateway.RedirectURL("slack"); got != "http://127.0.0.1:8780/oauth/callback/slack" {
		t.Errorf("RedirectURL = %s", got)
	}
	if _, ok := c.Triage("acme/other"); ok {
		t.Error("a triage that is not there was found")
	}
}

func TestDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "---\n", "connectors:\ntriages:\nproviders:\ngateway:\n  listen:\n  public_url:\n"} {
		t.Run(text, func(t *testing.T) {
			c := mustLoad(t, text)
			if c.Temporal.TaskQueue != "tokenkeeper" || c.Gateway.Listen != "127.0.0.1:8780" || c.Gateway.PublicURL != "http://127.0.0.1:8780" {
				t.Errorf("defaults = %+v %+v", c.Temporal, c.Gateway)
			}
			if c.Links.Lifetime != 30*time.Minute {
				t.Errorf("links = %+v", c.Links)
			}
			if len(c.Connectors) != 0 || len(c.Triages) != 0 || len(c.Catalogue().All()) == 0 {
				t.Errorf("config = %+v", c)
			}
		})
	}
	text := edit(t, good, "    timeout: 10s\n", "")
	text = edit(t, text, "    poll_interval: 30s\n    lookback: 0s\n", "")
	c := mustLoad(t, text)
	if got := c.Connectors["slack"].Timeout; got != 10*time.Second {
		t.Errorf("timeout = %s", got)
	}
	if got := c.Triages["acme/bug-reports"]; got.PollInterval != 30*time.Second || got.Lookback != 0 {
		t.Errorf("triage = %+v", got)
	}
}

func TestPublicURLFollowsListen(t *testing.T) {
	text := edit(t, good, "  listen: 127.0.0.1:8780\n  public_url: http://127.0.0.1:8780\n", "  listen: \"[::1]:9000\"\n")
	if got := mustLoad(t, text).Gateway.RedirectURL("slack"); got != "http://[::1]:9000/oauth/callback/slack" {
		t.Errorf("RedirectURL = %s", got)
	}
	text = edit(t, good, "public_url: http://127.0.0.1:8780", "public_url: https://keeper.example.com/agents/")
	if got := mustLoad(t, text).Gateway.RedirectURL("slack"); got != "https://keeper.example.com/agents/oauth/callback/slack" {
		t.Errorf("RedirectURL = %s", got)
	}
}

// File names are relative to the configuration file, from wherever the process starts.
func TestFileNames(t *testing.T) {
	folder := t.TempDir()
	text := edit(t, good, "client_secret_env: SLACK_CLIENT_SECRET", "client_secret_file: secrets/slack")
	text = edit(t, text, "keyset: ./v.key", "keyset: /etc/keys/../v.key")
	if err := os.Mkdir(filepath.Join(folder, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "secrets/slack"), "\n"+secretText+"\r\n", 0o640)
	write(t, filepath.Join(folder, "my.yaml"), text, 0o600)
	t.Chdir(t.TempDir())
	c, err := Load(filepath.Join(folder, "my.yaml"), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(folder, "v.db"); c.Vault.Path != want {
		t.Errorf("vault.path = %s, want %s", c.Vault.Path, want)
	}
	if c.Vault.Keyset != "/etc/v.key" {
		t.Errorf("vault.keyset = %s", c.Vault.Keyset)
	}
	if got := c.Connectors["slack"].ClientSecret().Reveal(); got != secretText {
		t.Errorf("secret = %q", got)
	}
}

func TestClientIDFromEnvironment(t *testing.T) {
	c := mustLoad(t, edit(t, good, `client_id: "123.456"`, "client_id_env: SLACK_CLIENT_ID"))
	if got := c.Connectors["slack"].ClientID; got != "987.654" {
		t.Errorf("client id = %q", got)
	}
}

func TestProcessEnvironment(t *testing.T) {
	t.Setenv("SLACK_CLIENT_SECRET", "of the process")
	t.Setenv("GITHUB_CLIENT_SECRET", "of the process too")
	t.Chdir(t.TempDir())
	write(t, DefaultPath, good, 0o600)
	c, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Connectors["slack"].ClientSecret().Reveal(); got != "of the process" {
		t.Errorf("secret = %q", got)
	}
}

func TestOverride(t *testing.T) {
	text := edit(t, good, "    timeout: 10s\n", `    endpoints:
      token: http://127.0.0.1:9999/api/oauth.v2.access
      api: http://localhost:9999/api/
`)
	text = edit(t, text, "triages:\n", `  desk:
    provider: zendesk
    client_id: keeper
    client_secret_env: ZENDESK_CLIENT_SECRET
    variables: {subdomain: acme}
triages:
`)
	c := mustLoad(t, text)
	if got := c.Connectors["slack"].Provider.Endpoints; got.Token != "http://127.0.0.1:9999/api/oauth.v2.access" || !strings.HasPrefix(got.Authorize, "https://") {
		t.Errorf("endpoints of slack = %+v", got)
	}
	if got := c.Connectors["desk"].Provider.Endpoints.Token; strings.Contains(got, "{") || !strings.Contains(got, "acme.") {
		t.Errorf("token endpoint of zendesk = %s", got)
	}
}

func TestAliases(t *testing.T) {
	text := edit(t, good, "labels: [bug]", "labels: &usual [bug, triage]\n      - channel: C0123457\n        repository: acme/web\n        labels: *usual")
	routes := mustLoad(t, text).Triages["acme/bug-reports"].Routes
	if len(routes) != 2 || len(routes[1].Labels) != 2 || routes[1].Labels[1] != "triage" {
		t.Errorf("routes = %+v", routes)
	}
}

func TestConnectorOf(t *testing.T) {
	c := mustLoad(t, good)
	got, err := c.ConnectorOf(credential.AccountID{Organization: "acme", User: "ann", Connector: "github"})
	if err != nil || got.Name != "github" {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = c.ConnectorOf(credential.AccountID{Organization: "acme", User: "ann", Connector: "gihub"})
	want := `account acme/ann/gihub: tokenkeeper.yaml has no connector "gihub", did you mean "github"?; connectors: github, slack`
	if err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
	_, err = mustLoad(t, "").ConnectorOf(credential.AccountID{Organization: "acme", User: "ann", Connector: "gihub"})
	if err == nil || !strings.HasSuffix(err.Error(), "connectors: none") {
		t.Errorf("error = %v", err)
	}
}

func TestPosition(t *testing.T) {
	c := mustLoad(t, edit(t, good, "    poll_interval: 30s\n", ""))
	for path, want := range map[string]string{
		"temporal":                                      "tokenkeeper.yaml:1:1",
		"connectors.slack":                              "tokenkeeper.yaml:10:3",
		"connectors.slack.client_id":                    "tokenkeeper.yaml:12:16",
		"connectors.slack.scopes[1]":                    "tokenkeeper.yaml:14:32",
		"connectors.github.timeout":                     "tokenkeeper.yaml:16:3", // left to its default: where the connector is
		"triages.acme/bug-reports":                      "tokenkeeper.yaml:21:3",
		"triages.acme/none":                             "tokenkeeper.yaml:20:1",
		"triages.acme/bug-reports.github":               "tokenkeeper.yaml:23:13",
		"triages.acme/bug-reports.poll_interval":        "tokenkeeper.yaml:21:3",
		"triages.acme/bug-reports.routes[0]":            "tokenkeeper.yaml:26:9",
		"triages.acme/bug-reports.routes[0].repository": "tokenkeeper.yaml:27:21",
		"nowhere": "tokenkeeper.yaml",
		"":        "tokenkeeper.yaml",
	} {
		if got := c.Position(path).String(); got != want {
			t.Errorf("Position(%q) = %s, want %s", path, got, want)
		}
	}
	got := c.Problem("triages.acme/bug-reports.routes[0].repository", "repository acme/app does not exist", "create it").String()
	if want := "tokenkeeper.yaml:27:21: triages.acme/bug-reports.routes[0].repository: repository acme/app does not exist; fix: create it"; got != want {
		t.Errorf("problem = %s", got)
	}
}

func TestNoSecretPrinted(t *testing.T) {
	c := mustLoad(t, good)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		printed = append(printed, fmt.Sprintf(verb, c), fmt.Sprintf(verb, *c), fmt.Sprintf(verb, c.Connectors["slack"]))
	}
	for _, text := range printed {
		for _, secret := range []string{secretText, fmt.Sprintf("%x", secretText), "s3cr3t-of-github"} {
			if strings.Contains(text, secret) {
				t.Errorf("a secret is in %s", text)
			}
		}
	}
	if !strings.Contains(string(encoded), `"task_queue":"tokenkeeper"`) || !strings.Contains(string(encoded), `"slack":"acme/triage/slack"`) {
		t.Errorf("JSON = %s", encoded)
	}
}
