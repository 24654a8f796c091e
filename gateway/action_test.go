package gateway_test

import (
	"context"
	"encoding/base64"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/provider"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

const buttonsOf = "/accounts/acme/triage/fake/"

// audited returns what the audit log says that people did to the account, newest first and without what the vault adds.
func (f *fixture) audited() []vault.Event {
	f.t.Helper()
	events, err := f.vault.AuditTrail(f.t.Context(), vault.AuditFilter{Account: account}, 20)
	require.NoError(f.t, err)
	events = slices.DeleteFunc(events, func(e vault.Event) bool { return e.Actor == vault.AccountOwner })
	for i := range events {
		events[i].ID, events[i].At = 0, time.Time{}
	}
	return events
}

// back presses a button and returns the status page that it leads back to, as text.
func (b *browser) back(path string) string {
	b.f.t.Helper()
	pressed := b.press(path)
	require.Equal(b.f.t, http.StatusSeeOther, pressed.status, pressed.body)
	require.Equal(b.f.t, "/#result", pressed.location)
	return html.UnescapeString(b.open("/").body)
}

func TestButtons(t *testing.T) {
	tests := []struct {
		status credential.Status
		grant  provider.Grant
		want   []string
	}{
		{credential.Pending, "", []string{"connect"}},
		{credential.Active, "", []string{"reauthorize", "refresh", "disconnect"}},
		{credential.Degraded, "", []string{"reauthorize", "refresh", "disconnect"}},
		{credential.ReauthorizationRequired, "", []string{"reauthorize", "disconnect"}},
		{credential.ClientMisconfigured, "", []string{"reauthorize", "refresh", "disconnect"}},
		{credential.Disconnected, "", []string{"connect"}},
		{credential.Pending, provider.GrantClientCredentials, []string{"connect"}},
		{credential.ReauthorizationRequired, provider.GrantClientCredentials, []string{"refresh", "disconnect"}},
		{credential.Active, "none", []string{"disconnect"}},
	}
	for _, test := range tests {
		t.Run(string(test.status)+string(test.grant), func(t *testing.T) {
			f := newFixture(t)
			conn := connection("fake", f.auth.provider(), f.url, f.clock.Now)
			conn.Grant = test.grant
			f.server.Connections = connections{"fake": conn}
			if test.grant == "none" {
				f.server.Connections = connections{}
			}
			f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), func(v *gateway.AccountView) { v.Status = test.status })})
			shown := f.browser().open("/").body
			var got []string
			for _, name := range []string{"connect", "reauthorize", "refresh", "disconnect"} {
				if strings.Contains(shown, `="`+buttonsOf+name+`"`) {
					got = append(got, name)
				}
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestReauthorizeButton(t *testing.T) {
	f := newFixture(t)
	f.server.LinkLife = func() time.Duration { return 2 * time.Minute }
	f.owner.account = func(context.Context) (workflows.AccountStatus, error) {
		return workflows.AccountStatus{Status: credential.ReauthorizationRequired, Reason: "dead grant (code token_revoked)"}, nil
	}
	b := f.browser()
	pressed := b.press(buttonsOf + "reauthorize")
	require.Equal(t, http.StatusSeeOther, pressed.status)
	require.Regexp(t, "^/c/[A-Z2-7]{52}$", pressed.location)
	assert.Contains(t, b.open(pressed.location).body, "dead grant (code token_revoked)")
	assert.Equal(t, []vault.Event{{Actor: "local", Action: vault.LinkMinted, Account: account, Remote: "127.0.0.1", Outcome: vault.Done}}, f.audited())
	assert.NotContains(t, f.log.String(), pressed.location)
	assert.Contains(t, b.open(b.follow(pressed.location).String()).body, "Account acme/triage/fake is active")

	late := b.press(buttonsOf + "connect").location
	f.clock.advance(2 * time.Minute)
	assert.Equal(t, http.StatusNotFound, b.open(late).status, "links live as long as configured")
}

func TestWhyTheLinkOfAnAccountThatWorks(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	assert.Contains(t, b.open(b.press(buttonsOf+"connect").location).body, "local asked for it on the status page")
}

func TestLinkOfAButtonWithACode(t *testing.T) {
	f := newFixture(t)
	f.server.RequireCode = true
	b := f.browser()
	shown := b.press(buttonsOf + "reauthorize")
	require.Equal(t, http.StatusOK, shown.status)
	assert.Empty(t, shown.location)
	_, rest, found := strings.Cut(shown.body, "<code>"+f.url+"/c/")
	require.True(t, found, shown.body)
	secret, rest, _ := strings.Cut(rest, "<")
	_, rest, _ = strings.Cut(rest, "<code>")
	code, _, _ := strings.Cut(rest, "<")
	assert.Equal(t, http.StatusSeeOther, f.browser().enter("/c/"+secret, code).status)
	for _, hidden := range []string{secret, code} {
		assert.NotContains(t, f.log.String(), hidden)
	}
}

func TestConnectButtonOfAnAccountThatMints(t *testing.T) {
	f := newFixture(t)
	conn := connection("fake", f.auth.provider(), f.url, f.clock.Now)
	conn.Grant = provider.GrantClientCredentials
	f.server.Connections = connections{"fake": conn}
	assert.Contains(t, f.browser().back(buttonsOf+"connect"), "gets its tokens from Fake & Co for itself")
	assert.Equal(t, []string{"connect"}, f.owner.deeds)
	assert.Equal(t, vault.Connect, f.audited()[0].Action)
	f.owner.deed = func() (workflows.AccountStatus, error) { return workflows.AccountStatus{}, errAway }
	assert.Contains(t, f.browser().back(buttonsOf+"connect"), "something failed on our side")
}

func TestRefreshButton(t *testing.T) {
	before := workflows.AccountStatus{Account: account, Status: credential.Active, Generation: 7}
	tests := []struct {
		name    string
		after   workflows.AccountStatus
		err     error
		want    string
		outcome vault.Outcome
	}{
		{"new tokens", workflows.AccountStatus{Status: credential.Active, Generation: 8}, nil, "has new tokens.", vault.Done},
		{"dead", workflows.AccountStatus{Status: credential.ReauthorizationRequired, Generation: 7, Reason: "token_revoked"}, nil,
			"it needs a person first: its state below says what to do.<br><q>token_revoked</q>", vault.Failed},
		{"trouble", workflows.AccountStatus{Status: credential.Degraded, Generation: 7, Reason: "HTTP 503"}, nil,
			"tries again by itself, and this is why:<br><q>HTTP 503</q>", vault.Failed},
		{"no refresh token", workflows.AccountStatus{Status: credential.Active, Generation: 7}, nil, "its provider issued no refresh token", vault.Failed},
		{"no Workflow", before, serviceerror.NewNotFound("gone"), "has no Workflow", vault.Failed},
		{"no worker", before, context.DeadlineExceeded, "gave no answer in time. Make sure that a worker runs", vault.Failed},
		{"broken", before, errors.New("dial tcp"), "tokenkeeper doctor finds the fix", vault.Failed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.owner.account = func(context.Context) (workflows.AccountStatus, error) { return before, nil }
			f.owner.deed = func() (workflows.AccountStatus, error) { return test.after, test.err }
			b := f.browser()
			shown := b.back(buttonsOf + "refresh")
			assert.Contains(t, shown, "Account acme/triage/fake")
			assert.Contains(t, shown, test.want)
			assert.NotContains(t, shown, "dial tcp")
			assert.NotContains(t, b.open("/").body, `id="result"`, "it is said once")
			assert.Equal(t, []string{"refresh"}, f.owner.deeds)
			event := f.audited()[0]
			assert.Equal(t, vault.Refresh, event.Action)
			assert.Equal(t, test.outcome, event.Outcome)
		})
	}
}

func TestRefreshButtonWithoutAWorker(t *testing.T) {
	f := newFixture(t)
	f.owner.account = func(context.Context) (workflows.AccountStatus, error) {
		return workflows.AccountStatus{}, context.DeadlineExceeded
	}
	assert.Contains(t, f.browser().back(buttonsOf+"refresh"), "Make sure that a worker runs")
	assert.Empty(t, f.owner.deeds)
}

func TestDisconnect(t *testing.T) {
	f := newFixture(t)
	f.owner.account = func(context.Context) (workflows.AccountStatus, error) {
		return workflows.AccountStatus{Status: credential.Active, Display: "triage-bot in Acme"}, nil
	}
	f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), account.String(), func(v *gateway.AccountView) { v.Waiting = 4 })},
		triageOf(f.clock.Now(), func(v *gateway.TriageView) { v.Accounts = []credential.AccountID{account} }),
		triageOf(f.clock.Now(), func(v *gateway.TriageView) { v.Triage = "acme/unrelated" }))
	b := f.browser()
	asked := b.open(buttonsOf + "disconnect")
	require.Equal(t, http.StatusOK, asked.status)
	for _, want := range []string{
		"Disconnect <code>acme/triage/fake</code>?", "triage-bot in Acme", "Fake &amp; Co", "Triage acme/bug-reports uses it", "4 Workflows",
		`action="` + buttonsOf + `disconnect"`, `href="/">Keep it`,
	} {
		assert.Contains(t, asked.body, want)
	}
	assert.NotContains(t, asked.body, "acme/unrelated")
	assert.Equal(t, "same-origin", asked.header.Get("Referrer-Policy"), "or old browsers could not post it")
	assert.Empty(t, f.owner.deeds, "asking changes nothing")

	f.owner.deed = func() (workflows.AccountStatus, error) {
		return workflows.AccountStatus{Status: credential.Active, Warning: "the provider does not answer"}, nil
	}
	assert.Contains(t, b.back(buttonsOf+"disconnect"), "how to end it without the provider. This is why:<br><q>the provider does not answer</q>")
	f.owner.deed = func() (workflows.AccountStatus, error) {
		return workflows.AccountStatus{Status: credential.Disconnected}, nil
	}
	b.open("/")
	looks := f.board.looks
	assert.Contains(t, b.back(buttonsOf+"disconnect"), "Account acme/triage/fake is disconnected")
	assert.Equal(t, looks+1, f.board.looks, "the page shows what is true after the button")
	events := f.audited()
	require.Len(t, events, 2)
	assert.Equal(t, vault.Done, events[0].Outcome)
	assert.Equal(t, vault.Failed, events[1].Outcome)
	f.owner.deed = func() (workflows.AccountStatus, error) {
		return workflows.AccountStatus{}, serviceerror.NewNotFound("gone")
	}
	assert.Contains(t, b.back(buttonsOf+"disconnect"), "has no Workflow")
}

