package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

// Slack lets the app read once a minute, fifteen messages at a time, and nobody said so. The first refusal tells it: the second page
// comes in the turn of the channel, nobody asks too early, nothing counts as trouble, and nothing is missing.
func TestANarrowLimitIsFoundOut(t *testing.T) {
	const messages = 20
	w := newWorld(t, sandbox.Options{ReadsPerMinute: 1})
	w.rewrite("\n      - {channel: C0SUPPORT, repository: acme/app}", "")
	w.rewrite("lookback: 1m", "lookback: 1m\n    follow: 0s") // who watches threads would read in the same minute
	w.connect("slack")
	w.connect("github")
	w.worker.Stop()
	name := w.organization + "/bugs"
	require.NoError(t, w.Workflows.StartTriage(t.Context(), name))
	for i := range messages {
		w.posts(fmt.Sprintf("%s It is project %d.", report, i))
	}
	second := w.NewWorker()
	require.NoError(t, second.Start())
	t.Cleanup(second.Stop)
	w.eventually("the refusal", func() bool { return w.sandbox.Books().RateLimited > 0 })
	beside(t) // only now: the minutes until the turn pass while other tests have the machine for themselves

	const turns = 4 * time.Minute // a minute of rest, a round of one channel and of what is read aside, and a slow machine
	require.Eventually(t, func() bool { return w.ended() == messages }, turns, time.Second, "all reports to end")
	books := w.sandbox.Books()
	assert.Equal(t, messages, books.IssuesCreated)
	assert.Len(t, books.Replies, messages)
	// A request that this machine sends more than five seconds late makes the next one, which is on time, too early for Slack.
	assert.LessOrEqual(t, books.RateLimited, 2, "nobody asks too early once the limit is known")
	assert.Zero(t, books.RateLimitsIgnored)
	assert.Zero(t, books.Missing+books.Duplicates+books.Unexpected)
	view, err := w.LookAtTriage(t.Context(), name, patience)
	require.NoError(t, err)
	assert.Equal(t, messages, view.Channels[0].Messages)
	assert.Empty(t, view.Channels[0].Trouble, "to wait for a turn is none")
	assert.Zero(t, view.Channels[0].FailingSince)
}
