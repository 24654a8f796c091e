package activities_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

const (
	history     = "slack conversations.history"
	historyPath = "/slack/api/conversations.history"
)

// say posts n bug reports, a second apart, and returns their ts in order.
func (w *world) say(n int) []string {
	w.t.Helper()
	var posted []string
	for i := range n {
		w.clock.advance(time.Second)
		posted = append(posted, w.Post(bugs, sandbox.Message{User: "ada", Text: "It crashes, number " + strconv.Itoa(i), Report: true}))
	}
	return posted
}

func (w *world) pollInput() activities.PollInput {
	return activities.PollInput{
		Account: slackAccount, Channel: bugs, After: triage.TimestampOf(w.clock.Now()), Interval: 30 * time.Second,
	}
}

// progressIn reads heartbeat details.
func progressIn(t *testing.T, beat string) (p struct {
	Watermark string   `json:"watermark"`
	Cursor    string   `json:"cursor"`
	Newest    string   `json:"newest"`
	Found     []string `json:"found"`
}) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(beat), &p))
	return p
}

func TestAPollReturnsWhatWasPostedOldestFirst(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	posted := w.say(3)

	got := once(w, w.slack.Poll, in)

	require.NoError(t, got.err)
	for i, m := range got.out.Contents {
		assert.Equal(t, triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: posted[i]}, m.Key)
		assert.Equal(t, "It crashes, number "+strconv.Itoa(i), m.Text)
	}
	assert.Len(t, got.out.Contents, 3)
	got.out.Contents = nil
	overlap := activities.Overlap{From: in.After, Seen: posted}
	assert.Equal(t, activities.Window{Team: "T0SANDBOX", Messages: posted, Watermark: posted[2], Overlap: overlap}, got.out)
	in.After, in.Overlap = got.out.Watermark, got.out.Overlap
	again := once(w, w.slack.Poll, in)
	again.fails(t, activities.ErrTypeNothingNew, bugs)
	assert.Empty(t, again.beats, "an idle poll costs no heartbeat")
}

func TestAWindowIsReadToItsLastPageBeforeTheWatermarkMoves(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	posted := w.say(450)

	got := once(w, w.slack.Poll, in)

	require.NoError(t, got.err)
	assert.Equal(t, posted, got.out.Messages)
	assert.Equal(t, posted[449], got.out.Watermark)
	assert.Equal(t, 3, w.Books().Requests[history])
}

func TestAWindowThatIsTooLongIsCutAtItsOldEnd(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	posted := w.say(730)

	var read []string
	for range 2 {
		got := once(w, w.slack.Poll, in)
		require.NoError(t, got.err)
		read = append(read, got.out.Messages...)
		assert.LessOrEqual(t, len(got.out.Messages), 500)
		assert.Equal(t, read[len(read)-1], got.out.Watermark)
		in.After = got.out.Watermark
	}

	assert.Equal(t, posted, read, "none is skipped where it was cut")
}

func TestNothingNewIsAskedForAgainAfterTheInterval(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)

	got := once(w, w.slack.Poll, w.pollInput())

	got.fails(t, activities.ErrTypeNothingNew, bugs)
	assert.Equal(t, 30*time.Second, got.wait(t))
	assert.Empty(t, got.beats, "an idle poll costs no heartbeat")
}

func TestWhatIsNoReportIsPassedOverAndNotReadAgain(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	w.clock.advance(time.Minute)
	w.Post(bugs, sandbox.Message{Bot: "Sentry", Text: "It crashes: NullPointerException"})
	w.Post(bugs, sandbox.Message{User: "ada", Subtype: "channel_join", Text: "<@U0ADA> has joined the channel"})
	root := w.Post(bugs, sandbox.Message{User: "ada", Text: "It crashes when I log in", Ref: "root"})
	w.Post(bugs, sandbox.Message{User: "bjorn", Text: "It crashes for me as well", ThreadTS: root})
	w.Post(bugs, sandbox.Message{User: "bjorn", Text: "It crashes everywhere", ThreadTS: root, Subtype: "thread_broadcast"})
	own := activities.ReplyInput{
		Account: slackAccount, Report: triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: root}, Issue: activities.CreatedIssue{Number: 1, URL: w.url},
	}
	require.NoError(t, once(w, w.slack.Reply, own).err)
	last := w.Post(bugs, sandbox.Message{User: "ada", Text: "   "})

	got := once(w, w.slack.Poll, in)
	require.NoError(t, got.err)
	assert.Equal(t, []string{root}, got.out.Messages)
	assert.Equal(t, last, got.out.Watermark, "the rest was looked at")

	// Without the report the noise alone moves the watermark of the attempts, and nothing else.
	in.After = root
	noise := once(w, w.slack.Poll, in)
	noise.fails(t, activities.ErrTypeNothingNew)
	require.Len(t, noise.beats, 1)
	assert.Equal(t, last, progressIn(t, noise.beats[0]).Watermark)
}

