package config

import (
	"strings"
	"testing"
	"time"

	"tokenkeeper/triage"
)

func TestFaultsOfWhen(t *testing.T) {
	const at = `tokenkeeper.yaml:`
	when := func(text string) string { return "labels: [bug]\n        when: {" + text + "}" }
	testFaults(t, []fault{
		{"no mapping", "labels: [bug]", "when: crash", []string{
			at + `29:15: triages.acme/bug-reports.routes[0].when: want keys with values, got text; fix: write key: value, a line for each`,
		}},
		{"unknown key", "labels: [bug]", when("keyword: [crash]"), []string{
			at + `30:16: triages.acme/bug-reports.routes[0].when.keyword: unknown key, did you mean "keywords"?; fix: write keywords`,
		}},
		{"keyword without letters", "labels: [bug]", when(`keywords: ["!!"]`), []string{
			at + `30:27: triages.acme/bug-reports.routes[0].when.keywords[0]: "!!" is no word; fix: write a word or some that stand together; for more there are patterns`,
		}},
		{"keyword twice", "labels: [bug]", when(`keywords: [crash, Crash]`), []string{
			at + `30:34: triages.acme/bug-reports.routes[0].when.keywords[1]: keyword "Crash" is there already; fix: delete one of them`,
		}},
		{"too many keywords", "labels: [bug]", when(`keywords: [` + manyWords(101) + `]`), []string{
			at + `30:16: triages.acme/bug-reports.routes[0].when.keywords: 101 keywords are more than 100; fix: put several into one pattern: a|b|c`,
		}},
		{"pattern", "labels: [bug]", when(`patterns: ['(bug']`), []string{
			at + `30:27: triages.acme/bug-reports.routes[0].when.patterns[0]: "(bug" is no regular expression: missing closing ) at "(bug"; fix: write it as pkg.go.dev/regexp/syntax says, in single quotes`,
		}},
		{"pattern of another dialect", "labels: [bug]", when(`patterns: ['(?<!de)bug']`), []string{
			at + `30:27: triages.acme/bug-reports.routes[0].when.patterns[0]: "(?<!de)bug" is no regular expression: invalid named capture at "(?<!de)bug"; fix: write it as pkg.go.dev/regexp/syntax says, in single quotes`,
		}},
		{"pattern of nothing", "labels: [bug]", when(`patterns: [bug, 'x*']`), []string{
			at + `30:32: triages.acme/bug-reports.routes[0].when.patterns[1]: "x*" is found in every message; fix: write one that needs at least a letter, or delete it`,
		}},
		{"mention", "labels: [bug]", when(`mention: "@bot"`), []string{
			at + `30:25: triages.acme/bug-reports.routes[0].when.mention: want true or false, got text; fix: write true or false`,
		}},
		{"reactions", "labels: [bug]", when(`reactions: [":beetle:", bug, bug], reactions_by: [ada], reactions_within: 5s`), []string{
			at + `30:28: triages.acme/bug-reports.routes[0].when.reactions[0]: ":beetle:" is no name of an emoji; fix: write it as Slack shows it between the colons, for example beetle`,
			at + `30:45: triages.acme/bug-reports.routes[0].when.reactions[2]: bug is there already; fix: delete one of them`,
			at + `30:66: triages.acme/bug-reports.routes[0].when.reactions_by[0]: "ada" is no id of a person; fix: write a Slack user id such as U0123456789: in the person's profile, ⋮, Copy member ID`,
			at + `30:90: triages.acme/bug-reports.routes[0].when.reactions_within: 5s is not from 1m0s to 720h0m0s; fix: write how long after a message a reaction counts, for example 24h; every poll reads as far back`,
		}},
		{"whose reactions", "labels: [bug]", when(`reactions_by: [U1]`), []string{
			at + `30:16: triages.acme/bug-reports.routes[0].when.reactions_by: there are no reactions; fix: write reactions: [beetle] beside it, or delete it`,
		}},
		{"people", "labels: [bug]", when(`only: ["@ada", U1, U1], ignore: [U1]`), []string{
			at + `30:23: triages.acme/bug-reports.routes[0].when.only[0]: "@ada" is no id of a person; fix: write a Slack user id such as U0123456789: in the person's profile, ⋮, Copy member ID`,
			at + `30:35: triages.acme/bug-reports.routes[0].when.only[2]: U1 is there already; fix: delete one of them`,
			at + `30:49: triages.acme/bug-reports.routes[0].when.ignore[0]: U1 is in only as well; fix: delete it here or there`,
		}},
		{"every and some", "labels: [bug]", when(`every: true, keywords: [crash], patterns: [x], reactions: [beetle]`), []string{
			at + `30:29: triages.acme/bug-reports.routes[0].when.keywords: every message counts already; fix: delete it, or every: true`,
			at + `30:48: triages.acme/bug-reports.routes[0].when.patterns: every message counts already; fix: delete it, or every: true`,
		}},
		{"dry run", "labels: [bug]", "dry_run: 1", []string{
			at + `29:18: triages.acme/bug-reports.routes[0].dry_run: want true or false, got a number; fix: write true or false`,
		}},
	})
}

