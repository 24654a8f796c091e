package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
)

const (
	// BacklogEvery is the time between two looks at the reports under way.
	BacklogEvery = 20 * time.Minute
	// grownOften is after how many counts in a row, each higher than the last, people are told: an hour of growth.
	grownOften = 3
	// smallBacklog is the least number of reports whose growth is worth a notice. A single one that is stuck is told all the
	// same.
	smallBacklog = 10
	// stuckAfter is how long a report may be under way without waiting for anybody before people are told. An ordinary one
	// takes seconds; where GitHub's hourly limit holds it up it takes longer, and who reported should not have to wonder
	// why.
	stuckAfter = time.Hour
)

// Backlog is what is known of the reports under way of a triage, from look to look.
type Backlog struct {
	CountedAt time.Time `json:"counted_at,omitzero"`
	Open      int64     `json:"open,omitempty"`
	Grown     int       `json:"grown,omitempty"` // counts in a row that were higher than the one before
	// Since is when the number began to grow.
	Since time.Time `json:"since,omitzero"`
	Told  bool      `json:"told,omitempty"`
	// Stuck is the oldest report that takes too long, once people were told of one; nil for none.
	Stuck *StuckReport `json:"stuck,omitempty"`
	// StuckTold is when that report had begun, for the notice of its end.
	StuckTold time.Time `json:"stuck_told,omitzero"`
}

// StuckReport is a report that goes on trying, and has for long.
type StuckReport struct {
	Report string    `json:"report"`
	Step   string    `json:"step"`
	Began  time.Time `json:"began"`
	// Others is how many others are as old.
	Others int `json:"others,omitempty"`
}

func (s StuckReport) String() string {
	text := fmt.Sprintf("report %s is under way since %s (%s)", s.Report, s.Began.UTC().Format(time.RFC3339), s.Step)
	if s.Others > 0 {
		text += fmt.Sprintf(", and %d others for longer than an hour", s.Others)
	}
	return text
}

// String says what is wrong, "" for nothing.
func (b Backlog) String() string {
	var said []string
	if b.Told {
		said = append(said, fmt.Sprintf("%d reports are under way, and since %s they only become more", b.Open, b.Since.UTC().Format(time.RFC3339)))
	}
	if b.Stuck != nil {
		said = append(said, b.Stuck.String())
	}
	return strings.Join(said, "; ")
}

// Count takes a new count of the reports under way, and returns the event that people should hear of; "" for none.
func (b *Backlog) Count(open int64, now time.Time) TriageEvent {
	before := b.Open
	b.Open, b.CountedAt = open, now
	switch {
	case open > before && open >= smallBacklog:
		if b.Grown++; b.Grown == 1 {
			b.Since = now
		}
		if b.Grown >= grownOften && !b.Told {
			b.Told = true
			return EventBacklogGrows
		}
	case open < before:
		told := b.Told
		b.Grown, b.Told = 0, false
		if told {
			return EventBacklogShrinks
		}
	}
	return ""
}

// Find takes the oldest report that is stuck, nil for none, and returns the event that people should hear of; "" for none.
func (b *Backlog) Find(stuck *StuckReport) TriageEvent {
	told := b.Stuck != nil
	b.Stuck = stuck
	switch {
	case stuck != nil && !told:
		b.StuckTold = stuck.Began
		return EventReportStuck
	case stuck == nil && told:
		return EventReportsFlow
	}
	return ""
}

// WatchBacklogInput asks for a watch over the reports of a triage.
type WatchBacklogInput struct {
	Triage  string  `json:"triage"`
	Backlog Backlog `json:"backlog,omitzero"` // as the last one left it
}

// BacklogNews is why a watch over reports ended.
type BacklogNews struct {
	Backlog Backlog `json:"backlog"`
	// Events are what people should hear.
	Events []TriageEvent `json:"events,omitempty"`
}

// WatchBacklog watches the reports under way until there is something to tell, or to keep in the state. As with
// [Slack.Poll], Temporal's retry is the loop: a look that finds nothing new fails with [ErrTypeNothingNew], and adds nothing
// to the history. Where visibility does not answer, it is retried.
func (t *Triage) WatchBacklog(ctx context.Context, in WatchBacklogInput) (BacklogNews, error) {
	b := in.Backlog
	var before Backlog
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &before) == nil && before.CountedAt.After(b.CountedAt) {
		b = before
	}
	var now atomic.Pointer[Backlog]
	now.Store(&b)
	stop := beatWith(ctx, func() []any { return []any{*now.Load()} })
	news, err := t.lookAtBacklog(ctx, in.Triage, b)
	stop()
	switch {
	case err != nil:
		return BacklogNews{}, err
	case len(news.Events) > 0 || news.Backlog.Grown != in.Backlog.Grown:
		return news, nil
	}
	activity.RecordHeartbeat(ctx, news.Backlog)
	return BacklogNews{}, again(ErrTypeNothingNew, "nothing new of the reports of "+in.Triage, BacklogEvery-t.now().Sub(news.Backlog.CountedAt))
}

func (t *Triage) lookAtBacklog(ctx context.Context, name string, b Backlog) (BacklogNews, error) {
	now := t.now()
	if now.Sub(b.CountedAt) < BacklogEvery {
		return BacklogNews{Backlog: b}, nil // an earlier run of the triage has just looked
	}
	open, err := t.Reports.OpenReports(ctx, name)
	if err != nil {
		return BacklogNews{}, fmt.Errorf("counting the reports of triage %s: %w", name, err)
	}
	stuck, known, err := t.Reports.StuckReport(ctx, name, now.Add(-stuckAfter))
	if err != nil {
		return BacklogNews{}, fmt.Errorf("looking for stuck reports of triage %s: %w", name, err)
	}
	events := []TriageEvent{b.Count(open, now)}
	if known { // where it is not, whatever people were told last still stands
		events = append(events, b.Find(stuck))
	}
	events = slices.DeleteFunc(events, func(e TriageEvent) bool { return e == "" })
	return BacklogNews{Backlog: b, Events: events}, nil
}

// Notice is about an event of the reports of a triage.
func (b Backlog) Notice(triage string, event TriageEvent) TriageNotice {
	n := TriageNotice{Triage: triage, Event: event, Open: b.Open}
	switch event {
	case EventReportStuck:
		n.Report, n.Reason, n.Since, n.Open = b.Stuck.Report, b.Stuck.Step, b.StuckTold, int64(b.Stuck.Others+1)
	case EventReportsFlow:
		n.Since = b.StuckTold
	default:
		n.Since = b.Since
	}
	return n
}
