package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"path/filepath"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

var (
	slackAccount  = credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	gitHubAccount = credential.AccountID{Organization: "acme", User: "triage", Connector: "github"}
)

// statusOf is what the Slack account says of itself in a state.
func statusOf(status credential.Status, generation credential.Generation) workflows.AccountStatus {
	s := workflows.AccountStatus{
		Account: slackAccount, Provider: "slack", Status: status, Since: time.Now().Add(-2*time.Minute - time.Second), Generation: generation,
	}
	if generation > 0 {
		s.Subject, s.Display = "T1/U1", "triage in Acme"
		s.ExpiresAt = time.Now().Add(3*time.Hour + 12*time.Minute + 30*time.Second)
	}
	return s
}

func TestAccountList(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	broken := statusOf(credential.ReauthorizationRequired, 7)
	broken.Reason, broken.Waiting = "token_revoked\x1b[0m", 3
	temporal.account(broken)
	got := w.run("account", "list").exits(exitOK)
	got.prints("ACCOUNT", "acme/triage/slack", "reauthorization_required", "2m ago", "in 3h12m", "token_revoked")
	// Named by a triage and owned by no Workflow.
	got.prints("acme/triage/github", "pending", "tokenkeeper account connect acme/triage/github")
	if strings.Contains(got.stdout, "\x1b") {
		t.Error("a provider's escape sequence reached the terminal")
	}

	var list accountList
	got = w.run("account", "list", "--json", "--status", "reauthorization_required").exits(exitOK)
	if err := json.Unmarshal([]byte(got.stdout), &list); err != nil || len(list.Accounts) != 1 || list.Accounts[0].Waiting != 3 {
		t.Errorf("%v: %s", err, got.stdout)
	}
	w.run("account", "list", "--status", "disconnected").exits(exitOK).prints("no account is disconnected")
	w.run("__complete", "account", "show", "acme/").exits(exitOK).prints("acme/triage/slack\n", "acme/triage/github\n")
}

// A slip in the name of an account must not end in a new account.
func TestAMistypedAccountIsToldAsSuch(t *testing.T) {
	w := newWorld(t)
	w.serveTemporal()
	for _, command := range []string{"show", "refresh", "validate"} {
		w.run("account", command, "acme/traige/slack").exits(exitNeedsPerson).complains("did you mean acme/triage/slack?")
	}
	w.run("account", "connect", "acme/traige/slack").exits(exitOK).complains("nothing in ", "did you mean acme/triage/slack?")
	for _, account := range []string{"acme/triage/slack", "umbrella/finance/slack"} {
		for _, command := range []string{"show", "connect"} {
			if got := w.run("account", command, account); strings.Contains(got.stderr, "did you mean") {
				t.Errorf("%s %s: %s", command, account, got.stderr)
			}
		}
	}
}

// Without a worker the list shows what visibility knew last, and says that this is what it shows.
func TestAccountListWithoutWorker(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	status, err := converter.GetDefaultDataConverter().ToPayload(credential.Degraded)
	if err != nil {
		t.Fatal(err)
	}
	temporal.account(statusOf(credential.Active, 7)).shown = &commonpb.SearchAttributes{
		IndexedFields: map[string]*commonpb.Payload{workflows.AccountStatusKey.GetName(): status},
	}
	temporal.deaf = true
	w.run("account", "list", "--timeout", "200ms").exits(exitOK).prints("degraded (?)").complains("no worker answered")
	w.run("account", "show", "acme/triage/slack", "--timeout", "200ms").exits(exitFailure).
		complains("account acme/triage/slack: no worker answers", "make run")
}

func TestAccountShow(t *testing.T) {
	for _, test := range []struct {
		status credential.Status
		code   int
		fix    string
	}{
		{credential.Active, exitOK, ""},
		{credential.Degraded, exitOK, ""},
		{credential.Pending, exitNeedsPerson, "tokenkeeper account connect acme/triage/slack"},
		{credential.ReauthorizationRequired, exitNeedsPerson, "tokenkeeper account reauthorize acme/triage/slack"},
		{credential.ClientMisconfigured, exitNeedsPerson, `client id and secret of connector "slack"`},
		{credential.Disconnected, exitNeedsPerson, "tokenkeeper account connect acme/triage/slack"},
	} {
		t.Run(string(test.status), func(t *testing.T) {
			w := newWorld(t)
			w.serveTemporal().account(statusOf(test.status, 7))
			w.run("account", "show", "acme/triage/slack").exits(test.code).
				prints("status", string(test.status), "triage in Acme (T1/U1)", "2m ago", "in 3h12m").complains(test.fix)
			var status workflows.AccountStatus
			got := w.run("account", "show", "acme/triage/slack", "--json").exits(test.code)
			if err := json.Unmarshal([]byte(got.stdout), &status); err != nil || status.Status != test.status {
				t.Errorf("%v: %s", err, got.stdout)
			}
		})
	}
}

