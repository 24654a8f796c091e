package activities

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
)

// TriageEvent says what a notice of a triage is about.
type TriageEvent string

// The events that people hear of.
const (
	// EventChannelUnread: a channel cannot be read, so what is posted there becomes no issue until it can.
	EventChannelUnread TriageEvent = "channel_unread"
	// EventChannelRead: it can be read again, and everything since is.
	EventChannelRead TriageEvent = "channel_read"
	// EventChannelBehind: a channel is read later and later, because people write faster than the app may read.
	EventChannelBehind TriageEvent = "channel_behind"
	// EventReportParked: a report waits for a person.
	EventReportParked TriageEvent = "report_parked"
	// EventThreadUnfollowed: what was written in the thread of a report did not reach its issue, or the reverse.
	EventThreadUnfollowed TriageEvent = "thread_unfollowed"
	// EventBacklogGrows: the reports under way have only become more for a while.
	EventBacklogGrows TriageEvent = "backlog_grows"
	// EventBacklogShrinks: they become fewer again.
	EventBacklogShrinks TriageEvent = "backlog_shrinks"
	// EventReportStuck: a report takes much longer than it should, and nobody has to do anything for it.
	EventReportStuck TriageEvent = "report_stuck"
	// EventReportsFlow: no report does any more.
	EventReportsFlow TriageEvent = "reports_flow"
)

// TriageNotice is news of a triage that a person should have.
type TriageNotice struct {
	Triage  string      `json:"triage"`
	Event   TriageEvent `json:"event"`
	Channel string      `json:"channel,omitempty"`
	Report  string      `json:"report,omitempty"`
	Reason  string      `json:"reason,omitempty"`
	Since   time.Time   `json:"since,omitzero"`
	Open    int64       `json:"open,omitempty"` // reports under way
}

// triageNews says what happened, and what a person does about it.
type triageNews struct {
	kind NoticeKind
	text string
	fix  string
}

func (n TriageNotice) news() triageNews {
	see := "tokenkeeper triage status " + n.Triage
	switch n.Event {
	case EventChannelUnread:
		return triageNews{NoticeTrouble, "a channel cannot be read; nothing is lost, and nothing of it is filed until it can", see}
	case EventChannelRead:
		return triageNews{NoticeRecovery, "a channel is read again, and everything since", ""}
	case EventChannelBehind:
		return triageNews{NoticeTrouble, "a channel is read later and later: people write faster than this app may read", see}
	case EventReportParked:
		return triageNews{NoticeTrouble, "a report is parked", "mend the cause, then: tokenkeeper triage retry " + n.Triage}
	case EventThreadUnfollowed:
		return triageNews{NoticeTrouble, "a thread and its issue do not follow each other; the next message in it, or change of the issue, makes it good", see}
	case EventBacklogGrows:
		return triageNews{NoticeTrouble, "the reports under way only become more", see}
	case EventBacklogShrinks:
		return triageNews{NoticeRecovery, "the reports under way become fewer again", ""}
	case EventReportStuck:
		return triageNews{NoticeTrouble, "it is under way for longer than an hour, and is tried again and again; it is the oldest of those", see}
	case EventReportsFlow:
		return triageNews{NoticeRecovery, "no report is tried for longer than an hour any more", ""}
	}
	return triageNews{NoticeTrouble, string(n.Event), see}
}

// NotifyTriage tells people of a triage.
func (t *Triage) NotifyTriage(ctx context.Context, n TriageNotice) error {
	news := n.news()
	info := activity.GetInfo(ctx) // each notice is one Activity of one Workflow
	id := noticeID(info.WorkflowExecution.ID+"/"+info.WorkflowExecution.RunID, info.ActivityID)
	announced := Announcement{
		ID: id, Episode: episodeID("triage/"+n.Triage, n.episode(), id), Began: n.Since,
		Type: "triage." + string(n.Event), Text: "triage " + n.Triage + ": " + n.place() + news.text, Triage: n.Triage,
		Reason: n.Reason, Since: n.Since, Reports: int(n.Open), Fix: news.fix,
	}
	_, err := t.Notices.tell(ctx, news.kind, &announced)
	if err == nil && t.Notices.logs() {
		t.logNotice(ctx, n, news)
	}
	return err
}

// episode identifies one trouble: the notice of its end has the same Since. "" for an event that has no end.
func (n TriageNotice) episode() string {
	var what string
	switch n.Event {
	case EventChannelUnread, EventChannelRead:
		what = "channel/" + n.Channel
	case EventBacklogGrows, EventBacklogShrinks:
		what = "backlog"
	case EventReportStuck, EventReportsFlow:
		what = "stuck"
	case EventChannelBehind, EventReportParked, EventThreadUnfollowed:
		return ""
	}
	return fmt.Sprintf("%s/%d", what, n.Since.UnixNano())
}

// place says where in a triage something happened.
func (n TriageNotice) place() string {
	switch {
	case n.Report != "":
		return "report " + n.Report + ": "
	case n.Channel != "":
		return "channel " + n.Channel + ": "
	}
	return ""
}

func (t *Triage) logNotice(ctx context.Context, n TriageNotice, news triageNews) {
	log := t.Log
	if log == nil {
		log = slog.Default()
	}
	attrs := []any{"triage", n.Triage}
	for _, a := range []struct{ name, value string }{
		{"channel", n.Channel}, {"report", n.Report}, {"reason", n.Reason}, {"fix", news.fix},
	} {
		if a.value != "" {
			attrs = append(attrs, a.name, a.value)
		}
	}
	if !n.Since.IsZero() {
		attrs = append(attrs, "since", n.Since.UTC().Format(time.RFC3339))
	}
	if n.Open > 0 {
		attrs = append(attrs, "open", n.Open)
	}
	level := slog.LevelWarn
	if news.kind == NoticeRecovery {
		level = slog.LevelInfo
	}
	log.Log(ctx, level, news.text, attrs...)
}
