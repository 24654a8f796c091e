package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

const day = 24 * time.Hour

// leads returns how long before their deadline the notices of deadlines came, by the clock of the account.
func (g *grant) leads() []time.Duration {
	var all []time.Duration
	for i, n := range g.notices {
		if n.Kind == activities.NoticeDeadline {
			all = append(all, n.Deadline.Sub(g.noticedAt[i]).Round(time.Hour))
		}
	}
	return all
}

func TestATokenThatEndsAndCannotBeRefreshedIsWarnedOf(t *testing.T) {
	g := newGrant(t, 60*day)
	g.shape = func(f *activities.Facts) { f.Refreshable = false }
	g.issue()
	g.failures = []activities.Failure{{Kind: credential.DeadGrant, Code: activities.CodeNoRefreshToken, Message: "over"}}
	var before, after AccountStatus
	g.after(59*day+12*time.Hour, func() { before = g.status(t) })
	g.after(61*day, func() { after = g.status(t) })
	g.end(62 * day)
	g.run()

	assert.Equal(t, []time.Duration{14 * day, 7 * day, 3 * day, day}, g.leads(), "each once")
	assert.Equal(t, credential.Active, before.Status, "nothing is wrong until then")
	assert.Equal(t, before.ExpiresAt, before.ConsentBy)
	assert.Equal(t, credential.ReauthorizationRequired, after.Status)
	assert.Equal(t, 1, g.posts, "nothing is tried before the end")
	require.Len(t, g.notices, 5)
	assert.Equal(t, activities.NoticeTrouble, g.notices[4].Kind)
}

func TestConsentMovesTheDeadlineAndItsWarningsOn(t *testing.T) {
	g := newGrant(t, 20*day)
	g.shape = func(f *activities.Facts) { f.Refreshable = false }
	g.issue()
	g.after(12*day, func() {
		g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
	})
	var now AccountStatus
	g.after(13*day, func() { now = g.status(t) })
	g.end(31*day - time.Hour)
	g.run()

	// Until day 12: 14 days before day 20. From then on: all before day 32 but the last.
	assert.Equal(t, []time.Duration{14 * day, 14 * day, 7 * day, 3 * day}, g.leads())
	assert.Equal(t, now.ExpiresAt, now.ConsentBy)
}

func TestARefreshTokenThatIdlesOutIsKeptAlive(t *testing.T) {
	g := newGrant(t, 0)
	g.policy.RefreshIdle = 30 * day
	g.shape = func(f *activities.Facts) { f.ExpiresAt = time.Time{} } // the access token never ends
	g.issue()
	var last AccountStatus
	g.after(364*day, func() { last = g.status(t) })
	g.end(365 * day)
	g.run()

	assert.InDelta(t, 365/(30*0.75), g.posts, 2)
	assert.Equal(t, credential.Active, last.Status)
	assert.Zero(t, last.ConsentBy)
	assert.True(t, last.RefreshExpiresAt.After(last.NextRefresh))
	assert.Empty(t, g.notices)
}

// countdown has each answer name what is left of a limit of the whole grant, to the second.
func countdown(end func() time.Time) func(*activities.Facts) {
	return func(f *activities.Facts) { f.RefreshExpiresAt = end().Truncate(time.Second) }
}

func TestALimitThatRefreshingDoesNotMoveIsFoundOutAndWarnedOf(t *testing.T) {
	g := newGrant(t, 12*time.Hour)
	end := g.env.Now().Add(90 * day)
	g.shape = countdown(func() time.Time { return end })
	g.issue()
	var early, late AccountStatus
	g.after(time.Hour, func() { early = g.status(t) })
	g.after(80*day, func() { late = g.status(t) })
	g.end(90*day - time.Hour)
	g.run()

	assert.Zero(t, early.ConsentBy, "the first answer does not tell which kind of limit it is")
	assert.WithinDuration(t, end, late.ConsentBy, 2*time.Second)
	assert.Equal(t, []time.Duration{14 * day, 7 * day, 3 * day, day}, g.leads())
	assert.InDelta(t, 90*24/(12*0.75), g.posts, 90*24/12*0.12, "no keeping alive of what does not live longer")
}

func TestARollingRefreshTokenHasNoDeadline(t *testing.T) {
	g := newGrant(t, 8*time.Hour)
	g.shape = func(f *activities.Facts) { f.RefreshExpiresAt = g.env.Now().Add(20 * day) }
	g.issue()
	g.end(200 * day)
	g.run()

	assert.Empty(t, g.notices)
}

func TestAStaticRefreshTokenWithALimitHasADeadlineFromTheStart(t *testing.T) {
	g := newGrant(t, time.Hour)
	g.policy.RefreshFixed = true
	end := g.env.Now().Add(10 * day)
	g.shape = func(f *activities.Facts) { f.RefreshExpiresAt = end }
	g.issue()
	var early AccountStatus
	g.after(time.Second, func() { early = g.status(t) })
	g.end(9*day + 12*time.Hour)
	g.run()

	assert.True(t, end.Equal(early.ConsentBy))
	assert.Equal(t, []time.Duration{7 * day, 3 * day, day}, g.leads())
}

func TestContinueAsNewCarriesTheDeadline(t *testing.T) {
	g := newGrant(t, 60*day)
	g.shape = func(f *activities.Facts) { f.Refreshable = false }
	g.policy.ValidateEvery = 0
	g.issue()
	g.after(50*day, func() { g.env.SetContinueAsNewSuggested(true) })
	g.run()

	next, ok := continuedInput(t, g.env)
	require.True(t, ok)
	assert.Equal(t, 14*day, next.State.Deadline.Told)
	assert.True(t, g.now.ExpiresAt.Equal(next.State.Deadline.At))

	h := newGrant(t, 60*day)
	h.now = g.now
	h.env.SetStartTime(g.now.IssuedAt.Add(50 * day))
	h.end(9*day - time.Hour)
	execute(h.env, ConnectedAccount, next)
	assert.Equal(t, []time.Duration{7 * day, 3 * day}, h.leads(), "what was told is not told again")
}
