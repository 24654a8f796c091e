package e2e

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// pollEvery starts the triage of the world with another interval.
func (w *world) pollEvery(interval time.Duration) (name string) {
	w.t.Helper()
	name = w.organization + "/bugs"
	triage := w.Config().Triages[name]
	triage.PollInterval = interval
	w.Config().Triages[name] = triage
	w.connect("slack")
	w.connect("github")
	require.NoError(w.t, w.Workflows.StartTriage(w.t.Context(), name))
	w.eventually("both channels to be read", func() bool { return w.polls() >= 2 })
	return name
}

func (w *world) polls() int { return w.sandbox.Books().Requests["slack conversations.history"] }

// With hints a message is read at once, however long the interval is, and any number of them costs few polls and no history.
func TestAMessageIsAHint(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	name := w.pollEvery(time.Hour)
	require.NoError(t, w.sandbox.Subscribe(w.listening()(sandbox.Slack)))
	w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "bjorn", Text: report, Report: true})
	w.eventually("two issues an hour early", func() bool { return w.sandbox.Books().IssuesCreated == 2 })
	w.eventually("their replies", func() bool { return len(w.sandbox.Books().Reactions) == 2 })

	before, events := w.polls(), len(w.history(workflows.TriageWorkflowID(name)).GetEvents())
	begun := time.Now()
	for range 100 {
		w.sandbox.Post("C0SUPPORT", sandbox.Message{Bot: "Lunch", Text: "Lunch at noon?"})
		w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "chen", Subtype: "channel_topic", Text: "set the topic"})
	}
	w.eventually("the flood to be read", func() bool { return w.polls() > before })
	last := w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "chen", Text: report, Report: true})
	w.eventually("the report behind it", func() bool { return w.sandbox.Books().IssuesCreated == 3 })
	took := time.Since(begun)
	polls := w.polls() - before
	t.Logf("200 messages and a report in %s: %d polls, %d events of history", took.Round(time.Millisecond), polls,
		len(w.history(workflows.TriageWorkflowID(name)).GetEvents())-events)
	assert.LessOrEqual(t, polls, 6+2*int(took/time.Second), "not one for each message")
	w.eventually("its watermark", func() bool {
		return slices.ContainsFunc(w.triage(name).Channels, func(c workflows.ChannelState) bool { return c.Watermark >= last })
	})
	assert.Zero(t, w.sandbox.Books().Duplicates+w.sandbox.Books().Unexpected)
	w.replays(workflows.TriageWorkflowID(name), "hinted-triage")
}

// benchInterval is short beside the 30 s that are usual, so that the benchmark ends; without hints the wait grows with it.
const benchInterval = 10 * time.Second

// BenchmarkPostToIssuePolling is how long it takes from a message to its issue where Slack tells nothing.
func BenchmarkPostToIssuePolling(b *testing.B) {
	w := newWorld(b, sandbox.Options{})
	w.pollEvery(benchInterval)
	w.postToIssue(b)
}

// BenchmarkPostToIssueHints is the same where Slack sends events.
func BenchmarkPostToIssueHints(b *testing.B) {
	w := newWorld(b, sandbox.Options{})
	w.pollEvery(benchInterval)
	require.NoError(b, w.sandbox.Subscribe(w.listening()(sandbox.Slack)))
	w.postToIssue(b)
}

func (w *world) postToIssue(b *testing.B) {
	b.Helper()
	var waits []time.Duration
	for b.Loop() {
		<-time.After(rand.N(benchInterval)) // people do not know when the poll is
		issues := w.sandbox.Books().IssuesCreated
		begun := time.Now()
		w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
		w.eventually("the issue", func() bool { return w.sandbox.Books().IssuesCreated > issues })
		waits = append(waits, time.Since(begun))
	}
	slices.Sort(waits)
	b.ReportMetric(waits[len(waits)/2].Seconds(), "p50-s")
	b.ReportMetric(waits[len(waits)-1].Seconds(), "max-s")
	b.ReportMetric(0, "ns/op") // says nothing: most of a round is waiting for somebody to write
}
