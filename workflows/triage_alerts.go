package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
)

const (
	// changeTellsTrouble: before it, triages and reports did not send notices.
	changeTellsTrouble = "tells-trouble"
	// changeWatchesBacklog: before it, triages counted the reports under way only after a hand-over.
	changeWatchesBacklog = "triage-watches-backlog"
	// grownOften is how many windows in a row have to come later than the one before it for a notice.
	grownOften = 3
)

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
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		_ = app.Details(&detail) // an older worker sends none
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

// watchBacklog starts the watch over the reports under way, beside the pollers.
func (t *triager) watchBacklog(ctx workflow.Context) {
	if workflow.GetVersion(ctx, changeWatchesBacklog, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		t.counts = true
		return
	}
	t.running++
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { t.running-- }()
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, HeartbeatTimeout: heartbeatTimeout, Summary: "watch the reports under way", RetryPolicy: Patient(),
		})
		for !t.ending && ctx.Err() == nil {
			var news activities.BacklogNews
			err := workflow.ExecuteActivity(ctx, (*activities.Triage).WatchBacklog,
				activities.WatchBacklogInput{Triage: t.name, Backlog: t.Backlog}).Get(ctx, &news)
			if err != nil {
				return // the run ends: only its end stops the retries
			}
			t.Backlog = news.Backlog
			for _, event := range news.Events {
				tell(ctx, news.Backlog.Notice(t.name, event))
			}
		}
	})
}

// weighBacklog looks, after a hand-over, whether the number of reports under way only grows. It serves histories from before
// [changeWatchesBacklog].
func (t *triager) weighBacklog(ctx workflow.Context) {
	now := workflow.Now(ctx)
	if now.Sub(t.Backlog.CountedAt) < activities.BacklogEvery || !tellsTrouble(ctx) {
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
	if event := t.Backlog.Count(open, now); event != "" {
		tell(ctx, t.Backlog.Notice(t.name, event))
	}
}

// weighLag notices a channel in which people write faster than its app may read.
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

func tellsTrouble(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeTellsTrouble, workflow.DefaultVersion, 1) == 1
}

// tell sends a notice. Nothing depends on it: what cannot be sent within a minute is still in the status.
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