func TestFaultsOfMode(t *testing.T) {
	const at = `tokenkeeper.yaml:29:`
	const scope = `connector slack has not the scope reactions:read, without which answers cannot be read; fix: add it to the scopes of the connector and of the Slack app, then reauthorize account acme/triage/slack`
	testFaults(t, []fault{
		{"unknown", "labels: [bug]", "mode: proposed", []string{
			at + `15: triages.acme/bug-reports.routes[0].mode: "proposed" is no mode, did you mean "propose"?; fix: write file, or propose to have people asked first`,
		}},
		{"propose in mode file", "labels: [bug]", "propose: {within: 1h}", []string{
			at + `9: triages.acme/bug-reports.routes[0].propose: nobody is asked in mode file; fix: write mode: propose beside it, or delete it`,
		}},
		{"scope", "labels: [bug]", "mode: propose", []string{at + `15: triages.acme/bug-reports.routes[0].mode: ` + scope}},
		{"within and by", "labels: [bug]", "mode: propose\n        propose: {within: 1s, by: [ada]}", []string{
			at + `15: triages.acme/bug-reports.routes[0].mode: ` + scope,
			`tokenkeeper.yaml:30:27: triages.acme/bug-reports.routes[0].propose.within: 1s is not from 1m0s to 720h0m0s; fix: write how long people have to answer, for example 72h`,
			`tokenkeeper.yaml:30:36: triages.acme/bug-reports.routes[0].propose.by[0]: "ada" is no id of a person; fix: write a Slack user id such as U0123456789: in the person's profile, ⋮, Copy member ID`,
		}},
	})
}

func TestMode(t *testing.T) {
	text := edit(t, good, "scopes: [channels:history, chat:write]", "scopes: [channels:history, chat:write, reactions:read]")
	route := mustLoad(t, edit(t, text, "labels: [bug]", "mode: propose")).Triages["acme/bug-reports"].Routes[0]
	if route.Mode != ModePropose || route.Propose.Within != 72*time.Hour {
		t.Errorf("route = %+v", route)
	}
	if route := mustLoad(t, good).Triages["acme/bug-reports"].Routes[0]; route.Mode != ModeFile {
		t.Errorf("route = %+v", route)
	}
}

func manyWords(n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = strings.Repeat("a", i+1)
	}
	return strings.Join(words, ", ")
}

func TestWhen(t *testing.T) {
	c := mustLoad(t, edit(t, good, "labels: [bug]", "dry_run: true\n        when: {keywords: [crash], patterns: ['^x'], mention: true, only: [U1], ignore: [U2], certain: true}"))
	route := c.Triages["acme/bug-reports"].Routes[0]
	w := route.When
	if !route.DryRun || w.Keywords[0] != "crash" || w.Patterns[0] != "^x" || !w.Mention || w.Only[0] != "U1" || w.Ignore[0] != "U2" || !w.Certain {
		t.Errorf("route = %+v", route)
	}
	if _, err := triage.NewFilter(w, triage.Self{}); err != nil {
		t.Errorf("what loads is no filter: %v", err)
	}
}
