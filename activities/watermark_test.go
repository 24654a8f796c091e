package activities

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"pgregory.net/rapid"

	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

const polledChannel = "C0BUGREPORTS"

// polling is one channel and its poll, which goes on from attempt to attempt and from window to window.
type polling struct {
	*office

	now     time.Time
	slack   *Slack
	in      PollInput
	details json.RawMessage // of the last heartbeat
	posted  []string        // ts of what counts, in order
	late    []string        // ts of what counts and was shown later than that, in order
	handed  []string        // ts of what came out, in the order in which it did
}

// newPolling has pages of 15 messages, of which five may be read in a minute, or ordinary ones.
func newPolling(t *testing.T, perMinute int) *polling {
	t.Helper()
	p := &polling{now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return p.now }
	p.office = newOffice(t, sandbox.Slack, 0, sandbox.Options{Now: clock, ReadsPerMinute: perMinute})
	p.slack = &Slack{APIs: p, Now: clock}
	p.in = PollInput{Account: slackReader, Channel: polledChannel, After: triage.TimestampOf(p.now), Interval: time.Minute}
	return p
}

func (p *polling) post(n int, m sandbox.Message) (ts []string) {
	for range n {
		p.now = p.now.Add(time.Second)
		ts = append(ts, p.Post(polledChannel, m))
	}
	return ts
}

// attempt runs one attempt. What comes out is handed over, unless the worker dies before it is told.
func (p *polling) attempt(dies bool) error {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(p.slack)
	if p.details != nil {
		env.SetHeartbeatDetails(p.details)
	}
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, d converter.EncodedValues) {
		_ = d.Get(&p.details) // one without details leaves those before
	})
	value, err := env.ExecuteActivity((*Slack)(nil).Poll, p.in)
	p.now = p.now.Add(time.Second)
	if err != nil {
		return p.failed(err)
	}
	var window Window
	if err := value.Get(&window); err != nil || dies {
		return err
	}
	return p.handOver(window)
}

// failed does what Temporal and the Workflow do about a failure, and returns one that should not be.
func (p *polling) failed(err error) error {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case ok && app.Type() == ErrTypePollsFail: // people are told, and another Activity goes on
		p.in.Told, p.details, err = p.now, nil, nil
	case ok && !app.NonRetryable():
		p.now, err = p.now.Add(app.NextRetryDelay()), nil
	}
	return err
}

// handOver takes a window, if it is in order and holds all that counts up to its watermark, and besides only what came late, once.
func (p *polling) handOver(w Window) error {
	want := slices.DeleteFunc(slices.Clone(p.posted), func(ts string) bool { return ts <= p.in.After || ts > w.Watermark })
	inTime := slices.DeleteFunc(slices.Clone(w.Messages), func(ts string) bool { return slices.Contains(p.late, ts) })
	again := slices.ContainsFunc(w.Messages, func(ts string) bool { return slices.Contains(p.handed, ts) })
	if !slices.Equal(inTime, want) || again || !slices.IsSorted(w.Messages) {
		return fmt.Errorf("the watermark moves from %s to %s with %v, after %v, and what counts is %v", p.in.After, w.Watermark, w.Messages, p.handed, want)
	}
	p.handed = append(p.handed, w.Messages...)
	p.in.After, p.in.Overlap, p.in.Told, p.details = w.Watermark, w.Overlap, time.Time{}, nil
	return nil
}

// forgetCursor interrupts an attempt after its first page, and has Slack not know the cursor any more that leads to the next.
func (p *polling) forgetCursor() error {
	if err := p.Fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 503, After: 1}); err != nil {
		return err
	}
	if err := p.attempt(false); err != nil {
		return err
	}
	if p.details == nil {
		return nil
	}
	var state map[string]any
	if err := json.Unmarshal(p.details, &state); err != nil {
		return err
	}
	if state["cursor"] != nil {
		state["cursor"] = "bm9uc2Vuc2U="
	}
	details, err := json.Marshal(state)
	p.details = details
	return err
}

func (p *polling) happen(rt *rapid.T, what string) error {
	switch what {
	case "reports":
		p.posted = append(p.posted, p.post(rapid.IntRange(1, 200).Draw(rt, "reports"), sandbox.Message{User: "ada", Text: "It crashes", Report: true})...)
	case "late reports":
		lag := time.Duration(rapid.IntRange(1, int(overlapReach/time.Second)).Draw(rt, "lag")) * time.Second
		p.late = append(p.late, p.post(rapid.IntRange(1, 3).Draw(rt, "late"), sandbox.Message{User: "ada", Text: "It crashes", Report: true, Lag: lag})...)
	case "late noise":
		p.post(2, sandbox.Message{Bot: "Sentry", Text: "beep", Lag: overlapReach / 2})
	case "noise":
		p.post(rapid.IntRange(1, 25).Draw(rt, "noise"), sandbox.Message{Bot: "Sentry", Text: "beep"})
	case "attempt":
		return p.attempt(false)
	case "death":
		return p.attempt(true)
	case "cursor forgotten":
		return p.forgetCursor()
	case "begun anew": // the Workflow cancelled the Activity, for a pause or a new run
		p.details = nil
	case "fault":
		fault := rapid.SampledFrom([]sandbox.Fault{
			{Kind: sandbox.FaultStatus, Status: 503}, {Kind: sandbox.FaultStatus, Status: 429, RetryAfter: time.Minute},
			{Kind: sandbox.FaultStatus, Code: "internal_error"}, {Kind: sandbox.FaultTruncate}, {Kind: sandbox.FaultStatus, Status: 503, After: 1},
		}).Draw(rt, "fault")
		fault.App, fault.Endpoint = sandbox.Slack, "conversations.history"
		return p.Fault(fault)
	}
	return nil
}

// The watermark moves only over what came out: whatever is posted between two pages, whichever request fails, worker dies
// or cursor is forgotten, each message that counts comes out once, in order; and so does one that Slack shows up to a minute late.
func TestTheWatermarkPassesNothingThatDidNotComeOut(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPolling(t, rapid.SampledFrom([]int{0, 5}).Draw(rt, "reads a minute"))
		for _, what := range rapid.SliceOfN(rapid.SampledFrom([]string{
			"reports", "reports", "noise", "late reports", "late reports", "late noise", "attempt", "attempt", "attempt", "death", "cursor forgotten", "begun anew", "fault",
		}), 1, 20).Draw(rt, "what") {
			if err := p.happen(rt, what); err != nil {
				rt.Fatal(err)
			}
		}
		count := slices.Sorted(slices.Values(slices.Concat(p.posted, p.late)))
		for tries := 0; len(p.handed) < len(count) && tries < 400; tries++ {
			if err := p.attempt(false); err != nil {
				rt.Fatal(err)
			}
		}
		if handed := slices.Sorted(slices.Values(p.handed)); !slices.Equal(handed, count) {
			rt.Fatalf("%d messages count, and %d came out", len(count), len(handed))
		}
	})
}
