package triage

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func templateText(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "triage", "templates", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readTemplate(t testing.TB, file string) Template {
	t.Helper()
	template, err := ParseTemplate(file, templateText(t, file))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func TestAFormIsRead(t *testing.T) {
	got := readTemplate(t, "bug_report.yml")
	want := header{Name: "Bug report", Title: "[Bug]: ", Labels: names{"bug", "triage"}, Assignees: names{"octocat"}, Type: "Bug"}
	if !reflect.DeepEqual(got.header, want) {
		t.Errorf("header %+v", got.header)
	}
	if len(got.fields) != 6 {
		t.Fatalf("%d fields, want all but the one of markdown", len(got.fields))
	}
	version := field{control: dropdown, id: "version", label: "Version", options: []string{"1.9 (old)", "2.14.1"}, required: true}
	if !reflect.DeepEqual(got.fields[2], version) {
		t.Errorf("version is read as %+v", got.fields[2])
	}
	if got.fields[4].render != "shell" || readTemplate(t, "structured.yaml").fields[7].render != "text" {
		t.Error("a language is shown as it is, what GitHub draws as text")
	}
}

func TestAMarkdownTemplateIsRead(t *testing.T) {
	got := readTemplate(t, "bug.md")
	var labels []string
	for _, f := range got.fields {
		labels = append(labels, f.label)
	}
	want := []string{
		"Describe the bug", "To Reproduce", "Expected behavior", "Desktop (please complete the following information)", "Checklist",
		"Additional context",
	}
	if !reflect.DeepEqual(labels, want) {
		t.Errorf("fields %q, want %q", labels, want)
	}
	if boxes := got.fields[4]; boxes.control != checkboxes || len(boxes.options) != 2 || boxes.options[1] != "I am kind" {
		t.Errorf("the checklist is read as %+v", boxes)
	}
}

func TestNamesMayBeATextWithCommas(t *testing.T) {
	got := readTemplate(t, "structured.yaml")
	if !reflect.DeepEqual(got.Labels, names{"kind/bug", "from template"}) {
		t.Errorf("labels %q", got.Labels)
	}
	if got := readTemplate(t, "bug.md").Assignees; len(got) != 0 {
		t.Errorf("assignees %q of an empty text", got)
	}
}

func TestWhatATemplateIsWrongIn(t *testing.T) {
	const good = "name: Bug\nbody:\n- type: input\n  attributes: {label: What?}\n"
	if _, err := ParseTemplate("bug.yml", good); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, text, want string }{
		"no YAML":              {"bug.yml", "name: [", "line 1: "},
		"empty":                {"bug.yml", "", "it is empty"},
		"a list":               {"bug.yml", "- name: Bug\n", ""},
		"body is a text":       {"bug.yml", "name: Bug\nbody: hello\n", "line 2: "},
		"no name":              {"bug.yml", strings.Replace(good, "name: Bug", "description: Bug", 1), "name is missing"},
		"no body":              {"bug.yml", "name: Bug\n", "body asks for nothing"},
		"only markdown":        {"bug.yml", "name: Bug\nbody:\n- type: markdown\n  attributes: {value: hello}\n", "body asks for nothing"},
		"unknown type":         {"bug.yml", strings.Replace(good, "input", "slider", 1), `body[0]: type "slider" is unknown`},
		"no label":             {"bug.yml", strings.Replace(good, "label", "lable", 1), "body[0]: attributes.label is missing"},
		"no options":           {"bug.yml", strings.Replace(good, "input", "dropdown", 1), "body[0]: attributes.options is missing"},
		"labels of the wrong":  {"bug.yml", good + "labels: {a: b}\n", "want a list"},
		"an alias":             {"bug.yml", "name: &n Bug\ntitle: *n\nbody: []\n", "alias"},
		"nested deeply":        {"bug.yml", "body: " + strings.Repeat("[", 60_000), "nested too deeply"},
		"lists deeply":         {"bug.yml", strings.Repeat("- ", 30_000) + "x", "nested too deeply"},
		"no list at all":       {"bug.yml", good + "labels: [[]: 0]\n", ""},
		"too long":             {"bug.yml", good + strings.Repeat("# x\n", 20_000), "longer than 64 KiB"},
		"too much to ask":      {"bug.yml", strings.Replace(good, "What?", strings.Repeat("What? ", 3000), 1), "longer than 12000 characters"},
		"Markdown of nothing":  {"bug.md", "---\nname: Bug\n---\nTell us.\n", "it has no headings"},
		"a faulty beginning":   {"bug.md", "---\nname: [\n---\n# Bug\n", "line 1: "},
		"headings in code":     {"bug.md", "```\n# Bug\n```\n", "it has no headings"},
		"headings in comments": {"bug.md", "<!--\n# Bug\n-->\n", "it has no headings"},
	} {
		_, err := ParseTemplate(c.file, c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", name, err, c.want)
		}
	}
}

func TestWhichTemplateIsForBugs(t *testing.T) {
	for file, want := range map[string]bool{
		"bug_report.yml": true, "01-bug.yaml": true, "BUG-REPORT.md": true, "bugreport.yml": true, "defect.yml": true,
		"debug.yml": false, "feature.yml": false, "bugle.yml": false,
	} {
		if got := NamedForBugs(file); got != want {
			t.Errorf("NamedForBugs(%q) = %v", file, got)
		}
	}
	for _, c := range []struct {
		template Template
		want     bool
	}{
		{Template{file: "1.yml", header: header{Name: "🐞 Bug"}}, true},
		{Template{file: "1.yml", header: header{Name: "Broken", Labels: names{"kind/bug"}}}, true},
		{Template{file: "1.yml", header: header{Name: "Broken", Type: "Bug"}}, true},
		{Template{file: "1.yml", header: header{Name: "Feature request", Labels: names{"enhancement"}}}, false},
	} {
		if got := c.template.ForBugs(); got != c.want {
			t.Errorf("%+v: %v", c.template.header, got)
		}
	}
	for file, want := range map[string]bool{
		"bug_report.yml": true, "Bug Report.yaml": true, "bug.md": true, "config.yml": false, "Config.yaml": false, "bug.txt": false,
		"../bug.yml": false, "a/b.yml": false, ".yml": false, "": false,
	} {
		if got := IsTemplateFile(file); got != want {
			t.Errorf("IsTemplateFile(%q) = %v", file, got)
		}
	}
}

func TestWhatALabelAsksFor(t *testing.T) {
	product := []string{"acme", "app"}
	for label, want := range map[string][]kind{
		"Describe the bug": {summaryPart}, "What happened?": {actualPart}, "What went wrong": {actualPart}, "Current Behavior:": {actualPart},
		"Expected Behavior": {expectedPart}, "What did you expect to happen?": {expectedPart}, "Expected vs. actual behavior": {expectedPart, actualPart},
		"Steps to reproduce": {stepsPart}, "Steps to reproduce (a link is welcome)": {stepsPart}, "How can we reproduce it?": {stepsPart},
		"Reproduction": {stepsPart}, "Link to a minimal reproduction": {otherPart}, "Reproduction URL": {otherPart},
		"Is there an existing issue for this?": {otherPart}, "Additional context": {otherPart}, "Anything else?": {otherPart},
		"Version": {versionPart}, "App version": {versionPart}, "Which version of Acme App are you using?": {versionPart},
		"Node version": {otherPart}, "Version of Node": {otherPart}, "What is the last version that worked?": {otherPart},
		"Operating system": {systemPart}, "OS version": {systemPart}, "Browser and version": {browserPart}, "OS & browser": {systemPart, browserPart},
		"Environment (OS, browser, version)": {environmentPart}, "Desktop (please complete the following information)": {environmentPart},
		"Severity (how bad is it?)": {severityPart}, "Priority": {severityPart}, "Affected component": {componentPart}, "Area": {componentPart},
		"Relevant log output": {logsPart}, "Stack trace": {logsPart}, "Screenshots": {filesPart}, "Screenshots or logs": {logsPart},
		"Contact Details": {reporterPart}, "Title": {titlePart}, "Favourite colour": nil, "バージョン": nil,
	} {
		if got := (field{label: label}).asked(product); !reflect.DeepEqual(got, want) {
			t.Errorf("%q asks for %v, want %v", label, got, want)
		}
	}
	if got := (field{label: "何が起きましたか", id: "what-happened"}).asked(nil); !reflect.DeepEqual(got, []kind{actualPart}) {
		t.Errorf("an id asks for %v", got)
	}
}

func TestPickTakesWhatIsThereAndGuessesNothing(t *testing.T) {
	severities := []string{"Blocker", "Critical: nothing works", "Major: no workaround", "Minor"}
	for _, c := range []struct {
		options []string
		asks    kind
		value   string
		want    string
	}{
		{severities, severityPart, High, "Major: no workaround"},
		{severities, severityPart, Critical, "Critical: nothing works"},
		{severities, severityPart, Medium, ""},
		{severities, severityPart, "", ""},
		{[]string{"Sev 1", "Sev 2"}, severityPart, High, "Sev 2"},
		{[]string{"P0 - outage", "P1"}, severityPart, Critical, "P0 - outage"},
		{[]string{"Blocker", "Other"}, severityPart, High, "Blocker"},
		{[]string{"Checkout and payment", "Search"}, componentPart, "checkout", "Checkout and payment"},
		{[]string{"Checkout", "Checkout and payment"}, componentPart, "checkout", "Checkout"},
		{[]string{"Checkout on web", "Checkout on mobile"}, componentPart, "checkout", ""},
		{[]string{"Firefox", "Chrome"}, browserPart, "Firefox 143", "Firefox"},
		{[]string{"iOS", "macOS", "macOS 15"}, systemPart, "macOS 15.6", "macOS 15"},
		{[]string{"1.9 (old)", "2.14.1"}, versionPart, "2.14.1", "2.14.1"},
		{[]string{"2.1", "2"}, versionPart, "12.14", ""},
		{[]string{"N/A", "Unknown"}, browserPart, "Unknown N/A", ""},
	} {
		if got := pick(c.options, c.asks, c.value); got != c.want {
			t.Errorf("%q of %q: %q, want %q", c.value, c.options, got, c.want)
		}
	}
}
