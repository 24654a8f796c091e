package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

// TriageState is all that a triage remembers.
type TriageState struct {
	Paused   bool           `json:"paused,omitempty"`
	Channels []ChannelState `json:"channels,omitempty"`
	// Former are channels that have lost their last route, the latest first.
	Former  []ChannelState     `json:"former,omitempty"`
	Backlog activities.Backlog `json:"backlog,omitzero"`
	// Threads is how far the threads and issues of the reports were watched.
	Threads activities.ThreadsWatched `json:"threads,omitzero"`
}

// ChannelState is how far one channel is.
type ChannelState struct {
	Channel string `json:"channel"`
	// Left is when it lost its last route; zero while it has one.
	Left time.Time `json:"left,omitzero"`
	// Since is when this triage began to watch the channel, or was reset. Messages from before that may have been filed
	// already, by an earlier run or another triage.
	Since time.Time `json:"since"`
	// Watermark is the ts up to which every message was handed to a Report. Overlap is what was seen of the last of them.
	Watermark string             `json:"watermark"`
	Overlap   activities.Overlap `json:"overlap,omitzero"`
	Reports   int                `json:"reports"` // messages handed over
	// BackTo and Taken are set where a reaction makes a message count: messages with a ts above BackTo are looked at again
	// for a new reaction, and Taken are those among them whose reaction was handed over.
	BackTo string   `json:"back_to,omitempty"`
	Taken  []string `json:"taken,omitempty"` // ts
	// Hidden is the part of the history that could not be read because Slack's free plan hides it; nil for none.
	Hidden *Gap `json:"hidden,omitempty"`
	// LeftOut is what was last too old to be taken; nil for nothing.
	LeftOut *activities.LeftOut `json:"left_out,omitempty"`
	// LastWindow is when a poll last brought something.
	LastWindow time.Time `json:"last_window,omitzero"`
	// LastRead is when Slack last answered before the failures that people were told of began.
	LastRead time.Time `json:"last_read,omitzero"`
	Trouble  string    `json:"trouble,omitempty"`
	// FailingSince is since when the channel cannot be read, once people were told.
	FailingSince time.Time `json:"failing_since,omitzero"`
	// Lag is how old the newest message of the last window was when it was handed over. Behind counts the windows in a row
	// whose lag was larger than the one before.
	Lag    time.Duration `json:"lag,omitempty"` // nanoseconds
	Behind int           `json:"behind,omitempty"`
}

// Gap is a part of a channel's history, from one ts to another.
type Gap struct {
	After  string `json:"after"`
	Before string `json:"before"`
}

// A channel that gets a route again goes on where it was, because a route may have been removed by mistake or for an hour. After
// formerKept it counts as new: nobody expects so much of the past to be filed.
const (
	formerKept = 7 * 24 * time.Hour
	maxFormer  = 50
)

// route sets the channels to those of the plan. A channel that was watched before keeps its state, and so does for a while
// one whose routes are gone; a new one begins at the lookback.
func (s *TriageState) route(plan activities.Plan, now time.Time) {
	known := slices.Concat(s.Channels, s.Former)
	s.Channels, s.Former = nil, nil
	for _, channel := range plan.Channels() {
		c := ChannelState{Channel: channel, Since: now, Watermark: triage.TimestampOf(now.Add(-plan.Lookback))}
		if i := slices.IndexFunc(known, func(c ChannelState) bool { return c.Channel == channel }); i >= 0 {
			if before := known[i]; before.Left.IsZero() {
				c = before
			} else if now.Sub(before.Left) <= formerKept {
				c = before.back(now)
			}
			known = slices.Delete(known, i, i+1)
		}
		s.Channels = append(s.Channels, c)
	}
	for _, c := range known {
		if c.Left.IsZero() {
			c.Left = now
			c.lookBack(0)
		}
		if now.Sub(c.Left) <= formerKept && len(s.Former) < maxFormer {
			s.Former = append(s.Former, c)
		}
	}
}

// back returns the state of a channel that has a route again. Another triage may have filed its messages meanwhile.
func (c ChannelState) back(now time.Time) ChannelState {
	c.Left, c.Since = time.Time{}, now
	c.LastRead, c.Trouble, c.FailingSince, c.Lag, c.Behind = time.Time{}, "", time.Time{}, 0, 0
	return c
}

// What a triage does.
const (
	TriagePolling = "polling"
	TriagePaused  = "paused"  // an operator asked for it
	TriageWaiting = "waiting" // for an account that needs a person
	// TriageMisconfigured is a triage that has begun and that the configuration does not know any more.
	TriageMisconfigured = "misconfigured"
)

// TriageStatus answers Query `status`.
type TriageStatus struct {
	Triage string `json:"triage"`
	State  string `json:"state"` // [TriagePolling], [TriagePaused], [TriageWaiting] or [TriageMisconfigured]
	// Trouble says why it is misconfigured.
	Trouble string                   `json:"trouble,omitempty"`
	Waiting []activities.Unavailable `json:"waiting,omitempty"`
	// Backlog says since when the reports under way only become more, and which of them is stuck.
	Backlog  string          `json:"backlog,omitempty"`
	Plan     activities.Plan `json:"plan"`
	Channels []ChannelState  `json:"channels"`
}

func (t *triager) status() TriageStatus {
	s := TriageStatus{Triage: t.name, State: TriagePolling, Plan: t.plan, Channels: t.Channels, Waiting: t.gate.Closed(), Backlog: t.Backlog.String()}
	switch {
	case t.trouble != "":
		s.State, s.Trouble = TriageMisconfigured, t.trouble
	case t.Paused:
		s.State = TriagePaused
	case len(s.Waiting) > 0:
		s.State = TriageWaiting
	}
	return s
}

// show writes the status for the Web UI.
func (t *triager) show(ctx workflow.Context) {
	s := t.status()
	lines := []string{"**" + s.State + "**"}
	if s.Trouble != "" {
		lines = append(lines, "- "+s.Trouble)
	}
	for _, w := range s.Waiting {
		lines = append(lines, fmt.Sprintf("- waits for account %s: %s", w.Account, w.Status))
	}
	for _, c := range s.Channels {
		lines = append(lines, fmt.Sprintf("- %s: %d messages handed over, watermark %s %s", c.Channel, c.Reports, c.Watermark, c.Trouble))
	}
	workflow.SetCurrentDetails(ctx, strings.Join(lines, "\n"))
}
