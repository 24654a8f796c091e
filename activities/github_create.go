package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"tokenkeeper/triage"
)

// issueRequest and issueAnswer add the field that go-github does not know.
type (
	issueRequest struct {
		github.IssueRequest

		Type *string `json:"type,omitempty"`
	}
	issueAnswer struct {
		github.Issue

		Type *struct {
			Name string `json:"name"`
		} `json:"type"` // nil for an issue without one, and from a server that knows no types
	}
)

// create posts the issue. What the route wants beyond title and body (labels, assignees, milestone, type) is left out where
// GitHub refuses it, and named in the body: a report without its milestone is better than none. A refusal has had no effect,
// so another request is safe; GitHub counts it all the same, so another waits for its turn first. GitHub creates missing
// labels itself, for an app that may.
func create(
	ctx context.Context, client *github.Client, wanted triage.Issue, related []RelatedIssue, another func(context.Context) error,
) (CreatedIssue, error) {
	numbers := make([]int, 0, len(related))
	for _, r := range related {
		numbers = append(numbers, r.Number)
	}
	wanted = wanted.WithRelated(numbers)
	milestone, leftOut, err := findMilestone(ctx, client, wanted)
	if err != nil {
		return CreatedIssue{}, err
	}
	if milestone == nil {
		wanted.Milestone = ""
	}
	for {
		issue, err := postIssue(ctx, client, wanted.WithLeftOut(leftOut), milestone)
		if err == nil {
			created := createdIssue(&issue.Issue, wanted)
			created.Related, created.LeftOut = related, slices.Concat(leftOut, dropped(wanted, issue))
			return created, nil
		}
		refused, ok := leaveOut(ctx, client, &wanted, err)
		if !ok {
			return CreatedIssue{}, err
		}
		if wanted.Milestone == "" {
			milestone = nil
		}
		leftOut = append(leftOut, refused)
		if err := another(ctx); err != nil {
			return CreatedIssue{}, err
		}
	}
}

func postIssue(ctx context.Context, client *github.Client, i triage.Issue, milestone *int) (*issueAnswer, error) {
	body := issueRequest{IssueRequest: github.IssueRequest{Title: &i.Title, Body: &i.Body, Milestone: milestone}}
	// A list without names would go out as null, which GitHub refuses.
	if len(i.Labels) > 0 {
		body.Labels = &i.Labels
	}
	if len(i.Assignees) > 0 {
		body.Assignees = &i.Assignees
	}
	if i.Type != "" {
		body.Type = &i.Type
	}
	request, err := client.NewRequest(http.MethodPost, fmt.Sprintf("repos/%s/%s/issues", i.Owner, i.Repo), body)
	if err != nil {
		return nil, err
	}
	issue := &issueAnswer{}
	_, err = client.Do(ctx, request, issue)
	return issue, err
}

// findMilestone returns the number of the open milestone with the wanted title. One that is not there, or that the app may
// not see, is left out.
func findMilestone(ctx context.Context, client *github.Client, wanted triage.Issue) (number *int, leftOut []string, err error) {
	if wanted.Milestone == "" {
		return nil, nil, nil
	}
	options := &github.MilestoneListOptions{State: "open", ListOptions: github.ListOptions{PerPage: 100}}
	for {
		page, resp, err := client.Issues.ListMilestones(ctx, wanted.Owner, wanted.Repo, options)
		switch {
		case forbidden(err):
			return nil, []string{"milestone " + wanted.Milestone}, nil
		case err != nil:
			return nil, nil, err
		}
		for _, m := range page {
			if m.GetTitle() == wanted.Milestone {
				return m.Number, nil, nil
			}
		}
		if options.Page = resp.NextPage; options.Page == 0 {
			return nil, []string{"milestone " + wanted.Milestone}, nil
		}
	}
}

// forbidden reports whether GitHub refuses for want of a permission, and not for a limit.
func forbidden(err error) bool {
	if !refusedAs(err, http.StatusForbidden) {
		return false
	}
	_, secondary := errors.AsType[*github.AbuseRateLimitError](err)
	_, limited := githubWait(githubResponse(err), time.Now()) //nolint:bodyclose // go-github has read it
	return !secondary && !limited
}

// createdIssue says where the issue is; GitHub redirects from former names of a repository.
func createdIssue(issue *github.Issue, asked triage.Issue) CreatedIssue {
	created := CreatedIssue{Number: issue.GetNumber(), URL: issue.GetHTMLURL()}
	_, at, found := strings.Cut(issue.GetRepositoryURL(), "/repos/")
	if found && !strings.EqualFold(at, repository(asked)) {
		created.Repository = at
	}
	return created
}
