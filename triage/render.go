package triage

import (
	"strings"
	"unicode/utf8"
)

// Issue is what is sent to GitHub.
type Issue struct {
	Owner  string   `json:"owner"`
	Repo   string   `json:"repo"`
	Title  string   `json:"title"`
	Body   string   `json:"body"`
	Labels []string `json:"labels,omitempty"`
	// What follows is left out where GitHub refuses it, rather than the issue.
	Assignees []string `json:"assignees,omitempty"` // logins
	Milestone string   `json:"milestone,omitempty"` // its title
	Type      string   `json:"type,omitempty"`      // one of the organization's issue types
}

// maxIssueTitle is GitHub's limit, in runes.
const maxIssueTitle = 256

// Render writes the issue for a report. Whatever the message and the report hold, nothing in them takes effect at GitHub,
// sizes stay within its limits, and the last line of the body is the marker of a valid key. Repository and labels come from
// the route alone; those of a route that is not valid are empty.
func Render(m Message, r Report, route Route) Issue {
	owner, repo, err := ParseRepository(route.Repository)
	if err != nil {
		owner, repo = "", ""
	}
	return Issue{
		Owner: owner, Repo: repo, Title: renderTitle(m, r), Body: renderBody(m, r), Labels: route.labels(r),
		Assignees: route.assignees(m), Milestone: route.Milestone, Type: route.Type,
	}
}

// renderTitle shows code the way GitHub does in titles, so that it stays inert where titles are copied into texts, as in
// release notes.
func renderTitle(m Message, r Report) string { return titleWithin(m, r, maxIssueTitle) }

// titleWithin is renderTitle with a limit in runes.
func titleWithin(m Message, r Report, longest int) string {
	title := oneLine(r.Title)
	if !hasWord(title) {
		title = fallbackTitle(m)
	}
	for limit := longest; ; limit -= 16 {
		// Code spans add to the length, at most as much again.
		if shown := inert(cut(title, limit)); utf8.RuneCountInString(shown) <= longest {
			return strings.TrimSpace(shown)
		}
	}
}
