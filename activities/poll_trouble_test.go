package activities_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
)

func TestPollsThatFailForThreeIntervalsAreTheWorkflowsBusiness(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	began := w.clock.Now()
	w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 503, Times: -1})
	tries := 0

	got := retried(w, w.slack.Poll, in, func(int32) error {
		tries++
		w.clock.advance(20 * time.Second)
		return nil
	})

	got.fails(t, activities.ErrTypePollsFail, bugs, "503")
	var detail activities.PollTrouble
	require.NoError(t, applicationError(t, got.err).Details(&detail))
	assert.WithinDuration(t, began.Add(20*time.Second), detail.FailingSince, time.Second)
	unread := w.clock.Now().Sub(detail.FailingSince.Add(-in.Interval))
	assert.GreaterOrEqual(t, unread, 90*time.Second, "three intervals of 30 s, of which one was over when the first poll failed")
	assert.LessOrEqual(t, unread, 90*time.Second+22*time.Second, "and the attempt itself")
	assert.Equal(t, 3, tries, "the last one comes when people should hear, and no backoff later")
	require.Len(t, got.beats, 1, "the first failure alone is worth a heartbeat")
}

func TestOnePollThatWorksEndsTheTrouble(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	details := map[string]any{"watermark": in.After, "failing_since": w.clock.Now().Add(-time.Hour)}

	got := attempt(w, t.Context(), details, w.slack.Poll, in)

	got.fails(t, activities.ErrTypeNothingNew)
	require.Len(t, got.beats, 1)
	assert.NotContains(t, got.beats[0], "failing_since")
}

// A long window under a limit takes many attempts, of which none ends well but the last. Each of them reads, though.
func TestAPollThatReadsPageAfterPageIsNotFailing(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	posted := w.say(900)
	for after := range 4 {
		w.fault(sandbox.Fault{
			App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: time.Minute, After: 1 + after,
		})
	}

	got := retried(w, w.slack.Poll, in, always)

	require.NoError(t, got.err)
	assert.Len(t, got.failed, 4, "over four minutes, where people hear after a minute and a half")
	assert.Equal(t, posted[:500], got.out.Messages)
	assert.Equal(t, 5+4, w.Books().Requests[history], "no page twice")
}

func TestAPollThatWorksAfterPeopleWereToldEndsToTellThem(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	in.Told = w.clock.Now().Add(-time.Hour)

	quiet := once(w, w.slack.Poll, in)
	require.NoError(t, quiet.err)
	assert.Equal(t, activities.Window{Watermark: in.After, Overlap: activities.Overlap{From: in.After}, Recovered: true}, quiet.out)

	posted := w.say(1)
	busy := once(w, w.slack.Poll, in)
	require.NoError(t, busy.err)
	assert.True(t, busy.out.Recovered)
	assert.Equal(t, posted, busy.out.Messages)

	w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 503, Times: -1})
	down := once(w, w.slack.Poll, in)
	down.fails(t, activities.ErrTypeProviderUnavailable)
	assert.Empty(t, down.beats, "it is known")
}

func TestThreeIntervalsAreAMinuteAtLeast(t *testing.T) {
	assert.Equal(t, time.Minute, activities.PatienceOfPolls(time.Second))
	assert.Equal(t, 30*time.Minute, activities.PatienceOfPolls(10*time.Minute))
}

// A message over which five workers died one after the other is taken for the cause.
func TestAMessageThatKillsItsWorkersIsPoisoned(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(githubAccount)
	in := w.report("Login crashes")
	deaths := 0
	dying := func(ctx context.Context, in activities.CreateIssueInput) (activities.CreatedIssue, error) {
		out, err := w.github.CreateIssue(ctx, in)
		if err == nil {
			deaths++
			return out, errDied // the server hears nothing of what was done
		}
		return out, err
	}

	got := retried(w, dying, in, always)

	got.fails(t, activities.ErrTypePoisoned, "5 workers died")
	assert.Equal(t, 5, deaths)
	assert.Equal(t, 1, w.Books().IssuesCreated, "each attempt looked first")
}

