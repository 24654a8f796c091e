package activities

import (
	"context"
	"strconv"

	"github.com/slack-go/slack"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// ReplyInput asks for one reply in the thread of a report.
type ReplyInput struct {
	Account credential.AccountID `json:"account"`
	Report  triage.Key           `json:"report"`
	Issue   CreatedIssue         `json:"issue"`
	// LookFirst says that the reply may exist although this is the first attempt.
	LookFirst bool `json:"look_first,omitempty"`
}

// Posted is a message of ours.
type Posted struct {
	TS    string `json:"ts"`
	Found bool   `json:"found,omitempty"`
}

// replyEvent marks our reply. Slack has no idempotency key for chat.postMessage; message metadata can be read back.
const replyEvent = "tokenkeeper_issue_filed"

// Reply posts the link of the issue into the thread, once: before anything but a first attempt the thread is read for a
// message with our metadata.
// Errors: [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected].
func (s *Slack) Reply(ctx context.Context, in ReplyInput) (Posted, error) {
	defer beat(ctx)()
	client, err := s.client(in.Account)
	if err != nil {
		return Posted{}, err
	}
	if in.LookFirst || activity.GetInfo(ctx).Attempt > 1 {
		ts, err := findReply(ctx, client, in.Report)
		if err != nil {
			return Posted{}, slackError("reading the thread of "+in.Report.String(), err)
		}
		if ts != "" {
			return Posted{TS: ts, Found: true}, nil
		}
	}
	_, ts, err := client.PostMessageContext(ctx, in.Report.Channel,
		slack.MsgOptionText("Filed as <"+in.Issue.URL+"|issue #"+strconv.Itoa(in.Issue.Number)+">.", false),
		slack.MsgOptionTS(in.Report.TS),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{
			EventType: replyEvent, EventPayload: map[string]any{"report": in.Report.String(), "issue": in.Issue.URL},
		}))
	if err != nil {
		return Posted{}, slackError("replying to "+in.Report.String(), err)
	}
	return Posted{TS: ts}, nil
}

// findReply returns the ts of our reply, or "".
func findReply(ctx context.Context, client *slack.Client, key triage.Key) (string, error) {
	params := &slack.GetConversationRepliesParameters{
		ChannelID: key.Channel, Timestamp: key.TS, Limit: pageSize, IncludeAllMetadata: true,
	}
	for {
		replies, more, cursor, err := client.GetConversationRepliesContext(ctx, params)
		if err != nil {
			return "", err
		}
		for _, m := range replies {
			if m.Metadata.EventType == replyEvent && m.Metadata.EventPayload["report"] == key.String() {
				return m.Timestamp, nil
			}
		}
		if params.Cursor = cursor; !more || cursor == "" {
			return "", nil
		}
	}
}

// ReactInput asks for a reaction on a report.
type ReactInput struct {
	Account credential.AccountID `json:"account"`
	Report  triage.Key           `json:"report"`
	Emoji   string               `json:"emoji"` // without colons
}

// React adds the reaction; one that is there already is success.
// Errors: [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected].
func (s *Slack) React(ctx context.Context, in ReactInput) error {
	defer beat(ctx)()
	client, err := s.client(in.Account)
	if err != nil {
		return err
	}
	err = client.AddReactionContext(ctx, in.Emoji, slack.NewRefToMessage(in.Report.Channel, in.Report.TS))
	if err == nil || slackCode(err) == "already_reacted" {
		return nil
	}
	return slackError("reacting to "+in.Report.String(), err)
}
