package activities

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"tokenkeeper/triage"
)

// findFiled returns the issue of a report that was filed before, and reports whether there is one.
func findFiled(ctx context.Context, client *github.Client, in CreateIssueInput) (filed CreatedIssue, found bool, err error) {
	if filed, found, err = linked(ctx, client, in); err != nil || found {
		return filed, found, err
	}
	for _, name := range append([]string{repository(in.Issue)}, in.Elsewhere...) {
		at := in.Issue
		at.Owner, at.Repo, _ = strings.Cut(name, "/")
		issue, found, err := findIssue(ctx, client, at, in.Report)
		switch {
		case err != nil && name != repository(in.Issue) && holdsNone(err):
			continue // another route's trouble stops no report of this one
		case err != nil:
			doing := "listing the issues of " + name + " for report " + in.Report.String()
			return CreatedIssue{}, false, refused(ctx, client, doing, at, err)
		case found:
			filed = createdIssue(issue, at)
			filed.Found = true
			return filed, true, nil
		}
	}
	return CreatedIssue{}, false, nil
}

// linked returns the issue that the thread of a report links, and reports whether there is one. Where GitHub does not show it, as
// when the app was taken away from its repository, the thread is believed. Only a deleted issue (410) is to be filed again.
func linked(ctx context.Context, client *github.Client, in CreateIssueInput) (filed CreatedIssue, found bool, err error) {
	at, ok := parseIssueURL(in.Filed)
	if !ok {
		return CreatedIssue{}, false, nil
	}
	issue, _, err := client.Issues.Get(ctx, at.owner, at.repo, at.number)
	switch {
	case missing(err), forbidden(err):
		return CreatedIssue{Number: at.number, URL: in.Filed, Found: true}, true, nil
	case holdsNone(err):
		return CreatedIssue{}, false, nil
	case err != nil:
		return CreatedIssue{}, false, githubError("looking at "+in.Filed, err)
	}
	if key, _ := triage.FindMarker(issue.GetBody()); key != in.Report && issue.GetHTMLURL() != in.Filed {
		return CreatedIssue{}, false, nil // another server has another issue of that number
	}
	filed = createdIssue(issue, triage.Issue{Owner: at.owner, Repo: at.repo})
	filed.Found = true
	return filed, true, nil
}

// holdsNone reports whether GitHub says that there are no issues in a repository, or none for us.
func holdsNone(err error) bool {
	return refusedAs(err, http.StatusNotFound, http.StatusGone)
}

// findIssue returns the first issue with the report's marker, and reports whether there is one. It reads the newest issues first, and
// ends where they are older than the report, which no issue of it can be: most looks come soon after a lost answer, and have one page
// to read even where a thousand other issues were updated since.
func findIssue(ctx context.Context, client *github.Client, at triage.Issue, report triage.Key) (first *github.Issue, found bool, err error) {
	begin := report.Time().Add(-time.Minute) // clocks differ
	options := &github.IssueListByRepoOptions{
		State: "all", Sort: "created", Direction: "desc", Since: begin, ListOptions: github.ListOptions{PerPage: 100},
	}
	for {
		issues, resp, err := client.Issues.ListByRepo(ctx, at.Owner, at.Repo, options)
		if err != nil {
			return nil, false, err
		}
		for _, issue := range issues {
			if key, ok := triage.FindMarker(issue.GetBody()); ok && key == report {
				first, found = issue, true
			}
		}
		older := len(issues) > 0 && issues[len(issues)-1].GetCreatedAt().Before(begin)
		if options.Page = resp.NextPage; older || resp.NextPage == 0 {
			return first, found, nil
		}
	}
}
