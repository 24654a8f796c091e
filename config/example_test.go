package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"tokenkeeper/provider"
)

func exampleText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../tokenkeeper.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The example is what people copy: it loads, and what it calls a default is one.
func TestExample(t *testing.T) {
	c := mustLoad(t, exampleText(t))
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var defaults Config
	defaults.setDefaults()
	defaults.Vault.Path = filepath.Join(folder, defaults.Vault.Path)
	defaults.Vault.Keyset = filepath.Join(folder, defaults.Vault.Keyset)
	defaults.Gateway.PublicURL = defaults.Gateway.publicURL()
	if c.Temporal != defaults.Temporal || c.Vault != defaults.Vault || !reflect.DeepEqual(c.Gateway, defaults.Gateway) {
		t.Errorf("the example has %+v %+v %+v, the defaults are %+v", c.Temporal, c.Vault, c.Gateway, defaults)
	}
	var connector Connector
	connector.setDefaults()
	if got := c.Connectors["slack"]; got.Timeout != connector.Timeout || len(got.Scopes) != 6 {
		t.Errorf("slack = %+v", got)
	}
	if got := c.Connectors["github"]; len(got.Scopes) != 0 {
		t.Errorf("github = %+v", got)
	}
	var triage Triage
	triage.setDefaults()
	if got := c.Triages["acme/bug-reports"]; got.PollInterval != triage.PollInterval || got.Lookback != triage.Lookback || len(got.Routes) != 1 {
		t.Errorf("triage = %+v", got)
	}
}

// commented is a line that becomes configuration when its '# ' is taken away; prose is none.
var commented = regexp.MustCompile(`(?m)^( *)# ( *(?:- )?[a-z_-]+:(?:[ a-z].*)?)$`)

// What stands in comments is meant to be taken into use, so it loads too.
func TestExampleUncommented(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "ghes-client")
	write(t, secret, secretText, 0o600)
	text := commented.ReplaceAllString(edit(t, exampleText(t), "\nproviders: []\n", "\n"), "$1$2")
	text = edit(t, text, "/run/secrets/ghes-client", secret)
	text = edit(t, text, "GHES_CLIENT_ID", "SLACK_CLIENT_ID")
	text = edit(t, text, "SLACK_SIGNING_SECRET", "SLACK_CLIENT_SECRET")
	text = edit(t, text, "GITHUB_WEBHOOK_SECRET", "GITHUB_CLIENT_SECRET")
	text = edit(t, text, "OPENAI_API_KEY", "SLACK_CLIENT_SECRET")
	text = edit(t, text, "PAGER_WEBHOOK_SECRET", "NOTICE_SECRET")
	text = edit(t, text, "OIDC_CLIENT_SECRET", "SLACK_CLIENT_SECRET")
	text = edit(t, text, "TRACKER_CLIENT_SECRET", "SLACK_CLIENT_SECRET")
	certificate, key := certificateFiles(t)
	text = edit(t, text, "/etc/tokenkeeper/tls.crt", certificate)
	text = edit(t, text, "/etc/tokenkeeper/tls.key", key)
	text = edit(t, text, "public_url: http://127.0.0.1:8780", "public_url: https://127.0.0.1:8780")
	text = edit(t, text, "/run/secrets/github-app.pem", keyFile(t))
	text = edit(t, text, "/run/secrets/tracker.pem", keyFile(t))
	text = edit(t, text, "/run/secrets/drive.json", serviceAccountFile(t, nil))
	c := mustLoad(t, text)
	if got := c.Connectors["tracker"]; got.Grant != provider.GrantJWTBearer || got.Audience != "https://login.tracker.example.com" {
		t.Errorf("tracker = %+v", got)
	}
	if g := c.Gateway; !g.TLS.On() || len(g.Proxies()) != 2 || g.AdminToken().Reveal() != adminToken || g.ViewerToken().IsZero() {
		t.Errorf("gateway = %+v", g)
	}
	if o := c.Gateway.OIDC; !o.On() || !o.Operators.Include("jane@example.com", nil) || !o.Operators.Include("", []string{"sre"}) ||
		o.Operators.Include("sam@example.com", nil) || !o.Viewers.Include("sam@example.com", nil) {
		t.Errorf("oidc = %+v", o)
	}
	if len(c.Connectors) != 7 || len(c.Providers) != 1 || len(c.Connectors["slack"].Scopes) != 8 {
		t.Errorf("%d connectors, %d providers, scopes %v", len(c.Connectors), len(c.Providers), c.Connectors["slack"].Scopes)
	}
	if got := c.Connectors["github-enterprise"]; got.ClientSecret().Reveal() != secretText || got.Provider.Endpoints.API != "https://github.example.com/api/v3/" {
		t.Errorf("github-enterprise = %+v", got)
	}
	if got := c.Notices.Targets["pager"]; len(c.Notices.Targets) != 4 || c.Notices.Targets["ops"].Port != 587 || got.Secret().IsZero() || got.Address().Reveal() != "https://pager.example.com/hooks/tokenkeeper" {
		t.Errorf("pager = %+v", got)
	}
	if c.Vault.KMS != "hcvault://vault.example.com:8200/transit/keys/tokenkeeper" {
		t.Errorf("vault.kms = %q", c.Vault.KMS)
	}
	if own := c.Providers[0]; own.Token.Grace != 30*time.Second || own.Identity.Subject != "{user.id}" || own.API.DeadToken.Statuses[0] != 401 {
		t.Errorf("own provider = %+v", own)
	}
	if _, ok := c.Catalogue().Get("acme-tracker"); !ok {
		t.Error("the catalogue has not the own provider")
	}
}

func TestExampleNamesEveryKey(t *testing.T) {
	text := exampleText(t)
	keys := map[string]bool{}
	collectKeys(reflect.TypeFor[Config](), keys)
	if len(keys) < 50 {
		t.Fatalf("only %d keys were found in the structs", len(keys))
	}
	for key := range keys {
		if !regexp.MustCompile(`(?m)^[ #-]*` + key + `:|[{ ]` + key + `: `).MatchString(text) {
			t.Errorf("the example does not name %s", key)
		}
	}
}

// collectKeys notes the YAML keys of t and of all that it holds.
func collectKeys(t reflect.Type, keys map[string]bool) {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		collectKeys(t.Elem(), keys)
	case reflect.Struct:
		for f := range t.Fields() {
			key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if key != "" && key != "-" {
				keys[key] = true
				collectKeys(f.Type, keys)
			}
		}
	}
}
