package activities

import (
	"context"
	"slices"
	"time"

	"github.com/slack-go/slack"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// Verdict says what became of a message.
type Verdict string

// What a message can turn out to be.
const (
	IsReport  Verdict = "report"
	NotReport Verdict = "not_a_report"
	WouldFile Verdict = "would_file" // a report, on a route that only tries out
	WouldAsk  Verdict = "would_ask"  // a report that people would be asked about, in a preview
	NotWanted Verdict = "not_wanted" // a report that people were asked about and did not want
	Gone      Verdict = "gone"       // not in the channel: deleted before it was read, or a reply in a thread
)

// ReadInput asks what a message is.
type ReadInput struct {
	Triage string     `json:"triage"`
	Report triage.Key `json:"report"`
	// Message is the message as a poll read it a moment ago; nil has it read.
	Message *triage.Message `json:"message,omitempty"`
	// LookFirst says that the message may have been filed before, so that its thread is searched for the link.
	LookFirst bool `json:"look_first,omitempty"`
	// Polled says that a poll found the message, so that it becomes a report only if it counts for the route that it takes.
	// A message that somebody names need not count: then only what it says decides.
	Polled bool `json:"polled,omitempty"`
	// Answered is what a model made of the message before, nil where none was asked. It is not asked again, unless the message
	// was edited since.
	Answered *Answered `json:"answered,omitempty"`
}

// Draft is a report read, understood and routed: all that is needed to file it.
type Draft struct {
	Verdict Verdict              `json:"verdict"`
	Reason  string               `json:"reason,omitempty"`
	Slack   credential.AccountID `json:"slack"`
	// GitHub is the account that files it.
	GitHub credential.AccountID `json:"github"`
	Issue  triage.Issue         `json:"issue,omitzero"`
	// Elsewhere are the other places that reports of the channel go to.
	Elsewhere []triage.Place `json:"elsewhere,omitempty"`
	// Filed is the URL of the issue that our reply in the thread links, "" where none was found or looked for.
	Filed string `json:"filed,omitempty"`
	// Edited is the ts of the last edit of the message that the issue shows; "" for none.
	Edited string `json:"edited,omitempty"`
	// Source is what the issue is written anew from where its route wants a template; nil where it wants none.
	Source *triage.Source `json:"source,omitempty"`
	// Proposal is whom to ask before it is filed; nil for nobody.
	Proposal *triage.Proposal `json:"proposal,omitempty"`
	// Answered is what the model made of the message, where one did, for whoever reads it again.
	Answered *Answered `json:"answered,omitempty"`
}

// Read fetches the message, decides whether it is a bug report, chooses its route, and renders the issue. Its result is in
// history before anything is filed. So a report goes to one repository, however often filing it is tried and whatever
// becomes of the configuration meanwhile, and a replay asks no model again; neither does an attempt that follows one which
// got an answer.
// Errors: [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected],
// [ErrTypeNotConfigured], [ErrTypePoisoned].
func (s *Slack) Read(ctx context.Context, in ReadInput) (draft Draft, err error) {
	answered := answerBefore(ctx, in.Answered)
	if err := answered.begin(ctx, "reading message "+in.Report.String()); err != nil {
		return Draft{}, err
	}
	defer answered.end(ctx, &err)
	defer beatWith(ctx, answered.details)()
	plan, router, err := s.router(in.Triage, in.Report.Channel)
	if err != nil {
		return Draft{}, err
	}
	draft = Draft{Slack: plan.Slack, GitHub: plan.GitHub}
	client, err := s.client(plan.Slack)
	if err != nil {
		return Draft{}, err
	}
	message, found, err := s.message(ctx, client, plan.Slack, in.Report, in.Message)
	if err != nil {
		return Draft{}, err
	}
	if !found {
		draft.Verdict, draft.Reason = Gone, "the channel has no such message: it was deleted, or it is a reply in a thread, which is not taken for a report"
		return draft, nil
	}
	message.Login = plan.Logins[message.User]
	selector, err := s.selector(ctx, client, plan.Slack, router.Rules(message.Channel))
	if err != nil {
		return Draft{}, err
	}
	understood, err := s.understand(ctx, message, router.Components(message.Channel), answered)
	if err != nil {
		return Draft{}, err
	}
	route, choice := chosen(router, selector, message, understood.Content.Component)
	if in.Polled && !choice.Counts {
		draft.Verdict, draft.Reason = NotReport, passedOver(choice.Reason)
		return draft, nil
	}
	class := choice.Over(understood.Classification)
	if draft.Reason = class.Reason; !class.Report {
		draft.Verdict = NotReport
		return draft, nil
	}
	if in.LookFirst {
		if draft.Filed, err = s.filedBefore(ctx, client, plan.Slack, message, &answered.thread); err != nil {
			return Draft{}, err
		}
	}
	draft.Answered = answered.last.Load()
	draft.Verdict, draft.GitHub = IsReport, plan.Filer(route)
	for _, at := range router.Elsewhere(route) {
		draft.Elsewhere = append(draft.Elsewhere, at.Seen(plan.GitHub, draft.GitHub))
	}
	draft.Edited = message.EditedAt
	draft.Issue = triage.Render(message, understood.Content, route).Weighed(class.Confidence, plan.surely())
	draft.Source, draft.Proposal = route.Source(message, understood.Content), route.Propose
	if route.DryRun {
		draft.Verdict, draft.Source, draft.Proposal = WouldFile, nil, nil
		activity.GetLogger(ctx).Info("dry run: this report would be filed", "report", in.Report.String(), "triage", in.Triage,
			"repository", route.Repository, "title", draft.Issue.Title, "labels", draft.Issue.Labels, "reason", draft.Reason)
	}
	return draft, nil
}

// router returns the plan of a triage and its routes. It fails where none of them is for the channel.
func (s *Slack) router(name, channel string) (Plan, *triage.Router, error) {
	plan, err := s.Plans.Plan(name)
	if err != nil {
		return Plan{}, nil, notConfigured(err)
	}
	router, err := triage.NewRouter(plan.Routes)
	if err != nil {
		return Plan{}, nil, notConfigured(err)
	}
	if !router.Reads(channel) {
		return Plan{}, nil, rejected("triage %s has no route for channel %s; add one to tokenkeeper.yaml", name, channel)
	}
	return plan, router, nil
}

// selector returns what chooses among the routes of a channel. It asks Slack who the account is only where a message counts
// by something else than being posted.
func (s *Slack) selector(ctx context.Context, client *slack.Client, account credential.AccountID, rules []triage.Rule) (*triage.Selector, error) {
	var who identity
	if slices.ContainsFunc(rules, func(r triage.Rule) bool { return !r.When.IsZero() }) {
		var err error
		if who, err = s.identity(ctx, client, account); err != nil {
			return nil, err
		}
	}
	selector, err := triage.NewSelector(rules, who.Self)
	if err != nil {
		return nil, notConfigured(err)
	}
	return selector, nil
}

// chosen returns the route that takes a message about a component, and why the message counts. A message that counts for no
// route gets the one that it would take if it did.
func chosen(router *triage.Router, selector *triage.Selector, m triage.Message, component string) (triage.Route, triage.Choice) {
	place, choice := selector.Take(m, component)
	if place >= 0 {
		return router.At(m.Channel, place), choice
	}
	route, _ := router.Route(m, component) // the channel has one
	return route, choice
}

// passedOver says, for people, why a message does not count.
func passedOver(reason string) string {
	switch reason {
	case triage.SkipAuthor:
		return "its author does not count"
	case triage.SkipTrigger:
		return "it has none of the triggers"
	}
	return "it is no message that counts: " + reason
}

// FetchInput names a message as an account sees it.
type FetchInput struct {
	Account credential.AccountID `json:"account"`
	Message triage.Key           `json:"message"`
}

// Fetched is a message, or the news that it was deleted.
type Fetched struct {
	Message triage.Message `json:"message,omitzero"`
	Gone    bool           `json:"gone,omitempty"`
}

// Fetch reads one message with the names behind its ids, for agents that do something else with it than [Slack.Read].
// Errors: [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected].
func (s *Slack) Fetch(ctx context.Context, in FetchInput) (Fetched, error) {
	defer beat(ctx)()
	client, err := s.client(in.Account)
	if err != nil {
		return Fetched{}, err
	}
	message, found, err := s.message(ctx, client, in.Account, in.Message, nil)
	if err != nil {
		return Fetched{}, err
	}
	return Fetched{Message: message, Gone: !found}, nil
}

// message returns one message with the names behind its ids. It is read where it is not at hand. Names are worth a call and not
// a failure.
func (s *Slack) message(
	ctx context.Context, client *slack.Client, account credential.AccountID, key triage.Key, atHand *triage.Message,
) (m triage.Message, found bool, err error) {
	if atHand != nil && atHand.Key == key {
		m = *atHand
	} else if m, found, err = s.readMessage(ctx, client, account, key); err != nil || !found {
		return triage.Message{}, false, err
	}
	m.Permalink, err = client.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: key.Channel, Ts: key.TS})
	if down := unavailable(err); down != nil {
		return triage.Message{}, false, down
	}
	if isGone(err) { // deleted since it was read
		return triage.Message{}, false, nil
	}
	s.name(ctx, client, account, &m)
	return m, true, nil
}

