package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// newMinted is an account whose tokens need nobody's consent.
func newMinted(t *testing.T, lifetime time.Duration) *grant {
	t.Helper()
	g := newGrant(t, lifetime)
	g.policy.Minted = true
	g.shape = func(f *activities.Facts) { f.Refreshable, f.Subject = false, "installation/4711" }
	return g
}

func TestAnAccountThatMintsBecomesActiveByItselfAndStaysSo(t *testing.T) {
	g := newMinted(t, 12*time.Hour)
	const year = 365 * 24 * time.Hour
	var first, last AccountStatus
	g.after(time.Second, func() { first = g.status(t) })
	g.after(year-time.Minute, func() { last = g.status(t) })
	g.end(year)
	g.run()

	require.NoError(t, g.env.GetWorkflowError())
	assert.Equal(t, credential.Active, first.Status)
	assert.EqualValues(t, 1, first.Generation)
	assert.EqualValues(t, "installation/4711", first.Subject)
	assert.Equal(t, credential.Active, last.Status)
	// A token of 12 h is due after 0.7 to 0.8 of it.
	assert.InDelta(t, 365*24/(12*0.75), g.posts, 365*24/12*0.12)
	assert.Equal(t, int(last.Generation), g.posts)
	assert.Empty(t, g.notices, "there is no deadline and no trouble")
	assert.Zero(t, last.ConsentBy)
	assert.Zero(t, last.RefreshExpiresAt)
}

func TestAFirstMintThatFailsIsTriedAgain(t *testing.T) {
	g := newMinted(t, time.Hour)
	for range 5 {
		g.failures = append(g.failures, activities.Failure{Kind: credential.Transient, Message: "503"})
	}
	var during, after AccountStatus
	g.after(5*time.Second, func() { during = g.status(t) })
	g.after(2*time.Minute, func() { after = g.status(t) })
	g.end(3 * time.Minute)
	g.run()

	assert.Equal(t, credential.Pending, during.Status, "there is nothing yet that could be degraded")
	assert.Equal(t, "503", during.Reason)
	assert.NotZero(t, during.NextRefresh)
	assert.Equal(t, credential.Active, after.Status)
	assert.Equal(t, 6, g.posts)
	assert.Empty(t, g.notices)
}

func TestAKeyThatIsRefusedWaitsForTheOperatorAndGoesOnByItself(t *testing.T) {
	g := newMinted(t, time.Hour)
	for range 10 {
		g.failures = append(g.failures, activities.Failure{Kind: credential.DeadClient, Message: "bad signature"})
	}
	g.after(time.Second, func() { g.env.SignalWorkflow(SignalAwait, Waiter{WorkflowID: "report/1"}) })
	var during, after AccountStatus
	g.after(5*time.Minute, func() { during = g.status(t) })
	g.after(20*time.Minute, func() { after = g.status(t) })
	g.end(21 * time.Minute)
	g.run()

	assert.Equal(t, credential.ClientMisconfigured, during.Status)
	assert.Equal(t, "bad signature", during.Reason)
	assert.Equal(t, credential.Active, after.Status)
	require.Len(t, g.notices, 2)
	assert.Equal(t, activities.NoticeTrouble, g.notices[0].Kind)
	assert.Equal(t, activities.NoticeRecovery, g.notices[1].Kind)
	assert.Equal(t, []string{"report/1"}, g.signals)
}

func TestACallersReportOfADeadMintedTokenCausesOneMint(t *testing.T) {
	g := newMinted(t, time.Hour)
	var answers []*AccountStatus
	g.after(10*time.Minute, func() {
		for range 20 {
			answers = append(answers, g.report(t, 1))
		}
	})
	g.end(11 * time.Minute)
	g.run()

	assert.Equal(t, 2, g.posts)
	for _, answer := range answers {
		assert.EqualValues(t, 2, answer.Generation)
	}
}

func TestAMintedTokenIsReplacedWhenSomebodyWantsThat(t *testing.T) {
	g := newMinted(t, time.Hour)
	var answer *AccountStatus
	g.after(time.Minute, func() { answer, _ = g.updated(t, UpdateRefresh, RefreshRequest{}) })
	g.end(2 * time.Minute)
	g.run()

	assert.EqualValues(t, 2, answer.Generation)
	assert.Equal(t, 2, g.posts)
}

func TestWithoutConsentAnAccountOfAPersonStaysPending(t *testing.T) {
	g := newGrant(t, time.Hour)
	var later AccountStatus
	g.after(24*time.Hour, func() { later = g.status(t) })
	g.end(25 * time.Hour)
	g.run()

	assert.Equal(t, credential.Pending, later.Status)
	assert.Zero(t, g.posts)
}
