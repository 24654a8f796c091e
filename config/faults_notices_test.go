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
			place + "5: notices.targets.pager.type: this is missing; fix: write type: webhook, or type: log",
		}},
		{"type unknown", "connectors:\n", pager("type: webhok"), []string{
			place + `19: notices.targets.pager.type: "webhok" is no type of target, did you mean "webhook"?; fix: write webhook or log`,
		}},
		{"log with an address", "connectors:\n", pager("type: log, url: https://x.example.com"), []string{
			place + "29: notices.targets.pager.url: the log of the worker has none; fix: delete it, or write type: webhook",
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