// A provider that does not answer keeps nobody from destroying the tokens, and what that leaves behind is said.
func TestDisconnectByForce(t *testing.T) {
	f := newFixture(t)
	status := workflows.AccountStatus{Account: account, Status: credential.Active}
	f.owner.account = func(context.Context) (workflows.AccountStatus, error) { return status, nil }
	b := f.browser()
	asked := b.open(buttonsOf + "disconnect").body
	assert.Contains(t, asked, "<details>")
	assert.Contains(t, asked, "Where Fake &amp; Co does not answer, or refuses the app")
	assert.Contains(t, asked, "Disconnect acme/triage/fake</button>")

	f.owner.deed = func() (workflows.AccountStatus, error) {
		status.Disconnecting = true
		return workflows.AccountStatus{}, context.DeadlineExceeded
	}
	assert.Contains(t, b.back(buttonsOf+"disconnect"), "is still being disconnected: its provider has not taken the revocation yet")
	asked = b.open(buttonsOf + "disconnect").body
	assert.Contains(t, asked, "It waits for Fake &amp; Co")
	assert.Contains(t, asked, "may live on there")
	assert.NotContains(t, asked, "Disconnect acme/triage/fake</button>", "that was done")
	assert.Contains(t, asked, `name="force"`)

	force := url.Values{"force": {"yes"}}
	f.owner.deed = func() (workflows.AccountStatus, error) {
		return workflows.AccountStatus{Status: credential.Disconnected, Unrevoked: "fake: revoke: HTTP 503"}, nil
	}
	require.Equal(t, "/#result", b.submit(buttonsOf+"disconnect", force).location)
	shown := html.UnescapeString(b.open("/").body)
	assert.Contains(t, shown, "the provider has not revoked the grant, which may live on there")
	assert.Contains(t, shown, "<q>fake: revoke: HTTP 503</q>")
	f.owner.deed = func() (workflows.AccountStatus, error) {
		return workflows.AccountStatus{Status: credential.Disconnected}, nil
	}
	b.submit(buttonsOf+"disconnect", force)
	assert.Contains(t, b.open("/").body, "is disconnected: its tokens are destroyed, and")
	assert.Equal(t, []string{"disconnect", "disconnect by force", "disconnect by force"}, f.owner.deeds)

	events := f.audited()
	require.Len(t, events, 3)
	for i, want := range []vault.Event{
		{Outcome: vault.Done, Detail: "disconnected_by_force"},
		{Outcome: vault.Done, Detail: "unrevoked: fake: revoke: HTTP 503"},
		{Outcome: vault.Failed, Detail: "disconnecting"},
	} {
		want.Actor, want.Action, want.Account, want.Remote = "local", vault.Disconnect, account, "127.0.0.1"
		assert.Equal(t, want, events[i])
	}
}

