package activities

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/go-github/v62/github"

	"tokenkeeper/triage"
)

// refused sorts an error about the repository of an issue. GitHub says 404 to much, so it is asked why.
func refused(ctx context.Context, client *github.Client, doing string, at triage.Issue, err error) error {
	if missing(err) {
		return rejected("%s: %v; %s", doing, err, whyNotFound(ctx, client, at))
	}
	return githubError(doing, err)
}

func missing(err error) bool {
	return refusedAs(err, http.StatusNotFound)
}

// whyNotFound tells a repository that does not exist from one that the app cannot reach: GitHub answers both with 404, and
// it does tell what the token can reach.
func whyNotFound(ctx context.Context, client *github.Client, i triage.Issue) string {
	if _, _, err := client.Repositories.Get(ctx, i.Owner, i.Repo); err == nil {
		return "the repository is there, and the app may not write issues in it: give it that permission"
	}
	options := &github.ListOptions{PerPage: 100}
	for {
		page, resp, err := client.Apps.ListUserInstallations(ctx, options)
		if err != nil { // an installation's own token may not ask that
			return whyNotGiven(ctx, client, i)
		}
		for _, at := range page {
			if strings.EqualFold(at.GetAccount().GetLogin(), i.Owner) {
				return hasNone(i)
			}
		}
		if options.Page = resp.NextPage; options.Page == 0 {
			return "the app is not installed at " + i.Owner + ", or not any more: install it there, or correct the route"
		}
	}
}

// whyNotGiven is whyNotFound for the token of an installation, whose repositories all have one owner
// (docs.github.com/en/rest/apps/installations, "List repositories accessible to the app installation").
func whyNotGiven(ctx context.Context, client *github.Client, i triage.Issue) string {
	page, _, err := client.Apps.ListRepos(ctx, &github.ListOptions{PerPage: 1})
	switch {
	case err != nil:
		return strings.TrimPrefix(githubHint(http.StatusNotFound), "; ")
	case len(page.Repositories) == 0:
		return "the app's installation has access to no repository: give it access to " + repository(i)
	}
	owner := page.Repositories[0].GetOwner().GetLogin()
	if strings.EqualFold(owner, i.Owner) {
		return hasNone(i)
	}
	return "the account's installation of the app is at " + owner + ", and not at " + i.Owner +
		": correct the route, or use an account whose installation is there"
}

func hasNone(i triage.Issue) string {
	return "the app is installed at " + i.Owner + ", and has no repository " + i.Repo + " there: correct the route, or give the app access to it"
}