func TestAccountShowOfNoAccount(t *testing.T) {
	w := newWorld(t)
	w.serveTemporal()
	w.run("account", "show", "acme/triage/slak").exits(exitConfig).complains(`has no connector "slak"`, `did you mean "slack"?`)
	w.run("account", "show", "acme/triage/slack").exits(exitNeedsPerson).
		complains("account acme/triage/slack is pending: no Workflow owns it", "tokenkeeper account connect acme/triage/slack")
}

func TestAccountConnect(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	temporal.account(statusOf(credential.Pending, 0))
	w.run("account", "connect", "acme/triage/slack").exits(exitOK).prints("http://127.0.0.1:8780/connect/acme/triage/slack")
	if len(temporal.started) != 1 || temporal.started[0] != "account/acme/triage/slack" {
		t.Errorf("started %v", temporal.started)
	}
	var answer invitation
	got := w.run("account", "connect", "acme/triage/slack", "--json").exits(exitOK)
	if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil || answer.Page != "http://127.0.0.1:8780/connect/acme/triage/slack" {
		t.Errorf("%v: %s", err, got.stdout)
	}
	w.run("account", "connect", "acme/triage/jira").exits(exitConfig).complains(`no connector "jira"`, "github, slack")
}

func TestAccountConnectWaits(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	refused := statusOf(credential.Pending, 0)
	refused.Warning = "authorization refused: another subject"
	temporal.account(statusOf(credential.Pending, 0), refused, statusOf(credential.Active, 1))
	w.run("account", "connect", "acme/triage/slack", "--wait").exits(exitOK).
		prints("account acme/triage/slack is active as triage in Acme").complains("/connect/acme/triage/slack", "another subject")

	temporal.account(statusOf(credential.Pending, 0))
	w.run("account", "connect", "acme/triage/slack", "--wait=20ms", "--json").exits(exitNeedsPerson).
		complains(`"message":"account acme/triage/slack is pending: nobody consented within 20ms"`)
}

// keyText is a private key as GitHub hands it out.
func keyText(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// minting replaces the connector github by one that needs nobody's consent.
func (w *world) minting() {
	w.t.Helper()
	w.write("app.pem", keyText(w.t))
	text := strings.Replace(goodConfig, "provider: github-app", "provider: github-installation", 1)
	text = strings.Replace(text, "client_secret_env: GITHUB_CLIENT_SECRET", `installation_id: "4711"`+"\n    private_key_file: app.pem", 1)
	w.write("tokenkeeper.yaml", strings.ReplaceAll(text, "API", "http://127.0.0.1:1"))
}

func TestAccountConnectWithoutConsent(t *testing.T) {
	w := newWorld(t)
	w.minting()
	pending, active := statusOf(credential.Pending, 0), statusOf(credential.Active, 1)
	pending.Account, active.Account = gitHubAccount, gitHubAccount
	refused := statusOf(credential.ClientMisconfigured, 0)
	refused.Account, refused.Reason = gitHubAccount, "check the private key"
	temporal := w.serveTemporal()
	temporal.account(pending, active)
	w.run("account", "connect", "acme/triage/github").exits(exitOK).prints("account acme/triage/github is active", "nobody has to consent")
	if len(temporal.started) != 1 || temporal.started[0] != "account/acme/triage/github" {
		t.Errorf("started %v", temporal.started)
	}
	temporal.account(refused)
	got := w.run("account", "connect", "acme/triage/github").exits(exitNeedsPerson).complains("check the private key")
	if strings.Contains(got.stdout+got.stderr, "/connect/") {
		t.Errorf("a page is shown where nobody consents: %s", got.stdout)
	}
	w.run("account", "reauthorize", "acme/triage/github").exits(exitFailure).
		complains("nobody consents for account acme/triage/github", "tokenkeeper account refresh acme/triage/github")
}

func TestAccountReauthorizeWaits(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	temporal.account(statusOf(credential.ReauthorizationRequired, 7), statusOf(credential.Active, 8))
	w.run("account", "reauthorize", "acme/triage/slack", "--wait").exits(exitOK).prints("is active")
}

// A refresh of an account that works brings a new generation too, and is not what the person at the command waits for.
func TestAccountReauthorizeOfAnAccountThatWorks(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack")
	w.serveTemporal().account(statusOf(credential.Active, 1), statusOf(credential.Active, 2))
	w.run("account", "reauthorize", "acme/triage/slack").exits(exitOK).prints("is active as triage in Acme", "to consent again")
	w.run("account", "reauthorize", "acme/triage/slack", "--wait=20ms").exits(exitNeedsPerson).complains("nobody consented")

	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	page := newAwaited("http://127.0.0.1:8780/c/")
	var stdout bytes.Buffer
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"account", "reauthorize", "acme/triage/slack", "--wait"}, strings.NewReader(""), &stdout, page, w.lookup)
	}()
	<-page.seen
	keyset, err := vault.LoadKeyset(filepath.Join(w.dir, "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(ctx, vault.Options{Path: filepath.Join(w.dir, "vault.db"), Keyset: keyset})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	w.consent(v, "acme/triage/slack", "consent-2")
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d: %s", code, page.String())
	}
}

