package config

import (
	"slices"
	"testing"
)

func TestFaultsOfRouting(t *testing.T) {
	const at, route = `tokenkeeper.yaml:`, `triages.acme/bug-reports.routes[0]`
	// first has a route before the one that takes all, which then is in line 30.
	first := func(text string) string {
		return "- channel: C0123456\n        repository: acme/web\n        match: {" + text + "}\n      - channel: C0123456\n        repository: acme/app"
	}
	const only = "- channel: C0123456\n        repository: acme/app"
	testFaults(t, []fault{
		{"match no mapping", "labels: [bug]", "match: checkout", []string{
			at + `29:16: ` + route + `.match: want keys with values, got text; fix: write key: value, a line for each`,
		}},
		{"unknown key", only, first("pattern: [x]"), []string{
			at + `29:17: ` + route + `.match.pattern: unknown key, did you mean "patterns"?; fix: write patterns`,
			at + `30:18: triages.acme/bug-reports.routes[1].channel: two routes for channel C0123456: the other is ` + route + `.channel in line 27; fix: delete one of them, or give the first a match or a when: the other one takes the rest then`,
		}},
		{"pattern", only, first("patterns: ['(x', 'y*']"), []string{
			at + `29:28: ` + route + `.match.patterns[0]: "(x" is no regular expression: missing closing ) at "(x"; fix: write it as pkg.go.dev/regexp/syntax says, in single quotes`,
			at + `29:34: ` + route + `.match.patterns[1]: "y*" is found in every message; fix: write one that needs at least a letter, or delete it`,
		}},
		{"no account", "labels: [bug]", `github: ""`, []string{
			at + `29:17: ` + route + `.github: this is empty; fix: write the account as organization/user/connector, for example acme/triage/github`,
		}},
		{"malformed account", "labels: [bug]", "github: github", []string{
			at + `29:17: ` + route + `.github: account "github": want organization/user/connector, for example acme/triage/slack; fix: correct this value`,
		}},
		{"unknown account", "labels: [bug]", "github: acme/triage/git-hub", []string{
			at + `29:17: ` + route + `.github: account acme/triage/git-hub: there is no connector "git-hub", did you mean "github"?; fix: use one of the connectors, or add it; connectors are: github, slack`,
		}},
		{"account that files nothing", "labels: [bug]", "github: acme/triage/slack", []string{
			at + `29:17: ` + route + `.github: account acme/triage/slack: connector slack is of provider slack, which is not github; fix: use a connector whose provider is github, or an own one with github as a word of its id, such as acme-github`,
		}},
		{"account of another organization", "labels: [bug]", "github: umbrella/triage/github", []string{
			at + `29:17: ` + route + `.github: account umbrella/triage/github belongs to organization umbrella, this triage to acme; fix: use an account of acme: no organization works with another's credentials`,
		}},
		{"component", only, first(`components: ["", app, app]`), []string{
			at + `29:30: ` + route + `.match.components[0]: "" is no name of a component; fix: write 1 to 50 characters in one line`,
			at + `29:39: ` + route + `.match.components[2]: "app" is there already; fix: delete one of them`,
		}},
		{"team", "routes:\n      " + only, "teams: {mobile: [U1], web: [U2]}\n    routes:\n      " + first(`teams: [mobil, mobile, mobile]`), []string{
			at + `30:25: ` + route + `.match.teams[0]: there is no team "mobil", did you mean "mobile"?; fix: use one of the triage's teams, or add it; they are: mobile, web`,
			at + `30:40: ` + route + `.match.teams[2]: "mobile" is there already; fix: delete one of them`,
		}},
		{"no teams", only, first(`teams: [mobile]`), []string{
			at + `29:25: ` + route + `.match.teams[0]: there is no team "mobile"; fix: use one of the triage's teams, or add it; they are: none`,
		}},
		{"the rest goes nowhere", "labels: [bug]", "match: {patterns: [x]}", []string{
			at + `29:9: ` + route + `.match: what it does not match in channel C0123456 would go nowhere; fix: add a route for C0123456 without match behind it`,
		}},
		{"behind the one that takes all", "labels: [bug]", "labels: [bug]\n      - channel: C0123456\n        repository: acme/web\n        match: {patterns: [x]}", []string{
			at + `30:18: triages.acme/bug-reports.routes[1].channel: two routes for channel C0123456: the other is ` + route + `.channel in line 27; fix: delete one of them, or give the first a match or a when: the other one takes the rest then`,
		}},
		{"behind a when that takes all", only, "- channel: C0123456\n        repository: acme/web\n        when: {every: true}\n      " + only, []string{
			at + `30:18: triages.acme/bug-reports.routes[1].channel: two routes for channel C0123456: the other is ` + route + `.channel in line 27; fix: delete one of them, or give the first a match or a when: the other one takes the rest then`,
		}},
		{"a when alone before a match", only, "- channel: C0123456\n        repository: acme/web\n        when: {mention: true}\n      " + only + "\n        match: {patterns: [x]}", []string{
			at + `32:9: triages.acme/bug-reports.routes[1].match: what it does not match in channel C0123456 would go nowhere; fix: add a route for C0123456 without match behind it`,
		}},
		{"a when does not let another triage in", "    routes:\n      " + only, "    routes:\n      " + only + "\n        when: {mention: true}\n  acme/zoo:\n    slack: acme/triage/slack\n    github: acme/triage/github\n    routes:\n      - channel: C0123456\n        repository: acme/web", []string{
			at + `34:18: triages.acme/zoo.routes[0].channel: two routes for channel C0123456: the other is ` + route + `.channel in line 27; fix: delete one of them: a channel is read by one triage`,
		}},
		{"spelling", only, first("components: [App, login]}\n        component_labels: {app: area/app, Login: area/login"), []string{
			at + `29:30: ` + route + `.match.components[0]: component "App" is written "app" in line 30; fix: write both alike`,
			at + `29:35: ` + route + `.match.components[1]: component "login" is written "Login" in line 30; fix: write both alike`,
		}},
		{"people of teams", "lookback: 0s", "teams: {mobile: [\"@ada\", U1, U1], web: []}", []string{
			at + `25:22: triages.acme/bug-reports.teams.mobile[0]: "@ada" is no id of a person; fix: write a Slack user id such as U0123456789: in the person's profile, ⋮, Copy member ID`,
			at + `25:34: triages.acme/bug-reports.teams.mobile[2]: U1 is there already; fix: delete one of them`,
			at + `25:39: triages.acme/bug-reports.teams.web: nobody is in this team, so that its routes would take nothing; fix: write the Slack user ids of its people, or delete it`,
		}},
		{"logins", "lookback: 0s", "logins: {ada: ada, U1: \"@ada\"}", []string{
			at + `25:19: triages.acme/bug-reports.logins.ada: "ada" is no id of a person; fix: write a Slack user id such as U0123456789: in the person's profile, ⋮, Copy member ID`,
			at + `25:28: triages.acme/bug-reports.logins.U1: "@ada" is no GitHub login; fix: write the login without @, for example octocat`,
		}},
		{"assign reporter", "labels: [bug]", "assign_reporter: true", []string{
			at + `29:26: ` + route + `.assign_reporter: nobody's login is known; fix: write logins: {U0123456789: octocat} beside routes, or delete it`,
		}},
	})
}

