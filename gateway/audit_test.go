package gateway_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

func TestTheAuditLogHasTheWayOfALink(t *testing.T) {
	f := newFixture(t)
	event := func(action vault.Action, outcome vault.Outcome, detail string) vault.Event {
		return vault.Event{Actor: "local", Action: action, Account: account, Remote: "127.0.0.1", Outcome: outcome, Detail: detail}
	}
	link, code := f.linkWith(vault.LinkRequest{Account: account, Code: true})
	b := f.browser()
	b.open(link)
	require.Equal(t, http.StatusForbidden, b.enter(link, "BBBB-BBBB").status)
	begun := b.enter(link, code)
	require.Equal(t, http.StatusSeeOther, begun.status)
	require.Equal(t, http.StatusForbidden, f.browser().enter(link, code).status)
	require.Equal(t, http.StatusOK, b.open(b.open(begun.location).location).status)
	require.Equal(t, http.StatusNotFound, b.enter(link, code).status, "of no account any more")

	assert.Equal(t, []vault.Event{
		event(vault.Consent, vault.Done, "as person U1 (U1)"),
		event(vault.LinkOpened, vault.Refused, "opening a link: another browser has opened it"),
		event(vault.LinkOpened, vault.Done, ""),
		event(vault.LinkOpened, vault.Refused, "opening a link: wrong confirmation code; attempts left: 4"),
	}, f.audited())
}

func TestTheAuditLogHasHowEachConsentEnds(t *testing.T) {
	tests := []struct {
		name    string
		come    func(f *fixture, b *browser)
		outcome vault.Outcome
		detail  string
	}{
		{"consented", func(_ *fixture, b *browser) { b.connect() }, vault.Done, "as person U1 (U1)"},
		{"declined", func(f *fixture, b *browser) {
			f.auth.change(func(a *authServer) { a.refusal = "access_denied" })
			b.connect()
		}, vault.Denied, ""},
		{"error of the provider", func(f *fixture, b *browser) {
			f.auth.change(func(a *authServer) { a.refusal = "server_error" })
			b.connect()
		}, vault.Failed, "the provider sent an error server_error"},
		{"prose of the provider", func(f *fixture, b *browser) {
			f.auth.change(func(a *authServer) { a.refusal = "call 0800 <b>" })
			b.connect()
		}, vault.Failed, "the provider sent an error"},
		{"another subject", func(f *fixture, b *browser) {
			b.connect()
			f.auth.change(func(a *authServer) { a.subject = "U2" })
			b.connect()
		}, vault.Refused, "account acme/triage/fake belongs to person U1 (U1), but person U2 (U2) consented; " +
			"consent as the former, or disconnect the account first"},
		{"another browser", func(f *fixture, b *browser) { f.browser().open(b.callback().String()) }, vault.Refused,
			"another browser than the one that began brought it back"},
		{"another issuer", func(f *fixture, b *browser) {
			f.nameIssuer("https://issuer.example")
			b.connect()
		}, vault.Refused, "another issuer than the connector's"},
		{"no code", func(_ *fixture, b *browser) { b.open(with(b.callback(), map[string]string{"code": ""})) }, vault.Failed, "the provider sent no code"},
		{"a connector that is gone", func(f *fixture, b *browser) {
			callback := b.callback()
			f.server.Connections = connections{}
			b.open(callback.String())
		}, vault.Failed, "its connector is gone"},
		{"a link that a newer one voided", func(f *fixture, b *browser) {
			callback := b.follow(f.link())
			f.link()
			b.open(callback.String())
		}, vault.Refused, "its link is void"},
		{"a vault that takes no tokens", func(f *fixture, b *browser) {
			f.server.Vault = brokenVault{Vault: f.vault, putAuthorization: true}
			b.connect()
		}, vault.Failed, "the vault does not answer"},
		{"no verdict", func(f *fixture, b *browser) {
			f.owner.verdict = func(context.Context, string) (workflows.AccountStatus, error) {
				return workflows.AccountStatus{}, context.DeadlineExceeded
			}
			b.connect()
		}, vault.Failed, "kept: the account has not taken it yet"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			test.come(f, f.browser())
			last := f.audited()[0]
			assert.Equal(t, vault.Event{
				Actor: "local", Action: vault.Consent, Account: account, Remote: "127.0.0.1", Outcome: test.outcome, Detail: test.detail,
			}, last)
		})
	}
}

// The provider's own words and the code stay out of the audit log, which nobody can clean.
func TestTheAuditLogSaysWhyThereAreNoTokens(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	b.open(with(b.callback(), map[string]string{"code": "injected-code"}))
	last := f.audited()[0]
	assert.Equal(t, vault.Failed, last.Outcome)
	assert.Contains(t, last.Detail, "it brought no tokens: ")
	assert.NotContains(t, last.Detail, "injected-code")
	requireNoSecret(t, last.Detail, f.auth.secrets())
}
