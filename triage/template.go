package triage

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// What a route can say of templates beside the name of a file.
const (
	TemplateAuto = "auto" // the one that is recognisably for bugs, where there is such a one
	TemplateNone = "none"
)

// Template is how a project wants its issues to be written: an issue form, or a Markdown template with headings. It comes
// from the repository, where only people write who may change it anyway, so its own words stand in issues as they are.
type Template struct {
	file string
	header

	fields []field
}

// header is what both kinds of templates have ("Syntax for issue forms" at docs.github.com/en/communities). Keys that mean
// nothing to us are passed over.
type header struct {
	Name      string `yaml:"name"`
	Title     string `yaml:"title"`
	Labels    names  `yaml:"labels"`
	Assignees names  `yaml:"assignees"`
	Type      string `yaml:"type"`
}

// control is how a field of a form is filled in.
type control string

const (
	input      control = "input"
	textarea   control = "textarea"
	dropdown   control = "dropdown"
	checkboxes control = "checkboxes"
	upload     control = "upload"
	markdown   control = "markdown" // says something to who fills in the form, and is not submitted
)

// field is one thing that a template asks for.
type field struct {
	control  control
	id       string
	label    string   // one line
	options  []string // of dropdown and checkboxes, one line each
	render   string   // the language of the code block that the answer is shown in, "" for none
	required bool
}

const (
	// MaxTemplate is how long the file of a template may be, in bytes.
	MaxTemplate = 64 << 10
	// maxQuestions bounds what a template's own words take of an issue, in bytes.
	maxQuestions = 12_000
)

var templateFile = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,95}\.(?:ya?ml|md)$`)

// IsTemplateFile reports whether a file of the folder of templates can be one by its name.
func IsTemplateFile(name string) bool {
	return templateFile.MatchString(name) && !strings.EqualFold(name, "config.yml") && !strings.EqualFold(name, "config.yaml")
}

// IsForm reports whether the file is an issue form, and no Markdown.
func IsForm(file string) bool { return path.Ext(file) != ".md" }

// ParseTemplate reads the text of a file: an issue form, or Markdown where the name ends in .md. The error says in one line
// what is wrong with the file.
func ParseTemplate(file, text string) (Template, error) {
	if len(text) > MaxTemplate {
		return Template{}, fmt.Errorf("it is longer than %d KiB", MaxTemplate>>10)
	}
	parse := parseMarkdown
	if IsForm(file) {
		parse = parseForm
	}
	t, err := parse(clean(text))
	if err != nil {
		return Template{}, err
	}
	if t.size() > maxQuestions {
		return Template{}, fmt.Errorf("its labels and options are longer than %d characters", maxQuestions)
	}
	t.file = file
	return t, nil
}

// size is how much of an issue the template takes without any answer.
func (t Template) size() int {
	size := 0
	for _, f := range t.fields {
		size += len(f.label) + len("### \n\n\n\n") + len(notGiven)
		for _, option := range f.options {
			size += len(option) + len("- [ ] \n")
		}
	}
	return size
}

// forBugs finds the word in names of templates and in labels, such as bug_report, 🐞 Bug, kind/bug, C-bug.
var forBugs = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:bugs?|bug-?reports?|defects?)(?:[^a-z]|$)`)

// NamedForBugs reports whether the name of a file says that it is for bugs.
func NamedForBugs(file string) bool { return forBugs.MatchString(file) }

// ForBugs reports whether the template says so itself, by its name, its labels or its type.
func (t Template) ForBugs() bool {
	return NamedForBugs(t.file) || forBugs.MatchString(t.Name) || forBugs.MatchString(strings.Join(t.Labels, ", ")) || forBugs.MatchString(t.Type)
}
