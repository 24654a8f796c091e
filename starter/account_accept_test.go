package main

import (
	"encoding/json"
	"testing"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/workflows"
)

// withQuarantine is an account that works, and a consent of somebody else.
func withQuarantine() workflows.AccountStatus {
	s := statusOf(credential.Active, 7)
	s.Quarantine = &credential.Quarantine{
		Authorization: "authorization-1", Expected: credential.Holder{Subject: "T1/U1", Display: "triage in Acme"},
		Got: credential.Holder{Subject: "T1/U2", Display: "mallory\x1b[2J"}, Missing: []string{"chat:write", "users:read"},
		Since: time.Now().Add(-time.Hour - time.Second), Until: time.Now().Add(71*time.Hour + time.Minute),
	}
	return s
}

func TestAccountShowSaysWhatIsInQuarantine(t *testing.T) {
	w := newWorld(t)
	w.serveTemporal().account(withQuarantine())
	differs := []string{
		"in quarantine: a consent that does not fit", "expected", "triage in Acme (T1/U1)", "consented", "(T1/U2)",
		"missing scopes", "chat:write, users:read", "1h00m ago", "in 2d",
	}
	w.run("account", "show", "acme/triage/slack").exits(exitOK).prints(differs...)
	w.run("account", "accept", "acme/triage/slack").exits(exitOK).prints(append(differs,
		"tokenkeeper account accept acme/triage/slack --subject T1/U2", "tokenkeeper account reject acme/triage/slack")...)
	var status workflows.AccountStatus
	got := w.run("account", "show", "acme/triage/slack", "--json").exits(exitOK)
	if err := json.Unmarshal([]byte(got.stdout), &status); err != nil || status.Quarantine.Got.Subject != "T1/U2" {
		t.Errorf("%v: %s", err, got.stdout)
	}
}

func TestAccountAccept(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack") // makes the vault, which has the audit log
	temporal := w.serveTemporal()
	after := statusOf(credential.Active, 8)
	after.Subject, after.Display = "T1/U2", "mallory"
	after.Replaced = []credential.Replaced{{Holder: credential.Holder{Subject: "T1/U1", Display: "triage in Acme"}, Since: time.Now().Add(-time.Minute)}}
	temporal.account(withQuarantine()).updated = after
	w.run("account", "accept", "acme/triage/slack", "--subject", "T1/U3").exits(exitFailure).complains("in quarantine is of mallory", "T1/U2", "look again")
	w.run("account", "accept", "acme/triage/slack", "--subject", "T1/U2").exits(exitOK).
		prints("account acme/triage/slack is active as mallory (T1/U2)", "the grant of triage in Acme (T1/U1) is being revoked at the provider")
	w.run("audit").exits(exitOK).prints("accept", "acme/triage/slack", "done", "T1/U2")

	temporal.account(after)
	w.run("account", "show", "acme/triage/slack").exits(exitOK).prints("to be revoked", "the grant of triage in Acme (T1/U1), set aside 1m ago")
	temporal.account(statusOf(credential.Active, 8))
	w.run("account", "accept", "acme/triage/slack", "--subject", "T1/U2").exits(exitFailure).complains("has nothing in quarantine", "account show")
}

func TestAccountReject(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack")
	temporal := w.serveTemporal()
	temporal.account(withQuarantine()).updated = statusOf(credential.Active, 7)
	w.run("account", "reject", "acme/triage/slack").exits(exitOK).prints("the consent of mallory", "(T1/U2) for account acme/triage/slack is destroyed")
	w.run("audit").exits(exitOK).prints("reject", "acme/triage/slack", "done", "T1/U2")
	left := statusOf(credential.Active, 7)
	left.Replaced = []credential.Replaced{{Authorization: withQuarantine().Quarantine.Authorization}}
	temporal.account(withQuarantine()).updated = left
	w.run("account", "reject", "acme/triage/slack").exits(exitOK).prints("is void; its tokens are kept, sealed, until the provider has revoked them", "account show acme/triage/slack")
	w.run("audit").exits(exitOK).prints("T1/U2 to be revoked")
	lives := statusOf(credential.Active, 7)
	lives.Warning = "the provider has not revoked the grant of mallory: it revokes nothing"
	temporal.account(withQuarantine()).updated = lives
	w.run("account", "reject", "acme/triage/slack").exits(exitOK).prints("is destroyed", lives.Warning)

	temporal.account(statusOf(credential.Active, 7))
	w.run("account", "reject", "acme/triage/slack").exits(exitFailure).complains("has nothing in quarantine")
}
