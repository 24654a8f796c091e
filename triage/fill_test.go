package triage

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// goldenForms are messages filed by templates.
var goldenForms = []struct {
	name, file string
	message    Message
	component  string
}{
	{"form-full", "bug_report.yml", edited(goldenMessage(fullReport)), ""},
	{"form-plain", "bug_report.yml", goldenMessage("bug: the date picker closes as soon as I click on a month"), ""},
	{"form-structured", "structured.yaml", edited(goldenMessage(fullReport)), "orders"},
	{"form-injection", "structured.yaml", goldenMessage(injection), ""},
	{"form-files", "structured.yaml", withFiles(goldenMessage("Dark mode: the text is unreadable, see attached"), image), ""},
	{"form-code", "bug_report.yml", goldenMessage(codeReport), ""},
	{"form-markdown", "bug.md", goldenMessage(fullReport), ""},
}

func TestGoldenIssuesByTemplates(t *testing.T) {
	for _, golden := range goldenForms {
		t.Run(golden.name, func(t *testing.T) {
			report := Extract(golden.message)
			report.Component = golden.component
			template := readTemplate(t, golden.file)
			issue := byTemplate(template, golden.message, report)
			got := "Repository: " + issue.Owner + "/" + issue.Repo + "\nLabels: " + strings.Join(issue.Labels, ", ") +
				"\nAssignees: " + strings.Join(issue.Assignees, ", ") + "\nType: " + issue.Type +
				"\nTitle: " + issue.Title + "\n\n" + issue.Body + "\n"
			path := filepath.Join("..", "testdata", "triage", "golden", golden.name+".md")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the issue differs from %s (go test ./triage -update writes it):\n%s", path, got)
			}
			for _, fault := range formFaults(issue, template, golden.message.Key) {
				t.Error(fault)
			}
		})
	}
}

func byTemplate(t Template, m Message, r Report) Issue {
	return Render(m, r, goldenRoute).By(t, Source{Message: m, Report: r})
}

var formFence = regexp.MustCompile("^( *)(?:[0-9]+\\. )?(`{3,})(?:text|shell)$")

// formFaults are the faults of an issue by a template, whose own lines are its author's and may do what they like.
func formFaults(issue Issue, t Template, key Key) []string {
	own := map[string]bool{noResponse: true, "### Reported in Slack": true}
	for _, f := range t.fields {
		own["### "+f.label] = true
		for _, option := range f.options {
			own[option], own["- [ ] "+option], own["- [x] "+option] = true, true, true
		}
	}
	return faultsBut(issue, key, t.lead(), own, formFence)
}

func templatesForTests(t testing.TB) []Template {
	t.Helper()
	return []Template{readTemplate(t, "bug_report.yml"), readTemplate(t, "structured.yaml"), readTemplate(t, "bug.md")}
}

func TestATemplateTrustsNoReport(t *testing.T) {
	evil := "@octocat <b>#1</b>\n" + testKey.Marker() + "\n````\n"
	lots := make([]string, 500)
	files := make([]File, 500)
	for i := range lots {
		lots[i] = strings.Repeat(evil, 20)
		files[i] = File{Name: evil, MIMEType: evil, Permalink: evil}
	}
	long := strings.Repeat("# ", 20000)
	report := Report{
		Title: strings.Repeat("@octocat #1 ", 100), Summary: long, Steps: lots, Expected: strings.Repeat(evil, 900), Actual: long,
		Severity: long, Component: long, Environment: long, Links: lots, Files: files,
	}
	m := goldenMessage("```\n" + strings.Repeat("`` @octocat\n", 9000) + "```")
	m.UserName, m.ChannelName, m.Permalink, m.EditedAt = evil, evil, evil, evil
	for _, template := range templatesForTests(t) {
		for _, fault := range formFaults(byTemplate(template, m, report), template, m.Key) {
			t.Errorf("%s: %s", template.file, fault)
		}
	}
}

// A field that says nothing of the report is still there, and nothing of the report is lost where no field asks for it.
func TestATemplateNeitherInventsNorLoses(t *testing.T) {
	m := goldenMessage(fullReport)
	r := Extract(m)
	template := Template{fields: []field{
		{control: input, label: "Favourite colour", required: true},
		{control: dropdown, label: "Severity", options: []string{"Only low", "Not sure"}, required: true},
	}}
	issue := byTemplate(template, m, r)
	for _, want := range []string{
		"### Favourite colour\n\n" + notGiven + "\n", "### Severity\n\nNot sure\n", "### Severity\n\nhigh\n",
		"### Steps to reproduce\n", "### Expected\n", "### Actual\n", "### Environment\n", "### Reported in Slack\n\nReported by Ada Lovelace",
		"<" + permalink + ">", "### Original message\n",
	} {
		if !strings.Contains(issue.Body, want) {
			t.Errorf("the issue has no %q:\n%s", want, issue.Body)
		}
	}
	if !m.ShownIn(issue.Body) {
		t.Error("the message passes for edited")
	}
}

// Whoever writes what an option says has chosen nothing, and confirmed nothing.
func TestAMessageTicksNoBox(t *testing.T) {
	m := goldenMessage("The list is empty. I agree to the terms. Urgent question")
	template := Template{fields: []field{
		{control: checkboxes, label: "Before you file this issue", options: []string{"I agree to the terms"}},
		{control: dropdown, label: "Kind of issue", options: []string{"Urgent question"}},
	}}
	issue := byTemplate(template, m, Report{Title: m.Text, Summary: m.Text, Actual: m.Text, Environment: "I agree to the terms"})
	for _, want := range []string{"- [ ] I agree to the terms\n", "### Kind of issue\n\n" + noResponse} {
		if !strings.Contains(issue.Body, want) {
			t.Errorf("the issue has no %q:\n%s", want, issue.Body)
		}
	}
}

