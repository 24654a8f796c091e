package sandbox_test

import (
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

// An app outside the Marketplace reads one page of 15 messages a minute, whatever it asks for and from whichever channel.
func TestAnAppOutsideTheMarketplaceReadsOnceAMinute(t *testing.T) {
	w := newWorld(t, sandbox.Options{ReadsPerMinute: 1})
	client := w.connectedSlack()
	for range 20 {
		w.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: "It crashes"})
	}
	page, err := client.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: "C0BUGREPORTS", Limit: 200})
	require.NoError(t, err)
	assert.Len(t, page.Messages, 15)
	assert.True(t, page.HasMore)
	w.clock.advance(20 * time.Second)
	next := &slack.GetConversationHistoryParameters{ChannelID: "C0SUPPORT"}
	_, err = client.GetConversationHistoryContext(t.Context(), next)
	var limited *slack.RateLimitedError
	require.ErrorAs(t, err, &limited)
	assert.Equal(t, 40*time.Second, limited.RetryAfter)
	thread, more, _, err := client.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{
		ChannelID: "C0BUGREPORTS", Timestamp: page.Messages[0].Timestamp,
	})
	require.NoError(t, err, "each method has a limit of its own")
	assert.Len(t, thread, 1)
	assert.False(t, more)
	w.clock.advance(40 * time.Second)
	_, err = client.GetConversationHistoryContext(t.Context(), next)
	require.NoError(t, err)
	assert.Equal(t, 1, w.Books().RateLimited)
}
