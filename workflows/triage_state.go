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
	Paused   bool               `json:"paused,omitempty"`
	Channels []ChannelState     `json:"channels,omitempty"`
	Backlog  activities.Backlog `json:"backlog,omitzero"`
	// Threads is how far the threads and issues of the reports were watched.
	Threads activities.ThreadsWatched `json:"threads,omitzero"`
}

// ChannelState is how far one channel is.
type ChannelState struct {
	Channel string `json:"channel"`
	// Since is when this triage began to watch the channel. Messages from before may have been filed in an earlier life
	// of it.
	Since time.Time `json:"since"`
	// Watermark is the ts up to which every message was handed to a Report. Overlap is what was seen of the last of them.
	Watermark string             `json:"watermark"`
	Overlap   activities.Overlap `json:"overlap,omitzero"`
	Reports   int                `json:"reports"` // messages handed over
	// BackTo and Taken are of a channel where a reaction makes a message count: how far it is looked back for them, a ts,
	// exclusive, and what was handed over since then.
	BackTo string   `json:"back_to,omitempty"`
	Taken  []string `json:"taken,omitempty"` // ts
	// Hidden is what could not be read any more because Slack's free plan hides it; nil for nothing.
	Hidden *Gap `json:"hidden,omitempty"`
	// LeftOut is what was last too old to be taken; nil for nothing.
	LeftOut *activities.LeftOut `json:"left_out,omitempty"`
	// LastWindow is when a poll last brought something.
	LastWindow time.Time `json:"last_window,omitzero"`
	// LastRead is when Slack last answered before the polls failed that people were told of.
	LastRead time.Time `json:"last_read,omitzero"`
	Trouble  string    `json:"trouble,omitempty"`
	// FailingSince is since when the channel cannot be read, once people were told.
	FailingSince time.Time `json:"failing_since,omitzero"`
	// Lag is how long the last window took from its newest message to its hand-over; Behind counts the windows of which
	// each took longer than the one before.
	Lag    time.Duration `json:"lag,omitempty"` // nanoseconds
	Behind int           `json:"behind,omitempty"`
}

// Gap is a part of a channel's history, from one ts to another.
type Gap struct {
	After  string `json:"after"`
	Before string `json:"before"`
}

// mergeChannels keeps the watermarks of the channels that are still routed and starts new ones at the lookback.
func mergeChannels(old []ChannelState, plan activities.Plan, now time.Time) []ChannelState {
	var merged []ChannelState
	for _, channel := range plan.Channels() {
		i := slices.IndexFunc(old, func(c ChannelState) bool { return c.Channel == channel })
		if i >= 0 {
			merged = append(merged, old[i])
			continue
		}
		merged = append(merged, ChannelState{
			Channel: channel, Since: now, Watermark: triage.TimestampOf(now.Add(-plan.Lookback)),
		})
	}
	return merged
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