func TestAttemptsGoOnFromTheWatermarkOfTheOneBefore(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	w.clock.advance(time.Minute)
	for range 250 {
		w.Post(bugs, sandbox.Message{Bot: "Sentry", Text: "beep"})
	}
	var posted []string

	got := retried(w, w.slack.Poll, in, func(attempt int32) error {
		if attempt == 4 {
			posted = w.say(1)
		}
		return nil
	})

	require.NoError(t, got.err)
	assert.Equal(t, posted, got.out.Messages)
	require.Len(t, got.failed, 3)
	for _, err := range got.failed {
		failsWith(t, err, activities.ErrTypeNothingNew)
		assert.Equal(t, 30*time.Second, delayOf(err))
	}
	assert.Equal(t, 2+3, w.Books().Requests[history], "two pages once, then one for each attempt")
}

func TestARateLimitIsWaitedForAndCostsNoPageTwice(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	posted := w.say(450)
	// As for an app outside the Marketplace: one page, then wait.
	for after := range 2 {
		w.fault(sandbox.Fault{
			App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: time.Minute, After: 1 + after,
		})
	}

	got := retried(w, w.slack.Poll, in, always)

	require.NoError(t, got.err)
	assert.Equal(t, posted, got.out.Messages)
	assert.Equal(t, posted[449], got.out.Watermark)
	require.Len(t, got.failed, 2)
	for _, err := range got.failed {
		failsWith(t, err, activities.ErrTypeRateLimited, bugs)
		assert.Equal(t, time.Minute, delayOf(err))
	}
	assert.Equal(t, 3+2, w.Books().Requests[history], "three pages and two refusals")
	assert.Zero(t, w.Books().RateLimitsIgnored)
}

// Messages that come between the pages of a window belong to the next one.
func TestMessagesThatComeWhileAWindowIsReadAreNotLost(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	posted := w.say(250)
	w.fault(sandbox.Fault{
		App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: time.Minute, After: 1,
	})
	var late []string

	got := retried(w, w.slack.Poll, in, func(attempt int32) error {
		if attempt == 2 {
			late = w.say(2)
		}
		return nil
	})

	require.NoError(t, got.err)
	assert.Equal(t, posted, got.out.Messages)
	in.After = got.out.Watermark
	assert.Equal(t, late, once(w, w.slack.Poll, in).out.Messages)
}

func TestACursorThatSlackForgotMeansTheFirstPageAgain(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	posted := w.say(250)

	got := attempt(w, t.Context(), map[string]any{
		"watermark": in.After, "cursor": "bm9uc2Vuc2U=", "newest": posted[249], "found": posted[50:],
	}, w.slack.Poll, in)

	require.NoError(t, got.err)
	assert.Equal(t, posted, got.out.Messages)
}

func TestProgressThatIsOlderThanTheInputIsIgnored(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	old := w.pollInput().After
	w.say(1)
	in := w.pollInput()
	posted := w.say(1)
	for _, details := range []any{map[string]any{"watermark": old}, "a version before", 7} {
		got := attempt(w, t.Context(), details, w.slack.Poll, in)
		require.NoError(t, got.err)
		assert.Equal(t, posted, got.out.Messages)
	}
}

