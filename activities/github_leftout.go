package activities

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-github/v62/github"

	"tokenkeeper/triage"
)

// leaveOut takes out of the issue what a refusal is about, and says what that was. ok is false when it is about something
// else. Of labels and assignees those stay that GitHub is not against, as far as it tells.
func leaveOut(ctx context.Context, client *github.Client, i *triage.Issue, err error) (what string, ok bool) {
	refused, isResponse := errors.AsType[*github.ErrorResponse](err)
	if !isResponse || refused.Response == nil {
		return "", false
	}
	for _, e := range refused.Errors {
		switch field := refusedField(refused.Response.StatusCode, e); field {
		case "assignees":
			what, i.Assignees = part(i.Assignees, assignable(ctx, client, i))
		case "labels":
			what, i.Labels = part(i.Labels, existing(ctx, client, i))
		case "milestone":
			what, i.Milestone = i.Milestone, ""
		case "issue type":
			what, i.Type = i.Type, ""
		default:
			continue
		}
		if what != "" {
			return refusedField(refused.Response.StatusCode, e) + " " + what, true
		}
	}
	return "", false
}

// refusedField names the field of an issue that an error is about, "" for another error. A label that is not there and that
// the app may not create is refused with 403, whatever the documentation says of labels that are dropped
// (github.com/orgs/community/discussions/197408); all else with 422.
func refusedField(status int, e github.Error) string {
	switch {
	case status == http.StatusForbidden && e.Field == "label":
		return "labels"
	case status != http.StatusUnprocessableEntity:
		return ""
	case e.Resource == "Label":
		return "labels"
	}
	switch e.Field {
	case "labels", "milestone":
		return e.Field
	case "assignees", "assignee":
		return "assignees"
	case "type", "issue_type":
		return "issue type"
	}
	return ""
}

// part sorts names into those that GitHub refuses, as a text for people, and those that stay. A refusal is about at least
// one of them, so where all seem to be good, all are left out.
func part(names []string, good func(string) bool) (refused string, stay []string) {
	var bad []string
	for _, name := range names {
		if good(name) {
			stay = append(stay, name)
		} else {
			bad = append(bad, name)
		}
	}
	if len(bad) == 0 {
		return strings.Join(names, ", "), nil
	}
	return strings.Join(bad, ", "), stay
}

// assignable asks whether issues of the repository can be assigned to somebody.
func assignable(ctx context.Context, client *github.Client, i *triage.Issue) func(login string) bool {
	return func(login string) bool {
		can, _, err := client.Issues.IsAssignee(ctx, i.Owner, i.Repo, login)
		return err == nil && can
	}
}

// existing asks which labels the repository has; where it does not tell, none.
func existing(ctx context.Context, client *github.Client, i *triage.Issue) func(label string) bool {
	var names []string
	for options := (&github.ListOptions{PerPage: 100}); ; {
		page, resp, err := client.Issues.ListLabels(ctx, i.Owner, i.Repo, options)
		if err != nil {
			return func(string) bool { return false }
		}
		for _, label := range page {
			names = append(names, label.GetName())
		}
		if options.Page = resp.NextPage; options.Page == 0 {
			return func(label string) bool { return contains(names, label) }
		}
	}
}

// contains compares as GitHub does, without case.
func contains(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// dropped returns what GitHub left out of an issue without saying so. It does that where the app may open issues but not
// label or assign them (docs.github.com/en/rest/issues/issues#create-an-issue). The body is written by then, so it cannot
// name them.
func dropped(wanted triage.Issue, got *issueAnswer) (what []string) {
	missing := func(field string, names []string, there []string) {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return contains(there, name) })
		if len(names) > 0 {
			what = append(what, field+" "+strings.Join(names, ", "))
		}
	}
	var labels, logins []string
	for _, label := range got.Labels {
		labels = append(labels, label.GetName())
	}
	for _, user := range got.Assignees {
		logins = append(logins, user.GetLogin())
	}
	missing("labels", wanted.Labels, labels)
	missing("assignees", wanted.Assignees, logins)
	if wanted.Milestone != "" && got.Milestone == nil {
		what = append(what, "milestone "+wanted.Milestone)
	}
	if wanted.Type != "" && (got.Type == nil || !strings.EqualFold(got.Type.Name, wanted.Type)) {
		what = append(what, "issue type "+wanted.Type)
	}
	return what
}
