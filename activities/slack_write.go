package activities

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
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
	// Filer is the account that filed the issue; the reply's metadata names it to who follows the thread.
	Filer credential.AccountID `json:"filer,omitzero"`
	// Edited is the ts of the last edit of the report that its issue was filed with; "" for none, or where nobody knows.
	Edited string `json:"edited,omitempty"`
	// Text is what to say, in Slack's mrkdwn, in the place of the issue's link.
	Text string `json:"text,omitempty"`
	// Mark tells the replies of different agents to one message apart; letters, digits and '_'. Empty means that of issues.
	Mark string `json:"mark,omitempty"`
	// Stage tells apart what one reply says at one time and another; a reply of another stage is edited. Letters.
	Stage string `json:"stage,omitempty"`
	// LookFirst says that the reply may exist although this is the first attempt.
	LookFirst bool `json:"look_first,omitempty"`
	// Reset says that another run of the Workflow may have begun it a moment ago.
	Reset bool `json:"reset,omitempty"`
	// Optional says that nothing hangs on the reply: where Slack will never take it, that is no error; see [Posted.Untold].
	Optional bool `json:"optional,omitempty"`
}

// Posted is a message of ours.
type Posted struct {
	TS    string `json:"ts"`
	Found bool   `json:"found,omitempty"`
	// Edited says that it was there and spoke of another issue.
	Edited bool `json:"edited,omitempty"`
	// Filed says that it was there and links an issue, where this one would link none: it is left as it is.
	Filed bool `json:"filed,omitempty"`
	// Gone says that the message to reply to was deleted.
	Gone bool `json:"gone,omitempty"`
	// Untold is why Slack will never take an optional reply, such as "the channel is archived"; "" where it took it.
	Untold string `json:"untold,omitempty"`
}

// replyEvent marks our reply. Slack has no idempotency key for chat.postMessage; message metadata can be read back.
const replyEvent = "tokenkeeper_issue_filed"

// Reply posts the link of the issue into the thread, once: before anything but a first attempt the thread is read for a
// message with our metadata. One that links another issue, as after the first was deleted and filed anew, or none, as one that
// asked, is edited: a thread has one reply. Where it may not be edited the issue gets a reply of its own. A thread that was
// deleted needs none any more, and one that Slack will never take an optional reply into gets none.
// Errors: [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeOutOfTurn], [ErrTypeProviderUnavailable], [ErrTypeRejected].
func (s *Slack) Reply(ctx context.Context, in ReplyInput) (Posted, error) {
	client, err := s.client(in.Account)
	if err != nil {
		return Posted{}, err
	}
	doing := "replying to " + in.Report.String()
	looked := resumeHalfway[string](ctx)
	return Write[Posted]{
		Doing:     doing,
		LookFirst: in.LookFirst,
		Reset:     in.Reset,
		Reached:   looked.reached,
		Find: func(ctx context.Context) (Posted, bool, error) {
			who, err := s.identity(ctx, client, in.Account)
			if err != nil {
				return Posted{}, false, err
			}
			reply, found, err := s.findReply(ctx, client, in, who, looked)
			if posted, over := in.over(ctx, client, err); over {
				return posted, true, nil
			}
			if err != nil {
				return Posted{}, false, slackError("reading the thread of "+in.Report.String(), err)
			}
			if !found {
				return Posted{}, false, nil
			}
			posted := Posted{TS: reply.Timestamp, Found: true}
			if posted.Filed = in.Issue.URL == "" && said(reply, "issue") != ""; posted.Filed {
				return posted, true, nil
			}
			posted.Edited, err = correct(ctx, client, reply, in)
			if isUneditable(err) { // what links nothing new needs no second reply
				return posted, in.Issue.URL == "" || in.links(reply), nil
			}
			if left, over := in.over(ctx, client, err); over {
				return left, true, nil
			}
			if err != nil {
				err = slackError("editing the reply to "+in.Report.String(), err)
			}
			return posted, true, err
		},
		Do: func(ctx context.Context) (Posted, error) {
			ts, err := s.post(ctx, in)
			if posted, over := in.over(ctx, client, err); over {
				return posted, nil
			}
			return Posted{TS: ts}, err
		},
		Failed: func(took time.Duration, err error) error { return settled(took, slackError(doing, err)) },
	}.Once(ctx)
}

// over reports whether an error ends the reply without being trouble: the message was deleted, or Slack will never accept an
// optional reply there.
func (in ReplyInput) over(ctx context.Context, client *slack.Client, err error) (Posted, bool) {
	switch {
	case isGone(err):
		return Posted{Gone: true}, true
	case err == nil, !in.Optional:
		return Posted{}, false
	}
	why := never(ctx, client, in.Report.Channel, err, slackNever)
	return Posted{Untold: why}, why != ""
}

func (in ReplyInput) text() string {
	if in.Text != "" {
		return in.Text
	}
	text := "Filed as <" + in.Issue.URL + "|issue #" + strconv.Itoa(in.Issue.Number) + ">."
	if len(in.Issue.Related) > 0 {
		links := make([]string, 0, len(in.Issue.Related))
		for _, r := range in.Issue.Related {
			links = append(links, "<"+r.URL+"|#"+strconv.Itoa(r.Number)+">")
		}
		text += " Possibly the same: " + strings.Join(links, ", ") + "."
	}
	if len(in.Issue.LeftOut) > 0 {
		text += " GitHub refused: " + slackEscape.Replace(strings.Join(in.Issue.LeftOut, "; ")) + "."
	}
	if in.Issue.Repository != "" {
		text += " The repository is called " + slackEscape.Replace(in.Issue.Repository) + " now."
	}
	return text
}

