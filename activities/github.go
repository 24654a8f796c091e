package activities

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// API is how the calls of one account are made.
type API struct {
	HTTP *http.Client // carries the account's token by itself
	Base *url.URL     // of the connector's API, with a trailing slash
}

// APIs opens the API of an account. The error names the account and the connectors there are.
type APIs interface {
	API(account credential.AccountID) (API, error)
}

// GitHub holds the Activities that write to GitHub.
type GitHub struct {
	APIs APIs
	// Pace keeps the rate at which issues are created; nil keeps none.
	Pace *Pace
	// Now is the clock by which templates grow old; nil means time.Now.
	Now func() time.Time

	resting   searchRest
	templates templates
}

// CreateIssueInput asks for one issue of one report.
type CreateIssueInput struct {
	Account credential.AccountID `json:"account"`
	Report  triage.Key           `json:"report"`
	Issue   triage.Issue         `json:"issue"`
	// LookFirst says that the issue may exist although this is the first attempt.
	LookFirst bool `json:"look_first,omitempty"`
	// Reset says that another run of the Workflow may have begun it a moment ago.
	Reset bool `json:"reset,omitempty"`
	// Elsewhere are other places where somebody who took another route may have filed the report before. They are looked through
	// whenever the issue's own is, but for those of an account that needs a person, or that is not configured any more: the report
	// waits for its own account alone.
	Elsewhere []triage.Place `json:"elsewhere,omitempty"`
	// Filed is the URL of an issue that the report was filed as before, by what its thread says; "" for none. It is looked at
	// first.
	Filed string `json:"filed,omitempty"`
	// Source has the issue written by a template of its repository; nil for as it is.
	Source *triage.Source `json:"source,omitempty"`
}

// CreatedIssue is the issue of a report.
type CreatedIssue struct {
	Number int    `json:"number"`
	URL    string `json:"url"`
	// Account is the one that sees it, where that is not the one that was to create it.
	Account credential.AccountID `json:"account,omitzero"`
	// Found says that an earlier attempt had created it.
	Found bool `json:"found,omitempty"`
	// Repository is where the issue really is, owner/name, when the route's is a former name of it.
	Repository string `json:"repository,omitempty"`
	// Related are open issues that may be about the same.
	Related []RelatedIssue `json:"related,omitempty"`
	// LeftOut is what GitHub refused of the route's wishes, such as "milestone v9".
	LeftOut []string `json:"left_out,omitempty"`
	// Template is the file that it was written by; "" for none.
	Template string `json:"template,omitempty"`
}

// CreateIssue files the report's issue, once. GitHub has no idempotency key, so the marker in the body is one: before
// anything but a first attempt the list of issues is read (never the search, whose index lags behind).
// Errors: [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected].
func (g *GitHub) CreateIssue(ctx context.Context, in CreateIssueInput) (CreatedIssue, error) {
	client, err := g.client(in.Account)
	if err != nil {
		return CreatedIssue{}, err
	}
	doing := "creating the issue of report " + in.Report.String() + " in " + repository(in.Issue)
	var related []RelatedIssue
	var issue triage.Issue
	var template string
	return Write[CreatedIssue]{
		Doing:     doing,
		LookFirst: in.LookFirst,
		Reset:     in.Reset,
		Find:      func(ctx context.Context) (CreatedIssue, bool, error) { return g.findFiled(ctx, client, in) },
		Turn:      func(ctx context.Context) error { return g.Pace.turn(ctx, in.Account, doing) },
		Prepare: func(ctx context.Context) (err error) {
			if related, err = g.related(ctx, client, in); err == nil {
				issue, template, err = g.written(ctx, client, in)
			}
			if err != nil {
				return g.Pace.heard(in.Account, githubError(doing, err))
			}
			return nil
		},
		Do: func(ctx context.Context) (CreatedIssue, error) {
			created, err := create(ctx, client, issue, related, func(ctx context.Context) error { return g.Pace.another(ctx, in.Account, doing) })
			created.Template = template
			return created, err
		},
		Failed: func(took time.Duration, err error) error {
			if _, sorted := limitedFor(err); sorted { // by the pace: the next request may not go out yet
				return err
			}
			if missing(err) {
				return refused(ctx, client, doing, in.Issue, err)
			}
			return g.Pace.heard(in.Account, createError(doing, took, err))
		},
	}.Once(ctx)
}

