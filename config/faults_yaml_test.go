package config

import "testing"

// What the text of the file can be faulty in, before its meaning is looked at.
func TestFaultsOfYAML(t *testing.T) {
	testFaults(t, []fault{
		{"unknown key, close", "poll_interval: 30s", "pol_interval: 30s", []string{
			`tokenkeeper.yaml:24:5: triages.acme/bug-reports.pol_interval: unknown key, did you mean "poll_interval"?; fix: write poll_interval`,
		}},
		{"unknown key, part", "repository: acme/app", "repo: acme/app", []string{
			`tokenkeeper.yaml:28:9: triages.acme/bug-reports.routes[0].repo: unknown key, did you mean "repository"?; fix: write repository`,
		}},
		{"unknown key, far", "lookback: 0s", "color: blue", []string{
			`tokenkeeper.yaml:25:5: triages.acme/bug-reports.color: unknown key; fix: delete it; known here are slack, github, poll_interval, lookback, since, follow, threshold, teams, logins, routes`,
		}},
		{"unknown key at the top", "temporal:\n", "tempral:\n", []string{
			`tokenkeeper.yaml:1:1: tempral: unknown key, did you mean "temporal"?; fix: write temporal`,
		}},
		{"unknown key, strange", "lookback: 0s", "\"a\\e[31m b\": 1", []string{
			`tokenkeeper.yaml:25:5: triages.acme/bug-reports."a\x1b[31m b": unknown key; fix: delete it; known here are slack, github, poll_interval, lookback, since, follow, threshold, teams, logins, routes`,
		}},
		{"key twice", "    timeout: 10s\n", "    timeout: 10s\n    timeout: 20s\n", []string{
			`tokenkeeper.yaml:16:5: connectors.slack.timeout: this key stands here twice, first in line 15; fix: delete one of them`,
		}},
		{"connector twice", "  github:\n    provider: github-app", "  slack:\n    provider: github-app", []string{
			`tokenkeeper.yaml:16:3: connectors.slack: this key stands here twice, first in line 10; fix: delete one of them`,
			`tokenkeeper.yaml:23:13: triages.acme/bug-reports.github: account acme/triage/github: there is no connector "github"; fix: use one of the connectors, or add it; connectors are: slack`,
		}},
		{"merge key", "    timeout: 10s\n", "    <<: {timeout: 10s}\n", []string{
			`tokenkeeper.yaml:15:5: connectors.slack: this key is not plain text; fix: write out the keys; '<<' and nested keys are not read here`,
		}},
		{"tag", "timeout: 10s", "timeout: !!str 10s", []string{
			`tokenkeeper.yaml:15:14: connectors.slack.timeout: YAML tags are not read here; fix: delete "!!str"; put text that looks like a number into quotes`,
		}},
		{"anchor missing", "labels: [bug]", "labels: *none", []string{
			`tokenkeeper.yaml:29:17: triages.acme/bug-reports.routes[0].labels: there is no anchor &"none"; fix: write the value out`,
		}},
		{"anchor in itself", "labels: [bug]", "labels: &a [*a]", []string{
			`tokenkeeper.yaml:29:21: triages.acme/bug-reports.routes[0].labels[0]: want text, got a list; fix: write one value`,
		}},
		{"list wanted", "scopes: [channels:history, chat:write]", "scopes: channels:history", []string{
			`tokenkeeper.yaml:14:13: connectors.slack.scopes: want a list, got text; fix: write [one, two], or a line with '- ' for each entry`,
		}},
		{"mapping wanted", "temporal:\n  task_queue: tokenkeeper\n", "temporal: tokenkeeper\n", []string{
			`tokenkeeper.yaml:1:11: temporal: want keys with values, got text; fix: write key: value, a line for each`,
		}},
		{"text wanted, list", "channel: C0123456", "channel: [C0123456]", []string{
			`tokenkeeper.yaml:27:9: triages.acme/bug-reports.routes[0].channel: want text, got a list; fix: write one value`,
		}},
		{"text wanted, number", "client_id: \"123.456\"", "client_id: 123.456", []string{
			`tokenkeeper.yaml:12:16: connectors.slack.client_id: want text, got a number; fix: put it in quotes`,
		}},
		{"text wanted, bool", "labels: [bug]", "labels: [true]", []string{
			`tokenkeeper.yaml:29:18: triages.acme/bug-reports.routes[0].labels[0]: want text, got true or false; fix: put it in quotes`,
		}},
		{"account wanted, list", "slack: acme/triage/slack", "slack: [acme/triage/slack]", []string{
			`tokenkeeper.yaml:22:5: triages.acme/bug-reports.slack: want text, got a list; fix: write one value`,
		}},
		{"duration without unit", "poll_interval: 30s", "poll_interval: 30", []string{
			`tokenkeeper.yaml:24:20: triages.acme/bug-reports.poll_interval: "30" has no unit; fix: write 30s, if seconds are meant; units are ms, s, m, h`,
		}},
		{"duration without unit, quoted", "poll_interval: 30s", "poll_interval: \"30\"", []string{
			`tokenkeeper.yaml:24:20: triages.acme/bug-reports.poll_interval: "30" has no unit; fix: write 30s, if seconds are meant; units are ms, s, m, h`,
		}},
		{"duration zero, no unit", "lookback: 0s", "lookback: 0", []string{
			`tokenkeeper.yaml:25:15: triages.acme/bug-reports.lookback: "0" has no unit; fix: write 0s, if seconds are meant; units are ms, s, m, h`,
		}},
		{"duration in days", "lookback: 0s", "lookback: 7d", []string{
			`tokenkeeper.yaml:25:15: triages.acme/bug-reports.lookback: "7d": days are no unit; fix: write 168h`,
		}},
		{"duration, no such", "lookback: 0s", "lookback: a while", []string{
			`tokenkeeper.yaml:25:15: triages.acme/bug-reports.lookback: "a while" is no duration; fix: write one such as 30s, 10m or 1h30m`,
		}},
		{"duration wanted, list", "lookback: 0s", "lookback: [1s]", []string{
			`tokenkeeper.yaml:25:5: triages.acme/bug-reports.lookback: want a duration, got a list; fix: write one such as 30s`,
		}},
		{"syntax", "  github:\n    provider", "  github: :\n\t- provider", []string{
			`tokenkeeper.yaml:17:1: this is not YAML: found character '\t' that cannot start any token; fix: correct the YAML; indent with spaces, quote text that holds ': ', ' #' or begins with one of @*&!{[%`,
		}},
		{"syntax, bracket", "labels: [bug]", "labels: [bug", []string{
			`tokenkeeper.yaml:29:17: this is not YAML: sequence end token ']' not found; fix: correct the YAML; indent with spaces, quote text that holds ': ', ' #' or begins with one of @*&!{[%`,
		}},
		{"two documents", "connectors:\n", "---\nconnectors:\n", []string{
			`tokenkeeper.yaml:10:1: a second YAML document begins here; fix: keep one document: delete the line '---'`,
		}},
	})
}
