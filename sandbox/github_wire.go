package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Objects go out as maps: a subset of GitHub's members under GitHub's names, and readers ignore what they do not know.

func wireLogin(c *call, login string) map[string]any {
	return map[string]any{
		"login": login, "id": loginID(login), "type": "User", "site_admin": false,
		"node_id": "U_" + strconv.FormatInt(loginID(login), 36), "url": c.base + "/github/api/v3/users/" + login,
		"html_url": c.base + "/github/" + login, "avatar_url": "",
	}
}

func wireIssue(c *call, i *issue) map[string]any {
	api := i.apiURL(c)
	fields := map[string]any{
		"id": i.id, "node_id": "I_" + strconv.FormatInt(i.id, 36), "number": i.number, "title": i.title, "body": i.body,
		"url": api, "html_url": c.base + i.path(), "repository_url": i.repository.apiURL(c), "labels_url": api + "/labels{/name}",
		"comments_url": api + "/comments", "events_url": api + "/events", "user": wireLogin(c, i.author),
		"labels": wireIssueLabels(c, i), "state": i.state, "state_reason": nil, "locked": false,
		"assignee": nil, "assignees": wireLogins(c, i.assignees), "milestone": nil, "type": nil, "comments": len(i.comments),
		"created_at": i.created, "updated_at": i.updated, "closed_at": nil, "author_association": "COLLABORATOR",
	}
	if i.reason != "" {
		fields["state_reason"] = i.reason
	}
	if i.state == issueClosed {
		fields["closed_at"] = i.closed
	}
	if i.milestone != "" {
		fields["milestone"] = map[string]any{"title": i.milestone, "state": issueOpen}
	}
	if i.kind != "" {
		fields["type"] = map[string]any{"id": loginID(i.kind), "node_id": "IT_" + strconv.FormatInt(loginID(i.kind), 36), "name": i.kind, "is_enabled": true}
	}
	if len(i.assignees) > 0 {
		fields["assignee"] = wireLogin(c, i.assignees[0])
	}
	if i.pull {
		pull := fmt.Sprintf("%s/pulls/%d", i.repository.apiURL(c), i.number)
		fields["pull_request"] = map[string]any{"url": pull, "html_url": c.base + i.path()}
	}
	return fields
}

func wireRepository(c *call, r *repository) map[string]any {
	return map[string]any{
		"id": r.id, "name": r.name, "full_name": r.fullName(), "private": true, "fork": false, "archived": false,
		"disabled": false, "visibility": "private", "default_branch": "main", "owner": wireLogin(c, r.owner),
		"has_issues": !r.issuesDisabled, "open_issues_count": len(r.issues), "url": r.apiURL(c),
		"html_url":    c.base + "/github/" + r.fullName(),
		"permissions": map[string]any{"admin": false, "push": true, "pull": true},
	}
}

func wireLogins(c *call, logins []string) []any {
	users := make([]any, 0, len(logins))
	for _, login := range logins {
		users = append(users, wireLogin(c, login))
	}
	return users
}

func wireIssueLabels(c *call, i *issue) []any {
	labels := make([]any, 0, len(i.labels))
	for _, name := range i.labels {
		if l := i.repository.label(name); l != nil {
			labels = append(labels, wireLabel(c, i.repository, *l))
		}
	}
	return labels
}

func wireLabel(c *call, r *repository, l label) map[string]any {
	return map[string]any{
		"id": l.id, "node_id": "LA_" + strconv.FormatInt(l.id, 36), "name": l.name, "color": l.color, "default": false,
		"description": l.description, "url": r.apiURL(c) + "/labels/" + url.PathEscape(l.name),
	}
}

func wireComment(c *call, i *issue, m comment) map[string]any {
	return map[string]any{
		"id": m.id, "node_id": "IC_" + strconv.FormatInt(m.id, 36), "body": m.body, "user": wireLogin(c, m.author),
		"created_at": m.created, "updated_at": m.created, "issue_url": i.apiURL(c), "author_association": "COLLABORATOR",
		"url":      fmt.Sprintf("%s/issues/comments/%d", i.repository.apiURL(c), m.id),
		"html_url": fmt.Sprintf("%s%s#issuecomment-%d", c.base, i.path(), m.id),
	}
}

func (r *repository) apiURL(c *call) string { return c.base + "/github/api/v3/repos/" + r.fullName() }

func (i *issue) apiURL(c *call) string {
	return fmt.Sprintf("%s/issues/%d", i.repository.apiURL(c), i.number)
}

// path is the page of the issue.
func (i *issue) path() string {
	return fmt.Sprintf("/github/%s/issues/%d", i.repository.fullName(), i.number)
}

// listAnswer is one page of a list, with a Link header to the others.
func listAnswer[T any](c *call, all []T, wire func(T) any) answer {
	number, size := paging(c)
	items := []any{}
	for _, item := range pageOf(all, number, size) {
		items = append(items, wire(item))
	}
	return linked(jsonAnswer(http.StatusOK, items), c, number, (len(all)+size-1)/size)
}

// paging reads page and per_page; what makes no sense counts as absent.
func paging(c *call) (number, size int) {
	number, size = 1, 30
	if n, err := strconv.Atoi(c.params.Get("page")); err == nil && n > 0 {
		number = n
	}
	if n, err := strconv.Atoi(c.params.Get("per_page")); err == nil && n > 0 {
		size = min(n, 100)
	}
	return number, size
}

func pageOf[T any](all []T, number, size int) []T {
	from := min((number-1)*size, len(all))
	return all[from:min(from+size, len(all))]
}

func linked(a answer, c *call, number, last int) answer {
	var links []string
	link := func(rel string, n int) {
		query := c.request.URL.Query()
		query.Set("page", itoa(n))
		links = append(links, fmt.Sprintf(`<%s%s?%s>; rel="%s"`, c.base, c.request.URL.Path, query.Encode(), rel))
	}
	if number > 1 {
		link("prev", number-1)
	}
	if number < last {
		link("next", number+1)
		link("last", last)
	}
	if number > 1 {
		link("first", 1)
	}
	if len(links) == 0 {
		return a
	}
	return a.with("Link", strings.Join(links, ", "))
}
