package config

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// oidcLines are a provider that has no fault.
var oidcLines = []string{
	"listen: :8780", "public_url: https://keeper.example.com", "trusted_proxies: [10.0.0.7]",
	"oidc:", "  issuer: https://login.example.com/realms/acme", "  client_id: tokenkeeper", "  client_secret_env: SLACK_CLIENT_SECRET",
	"  operators: {groups: [sre], emails: [Jane@Example.com]}", "  viewers: {domains: [example.com]}",
}

func TestOIDC(t *testing.T) {
	g := mustLoad(t, served(t, oidcLines...)).Gateway
	if !g.AsksWho() || g.Local() || g.HasTokens() || g.SignInURL() != "https://keeper.example.com/login/callback" {
		t.Errorf("gateway = %+v", g)
	}
	o := g.OIDC
	if !o.On() || o.ClientSecret().Reveal() != secretText || !slices.Equal(o.Scopes, []string{"openid", "profile", "email"}) || o.GroupsClaim != "groups" ||
		!slices.Equal(o.Groups(), []string{"sre"}) {
		t.Errorf("oidc = %+v", o)
	}
	for _, test := range []struct {
		email             string
		groups            []string
		operators, viewer bool
	}{
		{"jane@example.com", nil, true, true},
		{"JANE@EXAMPLE.COM", nil, true, true},
		{"sam@example.com", []string{"support"}, false, true},
		{"", []string{"support", "sre"}, true, false},
		{"", []string{"SRE"}, false, false},
		{"", nil, false, false},
		{"example.com", nil, false, false},
		{"@example.com", nil, false, false},
		{"eve@sub.example.com", nil, false, false},
		{"eve@example.com.attacker.example", nil, false, false},
		{"jane@example.com@attacker.example", nil, false, false},
	} {
		if o.Operators.Include(test.email, test.groups) != test.operators || o.Viewers.Include(test.email, test.groups) != test.viewer {
			t.Errorf("%+v", test)
		}
	}
	text, err := json.Marshal(mustLoad(t, good))
	if err != nil || strings.Contains(string(text), "oidc") {
		t.Errorf("without a provider there is %s, %v", text, err)
	}
}

// Who may sign in, and a secret in a file, change while the gateway serves; where they sign in does not.
func TestKeepOfOIDC(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, secretText, 0o600)
	text := strings.Replace(served(t, oidcLines...), "client_secret_env: SLACK_CLIENT_SECRET\n    operators", "client_secret_file: "+file+"\n    operators", 1)
	old := mustLoad(t, text)
	write(t, file, "replaced", 0o600)
	next := mustLoad(t, edit(t, text, "groups: [sre]", "groups: [platform]"))
	next.Vault = old.Vault
	if kept := next.Keep(old); kept != nil || next.Gateway.OIDC.ClientSecret().Reveal() != "replaced" || !slices.Equal(next.Gateway.OIDC.Groups(), []string{"platform"}) {
		t.Errorf("kept %v, oidc %+v", kept, next.Gateway.OIDC)
	}
	next = mustLoad(t, text+"links: {require_sign_in: true}\n")
	next.Vault = old.Vault
	if kept := next.Keep(old); !slices.Equal(kept, []string{"links.require_sign_in"}) || next.Links.RequireSignIn {
		t.Errorf("kept %v", kept)
	}
	for _, change := range [][2]string{
		{"realms/acme", "realms/other"}, {"client_id: tokenkeeper", "client_id: another"}, {"client_id: tokenkeeper", "client_id: tokenkeeper\n    groups_claim: roles"},
	} {
		next = mustLoad(t, edit(t, text, change[0], change[1]))
		next.Vault = old.Vault
		if kept := next.Keep(old); !slices.Equal(kept, []string{"gateway.oidc"}) || next.Gateway.OIDC.Issuer != old.Gateway.OIDC.Issuer {
			t.Errorf("%v: kept %v", change, kept)
		}
	}
}