func TestButtonsAreForOperators(t *testing.T) {
	f := newFixture(t)
	f.server.PublicURL = parseURL(t, "https://example.com")
	handler := f.server.Handler()
	for _, name := range []string{"connect", "reauthorize", "refresh", "disconnect"} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "https://example.com"+buttonsOf+name, nil))
		assert.Equal(t, http.StatusForbidden, recorder.Code, name)
		assert.Contains(t, recorder.Body.String(), "This is for operators")
		event := f.audited()[0]
		assert.Equal(t, vault.Event{
			Actor: "stranger", Action: event.Action, Account: account, Remote: "192.0.2.1", Outcome: vault.Refused, Detail: "not an operator",
		}, event)
	}
	assert.Len(t, f.audited(), 4)
	assert.Empty(t, f.owner.deeds)
}

func TestButtonsPressedByAnotherSite(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"connect", "reauthorize", "refresh", "disconnect"} {
		got := f.browser().send(http.MethodPost, buttonsOf+name, http.Header{"Sec-Fetch-Site": {"cross-site"}})
		assert.Equal(t, http.StatusForbidden, got.status)
		assert.Empty(t, got.header.Get("Set-Cookie"))
	}
	assert.Empty(t, f.owner.deeds)
	assert.Empty(t, f.audited())
}

