package activities

import (
	"context"
	"strconv"
	"time"

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
	// Gone says that the message to reply to was deleted.
	Gone bool `json:"gone,omitempty"`
}

// replyEvent marks our reply. Slack has no idempotency key for chat.postMessage; message metadata can be read back.
const replyEvent = "tokenkeeper_issue_filed"

// Reply posts the link of the issue into the thread, once: before anything but a first attempt the thread is read for a
// message with our metadata. A thread that was deleted needs no reply any more.
// Errors: [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected].
func (s *Slack) Reply(ctx context.Context, in ReplyInput) (posted Posted, err error) {
	defer reportEnd(ctx, &err)
	defer beat(ctx)()
	doing := "replying to " + in.Report.String()
	if err := tooEarly(ctx, doing); err != nil {
		return Posted{}, err
	}
	client, err := s.client(in.Account)
	if err != nil {
		return Posted{}, err
	}
	if in.LookFirst || activity.GetInfo(ctx).Attempt > 1 {
		ts, err := findReply(ctx, client, in.Report)
		switch {
		case isGone(err):
			return Posted{Gone: true}, nil
		case err != nil:
			return Posted{}, slackError("reading the thread of "+in.Report.String(), err)
		case ts != "":
			return Posted{TS: ts, Found: true}, nil
		}
	}
	started := time.Now()
	ts, err := post(ctx, client, in)
	if isGone(err) {
		return Posted{Gone: true}, nil
	}
	if lost := lostAnswer(doing, time.Since(started), err); lost != nil {
		return Posted{}, lost
	}
	if err != nil {
		return Posted{}, slackError(doing, err)
	}
	return Posted{TS: ts}, nil
}

func post(ctx context.Context, client *slack.Client, in ReplyInput) (ts string, err error) {
	_, ts, err = client.PostMessageContext(ctx, in.Report.Channel,
		slack.MsgOptionText("Filed as <"+in.Issue.URL+"|issue #"+strconv.Itoa(in.Issue.Number)+">.", false),
		slack.MsgOptionTS(in.Report.TS),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{
			EventType: replyEvent, EventPayload: map[string]any{"report": in.Report.String(), "issue": in.Issue.URL},
		}))
	return ts, err
}

// isGone reports whether the message that we answer was deleted.
func isGone(err error) bool {
	code := slackCode(err)
	return code == "thread_not_found" || code == "message_not_found"
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

// React adds the reaction. One that is there already is success, and so is a message that is not there any more.
// Errors: [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected].
func (s *Slack) React(ctx context.Context, in ReactInput) error {
	defer beat(ctx)()
	client, err := s.client(in.Account)
	if err != nil {
		return err
	}
	err = client.AddReactionContext(ctx, in.Emoji, slack.NewRefToMessage(in.Report.Channel, in.Report.TS))
	if err == nil || slackCode(err) == "already_reacted" || isGone(err) {
		return nil
	}
	return slackError("reacting to "+in.Report.String(), err)
}
