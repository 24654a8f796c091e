package activities

import (
	"context"

	"github.com/slack-go/slack"
)

// archived is why nobody can be told in an archived channel.
const archived = "the channel is archived"

// slackNever are the error codes of writes that Slack will not accept any more, whatever somebody does about the app, with words
// for people. A reply on which nothing depends is then left out.
var slackNever = map[string]string{ // :: error code → why
	"is_archived":                              archived,
	"thread_locked":                            "the thread is locked",
	"restricted_action_thread_locked":          "the thread is locked",
	"cannot_reply_to_message":                  "Slack takes no replies to this message",
	"restricted_action_non_threadable_channel": "the channel takes no replies",
}

// slackNeverMarked are those of reactions.
var slackNeverMarked = map[string]string{ // :: error code → why
	"is_archived":        archived,
	"thread_locked":      "the thread is locked",
	"too_many_emoji":     "the message has as many reactions as it may have",
	"too_many_reactions": "the message has as many reactions as it may have",
	"not_reactable":      "the message takes no reactions",
}

// never returns why Slack will never accept what it refused; "" where somebody can mend that. Archiving a channel removes
// the bots from it, so where the app is no longer in a channel Slack is asked whether that is archived.
func never(ctx context.Context, client *slack.Client, channel string, err error, codes map[string]string) string {
	switch code := slackCode(err); code {
	case "not_in_channel", "channel_not_found":
		if isArchived(ctx, client, channel) {
			return archived
		}
		return ""
	default:
		return codes[code]
	}
}

// isArchived reports whether Slack says that a channel is archived. Of a private channel it says so only to its members.
func isArchived(ctx context.Context, client *slack.Client, channel string) bool {
	seen, err := client.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
	return err == nil && seen.IsArchived
}
