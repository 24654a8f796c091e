package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/internal/bubbletest"
	"tokenkeeper/sandbox"
)

const slackHistory = "slack conversations.history"

// A notice that follows another looks for it, under the limit that the polls of the account have: a page a minute, over several
// attempts, and none of them twice.
func TestANoticeTakesTurnsWithThePolls(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		n := newNarrowThread(t)
		n.threads.Slack.Reading.Rate = func(credential.AccountID) int { return 1 }
		target := &SlackChannel{Name: "team", Slack: n.threads.Slack, Account: slackReader, Channel: polledChannel}
		send := func(ctx context.Context, l Letter) (struct{}, error) { return struct{}{}, target.Send(ctx, l) }
		letter := Letter{Announcement: Announcement{ID: "ntc_1", Episode: "e1", At: time.Now(), Began: time.Now(), Text: "it is broken"}}
		patiently(n, send, letter)
		require.Zero(t, n.Books().Requests[slackHistory], "the first of a trouble has nothing to look for")
		for i := range 40 {
			<-time.After(time.Second)
			n.Post(polledChannel, sandbox.Message{User: "ada", Text: fmt.Sprintf("message number %d", i)})
		}
		<-time.After(time.Minute)
		begun := time.Now()
		letter.ID, letter.Stage, letter.At, letter.Text = "ntc_2", 1, begun, "it is still broken"

		_, attempts := patiently(n, send, letter)

		assert.GreaterOrEqual(t, attempts, 3)
		assert.Equal(t, 3, n.Books().Requests[slackHistory], "three pages, each once")
		assert.Zero(t, n.Books().RateLimited)
		assert.GreaterOrEqual(t, time.Since(begun), 2*3*time.Minute, "two channels have their minutes in between")
		i := slices.IndexFunc(n.State().Channels, func(c sandbox.ChannelView) bool { return c.ID == polledChannel })
		require.GreaterOrEqual(t, i, 0)
		messages := n.State().Channels[i].Messages
		root := slices.IndexFunc(messages, func(m sandbox.MessageView) bool { return strings.Contains(m.Text, "it is broken") })
		require.GreaterOrEqual(t, root, 0)
		require.Len(t, messages[root].Replies, 1, "it is in the thread of its trouble")
		assert.Contains(t, messages[root].Replies[0].Text, "it is still broken")
	})
}
