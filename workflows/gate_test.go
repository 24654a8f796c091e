package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"tokenkeeper/credential"
)

// The account's Signal comes while the Activity fails: nobody waits yet, so it goes by. Whoever waits then asks, and an
// account that works answers at once.
func TestASignalThatComesTooEarlyIsAskedForAgain(t *testing.T) {
	s := newStory()
	s.fails["CreateIssue"] = []error{unavailableError(acmeGitHub)}
	s.after(0, func() { s.mended(acmeGitHub) })
	s.onAwait = func(account credential.AccountID) { s.mended(account) }

	s.report(t, bugReport)

	assert.Equal(t, []credential.AccountID{acmeGitHub}, s.asked)
	assert.Less(t, s.env.Now().Sub(epoch), time.Minute)
}

func TestASignalOfAnotherAccountWakesNobody(t *testing.T) {
	s := newStory()
	s.fails["CreateIssue"] = []error{unavailableError(acmeGitHub)}
	s.after(time.Minute, func() { s.mended(acmeSlack) })
	var calls int
	s.after(30*time.Minute, func() { calls = len(s.used["CreateIssue"]) })
	s.after(31*time.Minute, func() { s.mended(acmeGitHub) })

	s.report(t, bugReport)

	assert.Equal(t, 1, calls)
}

func TestAnAccountThatFailsAgainIsWaitedForAgain(t *testing.T) {
	s := newStory()
	s.fails["CreateIssue"] = []error{unavailableError(acmeGitHub), unavailableError(acmeGitHub)}
	s.after(time.Minute, func() { s.mended(acmeGitHub) })
	s.after(10*time.Minute, func() { s.mended(acmeGitHub) })

	s.report(t, bugReport)

	assert.Len(t, s.used["CreateIssue"], 3)
	assert.Equal(t, []credential.AccountID{acmeGitHub, acmeGitHub}, s.asked)
}

func TestAnAccountIsAskedAgainInCaseItsWorkflowWasReplaced(t *testing.T) {
	s := newStory()
	s.fails["CreateIssue"] = []error{unavailableError(acmeGitHub)}
	s.after(5*time.Hour+time.Minute, func() { s.mended(acmeGitHub) })

	s.report(t, bugReport)

	assert.Len(t, s.asked, 6, "once, and once each hour")
}

// A history ends at 51,200 events, and a wait may last for months.
func TestAnAccountThatNobodyOwnsIsAskedLessAndLess(t *testing.T) {
	s := newStory()
	s.fails["CreateIssue"] = []error{unavailableError(acmeGitHub)}
	s.unowned[acmeGitHub] = true
	const month = 30 * 24 * time.Hour
	var early int
	s.after(2*time.Minute+time.Second, func() { early = len(s.asked) })
	s.after(month, func() { s.mended(acmeGitHub) })

	s.report(t, bugReport)

	assert.Equal(t, 2, early, "soon at first")
	assert.Less(t, len(s.asked)*10, 51_200/3)
}

func TestChannelsThatWaitForOneAccountGoOnTogether(t *testing.T) {
	d := newDesk(bugsChannel, supportChannel)
	d.down[acmeSlack] = true
	keys := append(d.post(bugsChannel, epoch, 2), d.post(supportChannel, epoch, 2)...)
	r := d.newRun(epoch)
	r.after(10*time.Minute, func() { r.mend(acmeSlack) })
	r.after(15*time.Minute, r.env.CancelWorkflow)
	r.triage(TriageInput{Triage: bugTriage})

	d.requireStarted(t, keys)
}

func TestWhoWaitsForAnAccountContinuesAsNewAndAsksAgain(t *testing.T) {
	d := newDesk(bugsChannel)
	d.down[acmeSlack] = true
	keys := d.post(bugsChannel, epoch, 2)
	r := d.newRun(epoch)
	r.after(10*time.Minute, func() { r.env.SetContinueAsNewSuggested(true) })
	r.after(11*time.Minute, func() { r.signal(SignalPause) }) // any message wakes the Workflow
	r.triage(TriageInput{Triage: bugTriage})
	next := r.next(t)
	if !assert.NotNil(t, next) {
		return
	}
	next.State.Paused = false
	second := d.newRun(epoch.Add(time.Hour))
	second.after(10*time.Minute, func() { second.mend(acmeSlack) })
	second.after(15*time.Minute, second.env.CancelWorkflow)
	second.triage(*next)

	d.requireStarted(t, keys)
	assert.Len(t, d.asked, 2)
}