// Each route of a channel can say what counts for it, whether it has a match or not.
func TestWhatCountsIsSaidByRoute(t *testing.T) {
	c := mustLoad(t, edit(t, good, "    routes:\n", `    routes:
      - channel: C0123456
        repository: acme/design
        when: {reactions: [art]}
      - channel: C0123456
        repository: acme/web
        match: {patterns: ['checkout']}
        when: {every: true, mention: true}
      - channel: C0123456
        repository: acme/mobile
        match: {patterns: ['phone']}
`))
	routes := c.Triages["acme/bug-reports"].Routes
	if routes[0].When.Reactions[0] != "art" || !routes[1].When.Every || !routes[2].When.IsZero() || len(routes) != 4 {
		t.Errorf("routes %+v", routes)
	}
}

func TestSeveralRoutesOfAChannel(t *testing.T) {
	text := edit(t, good, "    routes:\n", `    teams: {mobile: [U1, U2], ops: [U3]}
    logins: {U1: ada}
    routes:
      - channel: C0123456
        repository: acme/mobile
        match: {teams: [mobile, ops], patterns: ['(?i)\bapp\b'], components: [sync]}
      - channel: C0999999
        repository: acme/web
`)
	c := mustLoad(t, edit(t, text, "labels: [bug]", "labels: [bug]\n        assign_reporter: true\n        when: {mention: true}"))
	triage := c.Triages["acme/bug-reports"]
	if got := triage.Channels(); !slices.Equal(got, []string{"C0123456", "C0999999"}) {
		t.Errorf("channels %v", got)
	}
	if got := triage.Members(triage.Routes[0].Match.Teams); !slices.Equal(got, []string{"U1", "U2", "U3"}) {
		t.Errorf("members %v", got)
	}
	if m := triage.Routes[0].Match; m.IsZero() || m.Components[0] != "sync" || m.Patterns[0] != `(?i)\bapp\b` || !triage.Routes[2].Match.IsZero() {
		t.Errorf("routes %+v", triage.Routes)
	}
	if triage.Logins["U1"] != "ada" || !triage.Routes[2].AssignReporter || !triage.Routes[2].When.Mention {
		t.Errorf("triage %+v", triage)
	}
}
