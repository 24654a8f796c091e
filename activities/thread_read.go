package activities

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-github/v62/github"
	"github.com/slack-go/slack"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// What our messages in a thread are, besides the reply: see [replyEvent].
const (
	stateEvent  = "tokenkeeper_issue_state"
	askEvent    = "tokenkeeper_reopen_asked"
	refuseEvent = "tokenkeeper_reopen_refused"
)

// The states of an issue.
const (
	issueOpen   = "open"
	issueClosed = "closed"
)

// thread is a report with its thread and its issue, as they are now.
type thread struct {
	threads *Threads
	key     triage.Key
	account credential.AccountID // at Slack
	filer   credential.AccountID // at GitHub
	who     identity
	slack   *slack.Client
	github  *github.Client

	conversation

	issue   *github.Issue
	at      issueRef
	look    ThreadLook
	refusal error // GitHub's, to reopen the issue
}

// issueRef is where an issue is.
type issueRef struct {
	owner, repo string
	number      int
}

// read reads a thread and its issue. filed is false where the thread has no issue of ours, is gone, or is in an archived
// channel.
func (t *Threads) read(ctx context.Context, in FollowInput, reached *halfway[conversation]) (th *thread, filed bool, err error) {
	plan, err := t.Slack.Plans.Plan(in.Triage)
	if err != nil {
		return nil, false, notConfigured(err)
	}
	th = &thread{threads: t, key: in.Report, account: plan.Slack}
	if th.slack, err = t.Slack.client(plan.Slack); err != nil {
		return nil, false, err
	}
	who, err := t.Slack.identity(ctx, th.slack, plan.Slack)
	if err != nil {
		return nil, false, err
	}
	if who.Team != in.Report.Team {
		return nil, false, nil // an issue that names it does not make it ours
	}
	th.who = who
	if err := th.readSlack(ctx, reached); err != nil {
		if isGone(err) || never(ctx, th.slack, in.Report.Channel, err, slackNever) != "" {
			return nil, false, nil // nobody can be told there any more
		}
		return nil, false, slackError("reading the thread of "+in.Report.String(), err)
	}
	at, ok := parseIssueURL(th.Reply.Issue) // there may be no reply
	if !ok || plan.Follow == 0 {
		return nil, false, nil
	}
	filed, err = th.findIssue(ctx, plan, at)
	return th, filed, err
}

// findIssue reads the issue with the account that sees it. Where the likeliest account does not see it, because the issue
// was transferred or a route changed, the others are tried. Only the likeliest is waited for, and only while a route names
// it.
func (th *thread) findIssue(ctx context.Context, plan Plan, at issueRef) (found bool, err error) {
	var refused error // to the likeliest
	for i, account := range th.filers(plan, at) {
		th.filer = account
		if th.github, err = th.threads.GitHub.client(account); err != nil {
			return false, err
		}
		found, err := th.readIssue(ctx, at)
		if err == nil {
			if found && th.isOurs() {
				return true, nil
			}
			continue // deleted, or another server's issue of that number
		}
		sorted := githubError("reading the issue of report "+th.key.String(), err)
		switch waits := i == 0 && slices.Contains(plan.Filers(), account); {
		case missing(err):
			refused = cmp.Or(refused, sorted)
		case waits, !isOutOfReach(sorted):
			return false, sorted
		}
	}
	return false, refused
}

// isOurs reports whether the issue is the one that the thread links.
func (th *thread) isOurs() bool {
	key, _ := triage.FindMarker(th.issue.GetBody())
	return key == th.key || th.issue.GetHTMLURL() == th.Reply.Issue || th.threads.GitHub.isAt(th.filer, th.Reply.Issue)
}

// filers returns the accounts that may see the issue, the likeliest first: those at its server, then those of a route of the channel
// to its repository, then the one that our reply names. That one may be out of all routes by now.
func (th *thread) filers(plan Plan, at issueRef) []credential.AccountID {
	named, filers := th.Reply.Account, plan.Filers()
	if !named.IsZero() && !slices.Contains(filers, named) {
		if _, err := th.threads.GitHub.APIs.API(named); err == nil {
			filers = append(filers, named)
		}
	}
	leads := func(account credential.AccountID) bool {
		return slices.ContainsFunc(plan.Routes, func(r triage.Route) bool {
			return plan.Filer(r) == account && r.Channel == th.key.Channel && strings.EqualFold(r.Repository, at.owner+"/"+at.repo)
		})
	}
	likely := func(account credential.AccountID) (score int) {
		for i, says := range []bool{account == named, leads(account), th.threads.GitHub.isAt(account, th.Reply.Issue)} {
			if says {
				score += 1 << i
			}
		}
		return score
	}
	slices.SortStableFunc(filers, func(a, b credential.AccountID) int { return likely(b) - likely(a) })
	return filers
}

