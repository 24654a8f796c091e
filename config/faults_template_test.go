package config

import "testing"

func TestFaultsOfTemplates(t *testing.T) {
	const fix = "; fix: write the name of a file in .github/ISSUE_TEMPLATE of the repository, for example bug_report.yml; or auto, or none"
	testFaults(t, []fault{
		{"template empty", "labels: [bug]", "template: \"\"", []string{
			`tokenkeeper.yaml:29:19: triages.acme/bug-reports.routes[0].template: this is empty` + fix,
		}},
		{"template misspelt", "labels: [bug]", "template: atuo", []string{
			`tokenkeeper.yaml:29:19: triages.acme/bug-reports.routes[0].template: "atuo" is no template, did you mean "auto"?` + fix,
		}},
		{"template without an ending", "labels: [bug]", "template: bug_report", []string{
			`tokenkeeper.yaml:29:19: triages.acme/bug-reports.routes[0].template: "bug_report" is no template` + fix,
		}},
		{"template with its folder", "labels: [bug]", "template: .github/ISSUE_TEMPLATE/bug_report.yml", []string{
			`tokenkeeper.yaml:29:19: triages.acme/bug-reports.routes[0].template: ".github/ISSUE_TEMPLATE/bug_report.yml" is more than the name of a file; fix: write bug_report.yml`,
		}},
		{"template of the chooser", "labels: [bug]", "template: config.yml", []string{
			`tokenkeeper.yaml:29:19: triages.acme/bug-reports.routes[0].template: "config.yml" is no template: it says which of them GitHub shows` + fix,
		}},
		{"template no text", "labels: [bug]", "template: [bug.yml]", []string{
			`tokenkeeper.yaml:29:9: triages.acme/bug-reports.routes[0].template: want text, got a list; fix: write one value`,
		}},
	})
}

func TestTemplatesOfRoutes(t *testing.T) {
	if got := mustLoad(t, good).Triages["acme/bug-reports"].Routes[0].Template; got != "auto" {
		t.Errorf("the default is %q", got)
	}
	for _, name := range []string{"none", "auto", "Bug report.yaml", "bug.md"} {
		if got := mustLoad(t, edit(t, good, "labels: [bug]", "template: "+name)).Triages["acme/bug-reports"].Routes[0].Template; got != name {
			t.Errorf("template %q is %q", name, got)
		}
	}
}
