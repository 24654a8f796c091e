package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
)

const (
	// changeTellsTrouble: before it, triages and reports did not send notices.
	changeTellsTrouble = "tells-trouble"
	// backlogEvery is the least time between two counts of the reports under way; only a hand-over can add to them.
	backlogEvery = 20 * time.Minute
	// grownOften is how many counts in a row have to be higher than the one before it for a notice: an hour of them.
	grownOften = 3
	// smallBacklog is not worth a notice.
	smallBacklog = 10
)

// Backlog is how many reports were under way, from count to count.
type Backlog struct {
	CountedAt time.Time `json:"counted_at,omitzero"`
	Open      int64     `json:"open,omitempty"`
	Grown     int       `json:"grown,omitempty"` // counts in a row that were higher than the one before
	// Since is when it began to grow.
	Since time.Time `json:"since,omitzero"`
	Told  bool      `json:"told,omitempty"`
}

// String is the text of the notice, "" where there was none.
func (b Backlog) String() string {
	if !b.Told {
		return ""
	}
	return fmt.Sprintf("%d reports are under way, and since %s they only become more", b.Open, formatTime(b.Since))
}

// unread notes that a channel cannot be read, and sends one notice. If its account needs a person, the account sends its
// own.
func (t *triager) unread(ctx workflow.Context, c *ChannelState, err error) {
	c.Trouble = rootMessage(err)
	if !c.FailingSince.IsZero() {
		return
	}
	if kind := errorType(err); kind != activities.ErrTypePollsFail && kind != activities.ErrTypeRejected {
		return // starting its Reports failed; that is tried again, and shown
	}
	var detail activities.PollTrouble
	if app := applicationError(err); app != nil {
		_ = app.Details(&detail) // those of an older worker are not there
	}
	c.LastRead = detail.ReadAt
	if c.FailingSince = detail.FailingSince; c.FailingSince.IsZero() {
		c.FailingSince = workflow.Now(ctx)
	}
	tell(ctx, activities.TriageNotice{
		Triage: t.name, Event: activities.EventChannelUnread, Channel: c.Channel, Reason: c.Trouble, Since: c.FailingSince,
	})
}

// readAgain notes that the channel can be read again.
func (t *triager) readAgain(ctx workflow.Context, c *ChannelState, window activities.Window) {
	if !window.Recovered || c.FailingSince.IsZero() {
		return
	}
	since := c.FailingSince
	c.FailingSince, c.Trouble = time.Time{}, ""
	tell(ctx, activities.TriageNotice{Triage: t.name, Event: activities.EventChannelRead, Channel: c.Channel, Since: since})
}

// weighBacklog detects, after a hand-over, a number of reports under way that only grows.
func (t *triager) weighBacklog(ctx workflow.Context) {
	now := workflow.Now(ctx)
	if now.Sub(t.Backlog.CountedAt) < backlogEvery || !tellsTrouble(ctx) {
		return
	}
	t.Backlog.CountedAt = now
	var open int64
	err := workflow.ExecuteActivity(noticeActivity(ctx, "count the open reports"), (*activities.Triage).CountOpenReports,
		activities.PlanInput{Triage: t.name}).Get(ctx, &open)
	if err != nil {
		workflow.GetLogger(ctx).Warn("the open reports were not counted", "triage", t.name, "error", err)
		return
	}
	if event := t.Backlog.count(open, now); event != "" {
		tell(ctx, activities.TriageNotice{Triage: t.name, Event: event, Open: open, Since: t.Backlog.Since})
	}
}

// weighLag detects a channel in which people write faster than its app may read.
func (t *triager) weighLag(ctx workflow.Context, c *ChannelState, lag time.Duration) {
	before := c.Lag
	c.Lag = lag
	if lag <= before || lag < activities.PatienceOfPolls(t.plan.PollInterval) {
		c.Behind = 0
		return
	}
	if c.Behind++; c.Behind == grownOften {
		tell(ctx, activities.TriageNotice{
			Triage: t.name, Event: activities.EventChannelBehind, Channel: c.Channel, Since: workflow.Now(ctx).Add(-lag),
		})
	}
}

// count takes a new count, and returns what a notice should say has happened, "" for none.
func (b *Backlog) count(open int64, now time.Time) activities.TriageEvent {
	before := b.Open
	b.Open = open
	switch {
	case open > before && open >= smallBacklog:
		if b.Grown++; b.Grown == 1 {
			b.Since = now
		}
		if b.Grown >= grownOften && !b.Told {
			b.Told = true
			return activities.EventBacklogGrows
		}
	case open < before:
		told := b.Told
		b.Grown, b.Told = 0, false
		if told {
			return activities.EventBacklogShrinks
		}
	}
	return ""
}

func tellsTrouble(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeTellsTrouble, workflow.DefaultVersion, 1) == 1
}

// tell sends a notice. No work depends on it: if it cannot be sent within a minute, it is still in the status.
func tell(ctx workflow.Context, n activities.TriageNotice) {
	if !tellsTrouble(ctx) {
		return
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx) // the end of a run is no reason to keep quiet
	err := workflow.ExecuteActivity(noticeActivity(ctx, "tell people: "+string(n.Event)), (*activities.Triage).NotifyTriage, n).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Warn("nobody was told", "triage", n.Triage, "event", n.Event, "error", err)
	}
}

func noticeActivity(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second, ScheduleToCloseTimeout: time.Minute, Summary: summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2},
	})
}
