package activities

import (
	"context"

	"github.com/slack-go/slack"
)

// archived is why nobody can be told in an archived channel.
const archived = "the channel is archived"

// slackNever are the answers to what Slack will not take any more, whoever does what about the app, in words for people. A
// reply that nothing hangs on is then left.
var slackNever = map[string]string{ // :: error code → why
	"is_archived":                              archived,
	"thread_locked":                            "the thread is locked",
	"restricted_action_thread_locked":          "the thread is locked",
	"cannot_reply_to_message":                  "Slack takes no replies to this message",
	"restricted_action_non_threadable_channel": "the channel takes no replies",
}

// slackNeverMarked are those to a reaction.
var slackNeverMarked = map[string]string{ // :: error code → why
	"is_archived":        archived,
	"thread_locked":      "the thread is locked",
	"too_many_emoji":     "the message has as many reactions as it may have",
	"too_many_reactions": "the message has as many reactions as it may have",
	"not_reactable":      "the message takes no reactions",
}

// never returns why Slack will not take what it refused, "" where somebody can mend that. Who archives a channel removes the
// bots from it, so of a channel that the app is not in any more Slack is asked whether it is archived.
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

// isArchived reports whether Slack says that a channel is archived. Of a private one it tells nobody who is not in it.
func isArchived(ctx context.Context, client *slack.Client, channel string) bool {
	seen, err := client.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
	return err == nil && seen.IsArchived
}
