package sandbox

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// RepositoryFile is a file of a repository, or its removal.
type RepositoryFile struct {
	Repository string `json:"repository"` // owner/name
	Path       string `json:"path"`       // .github/ISSUE_TEMPLATE/bug_report.yml
	// Text is what the file holds; "" removes it.
	Text string `json:"text"`
}

// SetFile puts a file into the default branch of a repository, or takes it away.
func (s *Sandbox) SetFile(f RepositoryFile) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.hub.repository(f.Repository)
	switch {
	case r == nil:
		return fmt.Errorf("repository %q: no such repository", f.Repository)
	case f.Path == "" || path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || strings.HasPrefix(f.Path, ".."):
		return fmt.Errorf("path %q: want one below the root, such as .github/ISSUE_TEMPLATE/bug_report.yml", f.Path)
	case f.Text == "":
		delete(r.files, f.Path)
	default:
		r.files[f.Path] = f.Text
	}
	return nil
}

// getContents answers a file, as it is where the raw media type is asked for, or the list of a folder, by
// docs.github.com/en/rest/repos/contents ("Get repository content").
func (s *Sandbox) getContents(c *call, _ *grant) answer {
	return s.withRepository(c, func(r *repository) answer {
		name := strings.Trim(c.request.PathValue("path"), "/")
		text, isFile := r.files[name]
		entries := r.entries(c, name)
		switch {
		case isFile && strings.Contains(c.request.Header.Get("Accept"), "application/vnd.github.raw"):
			return textAnswer(http.StatusOK, "application/vnd.github.raw+json; charset=utf-8", text)
		case isFile:
			file := wireEntry(c, r, name, "file", len(text))
			file["encoding"], file["content"] = "base64", base64.StdEncoding.EncodeToString([]byte(text))
			return jsonAnswer(http.StatusOK, file)
		case len(entries) == 0:
			return gitHubFailure(http.StatusNotFound, "Not Found")
		}
		return jsonAnswer(http.StatusOK, entries)
	})
}

// entries lists what lies in a folder, by name.
func (r *repository) entries(c *call, folder string) []any {
	var entries []any
	last := ""
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		below, inside := strings.CutPrefix(name, folder+"/")
		if folder == "" {
			below, inside = name, true
		}
		child, _, nested := strings.Cut(below, "/")
		if !inside || child == last {
			continue
		}
		last = child
		kind, size := "file", len(r.files[name])
		if nested {
			kind, size = "dir", 0
		}
		entries = append(entries, wireEntry(c, r, path.Join(folder, child), kind, size))
	}
	return entries
}

func wireEntry(c *call, r *repository, name, kind string, size int) map[string]any {
	return map[string]any{
		"type": kind, "name": path.Base(name), "path": name, "size": size,
		"url":      r.apiURL(c) + "/contents/" + (&url.URL{Path: name}).EscapedPath(),
		"html_url": c.base + "/github/" + r.fullName() + "/blob/main/" + name,
	}
}
