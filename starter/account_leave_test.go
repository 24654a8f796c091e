package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/workflows"
)

// ownedBy is an account with a Workflow that answers a disconnect with a status.
func (f *frontend) ownedBy(t *testing.T, account string, answer credential.Status, warning string) *fakeWorkflow {
	t.Helper()
	id, err := credential.ParseAccountID(account)
	if err != nil {
		t.Fatal(err)
	}
	status := workflows.AccountStatus{Account: id, Status: credential.Active}
	w := f.account(status)
	w.updated = workflows.AccountStatus{Account: id, Status: answer, Warning: warning}
	return w
}

func TestAccountDisconnectOfAPerson(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/jane/github") // tokens whose Workflow was lost
	temporal := w.serveTemporal()
	slack := temporal.ownedBy(t, "acme/jane/slack", credential.Disconnected, "")
	stays := temporal.ownedBy(t, "acme/joe/slack", credential.Disconnected, "")
	stuck := temporal.ownedBy(t, "acme/jane/jira", credential.Active, "disconnecting failed: no such connector")
	temporal.ownedBy(t, "acme/jane/github", credential.Disconnected, "").closed = true
	w.run("account", "disconnect", "--user", "jane").exits(exitUsage).complains("add --yes")

	got := w.run("account", "disconnect", "--user", "jane", "--yes", "--json").exits(exitFailure).complains("1 of 3 accounts of user jane", "safe to repeat")
	var document departures
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		t.Fatal(err)
	}
	want := map[string]credential.Status{
		"acme/jane/github": credential.Disconnected, "acme/jane/jira": credential.Active, "acme/jane/slack": credential.Disconnected,
	}
	for _, d := range document.Accounts {
		if want[d.Account.String()] != d.Status {
			t.Errorf("%s is %q", d.Account, d.Status)
		}
		delete(want, d.Account.String())
	}
	if len(want) > 0 {
		t.Errorf("not taken: %v", want)
	}
	if started := temporal.started; len(started) != 3 {
		t.Errorf("each account has an owner when it is disconnected, and nobody else's gets one: %v", started)
	}

	stuck.updated = workflows.AccountStatus{Status: credential.Disconnected}
	w.run("account", "disconnect", "--user", "acme/jane", "-y").exits(exitOK).prints("ACCOUNT", "acme/jane/jira    disconnected", "acme/jane/slack")
	slack.closed, stuck.closed = true, true
	if stays.closed {
		t.Error("another person's account ended")
	}
}

// A disconnect that takes its time says what is in the way: the provider, a connector that is gone, or no worker.
func TestAccountDisconnectThatIsNotDoneInTime(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	c := &cli{env: w.lookup, configPath: "tokenkeeper.yaml", timeout: time.Second}
	undone := func(account string) string {
		id, err := credential.ParseAccountID(account)
		if err == nil {
			temporal.account(workflows.AccountStatus{Account: id, Status: credential.Degraded, Reason: "the provider has not taken the revocation yet"})
			err = c.withTemporal(t.Context(), func(a *app.App) error { return c.undone(t.Context(), a, id) })
		}
		return err.Error()
	}
	assert.Regexp(t, "acme/jane/slack: not disconnected within 1m0s: the provider has not taken .*fix: .*add --force", undone("acme/jane/slack"))
	assert.Regexp(t, `acme/jane/slak: not disconnected within 1m0s: .*no connector "slak"`, undone("acme/jane/slak"))
	temporal.deaf = true
	assert.Regexp(t, "no worker answers for it; fix: start a worker", undone("acme/jane/slack"))
}

func TestAccountDisconnectOfAPersonWhoLeftBefore(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	temporal.ownedBy(t, "acme/jane/slack", credential.Disconnected, "").closed = true
	w.run("account", "disconnect", "--user", "jane", "--yes").exits(exitOK).prints("user jane has no accounts any more").complains("the vault does not open here")
	w.run("account", "disconnect", "--user", "jnae", "--yes").exits(exitFailure).complains("user jnae: no account is known", "account list")
}

func TestAccountDisconnectOfTwoPeopleOfOneName(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	temporal.ownedBy(t, "acme/jane/slack", credential.Disconnected, "")
	temporal.ownedBy(t, "globex/jane/slack", credential.Disconnected, "")
	w.run("account", "disconnect", "--user", "jane", "--yes").exits(exitUsage).complains("in acme and in globex", "--user acme/jane")
	got := w.run("account", "disconnect", "--user", "globex/jane", "--yes").exits(exitOK).prints("globex/jane/slack")
	if len(temporal.started) != 1 {
		t.Errorf("only one of them leaves: %v\n%s", temporal.started, got.stdout)
	}
}
