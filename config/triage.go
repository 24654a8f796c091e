package config

import (
	"cmp"
	"slices"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// Triage turns the bug reports of some channels into issues.
type Triage struct {
	// Name is the key in the file, organization/name; its Workflow id is "triage/" and the name.
	Name  string               `yaml:"-" json:"name"`
	Slack credential.AccountID `yaml:"slack" json:"slack"`
	// GitHub files the reports of the routes that name no account of their own.
	GitHub credential.AccountID `yaml:"github" json:"github"`
	// PollInterval is the pause between two looks at a channel with nothing new.
	PollInterval time.Duration `yaml:"poll_interval" json:"poll_interval"`
	// Lookback is how far back the very first start reads.
	Lookback time.Duration `yaml:"lookback" json:"lookback"`
	// Since is from when on messages are too old, however long nobody could read them; zero for never.
	Since triage.Since `yaml:"since" json:"since,omitzero"`
	// Follow is for how long after a report its thread is followed; 0 for not at all.
	Follow time.Duration `yaml:"follow" json:"follow"`
	// Threshold is the confidence in percent below which an issue gets the label needs-triage.
	Threshold int `yaml:"threshold" json:"threshold"`
	// Teams are people that routes can ask for.
	Teams map[string][]string `yaml:"teams" json:"teams,omitempty"` // :: name → Slack user ids
	// Logins are people whose name at GitHub is known.
	Logins map[string]string `yaml:"logins" json:"logins,omitempty"` // :: Slack user id → GitHub login
	Routes []Route           `yaml:"routes" json:"routes"`
}

// Channels returns the channels that the triage reads, each once, in the order of its routes.
func (t Triage) Channels() []string {
	var channels []string
	for _, r := range t.Routes {
		if !slices.Contains(channels, r.Channel) {
			channels = append(channels, r.Channel)
		}
	}
	return channels
}

// Filer returns the account that files the reports of a route.
func (t Triage) Filer(r Route) credential.AccountID { return cmp.Or(r.GitHub, t.GitHub) }

// Accounts returns those that the triage reads and files with, each once.
func (t Triage) Accounts() []credential.AccountID {
	accounts := []credential.AccountID{t.Slack}
	for _, r := range t.Routes {
		if filer := t.Filer(r); !slices.Contains(accounts, filer) {
			accounts = append(accounts, filer)
		}
	}
	return accounts
}

// Members returns the Slack user ids of some teams.
func (t Triage) Members(teams []string) []string {
	var members []string
	for _, team := range teams {
		members = append(members, t.Teams[team]...)
	}
	return members
}

// Route says which channel, or which reports of it, feed which repository.
type Route struct {
	Channel    string `yaml:"channel" json:"channel"`       // Slack's id, not the name
	Repository string `yaml:"repository" json:"repository"` // owner/name
	// GitHub is the account that files the issues of the route; zero for the triage's.
	GitHub credential.AccountID `yaml:"github" json:"github,omitzero"`
	Labels []string             `yaml:"labels" json:"labels"`
	// SeverityLabels adds one label by severity: critical, high, medium, low.
	SeverityLabels map[string]string `yaml:"severity_labels" json:"severity_labels"` // :: severity → label
	// ComponentLabels adds one label by component. Its keys, and what matches name, are the components there are.
	ComponentLabels map[string]string `yaml:"component_labels" json:"component_labels"` // :: component → label
	Assignees       []string          `yaml:"assignees" json:"assignees"`               // GitHub logins
	Milestone       string            `yaml:"milestone" json:"milestone"`               // the title of an open one
	IssueType       string            `yaml:"issue_type" json:"issue_type"`             // one of the organization's
	// AssignReporter adds the reporter to the assignees, where Logins knows them.
	AssignReporter bool  `yaml:"assign_reporter" json:"assign_reporter,omitempty"`
	Match          Match `yaml:"match" json:"match,omitzero"`
	// Template is the file in .github/ISSUE_TEMPLATE that issues are written by, or auto, or none.
	Template string `yaml:"template" json:"template"`
	// When says which messages count, DryRun that what would be filed is only logged.
	When triage.When `yaml:"when" json:"when,omitzero"`
	// Mode is [ModeFile] or [ModePropose]; Propose is of the latter.
	Mode    string          `yaml:"mode" json:"mode"`
	Propose triage.Proposal `yaml:"propose" json:"propose,omitzero"`
	DryRun  bool            `yaml:"dry_run" json:"dry_run"`
}

// Match says which reports of the channel a route takes: all of them, unless a condition is there.
type Match struct {
	Patterns   []string `yaml:"patterns" json:"patterns,omitempty"`     // regular expressions, one of which has to be found
	Components []string `yaml:"components" json:"components,omitempty"` // one of which the report has to be about
	Teams      []string `yaml:"teams" json:"teams,omitempty"`           // one of which the author has to be in
}

// IsZero reports whether every report matches.
func (m Match) IsZero() bool { return len(m.Patterns)+len(m.Components)+len(m.Teams) == 0 }

// The modes of a route.
const (
	ModeFile    = "file"    // what is a report becomes an issue
	ModePropose = "propose" // people are asked in the thread first
)
