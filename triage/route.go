package triage

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"tokenkeeper/credential"
)

// Route says where the reports of one channel go, or those of them that it matches.
type Route struct {
	Channel    string `json:"channel" yaml:"channel"`       // a Slack channel id
	Repository string `json:"repository" yaml:"repository"` // owner/name
	// GitHub is the account that files the issues of the route; zero for the triage's.
	GitHub credential.AccountID `json:"github,omitzero" yaml:"github,omitempty"`
	Match  Match                `json:"match,omitzero" yaml:"match,omitempty"`
	// Labels are set on every issue of the route. No message can add another.
	Labels []string `json:"labels,omitempty" yaml:"labels,omitempty"`
	// SeverityLabels adds one label by severity, for example high: severity/high. Severities that are not named add none.
	SeverityLabels map[string]string `json:"severity_labels,omitempty" yaml:"severity_labels,omitempty"` // :: severity → label
	// ComponentLabels adds one label by the component that a report is about.
	ComponentLabels map[string]string `json:"component_labels,omitempty" yaml:"component_labels,omitempty"` // :: component → label
	// Assignees, Milestone and Type are set on every issue of the route, as far as GitHub takes them.
	Assignees []string `json:"assignees,omitempty" yaml:"assignees,omitempty"` // logins
	Milestone string   `json:"milestone,omitempty" yaml:"milestone,omitempty"` // the title of an open one
	Type      string   `json:"issue_type,omitempty" yaml:"issue_type,omitempty"`
	// AssignReporter adds the reporter to the assignees, where their login is known.
	AssignReporter bool `json:"assign_reporter,omitempty" yaml:"assign_reporter,omitempty"`
	// Template is the file in .github/ISSUE_TEMPLATE that issues are written by, or [TemplateAuto]; "" and [TemplateNone] for none.
	Template string `json:"template,omitempty" yaml:"template,omitempty"`
	// When says which messages count for the route. Where it is zero, what the last route of the channel says holds; there it takes
	// all.
	When When `json:"when,omitzero" yaml:"when,omitempty"`
	// Propose has people asked before a report is filed; nil files without asking.
	Propose *Proposal `json:"propose,omitempty" yaml:"propose,omitempty"`
	// DryRun logs what would be filed, and files and marks nothing.
	DryRun bool `json:"dry_run,omitempty" yaml:"dry_run,omitempty"`
}

// Place returns where the reports of the route go.
func (r Route) Place() Place { return Place{Account: r.GitHub, Repository: r.Repository} }

// TakesAll reports whether the route leaves nothing of its channel to those after it.
func (r Route) TakesAll() bool { return r.Match.IsZero() && r.When.TakesAll() }

var (
	ownerName      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$`)
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
)

// maxLabel is GitHub's limit on the name of a label.
const maxLabel = 50

// ParseRepository splits "owner/name".
func ParseRepository(s string) (owner, name string, err error) {
	owner, name, _ = strings.Cut(s, "/")
	switch {
	case !ownerName.MatchString(owner), !repositoryName.MatchString(name):
		return "", "", fmt.Errorf("repository %q: want owner/name, for example acme/app", s)
	case name == "." || name == ".." || strings.HasSuffix(name, ".git"):
		return "", "", fmt.Errorf("repository %q: want the name as it is on GitHub, without .git", s)
	}
	return owner, name, nil
}

// Validate returns an error that names the faulty field, or nil.
func (r Route) Validate() error {
	if !channelID.MatchString(r.Channel) {
		return fmt.Errorf("channel %q: want a Slack channel id, for example C0123456 (in Slack: channel details, at the bottom)", r.Channel)
	}
	if _, _, err := ParseRepository(r.Repository); err != nil {
		return err
	}
	for _, label := range r.Labels {
		if err := validateLabel(label); err != nil {
			return err
		}
	}
	for _, severity := range slices.Sorted(maps.Keys(r.SeverityLabels)) {
		if !slices.Contains(severities, severity) {
			return fmt.Errorf("severity_labels: severity %q: want critical, high, medium or low", severity)
		}
		if err := validateLabel(r.SeverityLabels[severity]); err != nil {
			return fmt.Errorf("severity_labels: %w", err)
		}
	}
	for _, component := range r.Components() {
		if err := validateLabel(component); err != nil {
			return fmt.Errorf("as the name of a component, %w", err)
		}
		if label, labelled := r.ComponentLabels[component]; labelled {
			if err := validateLabel(label); err != nil {
				return fmt.Errorf("component_labels: %w", err)
			}
		}
	}
	if err := validateTemplate(r.Template); err != nil {
		return err
	}
	if r.Propose != nil {
		if err := r.Propose.Validate(); err != nil {
			return err
		}
	}
	return r.When.Validate()
}

func validateTemplate(name string) error {
	if name == "" || name == TemplateAuto || name == TemplateNone || IsTemplateFile(name) {
		return nil
	}
	return fmt.Errorf("template %q: want the name of a file such as bug_report.yml, auto or none", name)
}

func validateLabel(label string) error {
	if label == "" || label != oneLine(label) || utf8.RuneCountInString(label) > maxLabel {
		return fmt.Errorf("label %q: want 1 to %d characters in one line", label, maxLabel)
	}
	return nil
}

// Components returns the parts of the product that the route knows, sorted: those it labels, and those it matches.
func (r Route) Components() []string {
	all := slices.Sorted(maps.Keys(r.ComponentLabels))
	all = append(all, r.Match.Components...)
	slices.Sort(all)
	return slices.Compact(all)
}

// maxAssignees is how many GitHub takes.
const maxAssignees = 10

// assignees returns whom the issue of a message is assigned to.
func (r Route) assignees(m Message) []string {
	known := func(login string) bool { return strings.EqualFold(login, m.Login) }
	if !r.AssignReporter || m.Login == "" || len(r.Assignees) >= maxAssignees || slices.ContainsFunc(r.Assignees, known) {
		return r.Assignees
	}
	return append(slices.Clone(r.Assignees), m.Login)
}

// Source returns what an issue is written anew from where the route wants a template, and nil where it wants none.
func (r Route) Source(m Message, about Report) *Source {
	if r.Template == "" || r.Template == TemplateNone {
		return nil
	}
	return &Source{Message: m, Report: about, Template: r.Template}
}

// labels returns the labels of an issue for a report, each once. GitHub compares them without case.
func (r Route) labels(about Report) []string {
	var labels []string
	for _, label := range append(slices.Clone(r.Labels), r.SeverityLabels[about.Severity], r.ComponentLabels[about.Component]) {
		known := slices.ContainsFunc(labels, func(l string) bool { return strings.EqualFold(l, label) })
		if label != "" && !known {
			labels = append(labels, label)
		}
	}
	return labels
}
