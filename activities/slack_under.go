package activities

import (
	"context"
	"errors"
	"time"

	"github.com/slack-go/slack"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/credential"
)

// errThreadGone says that the message below which something was to be posted was deleted.
var errThreadGone = errors.New("the message was deleted")

// postUnder posts into the thread of a message, and fails with [errThreadGone] where the message was deleted. Slack itself
// accepts a post to a deleted thread, and shows it in the open channel
// (github.com/slackapi/python-slack-events-api/issues/87). So the message is asked for first, and a post that stands in the
// channel all the same, because the message was deleted in between, is deleted again. The thread of a deleted message in
// which others wrote still exists.
func (s *Slack) postUnder(ctx context.Context, account credential.AccountID, channel, root string, options ...slack.MsgOption) (ts string, err error) {
	client, err := s.client(account)
	if err != nil {
		return "", err
	}
	if _, err := client.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: channel, Ts: root}); err != nil {
		return "", err
	}
	_, ts, posted, err := client.PostMessageWithResponseContext(ctx, channel, append(options, slack.MsgOptionTS(root))...)
	if openly := posted.Timestamp != "" && posted.ThreadTimestamp == ""; err != nil || !openly {
		return ts, err
	}
	takeBack(ctx, client, channel, ts)
	return "", errThreadGone
}

const (
	takeBackTries = 3
	takeBackTime  = 5 * time.Second // for each
)

// takeBack deletes a post of ours from the open channel. Where that fails it logs an error, because no later attempt would
// find the post: they look into threads.
func takeBack(ctx context.Context, client *slack.Client, channel, ts string) {
	var err error
	for range takeBackTries {
		deleting, enough := context.WithTimeout(context.WithoutCancel(ctx), takeBackTime)
		_, _, err = client.DeleteMessageContext(deleting, channel, ts)
		enough()
		if err == nil || isGone(err) {
			return
		}
	}
	activity.GetLogger(ctx).Error("a reply to a deleted message stands in the open channel; delete it there",
		"channel", channel, "ts", ts, "error", slackError("deleting it", err))
}