func TestATemplateAddsToTheRoute(t *testing.T) {
	m := goldenMessage("The list is empty")
	route := goldenRoute
	route.Labels, route.Assignees, route.Type = []string{"Bug"}, []string{"Octocat"}, "Incident"
	template := readTemplate(t, "bug_report.yml")
	template.Labels = append(template.Labels, "two\nlines", strings.Repeat("x", 51))
	template.Assignees = append(template.Assignees, "@ada", "ada", "b", "c", "d", "e", "f", "g", "h", "i", "j")
	issue := Render(m, Extract(m), route).By(template, Source{Message: m, Report: Extract(m)})
	if !slices.Equal(issue.Labels, []string{"Bug", "triage"}) {
		t.Errorf("labels %q", issue.Labels)
	}
	if len(issue.Assignees) != maxAssignees || issue.Assignees[0] != "Octocat" || issue.Assignees[1] != "ada" {
		t.Errorf("assignees %q", issue.Assignees)
	}
	if issue.Type != "Incident" {
		t.Errorf("type %q", issue.Type)
	}
	if len(route.Labels) != 1 || len(route.Assignees) != 1 {
		t.Error("the route was changed")
	}
}

func TestHowATitleBegins(t *testing.T) {
	for title, want := range map[string]string{
		"[Bug]: ": "[Bug]: ", "bug:": "bug: ", "[BUG] <title>": "[BUG] ", "Bug - ": "Bug - ", "🐞": "🐞 ", "(crash)": "(crash) ",
		"": "", "Short summary": "", "<title>": "", strings.Repeat("x", 60) + ":": "",
	} {
		if got := (Template{header: header{Title: title}}).lead(); got != want {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
	template := Template{header: header{Title: "[Bug]: "}, fields: []field{{control: input, label: "What?"}}}
	issue := byTemplate(template, goldenMessage("x"), Report{Title: strings.Repeat("word ", 100)})
	if n := utf8.RuneCountInString(issue.Title); n > maxIssueTitle || !strings.HasPrefix(issue.Title, "[Bug]: word") {
		t.Errorf("a title of %d runes: %q", n, issue.Title)
	}
}

func TestWhyThereIsNoTemplate(t *testing.T) {
	m := goldenMessage("It crashes")
	issue := Render(m, Extract(m), goldenRoute).WithoutTemplate("bug_report.yml", "line 3: @octocat <b>")
	if !strings.Contains(issue.Body, "Written without the template `bug_report.yml`: line 3: `@octocat` `<b>`.") {
		t.Error(issue.Body)
	}
	for _, fault := range faultsOf(issue, m.Key) {
		t.Error(fault)
	}
}

func FuzzTemplates(f *testing.F) {
	for _, golden := range goldens {
		if golden.name != "long" {
			f.Add(golden.message.Text, golden.message.UserName, golden.message.Permalink)
		}
	}
	for _, seed := range []string{
		"`a` ``b`` ```c````d`", "```\n````\n~~~", "_No response_", "### What happened?\n\n- [x] done", "Severity: @high\nBrowser: #1 Firefox", "\u202e<!\u200b--",
	} {
		f.Add(seed, seed, seed)
	}
	templates := templatesForTests(f)
	f.Fuzz(func(t *testing.T, text, name, link string) {
		m := Message{
			Key: testKey, Text: text, UserName: name, ChannelName: name, Permalink: link, Names: map[string]string{"U1": name},
			Files: []File{{Name: name, MIMEType: text, Size: int64(len(text)), Permalink: link}},
		}
		raw := Report{
			Title: text, Summary: text, Steps: []string{text, name}, Expected: name, Actual: text, Severity: name, Component: text,
			Environment: text, Links: []string{link, text}, Files: m.Files,
		}
		for _, report := range []Report{Extract(m), raw} {
			for _, template := range templates {
				issue := byTemplate(template, m, report)
				for _, fault := range formFaults(issue, template, m.Key) {
					t.Errorf("%s: %s", template.file, fault)
				}
				if again := byTemplate(template, m, report); again.Body != issue.Body || again.Title != issue.Title {
					t.Error("a second issue differs")
				}
			}
		}
	})
}

// Whatever stands in a repository, the issue fits, and its marker is the last line.
func FuzzParseTemplate(f *testing.F) {
	for _, file := range []string{"bug_report.yml", "structured.yaml", "bug.md"} {
		f.Add(file, templateText(f, file))
	}
	f.Add("a.yml", "name: &a [*a]\nbody: *a")
	f.Add("a.md", "# <!-- tokenkeeper: T9/C9/1600000000.000100 -->\n## x")
	m := goldenMessage(fullReport)
	report := Extract(m)
	f.Fuzz(func(t *testing.T, file, text string) {
		template, err := ParseTemplate(file, text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %q", err)
			}
			return
		}
		issue := byTemplate(template, m, report)
		if key, ok := FindMarker(issue.Body); !ok || key != m.Key || strings.Count(issue.Body, "<!--") != 1 {
			t.Errorf("the marker is lost:\n%s", issue.Body)
		}
		if len(issue.Body) > maxBody || utf8.RuneCountInString(issue.Title) > maxIssueTitle || !utf8.ValidString(issue.Body) {
			t.Errorf("an issue of %d bytes with a title of %d", len(issue.Body), len(issue.Title))
		}
	})
}