// slackEscape are the three characters that mean something in a text for Slack, by
// docs.slack.dev/messaging/formatting-message-text.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (in ReplyInput) mark() string {
	if in.Mark != "" {
		return in.Mark
	}
	return replyEvent
}

func (in ReplyInput) metadata() slack.SlackMetadata {
	payload := map[string]any{"report": in.Report.String(), "issue": in.Issue.URL}
	if !in.Filer.IsZero() {
		payload["account"] = in.Filer.String()
	}
	if in.Edited != "" {
		payload["edited"] = in.Edited
	}
	if in.Stage != "" {
		payload["stage"] = in.Stage
	}
	return slack.SlackMetadata{EventType: in.mark(), EventPayload: payload}
}

// links reports whether a reply of ours links this issue, or, where in has none, any issue.
func (in ReplyInput) links(reply slack.Message) bool {
	issue := said(reply, "issue")
	return issue != "" && (in.Issue.URL == "" || issue == in.Issue.URL)
}

// said returns a text field of a message's metadata; "" where it has none.
func said(reply slack.Message, field string) string {
	text, _ := reply.Metadata.EventPayload[field].(string) // a field that is no text is none of ours
	return text
}

func (s *Slack) post(ctx context.Context, in ReplyInput) (ts string, err error) {
	return s.postUnder(ctx, in.Account, in.Report.Channel, in.Report.TS,
		slack.MsgOptionText(in.text(), false),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionMetadata(in.metadata()))
}

// isUneditable reports whether an edit is refused because the workspace's settings forbid it, or because the message is gone.
func isUneditable(err error) bool {
	return slices.Contains([]string{"cant_update_message", "edit_window_closed", "message_not_found"}, slackCode(err))
}

// correct edits a reply that links another issue or is of another stage, and reports whether it did.
func correct(ctx context.Context, client *slack.Client, reply slack.Message, in ReplyInput) (edited bool, err error) {
	if said(reply, "issue") == in.Issue.URL && said(reply, "stage") == in.Stage {
		return false, nil
	}
	_, ts, _, err := client.UpdateMessageContext(ctx, in.Report.Channel, reply.Timestamp,
		slack.MsgOptionText(in.text(), false), slack.MsgOptionMetadata(in.metadata()))
	return err == nil && ts != "", err
}

// isGone reports whether the message that we answer was deleted.
func isGone(err error) bool {
	code := slackCode(err)
	return errors.Is(err, errThreadGone) || code == "thread_not_found" || code == "message_not_found"
}

// filedBefore returns the URL of the issue that our reply to a message links, "" where there is none. A message without a thread
// has no reply.
func (s *Slack) filedBefore(
	ctx context.Context, client *slack.Client, account credential.AccountID, m triage.Message, reached *halfway[string],
) (link string, err error) {
	if m.ThreadTS == "" {
		return "", nil
	}
	who, err := s.identity(ctx, client, account)
	if err != nil {
		return "", err
	}
	reply, found, err := s.findReply(ctx, client, ReplyInput{Account: account, Report: m.Key}, who, reached)
	switch {
	case isGone(err), err == nil && !found:
		return "", nil
	case err != nil:
		return "", slackError("reading the thread of "+m.String(), err)
	}
	return said(reply, "issue"), nil
}

// ReactInput asks for a reaction on a report.
type ReactInput struct {
	Account credential.AccountID `json:"account"`
	Report  triage.Key           `json:"report"`
	Emoji   string               `json:"emoji"` // without colons
	// Instead is a reaction of ours that it takes the place of; empty for none.
	Instead string `json:"instead,omitempty"`
}

// FiledReaction says that the issue of a report is filed.
const FiledReaction = "white_check_mark"

// React adds the reaction, and then removes the one that it replaces, so that there is always one of them. One that is
// there already, or gone already, is success, and so is a message that is not there any more. What Slack will never take, as
// in an archived channel, is left with a line in the log: a mark is a courtesy, and nobody can do anything about it.
// Errors: [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected], [ErrTypePoisoned].
func (s *Slack) React(ctx context.Context, in ReactInput) (err error) {
	mark, err := begun(ctx, "reacting to "+in.Report.String())
	if err != nil {
		return err
	}
	if mark.Deaths > 0 {
		activity.RecordHeartbeat(ctx, mark)
	}
	defer reportEnd(ctx, &err, nil)
	defer beatWith(ctx, func() []any { return []any{mark} })()
	client, err := s.client(in.Account)
	if err != nil {
		return err
	}
	message := slack.NewRefToMessage(in.Report.Channel, in.Report.TS)
	err = client.AddReactionContext(ctx, in.Emoji, message)
	if err := in.judge(ctx, client, "reacting to ", err, "already_reacted"); err != nil || in.Instead == "" {
		return err
	}
	err = client.RemoveReactionContext(ctx, in.Instead, message)
	return in.judge(ctx, client, "taking a reaction back from ", err, "no_reaction")
}

// judge returns the error of a request about a reaction; nil where the reaction is as it should be, or can never be. done is
// the error code that says that it was so before.
func (in ReactInput) judge(ctx context.Context, client *slack.Client, doing string, err error, done string) error {
	if err == nil || slackCode(err) == done || isGone(err) {
		return nil
	}
	if why := never(ctx, client, in.Report.Channel, err, slackNeverMarked); why != "" {
		activity.GetLogger(ctx).Warn("a message has not the mark that it should have", "report", in.Report.String(), "emoji", in.Emoji, "reason", why)
		return nil
	}
	return slackError(doing+in.Report.String(), err)
}
