package activities

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v62/github"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// RelatedIssue is an open issue that may be about the same.
type RelatedIssue struct {
	Number int    `json:"number"`
	URL    string `json:"url"`
}

const (
	maxRelated = 3
	// searchRestTime is how long an account makes no search after one was refused. Searches have a limit of their own, 30 a
	// minute.
	searchRestTime = time.Minute
)

// searchRest remembers whose searches GitHub refused. Safe for concurrent use.
type searchRest struct{ until sync.Map } // :: account → time

func (r *searchRest) over(account credential.AccountID) bool {
	until, resting := r.until.Load(account)
	end, _ := until.(time.Time) // only rest stores here
	return !resting || time.Now().After(end)
}

func (r *searchRest) rest(account credential.AccountID, d time.Duration) {
	r.until.Store(account, time.Now().Add(d))
}

// related searches for open issues with a similar title. They are only suggestions, so any failure means that there are
// none, except an account without a token, with which filing would fail as well. It has no deadline of its own: it may be
// the Activity's first call, in which a dead token is replaced.
func (g *GitHub) related(ctx context.Context, client *github.Client, in CreateIssueInput) ([]RelatedIssue, error) {
	words := triage.Keywords(in.Issue.Title)
	if len(words) < 2 || !g.resting.over(in.Account) {
		return nil, nil
	}
	query := "repo:" + repository(in.Issue) + " is:issue is:open in:title " + strings.Join(words, " ")
	result, _, err := client.Search.Issues(ctx, query, &github.SearchOptions{ListOptions: github.ListOptions{PerPage: 20}})
	if err != nil {
		if unavailable(err) != nil {
			return nil, err
		}
		g.resting.rest(in.Account, max(limitOf(err), searchRestTime))
		return nil, nil
	}
	var related []RelatedIssue
	for _, issue := range result.Issues {
		if len(related) < maxRelated && triage.Alike(in.Issue.Title, issue.GetTitle()) {
			related = append(related, RelatedIssue{Number: issue.GetNumber(), URL: issue.GetHTMLURL()})
		}
	}
	return related, nil
}

// limitOf returns how long GitHub asks to wait, 0 when the error is about no limit.
func limitOf(err error) time.Duration {
	resp := githubResponse(err) //nolint:bodyclose // go-github has read it
	if resp == nil {
		return 0
	}
	wait, _ := githubWait(resp, time.Now())
	return min(wait, maxLimitWait)
}
