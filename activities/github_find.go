package activities

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// findFiled returns the issue of a report that was filed before, and reports whether there is one.
func (g *GitHub) findFiled(ctx context.Context, client *github.Client, in CreateIssueInput) (filed CreatedIssue, found bool, err error) {
	if filed, found, err = g.linked(ctx, in); err != nil || found {
		return filed, found, err
	}
	issue, found, err := findIssue(ctx, client, in.Issue, in.Report)
	if err != nil {
		return CreatedIssue{}, false, g.Pace.heard(in.Account, refused(ctx, client, listing(in, repository(in.Issue)), in.Issue, err))
	}
	if found {
		return foundIssue(issue, in.Issue), true, nil
	}
	for _, place := range in.Elsewhere {
		filed, found, err := g.findElsewhere(ctx, in, place)
		if isOutOfReach(err) && !place.Account.IsZero() {
			activity.GetLogger(ctx).Warn("nobody looked whether a report was filed in a place before", "report", in.Report.String(),
				"place", place.String(), "error", err)
			continue
		}
		if err != nil || found {
			return filed, found, err
		}
	}
	return CreatedIssue{}, false, nil
}

func listing(in CreateIssueInput, what string) string {
	return "listing the issues of " + what + " for report " + in.Report.String()
}

// findElsewhere looks for the issue of a report in one place.
func (g *GitHub) findElsewhere(ctx context.Context, in CreateIssueInput, place triage.Place) (filed CreatedIssue, found bool, err error) {
	account := cmp.Or(place.Account, in.Account)
	client, err := g.client(account)
	if err != nil {
		return CreatedIssue{}, false, err
	}
	at := in.Issue
	at.Owner, at.Repo, _ = strings.Cut(place.Repository, "/")
	issue, found, err := findIssue(ctx, client, at, in.Report)
	switch {
	case holdsNone(err): // another route's trouble stops no report of this one
		return CreatedIssue{}, false, nil
	case err != nil:
		return CreatedIssue{}, false, g.Pace.heard(account, githubError(listing(in, place.String()), err))
	case !found:
		return CreatedIssue{}, false, nil
	}
	filed = foundIssue(issue, at)
	filed.Account = in.another(account)
	return filed, true, nil
}

// isOutOfReach reports whether an account needs a person, or a change of the configuration, before anything can be read with
// it.
func isOutOfReach(err error) bool {
	kind := errorType(err)
	return kind == ErrTypeAccountUnavailable || kind == ErrTypeNotConfigured
}

// another returns account, or zero where it is the one that was to create the issue anyway.
func (in CreateIssueInput) another(account credential.AccountID) credential.AccountID {
	if account == in.Account {
		return credential.AccountID{}
	}
	return account
}

// foundIssue is an issue that an earlier attempt had created.
func foundIssue(issue *github.Issue, at triage.Issue) CreatedIssue {
	filed := createdIssue(issue, at)
	filed.Found = true
	return filed
}

// linked returns the issue that our reply in the report's thread links, and reports whether there is one. Where GitHub does
// not show it, for example because the app lost access to its repository, the link is believed. Only a deleted issue (410)
// has the report filed again.
func (g *GitHub) linked(ctx context.Context, in CreateIssueInput) (filed CreatedIssue, found bool, err error) {
	at, ok := parseIssueURL(in.Filed)
	if !ok {
		return CreatedIssue{}, false, nil
	}
	account := g.whoSees(in)
	client, err := g.client(account)
	if err != nil {
		return CreatedIssue{}, false, err
	}
	issue, _, err := client.Issues.Get(ctx, at.owner, at.repo, at.number)
	switch {
	case missing(err), forbidden(err), account != in.Account && isOutOfReach(unavailable(err)):
		return CreatedIssue{Number: at.number, URL: in.Filed, Account: in.another(account), Found: true}, true, nil
	case holdsNone(err):
		return CreatedIssue{}, false, nil
	case err != nil:
		return CreatedIssue{}, false, g.Pace.heard(account, githubError("looking at "+in.Filed, err))
	}
	if key, _ := triage.FindMarker(issue.GetBody()); key != in.Report && issue.GetHTMLURL() != in.Filed {
		return CreatedIssue{}, false, nil // another server has another issue of that number
	}
	filed = foundIssue(issue, triage.Issue{Owner: at.owner, Repo: at.repo})
	filed.Account = in.another(account)
	return filed, true, nil
}

// whoSees returns the account to read the linked issue with: the report's own, unless that is at another server than the
// issue and the account of another place is at the right one.
func (g *GitHub) whoSees(in CreateIssueInput) credential.AccountID {
	accounts := []credential.AccountID{in.Account}
	for _, place := range in.Elsewhere {
		accounts = append(accounts, cmp.Or(place.Account, in.Account))
	}
	for _, account := range accounts {
		if g.isAt(account, in.Filed) {
			return account
		}
	}
	return in.Account
}

// isAt reports whether an account belongs to the server that shows a page. The API of github.com, and of a domain of
// GHE.com, is at the host api. before the page's; that of GitHub Enterprise Server is at the same host.
func (g *GitHub) isAt(account credential.AccountID, page string) bool {
	api, err := g.APIs.API(account)
	if err != nil {
		return false
	}
	u, err := url.Parse(page)
	return err == nil && (strings.EqualFold(api.Base.Host, u.Host) || strings.EqualFold(api.Base.Host, "api."+u.Host))
}

// holdsNone reports whether GitHub says that there are no issues in a repository, or none for us.
func holdsNone(err error) bool {
	return refusedAs(err, http.StatusNotFound, http.StatusGone)
}

// findIssue returns the first issue with the report's marker, and reports whether there is one. It reads the newest issues
// first, and stops at issues that are older than the report: none of them can be about it. So a look soon after a lost
// answer, which most are, takes one page, even where a thousand other issues were updated since.
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
