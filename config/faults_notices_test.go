package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestNoticesGoToTheLogByDefault(t *testing.T) {
	c := mustLoad(t, good)
	n := c.Notices
	if len(n.Targets) != 1 || n.Targets["log"].Type != TargetLog || n.Quiet != 15*time.Minute || fmt.Sprint(n.Escalation) != "[1h0m0s 24h0m0s 72h0m0s]" {
		t.Errorf("notices = %+v", n)
	}
}

func TestTheSecretsOfATargetAreNotShown(t *testing.T) {
	c := mustLoad(t, good+"notices:\n  escalation: []\n  targets:\n    pager: {type: webhook, url_env: VAULT_URL_WEB, secret_env: NOTICE_SECRET}\n")
	got := c.Notices.Targets["pager"]
	encoded, err := json.Marshal(c)
	if err != nil || got.Secret().IsZero() || got.Address().IsZero() || len(c.Notices.Escalation) != 0 {
		t.Fatalf("%v: %+v", err, got)
	}
	for _, shown := range []string{fmt.Sprintf("%+v %#v", got, got), string(encoded)} {
		if strings.Contains(shown, "MfKQ9r8G") || strings.Contains(shown, "token-in-path") {
			t.Errorf("a secret is shown: %s", shown)
		}
	}
}

func TestFaultsOfNotices(t *testing.T) {
	pager := func(rest string) string { return "notices:\n  targets:\n    pager: {" + rest + "}\nconnectors:\n" }
	const place = "tokenkeeper.yaml:11:"
	testFaults(t, []fault{
		{"type missing", "connectors:\n", pager("url: https://x.example.com"), []string{
			place + "5: notices.targets.pager.type: this is missing; fix: write type: and one of email, log, slack, webhook",
		}},
		{"type unknown", "connectors:\n", pager("type: webhok"), []string{
			place + `19: notices.targets.pager.type: "webhok" is no type of target, did you mean "webhook"?; fix: write one of email, log, slack, webhook`,
		}},
		{"log with an address", "connectors:\n", pager("type: log, url: https://x.example.com"), []string{
			place + "29: notices.targets.pager.url: a target of type log has no url; fix: delete it, or write type: webhook",
		}},
		{"webhook with nothing", "connectors:\n", pager("type: webhook"), []string{
			place + "5: notices.targets.pager.secret_env: the secret is missing, and an event that is not signed is not believed; fix: write secret_env: NAME or secret_file: PATH; the receiver shows it, or make one with: echo whsec_$(openssl rand -base64 32)",
			place + "5: notices.targets.pager.url: this is missing; fix: write url: https://…, or url_env: NAME where the URL is a secret",
		}},
		{"in clear", "connectors:\n", pager("type: webhook, url: http://x.example.com, secret_env: NOTICE_SECRET"), []string{
			place + "33: notices.targets.pager.url: http would send the link to consent in clear; fix: write https; http is for 127.0.0.1, [::1] and localhost",
		}},
		{"no URL", "connectors:\n", pager("type: webhook, url: x.example.com, secret_env: NOTICE_SECRET"), []string{
			place + "33: notices.targets.pager.url: this is no absolute URL with http or https; fix: write the URL as the receiver shows it",
		}},
		{"two URLs", "connectors:\n", pager("type: webhook, url: https://x.example.com, url_env: A, secret_env: NOTICE_SECRET"), []string{
			place + "65: notices.targets.pager.url_env: url is there too, and one of them would be ignored; fix: delete one of the two",
		}},
		{"secret inline", "connectors:\n", pager("type: webhook, url: https://x.example.com, secret: whsec_abc"), []string{
			place + "56: notices.targets.pager.secret: a secret must never stand in this file; fix: put it into an environment variable and write secret_env: NAME; if this file was shared, make a new one at the receiver",
		}},
		{"secret of another kind", "connectors:\n", pager("type: webhook, url: https://x.example.com, secret_env: GITHUB_CLIENT_SECRET"), []string{
			place + "68: notices.targets.pager.secret_env: the secret is not whsec_ and base64; fix: the receiver shows it, or make one with: echo whsec_$(openssl rand -base64 32)",
		}},
		{"secret short", "connectors:\n", pager("type: webhook, url: https://x.example.com, secret_env: NOTICE_SHORT"), []string{
			place + "68: notices.targets.pager.secret_env: the secret has 12 bytes, Standard Webhooks wants 24 to 64; fix: the receiver shows it, or make one with: echo whsec_$(openssl rand -base64 32)",
		}},
		{"name", "connectors:\n", "notices:\n  targets:\n    Pager: {type: log}\nconnectors:\n", []string{
			place + `5: notices.targets.Pager: "Pager" is no name of a target; fix: write ` + segmentRule,
		}},
		{"escalation falls", "connectors:\n", "notices: {escalation: [2h, 1h]}\nconnectors:\n", []string{
			"tokenkeeper.yaml:9:28: notices.escalation[1]: 1h0m0s comes after 2h0m0s, and each is counted from the first notice; fix: write them in rising order",
		}},
		{"escalation soon", "connectors:\n", "notices: {escalation: [1s]}\nconnectors:\n", []string{
			"tokenkeeper.yaml:9:24: notices.escalation[0]: 1s is outside 1m0s to 2160h0m0s; fix: write for example [1h, 24h, 72h], or [] to tell once",
		}},
		{"quiet for ever", "connectors:\n", "notices: {quiet: 48h}\nconnectors:\n", []string{
			"tokenkeeper.yaml:9:18: notices.quiet: 48h0m0s is outside 0s to 24h0m0s; fix: write for example 15m",
		}},
	})
}

