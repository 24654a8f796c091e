package activities

import (
	"context"
	"log/slog"
	"time"
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

// NotifyTriage tells people of a triage. It writes to the log.
func (t *Triage) NotifyTriage(ctx context.Context, n TriageNotice) error {
	log := t.Log
	if log == nil {
		log = slog.Default()
	}
	attrs := []any{"triage", n.Triage}
	for _, a := range []struct{ name, value string }{{"channel", n.Channel}, {"report", n.Report}, {"reason", n.Reason}} {
		if a.value != "" {
			attrs = append(attrs, a.name, a.value)
		}
	}
	if !n.Since.IsZero() {
		attrs = append(attrs, "since", n.Since.UTC().Format(time.RFC3339))
	}
	switch n.Event {
	case EventChannelUnread:
		log.WarnContext(ctx, "a channel cannot be read; nothing is lost, and nothing of it is filed until it can: see tokenkeeper triage status "+n.Triage, attrs...)
	case EventChannelRead:
		log.InfoContext(ctx, "a channel is read again, and everything since", attrs...)
	case EventChannelBehind:
		log.WarnContext(ctx, "a channel is read later and later: people write faster than this app may read", attrs...)
	case EventReportParked:
		log.WarnContext(ctx, "a report is parked; mend the cause, then: tokenkeeper triage retry "+n.Triage, attrs...)
	case EventThreadUnfollowed:
		log.WarnContext(ctx, "a thread and its issue do not follow each other; the next message in it, or change of the issue, makes it good", attrs...)
	case EventBacklogGrows:
		log.WarnContext(ctx, "the reports under way only become more: see tokenkeeper triage status "+n.Triage, append(attrs, "open", n.Open)...)
	case EventBacklogShrinks:
		log.InfoContext(ctx, "the reports under way become fewer again", append(attrs, "open", n.Open)...)
	}
	return nil
}
