package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/config"
	"tokenkeeper/credential"
	"tokenkeeper/internal/mailtest"
)

func TestTheDoctorLooksWhereNoticesGo(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.OpenVault(t.Context()))
	w.connect(t, "acme/triage/slack")
	account := credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	gone := mailtest.Start(t, mailtest.Options{}) // demands nothing, and has a certificate that nobody knows
	local := mailtest.Start(t, mailtest.Options{Plain: true})
	mails := func(host string, port int, tls string) config.NoticeTarget {
		return config.NoticeTarget{Type: config.TargetEmail, Host: host, Port: port, TLS: tls, From: "a@example.com", To: []string{"b@example.com", "c@example.com"}}
	}
	w.Config().Notices.Targets = map[string]config.NoticeTarget{
		"log": {Type: config.TargetLog}, "pager": {Type: config.TargetWebhook},
		"a-team": {Type: config.TargetSlack, Account: account, Channel: "C0SUPPORT"},
		"b-team": {Type: config.TargetSlack, Account: account, Channel: "C0RANDOM"},
		"c-mail": mails("127.0.0.1", local.Port, config.MailNoTLS), "d-mail": mails("127.0.0.1", gone.Port, config.MailStartTLS),
	}
	findings := w.checkNotices(t.Context(), 10*time.Second)
	require.Len(t, findings, 4)
	assert.Equal(t, Finding{Subject: "notices to channel C0SUPPORT", OK: true}, findings[0])
	assert.Equal(t, "not_in_channel", findings[1].Problem)
	assert.Contains(t, findings[1].Fix, "invite the bot")
	assert.Equal(t, Finding{Subject: "notices by mail server 127.0.0.1", OK: true}, findings[2])
	assert.Contains(t, findings[3].Problem, "certificate")
	assert.Contains(t, findings[3].Fix, "notices.targets.d-mail")
	assert.Contains(t, w.ConfiguredAccounts(), account)

	assert.Equal(t, []string{"a-team", "b-team", "c-mail/b@example.com", "c-mail/c@example.com", "d-mail/b@example.com", "d-mail/c@example.com", "log", "pager"},
		w.NoticeTargets(""))
	assert.Equal(t, []string{"c-mail/b@example.com", "c-mail/c@example.com"}, w.NoticeTargets("c-mail"))
	assert.Equal(t, []string{"c-mail/c@example.com"}, w.NoticeTargets("c-mail/c@example.com"))
	assert.Empty(t, w.NoticeTargets("nobody"))
}