const slackTargetText = "    team: {type: slack, account: acme/ops/slack, channel: C0123456789}\n"

func TestTargetsThroughSlackAndByMail(t *testing.T) {
	c := mustLoad(t, good+"notices:\n  targets:\n"+slackTargetText+`    ops:
      type: email
      host: smtp.example.com
      username: keeper
      password_env: SMTP_PASSWORD
      from: tokenkeeper <tokenkeeper@example.com>
      to: [ops@example.com, jane@example.com]
    relay: {type: email, host: localhost, tls: none, from: a@example.com, to: [b@example.com]}
    old: {type: email, host: smtp.example.com, tls: implicit, from: a@example.com, to: [b@example.com]}
`)
	n := c.Notices.Targets
	if got := n["team"]; got.Account.String() != "acme/ops/slack" || got.Channel != "C0123456789" {
		t.Errorf("team = %+v", got)
	}
	if got := n["ops"]; got.Port != 587 || got.TLS != MailStartTLS || got.Secret().Reveal() != "s3cr3t-of-mail" || len(got.To) != 2 {
		t.Errorf("ops = %+v", got)
	}
	if n["relay"].Port != 25 || n["old"].Port != 465 {
		t.Errorf("ports = %d, %d", n["relay"].Port, n["old"].Port)
	}
	if encoded, err := json.Marshal(c); err != nil || strings.Contains(string(encoded), "s3cr3t-of-mail") {
		t.Errorf("%v: the password is shown", err)
	}
}