func TestAccountRefresh(t *testing.T) {
	unrefreshable := statusOf(credential.Active, 7)
	degraded := statusOf(credential.Degraded, 7)
	degraded.Reason = "HTTP 503"
	dead := statusOf(credential.ReauthorizationRequired, 7)
	dead.Reason = "invalid_grant"
	for _, test := range []struct {
		name   string
		after  workflows.AccountStatus
		code   int
		stdout string
		stderr string
	}{
		{"new tokens", statusOf(credential.Active, 8), exitOK, "generation 8, expires in 3h12m", ""},
		{"nothing to refresh", unrefreshable, exitFailure, "", "issued no refresh token"},
		{"outage", degraded, exitFailure, "", "HTTP 503"},
		{"dead grant", dead, exitNeedsPerson, "", "invalid_grant"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.serveTemporal().account(statusOf(credential.Active, 7)).updated = test.after
			w.run("account", "refresh", "acme/triage/slack").exits(test.code).prints(test.stdout).complains(test.stderr)
		})
	}
}

func TestAccountValidate(t *testing.T) {
	unclear := statusOf(credential.Active, 7)
	unclear.ValidationNote = "slack: identify: misconfigured (code ekm_access_denied)"
	dead := statusOf(credential.ReauthorizationRequired, 7)
	dead.Reason = "token_revoked"
	for _, test := range []struct {
		name           string
		after          workflows.AccountStatus
		code           int
		stdout, stderr string
	}{
		{"alive", statusOf(credential.Active, 7), exitOK, "is active, generation 7", ""},
		{"unclear", unclear, exitOK, "told nothing: slack: identify", ""},
		{"dead", dead, exitNeedsPerson, "", "token_revoked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.serveTemporal().account(statusOf(credential.Active, 7)).updated = test.after
			w.run("account", "validate", "acme/triage/slack").exits(test.code).prints(test.stdout).complains(test.stderr)
		})
	}
}

func TestAccountDisconnect(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	w.run("account", "disconnect", "acme/triage/slack", "--yes").exits(exitFailure).complains("there is none to disconnect", "account list")

	account := temporal.account(statusOf(credential.Active, 7))
	w.run("account", "disconnect", "acme/triage/slack").exits(exitUsage).complains("add --yes")
	account.updated = statusOf(credential.Disconnected, 0)
	w.run("account", "disconnect", "acme/triage/slack", "--yes").exits(exitOK).prints("account acme/triage/slack is disconnected")

	account.closed = true
	w.run("account", "disconnect", "acme/triage/slack", "-y").exits(exitOK).prints("is disconnected")

	account.failed = true
	w.run("account", "disconnect", "acme/triage/slack", "-y").exits(exitFailure).
		complains("ended as terminated without being disconnected", "tokenkeeper account connect acme/triage/slack")

	account.closed, account.failed = false, false
	failed := statusOf(credential.Active, 7)
	failed.Warning = "disconnecting failed: no such connector"
	account.updated = failed
	w.run("account", "disconnect", "acme/triage/slack", "-y").exits(exitFailure).complains("is still active", "no such connector", "--force")

	forced := statusOf(credential.Disconnected, 0)
	forced.Unrevoked = "slack is away"
	account.updated = forced
	w.run("account", "disconnect", "acme/triage/slack", "-y", "--force").exits(exitOK).
		prints("is disconnected", "has not revoked the grant: slack is away", "remove the app's access")
}

func TestConfirmed(t *testing.T) {
	for answer, yes := range map[string]bool{"y\n": true, "Yes\n": true, "y": true, "n\n": false, "\n": false, "": false, "yep\n": false} {
		var out bytes.Buffer
		err := confirmed(strings.NewReader(answer), &out, "Really?")
		if (err == nil) != yes || out.String() != "Really? [y/N] " {
			t.Errorf("%q: %v %q", answer, err, out.String())
		}
	}
}

func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	w.serveTemporal().account(statusOf(credential.Pending, 0))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	w.runWith(ctx, "", "account", "connect", "acme/triage/slack", "--wait").exits(exitFailure).complains("interrupted")
}
