package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"tokenkeeper/credential"
	"tokenkeeper/internal/bubbletest"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

var slackReader = credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}

// room is an office that reads channels.
type room struct {
	*office

	readers []*Slack

	mu   sync.Mutex
	read map[string][]time.Time // :: channel → when its window was read to its end
	seen map[string][]string    // :: channel → the messages that came out, in order
	text map[string]string      // :: ts → the text that came along
}

// newRoom has as many channels and workers, and an app that may read so often in a minute.
func newRoom(t *testing.T, channels, workers, perMinute int) *room {
	t.Helper()
	return newRoomWith(t, channels, workers, perMinute, 0)
}

// newRoomWith is newRoom where the configuration says how often the app may read.
func newRoomWith(t *testing.T, channels, workers, perMinute, configured int) *room {
	t.Helper()
	o := sandbox.Options{Now: time.Now, ReadsPerMinute: perMinute}
	for i := range channels {
		o.Channels = append(o.Channels, sandbox.Channel{ID: channelID(i), Name: fmt.Sprintf("channel-%d", i)})
	}
	r := &room{office: newOffice(t, sandbox.Slack, 0, o), read: map[string][]time.Time{}, seen: map[string][]string{}, text: map[string]string{}}
	all := func(credential.AccountID) (ids []string) {
		for _, c := range o.Channels {
			ids = append(ids, c.ID)
		}
		return ids
	}
	for range workers {
		r.readers = append(r.readers, &Slack{APIs: r, Reading: &Reading{
			Channels: all, Rate: func(credential.AccountID) int { return configured },
		}})
	}
	return r
}

func channelID(i int) string { return fmt.Sprintf("C%03d", i) }

// watch polls a channel as a Triage does, each attempt at the next worker, until the context ends.
func (r *room) watch(ctx context.Context, channel string) error {
	in := PollInput{Account: slackReader, Channel: channel, After: triage.TimestampOf(time.Now().Add(-time.Hour)), Interval: 30 * time.Second}
	var details json.RawMessage
	for attempt := 0; ctx.Err() == nil; attempt++ {
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(r.readers[attempt%len(r.readers)])
		if details != nil {
			env.SetHeartbeatDetails(details)
		}
		env.SetOnActivityHeartbeatListener(func(_ *activity.Info, d converter.EncodedValues) {
			_ = d.Get(&details) // one without details leaves those before
		})
		value, err := env.ExecuteActivity((*Slack)(nil).Poll, in)
		wait := time.Millisecond
		if err == nil {
			var window Window
			if err := value.Get(&window); err != nil {
				return err
			}
			r.note(channel, window.Messages, window.Contents...)
			in.After, details = window.Watermark, nil
		} else {
			app, ok := errors.AsType[*temporal.ApplicationError](err)
			if !ok || app.NonRetryable() {
				return err
			}
			if app.Type() == ErrTypeNothingNew {
				r.note(channel, nil)
			}
			wait = app.NextRetryDelay()
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return nil
}

func (r *room) note(channel string, messages []string, contents ...triage.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range contents {
		r.text[m.TS] = m.Text
	}
	r.read[channel] = append(r.read[channel], time.Now())
	r.seen[channel] = append(r.seen[channel], messages...)
}

// watchAll polls every channel for a while.
func (r *room) watchAll(d time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), d)
	defer cancel()
	channels := r.Options().Channels
	errs := make([]error, len(channels))
	var group sync.WaitGroup
	for i, c := range channels {
		group.Go(func() { errs[i] = r.watch(ctx, c.ID) })
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(r.t, err)
	}
}

// longestWait returns the longest that a channel other than busy went without being read, and which it was.
func (r *room) longestWait(begun time.Time, busy string) (longest time.Duration, channel string) {
	for _, c := range r.Options().Channels {
		if c.ID == busy { // it is read page by page
			continue
		}
		last := begun
		for _, at := range append(slices.Clone(r.read[c.ID]), time.Now()) {
			if at.Sub(last) > longest {
				longest, channel = at.Sub(last), c.ID
			}
			last = at
		}
	}
	return longest, channel
}