// What is only read, or marked, kills as well as what is written. A failure in between is no death.
func TestAMessageThatKillsWhoeverReadsItIsPoisoned(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	key := w.message(crash)
	killing(t, w, w.slack.Read, activities.ReadInput{Triage: w.plan.Triage, Report: key})
	killing(t, w, noResult(w.slack.React), activities.ReactInput{Account: slackAccount, Report: key, Emoji: "eyes"})
}

func killing[In, Out any](t *testing.T, w *world, fn func(context.Context, In) (Out, error), in In) {
	t.Helper()
	deaths, tries := 0, 0
	dying := func(ctx context.Context, in In) (Out, error) {
		tries++
		out, err := fn(ctx, in)
		if err == nil {
			deaths++
			return out, errDied
		}
		return out, err
	}
	got := retried(w, dying, in, func(attempt int32) error {
		w.ClearFaults()
		if attempt == 3 {
			w.fault(sandbox.Fault{App: sandbox.Slack, Kind: sandbox.FaultStatus, Status: 503, Times: -1})
		}
		return nil
	})
	got.fails(t, activities.ErrTypePoisoned, "5 workers died")
	assert.Equal(t, 7, deaths, "two before it failed, and five after")
	assert.Equal(t, 9, tries)
}

// panicking is an API whose client comes upon what nobody thought of.
type panicking struct{}

func (panicking) API(credential.AccountID) (activities.API, error) { panic("no such message") }

func TestAPollThatPanicsIsToldOf(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
	read := w.clock.Now()
	w.slack.APIs = panicking{}

	got := retried(w, w.slack.Poll, in, func(int32) error {
		w.clock.advance(20 * time.Second)
		return nil
	})

	got.fails(t, activities.ErrTypePollsFail, bugs, "panics (no such message)")
	var detail activities.PollTrouble
	require.NoError(t, applicationError(t, got.err).Details(&detail))
	assert.WithinDuration(t, read.Add(20*time.Second), detail.FailingSince, time.Second)
	assert.True(t, detail.ReadAt.Equal(read), "it is known when it worked last: %s", detail.ReadAt)
	assert.Equal(t, 90*time.Second, detail.Patience)
	for _, err := range got.failed {
		failsWith(t, err, activities.ErrTypePanicked)
	}
	require.Len(t, got.beats, 1)
}

// A message that kills the worker which reads it is in the way of all others.
func TestPollsWhoseWorkersDieAreToldOf(t *testing.T) {
	for deaths, told := range map[int32]bool{2: false, 3: true} {
		t.Run(strconv.Itoa(int(deaths)), func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			in := w.pollInput()
			var posted []string
			reads := func(ctx context.Context, in activities.PollInput) (activities.Window, error) {
				switch attempt := activity.GetInfo(ctx).Attempt; {
				case attempt == 30+deaths:
					posted = w.say(1)
				case attempt >= 30: // as every tenth would it note that it is alive
					return activities.Window{}, errDied
				}
				return w.slack.Poll(ctx, in)
			}

			got := retriedUpTo(w, 40, reads, in, always)

			if !told {
				require.NoError(t, got.err)
				assert.Equal(t, posted, got.out.Messages)
				return
			}
			got.fails(t, activities.ErrTypePollsFail, bugs, "the last 3 polls at least died")
			assert.Len(t, got.beats, 2, "of thirty polls that found nothing")
			in.Told = w.clock.Now()
			require.NoError(t, once(w, w.slack.Poll, in).err, "whoever was told waits for the first that works")
		})
	}
}

func TestAPollThatIsRefusedForGoodKnowsWhenItWorked(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNothingNew)
	read := w.clock.Now()
	w.clock.advance(30 * time.Second)
	w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Code: "not_in_channel"})

	got := once(w, w.slack.Poll, in)

	got.fails(t, activities.ErrTypeRejected, "not_in_channel")
	var detail activities.PollTrouble
	require.NoError(t, applicationError(t, got.err).Details(&detail))
	assert.True(t, detail.ReadAt.Equal(read), "%s", detail.ReadAt)
}
