package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// searchIssues answers from an index that is Options.SearchLag behind: a search does not find what was just created.
func (s *Sandbox) searchIssues(c *call, _ *grant) answer {
	query := c.params.Get("q")
	if strings.TrimSpace(query) == "" {
		return gitHubInvalid("Search", "q", "missing", "")
	}
	found := s.find(parseSearch(query), s.now().Add(-max(s.options.SearchLag, 0)))
	sortIssues(found, orDefault(c.params.Get("sort"), "created"), c.params.Get("order"))
	number, size := paging(c)
	items := []any{}
	for _, i := range pageOf(found, number, size) {
		item := wireIssue(c, i)
		item["score"] = 1.0
		items = append(items, item)
	}
	return linked(jsonAnswer(http.StatusOK, map[string]any{
		"total_count": len(found), "incomplete_results": false, "items": items,
	}), c, number, (len(found)+size-1)/size)
}

func (s *Sandbox) find(q search, indexed time.Time) []*issue {
	var found []*issue
	for _, r := range s.hub.repositories {
		if r.inaccessible || r.issuesDisabled {
			continue
		}
		for _, i := range r.issues {
			if !i.created.After(indexed) && q.matches(i) {
				found = append(found, i)
			}
		}
	}
	return found
}

// search is a query cut into words and qualifiers.
type search struct {
	words      []string
	qualifiers [][2]string
}

var (
	searchTerm      = regexp.MustCompile(`[a-z]+:"[^"]*"|"[^"]*"|\S+`)
	searchQualifier = regexp.MustCompile(`^(repo|org|user|is|type|state|author|label|in):(.+)$`)
)

func parseSearch(query string) search {
	var q search
	for _, term := range searchTerm.FindAllString(query, -1) {
		if parts := searchQualifier.FindStringSubmatch(term); parts != nil {
			q.qualifiers = append(q.qualifiers, [2]string{parts[1], strings.Trim(parts[2], `"`)})
			continue
		}
		q.words = append(q.words, strings.ToLower(strings.Trim(term, `"`)))
	}
	return q
}

func (q search) matches(i *issue) bool {
	text := strings.ToLower(i.title + "\n" + i.body)
	if slices.ContainsFunc(q.words, func(word string) bool { return !strings.Contains(text, word) }) {
		return false
	}
	return !slices.ContainsFunc(q.qualifiers, func(pair [2]string) bool { return !i.qualifies(pair[0], pair[1]) })
}

func (i *issue) qualifies(qualifier, value string) bool {
	switch qualifier {
	case "repo":
		return strings.EqualFold(i.repository.fullName(), value)
	case "org", "user":
		return strings.EqualFold(i.repository.owner, value)
	case "author":
		return strings.EqualFold(i.author, value)
	case "label":
		return i.labelled(value)
	case "state":
		return i.state == value
	case "is", "type":
		return i.is(value)
	default: // in: title and body are always both looked at
		return true
	}
}

func (i *issue) is(kind string) bool {
	switch kind {
	case "pr", "pull-request":
		return i.pull
	case "issue":
		return !i.pull
	default:
		return i.state == kind
	}
}
