package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"tokenkeeper/credential"
)

var codePattern = regexp.MustCompile(`^[A-Z]{4}-[A-Z]{4}$`)

func TestAccountConnectWithACode(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	temporal.account(statusOf(credential.Pending, 0))
	w.run("account", "connect", "acme/triage/slack", "--code").exits(exitFailure).complains("making a link", "vault")
	w.connect("acme/triage/github") // makes the vault
	if got := w.invite("--json"); got.Code != "" || !strings.Contains(got.Page, "/c/") {
		t.Errorf("without --code: %+v", got)
	}
	if got := w.invite("--json", "--code"); !codePattern.MatchString(got.Code) {
		t.Errorf("with --code: %+v", got)
	}
	w.run("account", "reauthorize", "acme/triage/slack", "--code").exits(exitOK).prints("enter the code", "another way than the link")
}

func TestLinksAsConfigured(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	temporal.account(statusOf(credential.Pending, 0))
	w.connect("acme/triage/github")
	w.reconfigure("triages:", "links: {lifetime: 2h, require_code: true}\ntriages:")
	got := w.invite("--json")
	if left := time.Until(got.ExpiresAt); !codePattern.MatchString(got.Code) || left < 110*time.Minute || left > 2*time.Hour {
		t.Errorf("%+v", got)
	}
}

func (w *world) invite(flags ...string) invitation {
	w.t.Helper()
	var answer invitation
	got := w.run(append([]string{"account", "connect", "acme/triage/slack"}, flags...)...).exits(exitOK)
	if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil {
		w.t.Fatalf("%v: %s", err, got.stdout)
	}
	return answer
}

func TestAccountConnectForOnePerson(t *testing.T) {
	w := newWorld(t)
	w.serveTemporal().account(statusOf(credential.Pending, 0))
	w.connect("acme/triage/github")
	for _, verb := range []string{"connect", "reauthorize"} {
		w.run("account", verb, "acme/triage/slack", "--for", "jane@example.com").exits(exitConfig).
			complains("--for jane@example.com: gateway.oidc is not configured", "fix: write gateway.oidc", "--code")
	}
	w.run("doctor").prints("links to a consent: whoever opens one first goes on; with --code only who is told the code\n")
	w.env["OIDC_CLIENT_SECRET"] = "oidc-client-secret"
	w.reconfigure("gateway: {listen: 127.0.0.1:8780}", "gateway:\n  listen: 127.0.0.1:8780\n  oidc:\n    issuer: https://login.example.com\n"+
		"    client_id: tokenkeeper\n    client_secret_env: OIDC_CLIENT_SECRET\n    viewers: {domains: [example.com]}")
	if got := w.invite("--json", "--for", "jane@example.com"); got.For != "jane@example.com" || !strings.Contains(got.Page, "/c/") {
		t.Errorf("%+v", got)
	}
	w.run("account", "reauthorize", "acme/triage/slack", "--for", "jane@example.com").exits(exitOK).prints("sign in as  jane@example.com")
	w.run("account", "connect", "acme/triage/slack", "--for", "00u1jane").exits(exitOK).prints("sign in as  00u1jane") // nobody here knows their address
	w.run("account", "connect", "acme/triage/slack", "--for", "eve@attacker.example").exits(exitConfig).complains("does not admit eve@attacker.example")
	w.run("account", "connect", "acme/triage/slack", "--for", "jane doe").exits(exitConfig).complains("one address")
	w.run("doctor").prints("with --for one person alone")
	if trail := w.audited("acme/triage/slack"); strings.Join(trail, ", ") != "link-minted done for jane@example.com, link-minted done for jane@example.com, link-minted done for 00u1jane" {
		t.Errorf("%q", trail)
	}
}