func TestFaultsOfOIDC(t *testing.T) {
	const at = "tokenkeeper.yaml:"
	with := func(lines ...string) string {
		return "  oidc:\n    " + strings.Join(lines, "\n    ") + "\n"
	}
	const issuer, client, secret, who = "issuer: https://login.example.com", "client_id: tokenkeeper", "client_secret_env: SLACK_CLIENT_SECRET", "viewers: {domains: [example.com]}"
	testFaults(t, []fault{
		{"almost nothing", listenLine, with("scopes: [email]"), []string{
			at + `7:3: gateway.oidc: nobody could sign in; fix: write under operators or viewers who may, by emails, domains or groups`,
			at + `7:3: gateway.oidc.client_id: this is missing; fix: write the id that the provider gave the gateway when it was registered`,
			at + `7:3: gateway.oidc.client_secret_env: the client secret is missing; fix: write client_secret_env: NAME or client_secret_file: PATH; the provider shows it where the gateway is registered`,
			at + `7:3: gateway.oidc.issuer: this is missing; fix: write it as the provider's discovery document does, for example https://login.example.com`,
			at + `8:5: gateway.oidc.scopes: without scope openid the provider tells nobody's name; fix: write for example [openid, profile, email]`,
		}},
		{"issuer in clear", listenLine, with("issuer: http://login.example.com", client, secret, who), []string{
			at + `8:13: gateway.oidc.issuer: http would send codes and secrets in clear to "login.example.com"; fix: write https; http is for 127.0.0.1, [::1] and localhost`,
		}},
		{"discovery document", listenLine, with("issuer: https://login.example.com/.well-known/openid-configuration", client, secret, who), []string{
			at + `8:13: gateway.oidc.issuer: this is the address of the discovery document, the issuer is the part before; fix: delete /.well-known/openid-configuration`,
		}},
		{"issuer with a query", listenLine, with("issuer: https://login.example.com/?tenant=acme", client, secret, who), []string{
			at + `8:13: gateway.oidc.issuer: an issuer has no query; fix: delete everything from the '?'`,
		}},
		{"secret in the file", listenLine, with(issuer, client, "client_secret: hunter2", who), []string{
			at + `10:5: gateway.oidc.client_secret: a secret must never stand in this file; fix: put a new one into an environment variable and write client_secret_env: NAME, or into a file of mode 600 and write client_secret_file: PATH`,
		}},
		{"words of others", listenLine, with("issuer_url: https://login.example.com", client, secret, who, "redirect_uri: https://x.example.com"), []string{
			at + `8:5: gateway.oidc.issuer_url: unknown key; fix: write issuer, without /.well-known/openid-configuration`,
			at + `12:5: gateway.oidc.redirect_uri: unknown key, the redirect URL follows from gateway.public_url; fix: delete it, and register public_url + /login/callback at the provider`,
		}},
		{"scopes", listenLine, with(issuer, client, secret, who, "scopes: [openid profile, '']"), []string{
			at + `12:14: gateway.oidc.scopes[0]: "openid profile" is not one scope; fix: write one scope for each entry of the list`,
			at + `12:30: gateway.oidc.scopes[1]: "" is not one scope; fix: write one scope for each entry of the list`,
		}},
		{"no addresses", listenLine, with(issuer, client, secret, who, "scopes: [openid]"), []string{
			at + `12:5: gateway.oidc.scopes: without scope email the provider tells nobody's address; fix: add email, or write groups instead of emails and domains`,
		}},
		{"no claim", listenLine, with(issuer, client, secret, who, "groups_claim: ''"), []string{
			at + `12:19: gateway.oidc.groups_claim: this is empty; fix: write the claim that lists a person's groups, or delete the line`,
		}},
		{"people", listenLine, with(issuer, client, secret, "operators: {emails: [jane, '@example.com', j ane@example.com], groups: ['']}", "viewers: {domains: ['*', '@example.com', localhost]}"), []string{
			at + `11:26: gateway.oidc.operators.emails[0]: "jane" is no e-mail address; fix: write for example jane@example.com`,
			at + `11:32: gateway.oidc.operators.emails[1]: "@example.com" is no e-mail address; fix: write for example jane@example.com`,
			at + `11:48: gateway.oidc.operators.emails[2]: "j ane@example.com" is no e-mail address; fix: write for example jane@example.com`,
			at + `11:77: gateway.oidc.operators.groups[0]: this group is empty; fix: delete it`,
			at + `12:25: gateway.oidc.viewers.domains[0]: "*" is no domain; fix: write what comes after the @ of addresses, for example example.com; it does not stand for subdomains`,
			at + `12:30: gateway.oidc.viewers.domains[1]: "@example.com" is no domain; fix: write what comes after the @ of addresses, for example example.com; it does not stand for subdomains`,
			at + `12:46: gateway.oidc.viewers.domains[2]: "localhost" is no domain; fix: write what comes after the @ of addresses, for example example.com; it does not stand for subdomains`,
		}},
		{"nobody", listenLine, with(issuer, client, secret, "viewers: {}"), []string{
			at + `7:3: gateway.oidc: nobody could sign in; fix: write under operators or viewers who may, by emails, domains or groups`,
		}},
		{"no mapping", listenLine, "  oidc: https://login.example.com\n", []string{
			at + `7:9: gateway.oidc: want keys with values, got text; fix: write key: value, a line for each`,
		}},
		{"by another name", listenLine, "  sso: {url: https://login.example.com}\n", []string{
			at + `7:3: gateway.sso: unknown key; fix: write oidc: with issuer, client_id, client_secret_env, and operators or viewers`,
		}},
	})
}
