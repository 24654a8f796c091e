package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of an issue, in characters.
const (
	maxIssueTitle = 256
	maxIssueBody  = 65536
	maxLabel      = 50
)

// issueRequest is the body of a request to create an issue.
type issueRequest struct {
	Title     *string  `json:"title"`
	Body      string   `json:"body"`
	Labels    []string `json:"labels"`
	Assignees []string `json:"assignees"`
	Assignee  string   `json:"assignee"`
	Milestone *int     `json:"milestone"`
	Type      *string  `json:"type"`
}

func (s *Sandbox) createIssue(c *call, g *grant) answer {
	return s.withIssues(c, func(r *repository) answer {
		var asked issueRequest
		if json.Unmarshal(c.body, &asked) != nil {
			return gitHubUnparsable()
		}
		if field := nullList(c.body, "labels", "assignees"); field != "" {
			return gitHubNotAnArray(field)
		}
		if asked.Assignee != "" {
			asked.Assignees = append(asked.Assignees, asked.Assignee)
		}
		if refused, bad := s.invalid(asked); bad {
			return refused
		}
		if slices.Contains(s.options.PullOnly, r.fullName()) {
			if slices.ContainsFunc(asked.Labels, func(name string) bool { return r.label(name) == nil }) {
				return gitHubNoLabels()
			}
			asked.Labels, asked.Assignees, asked.Milestone, asked.Type = nil, nil, nil, nil
		}
		i := s.hub.open(r, issue{
			title: *asked.Title, body: asked.Body, author: g.subject, assignees: asked.Assignees,
			labels: s.hub.ensureLabels(r, asked.Labels), milestone: s.milestone(asked.Milestone), kind: s.issueType(asked.Type),
		}, s.now())
		return jsonAnswer(http.StatusCreated, wireIssue(c, i)).with("Location", i.apiURL(c))
	})
}

// nullList returns the first of the fields that is there and null.
func nullList(body []byte, fields ...string) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(body, &members) // it was read as an object before
	for _, field := range fields {
		if string(members[field]) == "null" {
			return field
		}
	}
	return ""
}

// invalid returns the 422 for what GitHub does not accept.
func (s *Sandbox) invalid(asked issueRequest) (answer, bool) {
	switch {
	case asked.Title == nil || strings.TrimSpace(*asked.Title) == "":
		return gitHubInvalid("Issue", "title", "missing_field", ""), true
	case utf8.RuneCountInString(*asked.Title) > maxIssueTitle:
		return gitHubInvalid("Issue", "title", "custom", "title is too long (maximum is 256 characters)"), true
	case utf8.RuneCountInString(asked.Body) > maxIssueBody:
		return gitHubInvalid("Issue", "body", "custom", "body is too long (maximum is 65536 characters)"), true
	case slices.ContainsFunc(asked.Labels, badLabel):
		return gitHubInvalid("Label", "name", "invalid", ""), true
	case slices.ContainsFunc(asked.Assignees, s.unknownLogin):
		return gitHubInvalid("Issue", "assignees", "invalid", ""), true
	case asked.Milestone != nil && s.milestone(asked.Milestone) == "":
		return gitHubInvalid("Issue", "milestone", "invalid", ""), true
	case asked.Type != nil && len(s.options.IssueTypes) > 0 && s.issueType(asked.Type) == "":
		return gitHubInvalid("Issue", "type", "invalid", ""), true
	default:
		return answer{}, false
	}
}

func badLabel(name string) bool {
	return strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > maxLabel
}

func (s *Sandbox) unknownLogin(login string) bool {
	return login != maintainer && !slices.Contains(s.subjects(GitHub), login)
}

func (s *Sandbox) getIssue(c *call, _ *grant) answer {
	return s.withIssue(c, func(i *issue) answer { return jsonAnswer(http.StatusOK, wireIssue(c, i)) })
}

// listIssues has pull requests among the issues, and since looks at the time of the last update, as at GitHub.
func (s *Sandbox) listIssues(c *call, _ *grant) answer {
	return s.withIssues(c, func(r *repository) answer {
		keep, refused, bad := issueFilter(c)
		if bad {
			return refused
		}
		found := slices.DeleteFunc(slices.Clone(r.issues), func(i *issue) bool { return !keep(i) })
		sortIssues(found, c.params.Get("sort"), c.params.Get("direction"))
		return listAnswer(c, found, func(i *issue) any { return wireIssue(c, i) })
	})
}

func issueFilter(c *call) (keep func(*issue) bool, refused answer, bad bool) {
	state, creator, since := orDefault(c.params.Get("state"), "open"), c.params.Get("creator"), time.Time{}
	if !slices.Contains([]string{"open", "closed", "all"}, state) {
		return nil, gitHubInvalid("Issue", "state", "invalid", ""), true
	}
	if value := c.params.Get("since"); value != "" {
		parsed, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return nil, gitHubInvalid("Issue", "since", "invalid", ""), true
		}
		since = parsed
	}
	labels := strings.FieldsFunc(c.params.Get("labels"), func(r rune) bool { return r == ',' })
	return func(i *issue) bool {
		return (state == "all" || i.state == state) &&
			(creator == "" || strings.EqualFold(creator, i.author)) &&
			!i.updated.Before(since.Truncate(time.Second)) &&
			!slices.ContainsFunc(labels, func(name string) bool { return !i.labelled(name) })
	}, answer{}, false
}

func (i *issue) labelled(name string) bool {
	return slices.ContainsFunc(i.labels, func(l string) bool { return strings.EqualFold(l, name) })
}

func sortIssues(issues []*issue, by, direction string) {
	compare := newestFirst
	switch by {
	case "updated":
		compare = func(a, b *issue) int { return b.updated.Compare(a.updated) }
	case "comments":
		compare = func(a, b *issue) int { return len(b.comments) - len(a.comments) }
	}
	slices.SortStableFunc(issues, newestFirst)
	slices.SortStableFunc(issues, compare)
	if direction == "asc" {
		slices.Reverse(issues)
	}
}

func (s *Sandbox) listComments(c *call, _ *grant) answer {
	return s.withIssue(c, func(i *issue) answer {
		return listAnswer(c, i.comments, func(m comment) any { return wireComment(c, i, m) })
	})
}

func (s *Sandbox) createComment(c *call, g *grant) answer {
	return s.withIssue(c, func(i *issue) answer {
		var asked struct {
			Body string `json:"body"`
		}
		if json.Unmarshal(c.body, &asked) != nil {
			return gitHubUnparsable()
		}
		switch {
		case strings.TrimSpace(asked.Body) == "":
			return gitHubInvalid("IssueComment", "body", "missing_field", "")
		case utf8.RuneCountInString(asked.Body) > maxIssueBody:
			return gitHubInvalid("IssueComment", "body", "custom", "body is too long (maximum is 65536 characters)")
		}
		m := comment{id: s.hub.nextID(), body: asked.Body, author: g.subject, created: s.now().UTC().Truncate(time.Second)}
		i.comments, i.updated = append(i.comments, m), m.created
		return jsonAnswer(http.StatusCreated, wireComment(c, i, m))
	})
}
