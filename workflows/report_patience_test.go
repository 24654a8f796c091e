package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

// What a model made of the message is in history, and goes along to whoever reads the message again.
func TestARetryAsksNoModelAgain(t *testing.T) {
	s := newStory()
	answer := &activities.Answered{EditedAt: "1700000000.000200", Understood: triage.ByRules(triage.Message{Text: "It crashes"}, nil)}
	s.draft.Answered = answer
	s.fails["CreateIssue"] = []error{rejection("issues are disabled")}
	s.after(time.Hour, func() {
		require.Nil(t, s.read.Answered, "nobody was asked before")
		s.env.SignalWorkflow(SignalRetry, nil)
	})

	s.report(t, bugReport)

	assert.Equal(t, answer, s.read.Answered)
	assert.Equal(t, []string{"Read", "CreateIssue", "Read", "CreateIssue", "Reply", "React"}, s.calls)
}

// GitHub away for a week parks nothing: the report waits, and nobody has to come.
func TestAWeekWithoutGitHubParksNothing(t *testing.T) {
	s := newStory()
	const week = 7 * 24 * time.Hour
	const tries = 9 // the test environment gives up after ten, the policy of the step never
	require.Zero(t, wary().MaximumAttempts)
	for range tries {
		s.fails["CreateIssue"] = append(s.fails["CreateIssue"], temporal.NewApplicationErrorWithOptions(
			"creating the issue: 503", activities.ErrTypeProviderUnavailable, temporal.ApplicationErrorOptions{NextRetryDelay: week / tries}))
	}
	for day := range 7 {
		s.after(time.Duration(day+1)*24*time.Hour-time.Hour, func() {
			now := s.status(t)
			assert.Empty(t, now.Parked)
			assert.Equal(t, stepFile, now.Step)
		})
	}
	begun := s.env.Now()

	result := s.report(t, bugReport)

	assert.Equal(t, 7, result.Issue.Number)
	assert.GreaterOrEqual(t, s.env.Now().Sub(begun), week)
	assert.Empty(t, s.notices)
	assert.Len(t, s.filed, tries+1)
}
