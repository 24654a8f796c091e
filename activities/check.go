package activities

import (
	"context"

	"github.com/slack-go/slack"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// ChannelInput names a channel as an account sees it.
type ChannelInput struct {
	Account credential.AccountID `json:"account"`
	Channel string               `json:"channel"`
}

// CheckChannel returns nil when the account can read the channel and answer in it.
// Errors: [ErrTypeRejected] with what to do, [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable].
func (s *Slack) CheckChannel(ctx context.Context, in ChannelInput) error {
	client, err := s.client(in.Account)
	if err != nil {
		return err
	}
	channel, err := client.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: in.Channel})
	switch {
	case err != nil:
		return slackError("looking at channel "+in.Channel, err)
	case channel.IsArchived:
		return rejected("looking at channel %s: is_archived%s", in.Channel, slackHint("is_archived"))
	case !channel.IsMember:
		return rejected("looking at channel %s: not_in_channel%s", in.Channel, slackHint("not_in_channel"))
	}
	return nil
}

// RepositoryInput names a repository as an account sees it.
type RepositoryInput struct {
	Account    credential.AccountID `json:"account"`
	Repository string               `json:"repository"` // owner/name
}

// CheckRepository returns nil when the account sees the repository and it takes issues.
// Errors: [ErrTypeRejected] with what to do, [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable].
func (g *GitHub) CheckRepository(ctx context.Context, in RepositoryInput) error {
	owner, name, err := triage.ParseRepository(in.Repository)
	if err != nil {
		return rejected("%v", err)
	}
	client, err := g.client(in.Account)
	if err != nil {
		return err
	}
	repository, _, err := client.Repositories.Get(ctx, owner, name)
	switch {
	case missing(err):
		// GitHub says the same of what is not there and of what the token may not see.
		return rejected("repository %s: account %s finds no such repository; correct the name, or install the app there and give it access",
			in.Repository, in.Account)
	case err != nil:
		return githubError("looking at repository "+in.Repository, err)
	case !repository.GetHasIssues():
		return rejected("repository %s: its issues are disabled; enable them in the repository's settings", in.Repository)
	}
	return nil
}

// TemplateInput names a template as a route does.
type TemplateInput struct {
	Account    credential.AccountID `json:"account"`
	Repository string               `json:"repository"` // owner/name
	Template   string               `json:"template"`   // a file
}

// CheckTemplate returns nil when issues can be written by the template.
// Errors: [ErrTypeRejected] with what to do, [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable].
func (g *GitHub) CheckTemplate(ctx context.Context, in TemplateInput) error {
	owner, name, err := triage.ParseRepository(in.Repository)
	if err != nil {
		return rejected("%v", err)
	}
	client, err := g.client(in.Account)
	if err != nil {
		return err
	}
	f, err := lookup{client: client, kept: map[string]page{}}.find(ctx, owner, name, in.Template)
	switch {
	case err != nil:
		return githubError("looking at template "+in.Template+" of "+in.Repository, err)
	case f.problem != "":
		return rejected("template %s of %s: %s; correct it, or write template: auto; until then issues are written without it",
			in.Template, in.Repository, f.problem)
	}
	return nil
}
