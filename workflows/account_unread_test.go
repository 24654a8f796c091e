package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// unreadable scripts answers that nobody can read.
func (g *grant) unreadable(n int) {
	for range n {
		g.failures = append(g.failures, activities.Failure{Kind: credential.Malformed, Message: "HTTP 200 without a token"})
	}
}

// A proxy answers in place of the provider, for hours. Nothing is lost by asking again, so an account whose refresh token
// stays good, or that needs none, asks again; and people hear of it, once, before the access token ends.
func TestAnswersThatNobodyCanReadAreToldOnceAndAskedForAgain(t *testing.T) {
	for name, c := range map[string]struct {
		account func(*testing.T, time.Duration) *grant
		status  credential.Status // meanwhile
		due     time.Duration     // the first attempt
	}{
		"a refresh token that stays good": {newGrant, credential.Degraded, 48 * time.Minute},
		"a token that is minted":          {newMinted, credential.Pending, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := c.account(t, time.Hour)
			if c.due > 0 {
				g.issue()
			}
			g.unreadable(100)
			began := g.env.Now()
			var during, after AccountStatus
			g.after(c.due+time.Hour, func() { during = g.status(t) })
			g.after(c.due+4*time.Hour, func() { after = g.status(t) })
			g.end(c.due + 4*time.Hour + time.Second)
			g.run()

			require.NoError(t, g.env.GetWorkflowError())
			assert.Equal(t, c.status, during.Status)
			assert.Equal(t, "HTTP 200 without a token", during.Reason)
			assert.NotZero(t, during.NextRefresh)
			assert.Equal(t, credential.Active, after.Status)
			require.Len(t, g.notices, 2)
			assert.Equal(t, activities.NoticeTrouble, g.notices[0].Kind)
			assert.Equal(t, activities.CodeUnreadable, g.notices[0].Code)
			assert.Less(t, g.noticedAt[0].Sub(began), c.due+time.Minute, "the access token is good for long then")
			assert.Equal(t, activities.NoticeRecovery, g.notices[1].Kind)
			assert.Empty(t, g.notices[1].Code)
		})
	}
}

func TestOneAnswerThatNobodyCanReadIsNothingForPeople(t *testing.T) {
	g := newGrant(t, time.Hour)
	g.issue()
	g.unreadable(1)
	for range 5 {
		g.failures = append(g.failures, activities.Failure{Kind: credential.Transient, Message: "HTTP 503"})
	}
	var after AccountStatus
	g.after(55*time.Minute, func() { after = g.status(t) })
	g.end(56 * time.Minute)
	g.run()

	assert.Equal(t, credential.Active, after.Status)
	assert.EqualValues(t, 2, after.Generation)
	assert.Empty(t, g.notices)
}

// The trouble goes on although it looks like another one for a while.
func TestAnswersThatNobodyCanReadAreRememberedDuringAnOutage(t *testing.T) {
	g := newGrant(t, time.Hour)
	g.issue()
	g.told = func(activities.Notice) activities.Told { return activities.Told{Again: 10 * time.Minute} }
	g.unreadable(2)
	for range 30 {
		g.failures = append(g.failures, activities.Failure{Kind: credential.Transient, Message: "HTTP 503"})
	}
	g.end(66 * time.Minute)
	g.run()

	require.GreaterOrEqual(t, len(g.notices), 2)
	for stage, notice := range g.notices {
		assert.Equal(t, activities.CodeUnreadable, notice.Code)
		assert.Equal(t, stage, notice.Stage)
	}
}

// Where a refresh token is good once, it may have been spent for an answer that nobody could read. Then only a consent helps,
// and people who look for a proxy should know.
func TestAGrantThatIsLostToUnreadableAnswersIsToldAtOnce(t *testing.T) {
	g := newGrant(t, time.Hour)
	g.issue()
	g.unreadable(2)
	g.failures = append(g.failures, activities.Failure{Kind: credential.DeadGrant, Code: activities.CodeOutcomeUnknown, Message: "the answer is lost"})
	g.end(58 * time.Minute)
	g.run()

	require.Len(t, g.notices, 2)
	assert.Equal(t, activities.CodeUnreadable, g.notices[0].Code)
	assert.Empty(t, g.notices[1].Code)
	assert.Equal(t, "the answer is lost", g.notices[1].Reason)
	assert.Equal(t, 1, g.notices[1].Stage)
	assert.Less(t, g.noticedAt[1].Sub(g.noticedAt[0]), time.Minute)
}