func TestButtonsOfNoAccount(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	assert.Equal(t, http.StatusBadRequest, b.press("/accounts/Acme/triage/fake/refresh").status)
	assert.Equal(t, http.StatusNotFound, b.press("/accounts/acme/triage/unknown/connect").status)
	assert.Equal(t, http.StatusNotFound, b.open(buttonsOf+"refresh").status)
	assert.Empty(t, f.owner.deeds)
}

func TestButtonsWithoutTheVault(t *testing.T) {
	f := newFixture(t)
	f.server.Vault = brokenVault{Vault: f.vault, newLink: true, audit: true}
	pressed := f.browser().press(buttonsOf + "reauthorize")
	assert.Equal(t, http.StatusInternalServerError, pressed.status)
	assert.Contains(t, pressed.body, "The vault does not answer")
	assert.Contains(t, f.log.String(), "an action is not in the audit log")
}

func TestBannersThatAreNotOurs(t *testing.T) {
	f := newFixture(t)
	for _, value := range []string{"", "%", "bnVsbA", base64.RawURLEncoding.EncodeToString([]byte(`{"result":"won","account":"acme/triage/fake"}`)),
		base64.RawURLEncoding.EncodeToString([]byte(`{"result":"new_tokens"}`)),
		base64.RawURLEncoding.EncodeToString([]byte(`{"result":"new_tokens","account":"<b>"}`))} {
		shown := f.browser().send(http.MethodGet, "/", http.Header{"Cookie": {"tokenkeeper-result=" + value}})
		assert.Equal(t, http.StatusOK, shown.status)
		assert.NotContains(t, shown.body, `id="result"`, value)
	}
}