func TestAWindowThatEndsInTheDarkIsNotBelieved(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	w.replace(historyPath, func(rw http.ResponseWriter) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"ok":true,"messages":[],"has_more":true}`)) // the client is there
	})

	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeProviderUnavailable, "no cursor")
}

func TestATokenThatDiesBetweenTwoPagesIsReplacedUnderThePoll(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	posted := w.say(450)
	w.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Code: "token_expired", After: 1})

	got := once(w, w.slack.Poll, in)

	require.NoError(t, got.err)
	assert.Equal(t, posted, got.out.Messages)
	assert.Equal(t, 1, w.Books().RefreshesByApp[sandbox.Slack])
	assert.EqualValues(t, 2, w.held(slackAccount).Generation)
	assert.Zero(t, w.Books().UnreplayedAuthFailures)
}

func TestAGrantThatDiesBetweenTwoPagesLosesNothing(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	posted := w.say(450)
	pages := 0
	w.when(historyPath, func() {
		if pages++; pages == 1 {
			w.when(historyPath, func() { w.Revoke(sandbox.Slack) })
		}
	})
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeAccountUnavailable, "acme/triage/slack")

	require.NoError(t, w.adopt(slackAccount, w.consent(slackAccount, "")).err)
	got := once(w, w.slack.Poll, in) // the Workflow's next Activity knows nothing of the last

	require.NoError(t, got.err)
	assert.Equal(t, posted, got.out.Messages)
}

func TestHowSlackRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		fault sandbox.Fault
		kind  string
		wait  time.Duration
		want  string
	}{
		"limit in the body": {
			fault: sandbox.Fault{Kind: sandbox.FaultStatus, Code: "ratelimited"}, kind: activities.ErrTypeRateLimited, wait: time.Minute,
		},
		"limit without a time": {
			fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429}, kind: activities.ErrTypeRateLimited, wait: time.Minute,
		},
		"limit of a year": {
			fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429, RetryAfter: 8760 * time.Hour}, kind: activities.ErrTypeRateLimited, wait: time.Hour,
		},
		"outage": {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, kind: activities.ErrTypeProviderUnavailable},
		"own fault": {
			fault: sandbox.Fault{Kind: sandbox.FaultStatus, Code: "internal_error"}, kind: activities.ErrTypeProviderUnavailable, want: "internal_error",
		},
		"a code nobody knows": {
			fault: sandbox.Fault{Kind: sandbox.FaultStatus, Code: "brand_new_error"}, kind: activities.ErrTypeProviderUnavailable, want: "brand_new_error",
		},
		"half a page": {fault: sandbox.Fault{Kind: sandbox.FaultTruncate}, kind: activities.ErrTypeProviderUnavailable},
		"missing scope": {
			fault: sandbox.Fault{Kind: sandbox.FaultStatus, Code: "missing_scope"}, kind: activities.ErrTypeRejected, want: "reauthorize",
		},
		"archived": {
			fault: sandbox.Fault{Kind: sandbox.FaultStatus, Code: "is_archived"}, kind: activities.ErrTypeRejected, want: "unarchive",
		},
		"a fresh token refused": {
			fault: sandbox.Fault{Kind: sandbox.FaultStatus, Code: "invalid_auth", Times: 2}, kind: activities.ErrTypeProviderUnavailable,
			wait: 5 * time.Minute, want: "a fresh token is refused too (invalid_auth)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			in := w.pollInput()
			w.say(1)
			c.fault.App, c.fault.Endpoint = sandbox.Slack, "conversations.history"
			w.fault(c.fault)

			got := once(w, w.slack.Poll, in)

			got.fails(t, c.kind, bugs, c.want)
			assert.Equal(t, c.wait, got.wait(t))
		})
	}
}

func TestAChannelWithoutTheBotSaysHowToInviteIt(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := w.pollInput()
	in.Channel = "C0RANDOM"
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeRejected, "not_in_channel", "/invite", "C0RANDOM")
	in.Account = credential.AccountID{Organization: "acme", User: "triage", Connector: "jira"}
	once(w, w.slack.Poll, in).fails(t, activities.ErrTypeNotConfigured, "acme/triage/jira")
}

func TestCheckingAChannel(t *testing.T) {
	w := newWorld(t, sandbox.Options{Channels: []sandbox.Channel{
		{ID: bugs, Name: "bug-reports"}, {ID: "C0RANDOM", Name: "random", BotAbsent: true}, {ID: "C0OLD", Name: "old", Archived: true},
	}})
	w.connect(slackAccount)
	check := func(channel string) ran[struct{}] {
		return once(w, noResult(w.slack.CheckChannel), activities.ChannelInput{Account: slackAccount, Channel: channel})
	}
	require.NoError(t, check(bugs).err)
	check("C0RANDOM").fails(t, activities.ErrTypeRejected, "C0RANDOM", "/invite")
	check("C0OLD").fails(t, activities.ErrTypeRejected, "is_archived", "unarchive")
	check("C0NONE").fails(t, activities.ErrTypeRejected, "channel_not_found", "check the channel id")
	w.fault(sandbox.Fault{Endpoint: "conversations.info", Kind: sandbox.FaultStatus, Status: 503})
	check(bugs).fails(t, activities.ErrTypeProviderUnavailable)
}

// The ids of a workspace are asked for once.
func TestWhoWeAreIsRemembered(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	before := w.Books().Requests["slack auth.test"]
	in := w.pollInput()
	for range 3 {
		once(w, w.slack.Poll, in)
	}
	assert.Equal(t, 1, w.Books().Requests["slack auth.test"]-before)
	assert.Equal(t, 3, w.Books().Requests[history])
}

func TestAPollFindsAForwardWithoutAComment(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	ts := w.Post(bugs, sandbox.Message{User: "ada", Forwards: []sandbox.Forward{{User: "chen", Text: crash}}})

	got := once(w, w.slack.Poll, activities.PollInput{Account: slackAccount, Channel: bugs, After: "1000000000.000000", Interval: time.Second})

	require.NoError(t, got.err)
	assert.Equal(t, []string{ts}, got.out.Messages)
	assert.Equal(t, []string{crash}, got.out.Content(ts).Forwarded)
}
