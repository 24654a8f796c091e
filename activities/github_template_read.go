package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/go-github/v62/github"

	"tokenkeeper/triage"
)

const (
	// templateFolder is where GitHub looks for forms.
	templateFolder = ".github/ISSUE_TEMPLATE"
	// communityRepository has the templates of an owner's repositories without a folder of their own.
	communityRepository = ".github"
	// maxListing is how long the list of the folder may be, in bytes; GitHub writes about 1,000 of each file.
	maxListing = 1 << 20
	// maxTemplates is how many files are read for the one that is for bugs.
	maxTemplates = 10
)

// errUnreadable is the answer to a token that lacks the permission.
var errUnreadable = errors.New("the app may not read it: give it the permission Contents (read-only)")

// lookup is one look at the templates of a repository.
type lookup struct {
	client *github.Client
	pages  map[string]page // of the look before
	kept   map[string]page // for the next
}

// find returns the template that a route wants: of its repository, else of its owner's community repository, as GitHub does.
func (l lookup) find(ctx context.Context, owner, name, file string) (f found, err error) {
	search, none := l.named, found{file: file, problem: "there is no such file in " + templateFolder + ", or the app may not read it"}
	if file == triage.TemplateAuto {
		search, none = l.forBugs, found{}
	}
	for _, repository := range slices.Compact([]string{name, communityRepository}) {
		f, there, err := search(ctx, owner+"/"+repository, file)
		switch {
		case errors.Is(err, errUnreadable):
			return found{file: none.file, problem: err.Error()}, nil
		case there || err != nil:
			return f, err
		}
	}
	return none, nil
}

// named reads one file, and reports whether it is there.
func (l lookup) named(ctx context.Context, repository, file string) (f found, there bool, err error) {
	text, there, err := l.read(ctx, repository, templateFolder+"/"+file, "application/vnd.github.raw+json")
	if err != nil || !there {
		return found{}, false, err
	}
	t, err := triage.ParseTemplate(file, text)
	if err != nil {
		return found{file: file, problem: err.Error()}, true, nil //nolint:nilerr // what is wrong with it is what was found
	}
	return found{file: file, template: &t}, true, nil
}

// forBugs finds the template for bugs among those of a repository, and reports whether it has the folder: first by the names
// of the files, then by what stands in them.
func (l lookup) forBugs(ctx context.Context, repository, _ string) (f found, some bool, err error) {
	files, some, err := l.files(ctx, repository)
	if err != nil || !some {
		return found{}, false, err
	}
	for _, file := range files[:min(len(files), maxTemplates)] {
		one, there, err := l.named(ctx, repository, file)
		switch {
		case err != nil:
			return found{}, true, err
		case there && (triage.NamedForBugs(file) || one.template != nil && one.template.ForBugs()):
			return one, true, nil
		}
	}
	return found{}, true, nil
}

// files returns the names of the templates of a repository, the likeliest first, and reports whether it has the folder: with
// nothing but a config.yml in it GitHub does not look further either.
func (l lookup) files(ctx context.Context, repository string) (files []string, there bool, err error) {
	text, there, err := l.read(ctx, repository, templateFolder, "application/vnd.github+json")
	if err != nil || !there {
		return nil, false, err
	}
	var entries []struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		return nil, false, fmt.Errorf("%s of %s is no folder that GitHub lists", templateFolder, repository)
	}
	for _, e := range entries {
		if e.Type == "file" && triage.IsTemplateFile(e.Name) {
			files = append(files, e.Name)
		}
	}
	likeliest := func(file string) int {
		rank := 0
		if !triage.NamedForBugs(file) {
			rank += 2
		}
		if !triage.IsForm(file) {
			rank++
		}
		return rank
	}
	slices.SortStableFunc(files, func(a, b string) int {
		return cmp.Or(likeliest(a)-likeliest(b), cmp.Compare(a, b))
	})
	return files, true, nil
}

// read returns what GitHub answers of a file or a folder in a media type, and reports whether it is there. What did not change
// costs nothing of the rate limit.
func (l lookup) read(ctx context.Context, repository, path, accept string) (text string, there bool, err error) {
	at := (&url.URL{Path: "repos/" + repository + "/contents/" + path}).EscapedPath()
	request, err := l.client.NewRequest(http.MethodGet, at, nil)
	if err != nil {
		return "", false, err
	}
	request.Header.Set("Accept", accept)
	before, known := l.pages[at]
	if known {
		request.Header.Set("If-None-Match", before.etag)
	}
	resp, err := l.client.BareDo(ctx, request)
	switch {
	case known && notModified(err):
		l.kept[at] = before
		return before.text, true, nil
	case missing(err):
		return "", false, nil
	case forbidden(err):
		return "", false, errUnreadable
	case err != nil:
		return "", false, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxListing))
	if err != nil {
		return "", false, fmt.Errorf("reading %s of %s: %w", path, repository, err)
	}
	if etag := resp.Header.Get("ETag"); etag != "" {
		l.kept[at] = page{etag: etag, text: string(content)}
	}
	return string(content), true, nil
}