// tombstone is the subtype of what Slack shows in the place of a deleted message that has replies.
const tombstone = "tombstone"

// readMessage reads one message. It shares Slack's limit with the polls.
func (s *Slack) readMessage(ctx context.Context, client *slack.Client, account credential.AccountID, key triage.Key) (m triage.Message, found bool, err error) {
	page, err := s.history(ctx, client, account, &slack.GetConversationHistoryParameters{
		ChannelID: key.Channel, Latest: key.TS, Oldest: key.TS, Inclusive: true, Limit: 1,
	})
	if err != nil {
		return triage.Message{}, false, slackError("reading message "+key.String(), err)
	}
	if len(page.Messages) == 0 || page.Messages[0].Timestamp != key.TS || page.Messages[0].SubType == tombstone {
		return triage.Message{}, false, nil
	}
	return messageOf(key.Team, key.Channel, page.Messages[0]), true, nil
}

// name adds the names behind the ids of a message, as far as Slack gives them.
func (s *Slack) name(ctx context.Context, client *slack.Client, account credential.AccountID, m *triage.Message) {
	ctx, enough := context.WithTimeout(ctx, maxNaming)
	defer enough()
	m.UserName = s.userName(ctx, client, account, m.User)
	m.ChannelName = s.channelName(ctx, client, account, m.Channel)
	m.Names = map[string]string{}
	for _, id := range m.Mentioned(maxMentions) {
		m.Names[id] = s.userName(ctx, client, account, id)
	}
}

// maxNaming bounds all names of a message together: a directory that hangs must not hold up a report.
const maxNaming = 10 * time.Second

// maxMentions bounds the calls that one message can cause.
const maxMentions = 20

// userName returns the name people see, or "".
func (s *Slack) userName(ctx context.Context, client *slack.Client, account credential.AccountID, id string) string {
	name, err := recall(&s.known, account.String()+"/user/"+id, func() (string, error) {
		user, err := client.GetUserInfoContext(ctx, id)
		if err != nil {
			return "", err
		}
		if user.Profile.DisplayName != "" {
			return user.Profile.DisplayName, nil
		}
		return user.RealName, nil
	})
	if err != nil {
		return ""
	}
	return name
}

// channelName returns the channel's name without '#', or "".
func (s *Slack) channelName(ctx context.Context, client *slack.Client, account credential.AccountID, id string) string {
	name, err := recall(&s.known, account.String()+"/channel/"+id, func() (string, error) {
		channel, err := client.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
		if err != nil {
			return "", err
		}
		return channel.Name, nil
	})
	if err != nil {
		return ""
	}
	return name
}
