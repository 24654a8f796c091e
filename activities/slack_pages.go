package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"tokenkeeper/triage"
)

// openEnd is the end of a window that goes on to now. Slack's answer to a window with a beginning alone is not certain: its
// reference once said that it comes oldest page first (github.com/slackhq/slack-api-docs, methods/channels.history.md), and
// says nothing today. A window with both ends has the newest messages first.
const openEnd = "9999999999.999999"

// pages reads the history of a channel for one poll.
type pages struct {
	*Slack

	in       PollInput
	client   *slack.Client
	who      identity
	selector *triage.Selector
	plan     *freePlan
	bound    string // ts up to which messages are too old; "" for none
}

func (s *Slack) pages(ctx context.Context, in PollInput) (*pages, error) {
	client, plan, err := s.historyClient(in.Account)
	if err != nil {
		return nil, err
	}
	who, err := s.identity(ctx, client, in.Account)
	if err != nil {
		return nil, err
	}
	selector, err := triage.NewSelector(in.rules(), who.Self)
	if err != nil {
		return nil, notConfigured(err)
	}
	return &pages{Slack: s, in: in, client: client, who: who, selector: selector, plan: plan, bound: in.Since.Bound(s.now())}, nil
}

// readInTurn reads the next page when the channel may be read.
func (r *pages) readInTurn(ctx context.Context, p progress) (progress, error) {
	if err := r.Reading.turn(ctx, r.in.Account, r.in.Channel); err != nil {
		return progress{}, err
	}
	next, err := r.read(ctx, p)
	if err != nil {
		err = slackError("reading channel "+r.in.Channel, err)
	}
	if err == nil {
		r.reads.Store(r.in.key(), r.now())
	}
	next.FailingSince = time.Time{} // a page was read, so the polls do not fail, however long the next page has to wait
	if r.Reading.inTurns(r.in.Account, r.in.Channel) {
		next.ReadAt = r.now()
	}
	return next, r.Reading.heard(r.in.Account, r.in.Channel, err)
}

var errNoCursor = errors.New("there are more messages, and no cursor leads to them")

// read reads the next page of the window, or the first one again when Slack has forgotten the cursor.
func (r *pages) read(ctx context.Context, p progress) (progress, error) {
	if p.Cursor == "" && p.Bound == "" && p.Watermark < r.bound {
		return r.leaveOut(ctx, p)
	}
	from := r.oldest(p)
	page, err := r.client.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: r.in.Channel, Oldest: from, Latest: openEnd, Cursor: p.Cursor, Limit: pageSize,
	})
	if slackCode(err) == "invalid_cursor" && p.Cursor != "" {
		return r.read(ctx, p.anew())
	}
	if err != nil {
		return progress{}, err
	}
	cursor := page.ResponseMetaData.NextCursor
	switch {
	case !page.HasMore:
		cursor = ""
		p.Hidden = max(p.Hidden, r.plan.hidden(page.Messages, from, r.now()))
	case r.isRead(page.Messages, p):
		cursor = ""
	case cursor == "":
		return progress{}, errNoCursor
	}
	seen, found := r.sift(page.Messages, p)
	next := p.with(seen, found, cursor)
	for _, m := range found {
		if r.in.BackTo != "" && r.isMarked(m) {
			next.Marked = append(next.Marked, m.TS)
		}
	}
	next.Marked = slices.DeleteFunc(next.Marked, func(ts string) bool { return !slices.Contains(next.Found, ts) })
	return next, nil
}

// oldest returns the ts, exclusive, from which on a poll reads.
func (r *pages) oldest(p progress) string {
	if r.in.BackTo == "" {
		return p.Overlap.From
	}
	return min(p.Overlap.From, max(r.in.BackTo, triage.TimestampOf(r.now().Add(-triage.ReactionsCountFor(r.in.rules())))))
}

// isRead reports whether a page that is not the last ends the window nevertheless, in a channel that is read in turns: it
// reaches back to the watermark. Before that only late messages could be found, which are not worth the one request of a
// minute.
func (r *pages) isRead(page []slack.Message, p progress) bool {
	return r.in.BackTo == "" && r.Reading.inTurns(r.in.Account, r.in.Channel) &&
		slices.ContainsFunc(page, func(m slack.Message) bool { return m.Timestamp <= p.Watermark })
}

// sift returns the ts of the messages of a page, and those of them that count.
func (r *pages) sift(page []slack.Message, p progress) (seen []string, found []triage.Message) {
	for _, m := range page {
		seen = append(seen, m.Timestamp)
		if message := messageOf(r.who.Team, r.in.Channel, m); r.counts(message, p) {
			found = append(found, message)
		}
	}
	return seen, found
}

func (r *pages) counts(m triage.Message, p progress) bool {
	switch {
	case slices.Contains(r.in.Taken, m.TS):
		return false
	case m.TS <= p.Watermark && !p.Overlap.isLate(m.TS):
		return m.TS > r.bound && r.isMarked(m) && !r.isDone(m)
	}
	return r.selector.Choose(m).Counts
}

// isMarked reports whether a reaction makes a message count.
func (r *pages) isMarked(m triage.Message) bool { return r.selector.ChooseAgain(m, r.now()).Counts }

// isDone reports whether our own mark says that a message is filed.
func (r *pages) isDone(m triage.Message) bool {
	return slices.ContainsFunc(m.Reactions, func(on triage.Reaction) bool {
		return on.Name == FiledReaction && slices.Contains(on.Users, r.who.Self.UserID)
	})
}

// window is the result of the last page.
func (r *pages) window(p progress) Window {
	w := p.window(r.who.Team)
	if r.in.BackTo != "" {
		w.Marked = slices.DeleteFunc(append([]string{}, p.Marked...), func(ts string) bool { return !slices.Contains(w.Messages, ts) })
	}
	return w
}

// freePlanShows is how far back the history of a workspace on Slack's free plan goes.
const freePlanShows = 90 * 24 * time.Hour

// hidden returns the ts before which messages of a window are hidden, given its last page and where it begins; "" for none.
// Slack may say is_limited of every answer to such a workspace, so what is younger than its history is left out.
func (f *freePlan) hidden(last []slack.Message, from string, now time.Time) string {
	if !f.limited || now.Sub(timeOf(from)) <= freePlanShows {
		return ""
	}
	shown := triage.TimestampOf(now)
	for _, m := range last {
		shown = min(shown, m.Timestamp)
	}
	return shown
}