func TestFaultsOfSlackTargets(t *testing.T) {
	row := func(name, target string, want ...string) fault {
		return fault{name, "connectors:\n", "notices:\n  targets:\n    log: {type: log}\n    team: {" + target + "}\nconnectors:\n", want}
	}
	const place = "tokenkeeper.yaml:12:"
	testFaults(t, []fault{
		row("nothing", "type: slack",
			place+"5: notices.targets.team.account: this is missing; fix: write the account that posts as organization/user/connector, for example acme/ops/slack",
			place+"5: notices.targets.team.channel: this is missing; fix: "+channelHint),
		row("name of a channel", `type: slack, account: acme/ops/slack, channel: "#ops"`,
			place+`59: notices.targets.team.channel: "#ops" is a name, and names change; fix: `+channelHint),
		row("another provider", "type: slack, account: acme/ops/github, channel: C0123456789",
			place+"34: notices.targets.team.account: account acme/ops/github: connector github is of provider github-app, which is not slack; fix: use a connector whose provider is slack, or an own one with slack as a word of its id, such as acme-slack"),
		row("unknown connector", "type: slack, account: acme/ops/slak, channel: C0123456789",
			place+`34: notices.targets.team.account: account acme/ops/slak: there is no connector "slak", did you mean "slack"?; fix: use one of the connectors, or add it; connectors are: github, slack`),
		row("of a webhook", "type: slack, account: acme/ops/slack, channel: C0123456789, url: https://x.example.com",
			place+"77: notices.targets.team.url: a target of type slack has no url; fix: delete it, or write type: webhook"),
		{"alone", "connectors:\n", "notices:\n  targets:\n" + slackTargetText + "connectors:\n", []string{
			"tokenkeeper.yaml:10:3: notices.targets: every target goes through the same Slack app, so that nobody would hear of its end; fix: add a target that needs no account, for example log: {type: log}",
		}},
	})
	for scopes, want := range map[string]string{
		"[channels:history]": "connector slack has not the scope chat:write, without which nobody can post",
		"[chat:write]":       "connector slack has not the scope channels:history, without which nobody can find what was posted before",
	} {
		text := edit(t, good, "[channels:history, chat:write]", scopes) + "notices:\n  targets:\n    log: {type: log}\n" + slackTargetText
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", scopes, err)
		}
	}
}

func TestFaultsOfMailTargets(t *testing.T) {
	row := func(name, target string, want ...string) fault {
		return fault{name, "connectors:\n", "notices:\n  targets:\n    ops: {type: email, " + target + "}\nconnectors:\n", want}
	}
	const place, rest = "tokenkeeper.yaml:11:", "from: a@example.com, to: [b@example.com]"
	const to = "fix: write addresses without names, for example [ops@example.com]; for more people take a mailing list"
	testFaults(t, []fault{
		row("nothing", "tls: implicit",
			place+"5: notices.targets.ops.from: this is missing; fix: write the address that notices come from, for example tokenkeeper@example.com",
			place+"5: notices.targets.ops.host: this is missing; fix: write the name of the mail server, for example smtp.example.com",
			place+"5: notices.targets.ops.to: nobody would get it; "+to),
		row("host and port", "host: 'smtp.example.com:587', "+rest,
			place+`30: notices.targets.ops.host: "smtp.example.com:587" is no name of a machine; fix: write the name alone; the port is under port`),
		row("in clear", "host: smtp.example.com, tls: none, "+rest,
			place+"53: notices.targets.ops.tls: without TLS the link to consent would travel in clear; fix: write starttls or implicit; none is for 127.0.0.1, ::1 and localhost"),
		row("tls", "host: smtp.example.com, tls: ssl, "+rest,
			place+`53: notices.targets.ops.tls: "ssl" is no way to encrypt; fix: write starttls, implicit (from the first byte on, port 465) or none (a server on this machine)`),
		row("port", "host: smtp.example.com, port: 70000, "+rest,
			place+"54: notices.targets.ops.port: 70000 is not between 1 and 65535; fix: write the port of the mail server, or delete it: 587 for starttls, 465 for implicit"),
		row("no password", "host: smtp.example.com, username: keeper, "+rest,
			place+"5: notices.targets.ops.password_env: the password is missing; fix: write password_env: NAME or password_file: PATH, or delete username where the server wants none"),
		row("no user", "host: smtp.example.com, password_env: SMTP_PASSWORD, "+rest,
			place+"5: notices.targets.ops.username: there is a password, and no user whose it is; fix: write username: and the name to sign in with"),
		row("password in the file", "host: smtp.example.com, username: keeper, password: hunter2, "+rest,
			place+"66: notices.targets.ops.password: a secret must never stand in this file; fix: put it into an environment variable and write password_env: NAME; if this file was shared, make a new one at the receiver"),
		row("addresses", "host: smtp.example.com, from: nobody, to: [b@example.com, Jane <j@example.com>, b@example.com]",
			place+`54: notices.targets.ops.from: "nobody" is no address of e-mail; fix: write the address that notices come from, for example tokenkeeper@example.com`,
			place+`82: notices.targets.ops.to[1]: "Jane <j@example.com>" is no address of e-mail; `+to,
			place+"104: notices.targets.ops.to[2]: b@example.com is there already; fix: delete one of them"),
	})
}
