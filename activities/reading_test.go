package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"tokenkeeper/credential"
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
}

// newRoom has as many channels and workers, and an app that may read so often in a minute.
func newRoom(t *testing.T, channels, workers, perMinute int) *room {
	t.Helper()
	o := sandbox.Options{Now: time.Now, ReadsPerMinute: perMinute}
	for i := range channels {
		o.Channels = append(o.Channels, sandbox.Channel{ID: channelID(i), Name: fmt.Sprintf("channel-%d", i)})
	}
	r := &room{office: newOffice(t, sandbox.Slack, 0, o), read: map[string][]time.Time{}, seen: map[string][]string{}}
	for range workers {
		r.readers = append(r.readers, &Slack{APIs: r, Reading: &Reading{Channels: func(credential.AccountID) []string {
			var all []string
			for _, c := range o.Channels {
				all = append(all, c.ID)
			}
			return all
		}}})
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
			r.note(channel, window.Messages)
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

func (r *room) note(channel string, messages []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
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
			synctest.Test(t, func(t *testing.T) {
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
				assert.LessOrEqual(t, longest, 13*time.Minute)
				assert.LessOrEqual(t, books.RateLimited, 3*workers+5, "learned, and not asked each time")
			})
		})
	}
}

func TestAnOrdinaryLimitMakesNobodyWaitForTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, 10, 1, 50) // 20 a minute are needed
		begun := time.Now()
		r.watchAll(30 * time.Minute)
		longest, _ := r.longestWait(begun, "")
		assert.LessOrEqual(t, longest, 31*time.Second)
		assert.Zero(t, r.Books().RateLimited)
		assert.False(t, r.readers[0].Reading.isNarrow(slackReader))
	})
}

// To wait for a turn is no failure that people should hear of, and is no success either.
func TestAWaitForATurnIsNoFailure(t *testing.T) {
	s := &Slack{Now: time.Now}
	waits := again(ErrTypeOutOfTurn, "reading channel C001: it is not its turn", time.Hour)
	failing := progress{PollTrouble: PollTrouble{FailingSince: time.Now().Add(-time.Hour)}}
	_, err := s.judge(t.Context(), PollInput{Interval: time.Second}, failing, Window{}, waits)
	require.Equal(t, waits, err)
}