func repository(issue triage.Issue) string { return issue.Owner + "/" + issue.Repo }

// createError makes sure that the next attempt's list comes after the end of this attempt at GitHub.
func createError(doing string, took time.Duration, err error) error {
	return settled(took, githubError(doing, err))
}

// client makes a client of its own for each call: go-github keeps rate limits for each client and not for each token,
// and answers out of that memory.
func (g *GitHub) client(account credential.AccountID) (*github.Client, error) {
	api, err := g.APIs.API(account)
	if err != nil {
		return nil, notConfigured(err)
	}
	client := github.NewClient(api.HTTP)
	client.BaseURL = api.Base
	client.UserAgent = "tokenkeeper"
	return client, nil
}

// githubError sorts what go-github returns.
func githubError(doing string, err error) error {
	if down := unavailable(err); down != nil {
		return down
	}
	resp := githubResponse(err) //nolint:bodyclose // go-github has read it
	if resp == nil {
		return outage(doing, err)
	}
	if wait, limited := githubWait(resp, time.Now()); limited {
		return rateLimited(doing, wait)
	}
	if _, limited := errors.AsType[*github.AbuseRateLimitError](err); limited {
		return rateLimited(doing, time.Minute)
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return refusedAnew(doing, resp.Status)
	case isAway(resp, err):
		return outage(doing, err)
	}
	return rejected("%s: %v%s", doing, err, githubHint(resp.StatusCode))
}

// isAway reports whether GitHub did not get to answer, or failed to. A 4xx of its own is JSON that says why, which go-github drops
// where it does not know its form; one of a proxy in front of it says nothing of a repository. Those about a limit or a token count
// as they are, whoever sends them.
func isAway(resp *http.Response, err error) bool {
	if _, limited := githubWait(resp, time.Now()); limited || resp.StatusCode == http.StatusUnauthorized {
		return false
	}
	if resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusRequestTimeout {
		return true
	}
	refused, ok := errors.AsType[*github.ErrorResponse](err)
	return ok && refused.Message == "" && !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json")
}

// refusedAs reports whether GitHub itself refuses with one of the statuses.
func refusedAs(err error, statuses ...int) bool {
	resp := githubResponse(err) //nolint:bodyclose // go-github has read it
	return resp != nil && slices.Contains(statuses, resp.StatusCode) && !isAway(resp, err)
}

func githubResponse(err error) *http.Response {
	if e, ok := errors.AsType[*github.RateLimitError](err); ok {
		return e.Response
	}
	if e, ok := errors.AsType[*github.AbuseRateLimitError](err); ok {
		return e.Response
	}
	if e, ok := errors.AsType[*github.ErrorResponse](err); ok {
		return e.Response
	}
	return nil
}

// githubWait returns how long to wait, and whether the answer's status and headers are about a limit at all. Limits come
// as 403 or 429 and are obeyed in the order that docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
// gives: Retry-After, then the reset of the primary limit, then a minute.
func githubWait(resp *http.Response, now time.Time) (time.Duration, bool) {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return 0, false
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, int(maxLimitWait/time.Second))) * time.Second, true
	}
	exhausted := resp.Header.Get("X-RateLimit-Remaining") == "0"
	if reset, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil && exhausted {
		return time.Unix(reset, 0).Sub(now), true
	}
	return time.Minute, exhausted || resp.StatusCode == http.StatusTooManyRequests
}

func githubHint(status int) string {
	switch status {
	case http.StatusNotFound:
		// GitHub says the same of what is not there and of what the token may not see.
		return "; correct the repository of the route, or give the app access to it"
	case http.StatusGone:
		return "; enable issues in the repository's settings"
	case http.StatusForbidden:
		return "; give the app the permission to write issues, and see that the repository is not archived"
	}
	return ""
}