// One request a minute for ten channels, of which one has fourteen pages waiting: nobody says so beforehand.
func TestChannelsTakeTurnsUnderANarrowLimit(t *testing.T) {
	for _, workers := range []int{1, 3} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			bubbletest.Run(t, func(t *testing.T) {
				r := newRoom(t, 10, workers, 1)
				busy := channelID(4)
				var posted []string
				for range 200 {
					posted = append(posted, r.Post(busy, sandbox.Message{User: "ada", Text: "It crashes", Report: true}))
				}
				begun := time.Now()
				r.watchAll(4 * time.Hour)
				longest, channel := r.longestWait(begun, busy)
				books := r.Books()
				t.Logf("%d requests, %d refused, %d too early; at most %s without a look (%s)",
					books.Requests["slack conversations.history"], books.RateLimited, books.RateLimitsIgnored, longest, channel)
				assert.Equal(t, posted, r.seen[busy])
				assert.LessOrEqual(t, longest, 25*time.Minute, "whether it is still narrow is tried once, which costs a channel its turn")
				assert.LessOrEqual(t, books.RateLimited, 10+3*workers, "learned from the first of each channel, and not asked each time")
			})
		})
	}
}

// A worker that comes while another program, or the worker before it, has used up an ordinary limit is slow for minutes.
func TestARefusalOfAWorkerThatHasJustBegunSaysLittle(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		r := &Reading{Channels: func(credential.AccountID) []string { return []string{"C0", "C1"} }}
		account := credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
		refused := rateLimited("reading", 30*time.Second)
		_ = r.heard(account, "C0", refused)
		require.True(t, r.inTurns(account, "C0"))
		<-time.After(narrowAtFirst)
		require.False(t, r.inTurns(account, "C0"))
		_ = r.heard(account, "C0", nil)
		_ = r.heard(account, "C0", refused)
		<-time.After(narrowFor - time.Second)
		assert.True(t, r.inTurns(account, "C0"), "it is narrow indeed")
	})
}

// Whoever knows the limit writes it down, and nobody is refused, not even in the beginning.
func TestALimitThatIsConfiguredIsKeptFromTheBeginning(t *testing.T) {
	for _, c := range []struct{ perMinute, channels, workers int }{{1, 5, 1}, {1, 5, 3}, {10, 4, 1}, {10, 1, 2}, {50, 8, 3}} {
		t.Run(fmt.Sprintf("%d a minute for %d channels, %d workers", c.perMinute, c.channels, c.workers), func(t *testing.T) {
			bubbletest.Run(t, func(t *testing.T) {
				r := newRoomWith(t, c.channels, c.workers, c.perMinute, c.perMinute)
				for i := range 100 {
					r.Post(channelID(0), sandbox.Message{User: "ada", Text: fmt.Sprintf("It crashes, number %d", i), Report: true})
				}
				begun := time.Now()
				r.watchAll(time.Hour)
				longest, channel := r.longestWait(begun, channelID(0))
				books := r.Books()
				t.Logf("%d requests, at most %s without a look (%s)", books.Requests["slack conversations.history"], longest, channel)
				assert.Len(t, r.seen[channelID(0)], 100)
				for i, ts := range r.seen[channelID(0)] {
					assert.Equal(t, fmt.Sprintf("It crashes, number %d", i), r.text[ts])
				}
				assert.LessOrEqual(t, books.RateLimited, c.workers-1, "who goes on at another worker may come twice in a turn")
				round := time.Duration(c.channels+1) * (65 * time.Second) / time.Duration(c.perMinute)
				assert.LessOrEqual(t, longest, max(round, 30*time.Second)+round+15*time.Second)
			})
		})
	}
}

// Messages that no poll brought along are read in a turn of their own: no channel loses its.
func TestSingleMessagesAreReadAside(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		r := newRoomWith(t, 4, 1, 1, 1)
		key := triage.Key{Team: "T0SANDBOX", Channel: channelID(2), TS: r.Post(channelID(2), sandbox.Message{User: "ada", Text: "It crashes"})}
		begun := time.Now()
		var group sync.WaitGroup
		var longest time.Duration
		group.Go(func() {
			for range 5 {
				<-time.After(17 * time.Minute)
				asked := time.Now()
				require.NoError(t, r.fetch(key))
				longest = max(longest, time.Since(asked))
			}
		})
		r.watchAll(2 * time.Hour)
		group.Wait()
		assert.LessOrEqual(t, longest, 7*time.Minute, "a round")
		assert.Zero(t, r.Books().RateLimited)
		waited, channel := r.longestWait(begun, "")
		assert.LessOrEqual(t, waited, 7*time.Minute, channel)
	})
}

