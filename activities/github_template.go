package activities

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/go-github/v62/github"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

const (
	// templateAge is how long a worker may file by a template that was changed meanwhile.
	templateAge = 10 * time.Minute
	// templateRest is how long a worker waits after a template could not be read before it tries again, and templateStale
	// for how long after the last success it files by what it read then.
	templateRest  = time.Minute
	templateStale = time.Hour
)

// templates remembers the templates of repositories. Safe for concurrent use.
type templates struct{ shelves sync.Map } // :: shelfKey → *shelf

type shelfKey struct {
	account    credential.AccountID
	repository string
	file       string // as the route names it
}

// shelf is what is known of the template of one repository.
type shelf struct {
	turn  chan struct{} // holds who looks; guards everything below
	due   time.Time     // when to look again
	read  time.Time     // when the last look succeeded
	found found
	pages map[string]page // :: path in the API → what GitHub answered last
}

// page is an answer of GitHub that it need not repeat.
type page struct {
	etag string
	text string
}

// found is the template to file by, nil for none, and its file. Where a file is named and cannot be used, problem says why,
// in a clause that may stand in an issue: the project or the configuration can mend it.
type found struct {
	template *triage.Template
	file     string
	problem  string
}

// written returns the issue as the template that its route wants would have it, and the template's file; the issue as it is
// where there is no template. A broken template costs no report: the issue is then written without it, and says why where
// the project can mend that. An error ends the attempt: account down, rate limit, end of the context.
func (g *GitHub) written(ctx context.Context, client *github.Client, in CreateIssueInput) (issue triage.Issue, file string, err error) {
	if in.Source == nil {
		return in.Issue, "", nil
	}
	f, err := g.template(ctx, client, in)
	switch {
	case err != nil:
		return triage.Issue{}, "", err
	case f.template != nil:
		return in.Issue.By(*f.template, *in.Source), f.file, nil
	case f.file != "":
		return in.Issue.WithoutTemplate(f.file, f.problem), "", nil
	}
	return in.Issue, "", nil
}

// template returns what is known of the template, and looks where that is too old.
func (g *GitHub) template(ctx context.Context, client *github.Client, in CreateIssueInput) (found, error) {
	fresh := &shelf{turn: make(chan struct{}, 1), pages: map[string]page{}}
	kept, _ := g.templates.shelves.LoadOrStore(shelfKey{in.Account, repository(in.Issue), in.Source.Template}, fresh)
	s, _ := kept.(*shelf) // only shelves are stored
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return found{}, ctx.Err()
	}
	now := g.now()
	if now.Before(s.due) {
		return s.found, nil
	}
	look := lookup{client: client, pages: s.pages, kept: map[string]page{}}
	f, err := look.find(ctx, in.Issue.Owner, in.Issue.Repo, in.Source.Template)
	switch {
	case err == nil:
		s.found, s.read, s.due, s.pages = f, now, now.Add(templateAge), look.kept
	case ctx.Err() != nil || unavailable(err) != nil || isLimit(err):
		return found{}, err
	default:
		s.due = now.Add(templateRest)
		if now.Sub(s.read) > templateStale {
			s.found = unread(in.Source.Template)
		}
		f = found{problem: err.Error()}
	}
	if f.problem != "" {
		activity.GetLogger(ctx).Warn("the template of a repository is not there to write issues by", "repository", repository(in.Issue),
			"template", cmp.Or(f.file, in.Source.Template), "reason", f.problem, "by_what_it_was_before", s.found.template != nil)
	}
	return s.found, nil
}

// unread is what is known of a template that cannot be read. Where the route takes any template there is ("auto"), nothing
// is missed.
func unread(file string) found {
	if file == triage.TemplateAuto {
		return found{}
	}
	return found{file: file, problem: "it cannot be read"}
}

// isLimit reports whether an error is about a rate limit, which the issue itself would meet as well.
func isLimit(err error) bool {
	_, secondary := errors.AsType[*github.AbuseRateLimitError](err)
	return secondary || limitOf(err) > 0
}

func (g *GitHub) now() time.Time {
	if g.Now == nil {
		return time.Now()
	}
	return g.Now()
}
