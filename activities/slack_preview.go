package activities

import (
	"context"

	"github.com/slack-go/slack"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// PreviewInput asks what a triage would make of what was posted to one of its channels.
type PreviewInput struct {
	Triage  string `json:"triage"`
	Channel string `json:"channel"`
	After   string `json:"after"` // ts, exclusive
	// Cursor leads to a page after the first.
	Cursor string `json:"cursor,omitempty"`
}

// Preview is one page of a preview, newest messages first.
type Preview struct {
	Messages []Previewed `json:"messages"`
	// PassedOver counts messages that no route would look into: posts of apps, joins, replies. :: one of triage's Skip
	// constants → how many
	PassedOver map[string]int `json:"passed_over,omitempty"`
	// Cursor leads to the next page; "" when this was the last.
	Cursor string `json:"cursor,omitempty"`
}

// Previewed is what would become of a message.
type Previewed struct {
	Report  triage.Key `json:"report"`
	Verdict Verdict    `json:"verdict"` // [IsReport], [WouldAsk], [WouldFile] or [NotReport]
	Reason  string     `json:"reason"`
	Title   string     `json:"title"`
	// Unread completes "because the model …": why the rules read the message instead of the model. "" where the model did,
	// or none is configured.
	Unread string `json:"unread,omitempty"`
	// Of a report: where it would go, and with what.
	Repository string `json:"repository,omitempty"`
	// GitHub is the account that its route names to file it; zero for the triage's.
	GitHub   credential.AccountID `json:"github,omitzero"`
	Labels   []string             `json:"labels,omitempty"`
	Severity string               `json:"severity,omitempty"`
	// Template is the file in the repository that the issue would be written by. Untemplated is why the template that the
	// route wants would not be used. Both are "" where no template is wanted, or nobody looked: see [TemplatePreview].
	Template    string `json:"template,omitempty"`
	Untemplated string `json:"untemplated,omitempty"`

	issue  triage.Issue   // as it is without a template
	source *triage.Source // nil where no template is wanted
	filer  credential.AccountID
}

// Place returns where it would go.
func (p Previewed) Place() triage.Place {
	return triage.Place{Account: p.GitHub, Repository: p.Repository}
}

// Preview reads one page of a channel and says what would be filed of it. It writes nothing anywhere, and it needs no
// Workflow. What a message says now counts, as with every report: edits of the meantime are in it. A model is asked for each
// message anew, which costs its tokens.
// Errors: [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected],
// [ErrTypeNotConfigured].
func (s *Slack) Preview(ctx context.Context, in PreviewInput) (Preview, error) {
	defer beat(ctx)()
	plan, router, err := s.router(in.Triage, in.Channel)
	if err != nil {
		return Preview{}, err
	}
	client, err := s.client(plan.Slack)
	if err != nil {
		return Preview{}, err
	}
	who, err := s.identity(ctx, client, plan.Slack)
	if err != nil {
		return Preview{}, err
	}
	selector, err := triage.NewSelector(router.Rules(in.Channel), who.Self)
	if err != nil {
		return Preview{}, notConfigured(err)
	}
	posted, cursor, err := historyPage(ctx, client, in)
	if err != nil {
		return Preview{}, slackError("reading channel "+in.Channel, err)
	}
	out := Preview{Messages: []Previewed{}, PassedOver: map[string]int{}, Cursor: cursor}
	for _, one := range posted {
		m := messageOf(who.Team, in.Channel, one)
		choice := selector.Choose(m)
		if !choice.Counts && choice.Reason != triage.SkipAuthor && choice.Reason != triage.SkipTrigger {
			out.PassedOver[choice.Reason]++
			continue
		}
		s.name(ctx, client, plan.Slack, &m)
		m.Login = plan.Logins[m.User]
		seen, err := s.previewed(ctx, m, plan, router, selector)
		if err != nil {
			return Preview{}, err
		}
		out.Messages = append(out.Messages, seen)
	}
	return out, nil
}

// historyPage returns the messages of a page, and the cursor of the next one, "" after the last.
func historyPage(ctx context.Context, client *slack.Client, in PreviewInput) (posted []slack.Message, cursor string, err error) {
	page, err := client.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: in.Channel, Oldest: in.After, Latest: openEnd, Cursor: in.Cursor, Limit: pageSize,
	})
	switch {
	case err != nil:
		return nil, "", err
	case !page.HasMore:
		return page.Messages, "", nil
	case page.ResponseMetaData.NextCursor == "":
		return nil, "", errNoCursor
	}
	return page.Messages, page.ResponseMetaData.NextCursor, nil
}

func (s *Slack) previewed(ctx context.Context, m triage.Message, plan Plan, router *triage.Router, selector *triage.Selector) (Previewed, error) {
	p := Previewed{Report: m.Key, Verdict: NotReport, Title: m.Title()}
	if choice := selector.Choose(m); !choice.Counts {
		p.Reason = passedOver(choice.Reason)
		return p, nil
	}
	understood, err := s.understand(ctx, m, router.Components(m.Channel), &answers{})
	if err != nil {
		return Previewed{}, err
	}
	route, choice := chosen(router, selector, m, understood.Content.Component)
	if !choice.Counts {
		p.Reason = passedOver(choice.Reason)
		return p, nil
	}
	class := choice.Over(understood.Classification)
	p.Reason, p.Unread = class.Reason, understood.Unread
	if !class.Report {
		return p, nil
	}
	issue := triage.Render(m, understood.Content, route).Weighed(class.Confidence, plan.surely())
	p.Verdict, p.Title, p.Severity = IsReport, issue.Title, understood.Content.Severity
	p.Repository, p.GitHub, p.filer = route.Repository, route.GitHub, plan.Filer(route)
	p.Labels, p.issue, p.source = issue.Labels, issue, route.Source(m, understood.Content)
	switch {
	case route.DryRun:
		p.Verdict = WouldFile
	case route.Propose != nil:
		p.Verdict = WouldAsk
	}
	return p, nil
}