// fetch reads one message as an agent does, at the first worker.
func (r *room) fetch(key triage.Key) error {
	for {
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(r.readers[0])
		_, err := env.ExecuteActivity((*Slack)(nil).Fetch, FetchInput{Account: slackReader, Message: key})
		app, ok := errors.AsType[*temporal.ApplicationError](err)
		if !ok || app.NextRetryDelay() == 0 {
			return err
		}
		<-time.After(app.NextRetryDelay())
	}
}

func TestWhatComesAlongIsBounded(t *testing.T) {
	var p progress
	var all []string
	for page := range 20 { // newest first
		var found []triage.Message
		for i := range 15 {
			ts := triage.TimestampOf(time.Unix(int64(1_000_000-page*15-i), 0))
			found, all = append(found, triage.Message{Key: triage.Key{TS: ts}, Text: strings.Repeat("x", 1000)}), append(all, ts)
		}
		p = p.with([]string{found[0].TS}, found, fmt.Sprint(page))
	}
	slices.Sort(all)
	w := p.window("T1")
	require.Equal(t, all, w.Messages)
	assert.Greater(t, len(w.Contents), 50)
	assert.Less(t, len(w.Contents), 66)
	for i, m := range w.Contents {
		assert.Equal(t, all[i], m.TS, "the oldest are handed over first")
	}
	assert.Nil(t, w.Content(all[299]))
	assert.Equal(t, all[0], w.Content(all[0]).TS)
}

func TestAnOrdinaryLimitMakesNobodyWaitForTurns(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		r := newRoom(t, 10, 1, 50) // 20 a minute are needed
		begun := time.Now()
		r.watchAll(30 * time.Minute)
		longest, _ := r.longestWait(begun, "")
		assert.LessOrEqual(t, longest, 31*time.Second)
		assert.Zero(t, r.Books().RateLimited)
		assert.False(t, r.readers[0].Reading.inTurns(slackReader, channelID(0)))
	})
}

// Reports that are read in a burst use up an ordinary limit. The polls rest as long as Slack asks, and no longer.
func TestABurstOfReportsMakesNoLimitNarrow(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		r := newRoom(t, 4, 1, 50)
		key := triage.Key{Team: "T0SANDBOX", Channel: channelID(2), TS: r.Post(channelID(2), sandbox.Message{User: "ada", Text: "It crashes"})}
		begun := time.Now()
		var group sync.WaitGroup
		errs := make([]error, 60)
		for i := range errs {
			group.Go(func() { errs[i] = r.fetch(key) })
		}
		r.watchAll(20 * time.Minute)
		group.Wait()
		require.NoError(t, errors.Join(errs...))
		assert.False(t, r.readers[0].Reading.inTurns(slackReader, channelID(0)))
		longest, _ := r.longestWait(begun, "")
		assert.LessOrEqual(t, longest, 2*time.Minute)
	})
}

// To wait for a turn is no failure that people should hear of, and is no success either.
func TestAWaitForATurnIsNoFailure(t *testing.T) {
	s := &Slack{Now: time.Now}
	waits := again(ErrTypeOutOfTurn, "reading channel C001: it is not its turn", time.Hour)
	failing := progress{PollTrouble: PollTrouble{FailingSince: time.Now().Add(-time.Hour)}}
	_, err := s.judge(PollInput{Interval: time.Second}, &failing, Window{}, waits)
	require.Equal(t, waits, err)
}

// Another program with the same app is in front each time. That has to be heard of, although everybody keeps to the turns.
func TestAChannelThatIsRefusedInItsOwnTurnsIsNotRead(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		r := newRoomWith(t, 2, 1, 1, 1)
		begun := time.Now()
		require.NoError(t, r.Fault(sandbox.Fault{
			App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: time.Second, Times: -1,
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		err := r.watch(ctx, channelID(0))
		app, ok := errors.AsType[*temporal.ApplicationError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, ErrTypePollsFail, app.Type())
		assert.ErrorContains(t, app, "another program reads with the app of acme/triage/slack")
		const round = 3 * (time.Minute + slotLate)
		assert.InDelta(t, (2 * round).Minutes(), time.Since(begun).Minutes(), time.Minute.Minutes(), "with the third refusal: three rounds after it could be read")
		assert.Less(t, r.Books().Requests["slack conversations.history"], 6, "once in a round")
	})
}

// A turn that was lost once is nothing.
func TestATurnThatIsLostIsNoNews(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		r := newRoomWith(t, 2, 1, 1, 1)
		require.NoError(t, r.Fault(sandbox.Fault{
			App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: time.Second, Times: 2,
		}))
		r.watchAll(3 * time.Hour)
		assert.Greater(t, len(r.read[channelID(0)]), 30)
	})
}
