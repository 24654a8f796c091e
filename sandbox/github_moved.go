package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// MoveRepository gives a repository another name or owner, as a maintainer does. Requests for the former are redirected.
func (s *Sandbox) MoveRepository(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.hub.repository(from)
	owner, name, ok := strings.Cut(to, "/")
	if r == nil || !ok || s.hub.repository(to) != nil {
		return fmt.Errorf("moving %s to %s: want a repository there is, and the owner/name of none", from, to)
	}
	r.owner, r.name = owner, name
	moved := map[string]string{from: to}
	maps.Copy(moved, s.options.Renamed)
	s.options.Renamed = moved
	return nil
}

// redirected is the answer to a request for a repository under a former name: 301 for what only reads, else 307, by
// docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api ("Follow redirects").
func (s *Sandbox) redirected(c *call) (answer, bool) {
	former := c.request.PathValue("owner") + "/" + c.request.PathValue("repo")
	for old, now := range s.options.Renamed {
		if !strings.EqualFold(old, former) {
			continue
		}
		status := http.StatusTemporaryRedirect
		if c.request.Method == http.MethodGet || c.request.Method == http.MethodHead {
			status = http.StatusMovedPermanently
		}
		target := c.base + strings.Replace(c.request.URL.RequestURI(), "/repos/"+former, "/repos/"+now, 1)
		return jsonAnswer(status, map[string]any{
			"message": http.StatusText(status), "url": target, "documentation_url": gitHubDocs,
		}).with("Location", target), true
	}
	return answer{}, false
}

// userInstallations are where a user's token reaches: the owners of the repositories the app may use.
func (s *Sandbox) userInstallations(c *call, g *grant) answer {
	if g.installation {
		return gitHubFailure(http.StatusForbidden, "Resource not accessible by integration")
	}
	var owners []string
	installations := []any{}
	for _, r := range s.hub.repositories {
		if r.inaccessible || slices.Contains(owners, r.owner) {
			continue
		}
		owners = append(owners, r.owner)
		installations = append(installations, map[string]any{"id": loginID(r.owner), "account": wireLogin(c, r.owner)})
	}
	return jsonAnswer(http.StatusOK, map[string]any{"total_count": len(installations), "installations": installations})
}

func (s *Sandbox) listMilestones(c *call, _ *grant) answer {
	return s.withRepository(c, func(*repository) answer {
		type numbered struct {
			number int
			title  string
		}
		var all []numbered
		for i, title := range s.options.Milestones {
			all = append(all, numbered{i + 1, title})
		}
		return listAnswer(c, all, func(m numbered) any {
			return map[string]any{"number": m.number, "title": m.title, "state": "open"}
		})
	})
}

// milestone returns the title behind a number, or "".
func (s *Sandbox) milestone(number *int) string {
	if number == nil || *number < 1 || *number > len(s.options.Milestones) {
		return ""
	}
	return s.options.Milestones[*number-1]
}

// issueType returns the proper name of a type, or "".
func (s *Sandbox) issueType(name *string) string {
	if name == nil {
		return ""
	}
	i := slices.IndexFunc(s.options.IssueTypes, func(known string) bool { return strings.EqualFold(known, *name) })
	if i < 0 {
		return ""
	}
	return s.options.IssueTypes[i]
}
