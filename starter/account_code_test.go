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
