package config

import (
	"testing"
	"time"
)

func TestSince(t *testing.T) {
	for text, want := range map[string]string{"720h": "720h0m0s", "2026-01-02T15:04:05+01:00": "2026-01-02T14:04:05Z", `"2026-01-02T15:04:05Z"`: "2026-01-02T15:04:05Z"} {
		got := mustLoad(t, edit(t, good, "lookback: 0s", "lookback: 720h\n    since: "+text)).Triages["acme/bug-reports"]
		if got.Since.String() != want || got.Lookback != 720*time.Hour {
			t.Errorf("%s: %+v", text, got.Since)
		}
	}
	if got := mustLoad(t, good).Triages["acme/bug-reports"].Since; !got.IsZero() {
		t.Errorf("nobody wrote %s", got)
	}
}

func TestFaultsOfTriages(t *testing.T) {
	testFaults(t, []fault{
		{"triage no mapping", "triages:\n", "triages:\n  acme/none: 5\n", []string{
			`tokenkeeper.yaml:21:14: triages.acme/none: want keys with values, got a number; fix: write key: value, a line for each`,
		}},
		{"triage name", "  acme/bug-reports:", "  bug-reports:", []string{
			`tokenkeeper.yaml:21:3: triages.bug-reports: "bug-reports" is not organization/name; fix: write two parts like acme/bug-reports, each 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit`,
		}},
		{"triage name parts", "  acme/bug-reports:", "  Acme/bug/reports:", []string{
			`tokenkeeper.yaml:21:3: triages.Acme/bug/reports: "Acme/bug/reports" is not organization/name; fix: write two parts like acme/bug-reports, each 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit`,
		}},
		{"account malformed", "slack: acme/triage/slack", "slack: acme/slack", []string{
			`tokenkeeper.yaml:22:12: triages.acme/bug-reports.slack: account "acme/slack": want organization/user/connector, for example acme/triage/slack; fix: correct this value`,
		}},
		{"account missing", "    slack: acme/triage/slack\n", "", []string{
			`tokenkeeper.yaml:21:3: triages.acme/bug-reports.slack: this is missing; fix: write the account as organization/user/connector, for example acme/triage/slack`,
		}},
		{"account empty", "slack: acme/triage/slack", "slack: \"\"", []string{
			`tokenkeeper.yaml:22:12: triages.acme/bug-reports.slack: this is empty; fix: write the account as organization/user/connector, for example acme/triage/slack`,
		}},
		{"account's connector unknown", "github: acme/triage/github", "github: acme/triage/git-hub", []string{
			`tokenkeeper.yaml:23:13: triages.acme/bug-reports.github: account acme/triage/git-hub: there is no connector "git-hub", did you mean "github"?; fix: use one of the connectors, or add it; connectors are: github, slack`,
		}},
		{"account's provider", "github: acme/triage/github", "github: acme/triage/slack", []string{
			`tokenkeeper.yaml:23:13: triages.acme/bug-reports.github: account acme/triage/slack: connector slack is of provider slack, which is not github; fix: use a connector whose provider is github, or an own one with github as a word of its id, such as acme-github`,
		}},
		{"account of another organization", "github: acme/triage/github", "github: umbrella/triage/github", []string{
			`tokenkeeper.yaml:23:13: triages.acme/bug-reports.github: account umbrella/triage/github belongs to organization umbrella, this triage to acme; fix: use an account of acme: no organization works with another's credentials`,
		}},
		{"poll interval short", "poll_interval: 30s", "poll_interval: 500ms", []string{
			`tokenkeeper.yaml:24:20: triages.acme/bug-reports.poll_interval: 500ms is shorter than 1s; fix: write 1s or longer; Slack counts every look, 30s is kind`,
		}},
		{"poll interval zero", "poll_interval: 30s", "poll_interval: 0s", []string{
			`tokenkeeper.yaml:24:20: triages.acme/bug-reports.poll_interval: 0s is shorter than 1s; fix: write 1s or longer; Slack counts every look, 30s is kind`,
		}},
		{"threshold", "lookback: 0s", "threshold: 101", []string{
			`tokenkeeper.yaml:25:16: triages.acme/bug-reports.threshold: 101 is not between 0 and 100; fix: write percent, for example 60; 0 never sets the label needs-triage`,
		}},
		{"threshold as a share", "lookback: 0s", "threshold: 0.6", []string{
			`tokenkeeper.yaml:25:16: triages.acme/bug-reports.threshold: want a whole number, got a number; fix: write digits`,
		}},
		{"follow negative", "lookback: 0s", "follow: -1h", []string{
			`tokenkeeper.yaml:25:13: triages.acme/bug-reports.follow: -1h0m0s is not between 1h and 2160h; fix: write for how long after a report its thread is followed, or 0s for not at all`,
		}},
		{"follow short", "lookback: 0s", "follow: 59m", []string{
			`tokenkeeper.yaml:25:13: triages.acme/bug-reports.follow: 59m0s is not between 1h and 2160h; fix: write for how long after a report its thread is followed, or 0s for not at all`,
		}},
		{"follow long", "lookback: 0s", "follow: 2161h", []string{
			`tokenkeeper.yaml:25:13: triages.acme/bug-reports.follow: 2161h0m0s is not between 1h and 2160h; fix: write for how long after a report its thread is followed, or 0s for not at all`,
		}},
		{"lookback negative", "lookback: 0s", "lookback: -1h", []string{
			`tokenkeeper.yaml:25:15: triages.acme/bug-reports.lookback: -1h0m0s is negative; fix: write how far back the first start reads, for example 24h, or 0s`,
		}},
		{"since in days", "lookback: 0s", "since: 30d", []string{
			`tokenkeeper.yaml:25:12: triages.acme/bug-reports.since: "30d" is neither a duration such as 720h nor a time such as 2026-01-02T15:04:05Z; fix: correct this value`,
		}},
		{"since of a list", "lookback: 0s", "since: [720h]", []string{
			`tokenkeeper.yaml:25:5: triages.acme/bug-reports.since: want text, got a list; fix: write one value`,
		}},
		{"since shorter than a night", "lookback: 0s", "since: 8h", []string{
			`tokenkeeper.yaml:25:12: triages.acme/bug-reports.since: 8h0m0s is shorter than 24h0m0s, so that an outage of a night would lose reports; fix: write the age from which on nobody wants a report any more, for example 720h, or a time such as 2026-01-02T15:04:05Z`,
		}},
		{"since of a time to come", "lookback: 0s", "since: 9026-01-02T15:04:05Z", []string{
			`tokenkeeper.yaml:25:12: triages.acme/bug-reports.since: 9026-01-02T15:04:05Z is in the future, so that no message would be taken; fix: write a time that is over, or an age such as 720h`,
		}},
		{"lookback beyond since", "lookback: 0s", "lookback: 721h\n    since: 720h", []string{
			`tokenkeeper.yaml:25:15: triages.acme/bug-reports.lookback: the first start would look back 721h0m0s, and nothing older than 720h0m0s is taken; fix: write no more than since, or a longer since`,
		}},
		{"no routes", "    routes:\n      - channel: C0123456\n        repository: acme/app\n        labels: [bug]\n", "", []string{
			`tokenkeeper.yaml:21:3: triages.acme/bug-reports.routes: a triage without routes reads nothing; fix: write at least one entry with channel and repository`,
		}},
		{"routes empty", "    routes:\n      - channel: C0123456\n        repository: acme/app\n        labels: [bug]\n", "    routes: []\n", []string{
			`tokenkeeper.yaml:26:5: triages.acme/bug-reports.routes: a triage without routes reads nothing; fix: write at least one entry with channel and repository`,
		}},
		{"routes null", "    routes:\n      - channel: C0123456\n        repository: acme/app\n        labels: [bug]\n", "    routes:\n      -\n", []string{
			`tokenkeeper.yaml:27:9: triages.acme/bug-reports.routes[0].channel: this is missing; fix: write the id: in Slack open the channel, click its name, and copy the Channel ID at the end of About`,
			`tokenkeeper.yaml:27:9: triages.acme/bug-reports.routes[0].repository: this is missing; fix: write owner/name, for example acme/app`,
		}},
		{"routes wrong", "    routes:\n      - channel: C0123456\n        repository: acme/app\n        labels: [bug]\n", "    routes: yes\n", []string{
			`tokenkeeper.yaml:26:13: triages.acme/bug-reports.routes: want a list, got text; fix: write [one, two], or a line with '- ' for each entry`,
		}},
		{"channel missing", "- channel: C0123456\n        repo", "- repo", []string{
			`tokenkeeper.yaml:27:9: triages.acme/bug-reports.routes[0].channel: this is missing; fix: write the id: in Slack open the channel, click its name, and copy the Channel ID at the end of About`,
		}},
		{"severity unknown", "labels: [bug]", "severity_labels: {urgent: P0, low: \"\"}", []string{
			`tokenkeeper.yaml:29:35: triages.acme/bug-reports.routes[0].severity_labels.urgent: there is no severity "urgent"; fix: write one of critical, high, medium, low`,
			`tokenkeeper.yaml:29:44: triages.acme/bug-reports.routes[0].severity_labels.low: "" is no label; fix: write 1 to 50 characters`,
		}},
		{"component label empty", "labels: [bug]", "component_labels: {\" \": area/x, checkout: \"\"}", []string{
			`tokenkeeper.yaml:29:33: triages.acme/bug-reports.routes[0].component_labels." ": " " is no name of a component; fix: write 1 to 50 characters in one line`,
			`tokenkeeper.yaml:29:51: triages.acme/bug-reports.routes[0].component_labels.checkout: "" is no label; fix: write 1 to 50 characters`,
		}},
		{"assignee no login", "labels: [bug]", "assignees: [\"@ada\"]", []string{
			`tokenkeeper.yaml:29:21: triages.acme/bug-reports.routes[0].assignees[0]: "@ada" is no GitHub login; fix: write the login without @, for example octocat`,
		}},
		{"too many assignees", "labels: [bug]", "assignees: [a, b, c, d, e, f, g, h, i, j, k]", []string{
			`tokenkeeper.yaml:29:9: triages.acme/bug-reports.routes[0].assignees: 11 assignees, GitHub takes 10; fix: delete some`,
		}},
		{"route no mapping", "labels: [bug]", "labels: [bug]\n      - C0123457", []string{
			`tokenkeeper.yaml:30:9: triages.acme/bug-reports.routes[1]: want keys with values, got text; fix: write key: value, a line for each`,
		}},
		{"channel over lines", "channel: C0123456", "channel: |\n          C0123456\n          xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", []string{
			`tokenkeeper.yaml:27:9: triages.acme/bug-reports.routes[0].channel: "C0123456\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" is no Slack channel id such as C0123456789; fix: write the id: in Slack open the channel, click its name, and copy the Channel ID at the end of About`,
		}},
		{"channel name", "channel: C0123456", "channel: \"#bugs\"", []string{
			`tokenkeeper.yaml:27:18: triages.acme/bug-reports.routes[0].channel: "#bugs" is a name, and names change; fix: write the id: in Slack open the channel, click its name, and copy the Channel ID at the end of About`,
		}},
		{"channel name unquoted", "channel: C0123456", "channel: #bugs", []string{
			`tokenkeeper.yaml:27:9: triages.acme/bug-reports.routes[0].channel: this is empty; fix: write the id: in Slack open the channel, click its name, and copy the Channel ID at the end of About`,
		}},
		{"channel name bare", "channel: C0123456", "channel: bugs", []string{
			`tokenkeeper.yaml:27:18: triages.acme/bug-reports.routes[0].channel: "bugs" is no Slack channel id such as C0123456789; fix: write the id: in Slack open the channel, click its name, and copy the Channel ID at the end of About`,
		}},
		{"channel direct", "channel: C0123456", "channel: D0123456", []string{
			`tokenkeeper.yaml:27:18: triages.acme/bug-reports.routes[0].channel: "D0123456" is no channel; fix: write the id: in Slack open the channel, click its name, and copy the Channel ID at the end of About`,
		}},
		{"channel twice", "        labels: [bug]\n", "        labels: [bug]\n      - channel: C0123456\n        repository: acme/web\n", []string{
			`tokenkeeper.yaml:30:18: triages.acme/bug-reports.routes[1].channel: two routes for channel C0123456: the other is triages.acme/bug-reports.routes[0].channel in line 27; fix: delete one of them, or give the first a match or a when: the other one takes the rest then`,
		}},
		{"channel twice over triages", "        labels: [bug]\n", "        labels: [bug]\n  acme/zoo:\n    slack: acme/triage/slack\n    github: acme/triage/github\n    routes:\n      - channel: C0123456\n        repository: acme/web\n", []string{
			`tokenkeeper.yaml:34:18: triages.acme/zoo.routes[0].channel: two routes for channel C0123456: the other is triages.acme/bug-reports.routes[0].channel in line 27; fix: delete one of them: a channel is read by one triage`,
		}},
		{"repository missing", "        repository: acme/app\n", "", []string{
			`tokenkeeper.yaml:27:9: triages.acme/bug-reports.routes[0].repository: this is missing; fix: write owner/name, for example acme/app`,
		}},
		{"repository name alone", "repository: acme/app", "repository: app", []string{
			`tokenkeeper.yaml:28:21: triages.acme/bug-reports.routes[0].repository: "app" is not owner/name; fix: write owner/name, for example acme/app`,
		}},
		{"repository URL", "repository: acme/app", "repository: https://github.com/acme/app.git", []string{
			`tokenkeeper.yaml:28:21: triages.acme/bug-reports.routes[0].repository: "https://github.com/acme/app.git" is not owner/name; fix: write acme/app`,
		}},
		{"repository dots", "repository: acme/app", "repository: acme/..", []string{
			`tokenkeeper.yaml:28:21: triages.acme/bug-reports.routes[0].repository: "acme/.." is not owner/name; fix: write owner/name, for example acme/app`,
		}},
		{"label long", "labels: [bug]", "labels: [ääääääääääääääääääääääääääääääääääääääääääääääääääää]", []string{
			`tokenkeeper.yaml:29:18: triages.acme/bug-reports.routes[0].labels[0]: this label has 52 characters, GitHub takes 50; fix: shorten it`,
		}},
		{"label twice", "labels: [bug]", "labels: [bug, Bug]", []string{
			`tokenkeeper.yaml:29:23: triages.acme/bug-reports.routes[0].labels[1]: label "Bug" is there already; fix: delete one of them`,
		}},
		{"label empty", "labels: [bug]", "labels: [bug, \" \"]", []string{
			`tokenkeeper.yaml:29:23: triages.acme/bug-reports.routes[0].labels[1]: this label is empty; fix: delete it`,
		}},
	})
}
