package sandbox_test

import (
	"testing"
	"time"

	"github.com/google/go-github/v62/github"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

// GitHub allows 80 issues and comments in a minute, 500 in an hour, and tells only whoever asks for more.
func TestTooMuchContentIsRefusedForAWhile(t *testing.T) {
	w := newWorld(t, sandbox.Options{CreationsPerMinute: 3, CreationsPerHour: 5})
	client := w.connectedGitHub()
	create := func() error {
		_, err := w.createIssue(client, "Crash", "")
		return err
	}
	refused := func(wait time.Duration) {
		t.Helper()
		var limited *github.AbuseRateLimitError
		require.ErrorAs(t, create(), &limited)
		require.NotNil(t, limited.RetryAfter)
		assert.Equal(t, wait, *limited.RetryAfter)
		w.clock.advance(wait)
		client = w.connectedGitHub() // go-github remembers the limit by another clock
	}
	for range 2 {
		require.NoError(t, create())
	}
	_, _, err := client.Issues.CreateComment(t.Context(), "acme", "app", 2, &github.IssueComment{Body: new("Me too")})
	require.NoError(t, err)
	refused(time.Minute)
	require.NoError(t, create())
	require.NoError(t, create())
	refused(59 * time.Minute)
	require.NoError(t, create())
	assert.Equal(t, 2, w.Books().RateLimited)
	assert.Zero(t, w.Books().RateLimitsIgnored)
}