// readSlack reads the thread to its end, from where the attempt before this one came to.
func (th *thread) readSlack(ctx context.Context, reached *halfway[conversation]) error {
	begin := conversation{Told: issueOpen}
	th.conversation = begin
	if before, ok := reached.get(); ok {
		th.conversation = before
	}
	for {
		page, next, err := th.threads.Slack.replies(ctx, th.slack, th.account, th.key, th.Cursor)
		if slackCode(err) == "invalid_cursor" && th.Cursor != "" {
			th.conversation = begin
			continue
		}
		if err != nil {
			return err
		}
		for _, m := range page {
			th.take(m)
		}
		th.bound()
		if th.Cursor = next; next == "" {
			reached.done() // what follows changes the thread, so that an attempt after this one has to read it anew
			return nil
		}
		reached.set(th.conversation)
	}
}

// parseIssueURL reads https://github.com/acme/app/issues/7, whatever host it is at.
func parseIssueURL(link string) (issueRef, bool) {
	u, err := url.Parse(link)
	if err != nil {
		return issueRef{}, false
	}
	parts := strings.Split(u.Path, "/")
	if len(parts) < 4 || parts[len(parts)-2] != "issues" {
		return issueRef{}, false
	}
	number, err := strconv.Atoi(parts[len(parts)-1])
	return issueRef{owner: parts[len(parts)-4], repo: parts[len(parts)-3], number: number}, err == nil
}

// readIssue reads the issue, and notes where it is now: GitHub redirects from where it was before a transfer. It reports
// whether the issue exists; it may have been deleted.
func (th *thread) readIssue(ctx context.Context, at issueRef) (found bool, err error) {
	issue, _, err := th.github.Issues.Get(ctx, at.owner, at.repo, at.number)
	if refusedAs(err, http.StatusGone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	th.issue, th.at, th.look.Issue = issue, at, issue.GetHTMLURL()
	_, now, _ := strings.Cut(issue.GetRepositoryURL(), "/repos/")
	if owner, repo, ok := strings.Cut(now, "/"); ok {
		th.at = issueRef{owner: owner, repo: repo, number: issue.GetNumber()}
	}
	return true, nil
}

// readComments adds what our comments say of how far the thread was followed, from those since a ts. Anybody who may comment
// can write such a marker, in a public repository everybody: it counts only in comments of whoever filed the issue, or of
// somebody whom the repository's owners let write to it.
func (th *thread) readComments(ctx context.Context, since string) error {
	from := timeOf(since)
	options := &github.IssueListCommentsOptions{Since: &from, ListOptions: github.ListOptions{PerPage: 100}}
	for {
		page, resp, err := th.github.Issues.ListComments(ctx, th.at.owner, th.at.repo, th.at.number, options)
		if err != nil {
			return githubError("listing the comments of report "+th.key.String(), err)
		}
		for _, c := range page {
			if f, marked := triage.FindFollowed(c.GetBody(), th.key); marked && th.mayBeOurs(c) {
				th.Followed = th.Followed.Join(f)
			}
		}
		if options.Page = resp.NextPage; options.Page == 0 {
			return nil
		}
	}
}

// insiders are the values of author_association, in GitHub's REST API, of those whom a repository's owners let write to it.
// An account of ours that replaced another one is among them, unless it is an app.
var insiders = []string{"OWNER", "MEMBER", "COLLABORATOR"}

func (th *thread) mayBeOurs(c *github.IssueComment) bool {
	return c.GetUser().GetLogin() == th.issue.GetUser().GetLogin() || slices.Contains(insiders, c.GetAuthorAssociation())
}

// notModified reports whether GitHub says that nothing changed since the answer whose ETag was sent along.
func notModified(err error) bool {
	resp := githubResponse(err) //nolint:bodyclose // go-github has read it
	return resp != nil && resp.StatusCode == http.StatusNotModified
}
