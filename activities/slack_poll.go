package activities

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// PollInput asks for what was posted to a channel after a message.
type PollInput struct {
	Account  credential.AccountID `json:"account"`
	Channel  string               `json:"channel"`
	After    string               `json:"after"` // ts, exclusive
	Interval time.Duration        `json:"interval"`
	When     triage.When          `json:"when,omitzero"` // which messages count
	// BackTo is the ts, exclusive, from which on messages up to After are looked at again for a reaction of late; Taken are
	// those that were handed over already. "" for a channel where reactions do not matter.
	BackTo string   `json:"back_to,omitempty"`
	Taken  []string `json:"taken,omitempty"` // ts
	// Told is since when the polls fail, once people were told; the first that works then ends at once, to tell them.
	Told time.Time `json:"told,omitzero"`
}

// Window is what a poll found: messages that count, oldest first.
type Window struct {
	Team     string   `json:"team"`
	Messages []string `json:"messages,omitempty"` // ts
	// Watermark is the ts up to which everything was looked at.
	Watermark string `json:"watermark"`
	// Recovered says that this poll worked, after people were told that polls fail.
	Recovered bool `json:"recovered,omitempty"`
}

// Poll returns the next window that holds a message worth a look. While there is none it fails with
// [ErrTypeNothingNew] and asks to be retried after the interval: Temporal's own retry is the polling loop, and writes
// nothing to history.
//
// Slack gives the newest messages first, so the watermark may move only when all pages were read. How far a poll got
// travels from attempt to attempt in the heartbeat details, page by page: an app that may read one page a minute would
// otherwise begin at the first one for ever.
// Errors: also [ErrTypePollsFail], [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable],
// [ErrTypeRejected].
func (s *Slack) Poll(ctx context.Context, in PollInput) (Window, error) {
	var reached atomic.Pointer[progress]
	reached.Store(resume(ctx, in.After))
	stop := beatWith(ctx, func() []any { return []any{*reached.Load()} })
	window, err := s.pollOnce(ctx, in, &reached)
	stop()
	return s.judge(ctx, in, *reached.Load(), window, err)
}

func (s *Slack) pollOnce(ctx context.Context, in PollInput, reached *atomic.Pointer[progress]) (Window, error) {
	client, err := s.client(in.Account)
	if err != nil {
		return Window{}, err
	}
	who, err := s.identity(ctx, client, in.Account)
	if err != nil {
		return Window{}, err
	}
	filter, err := triage.NewFilter(in.When, who.Self)
	if err != nil {
		return Window{}, notConfigured(err)
	}
	counts := func(m slack.Message) bool {
		switch {
		case slices.Contains(in.Taken, m.Timestamp):
			return false
		case m.Timestamp <= in.After:
			return filter.ChooseAgain(messageOf(who.Team, in.Channel, m)).Counts
		}
		return filter.Choose(messageOf(who.Team, in.Channel, m)).Counts
	}
	for {
		next, err := s.readInTurn(ctx, client, in, *reached.Load(), counts)
		if err != nil {
			return Window{}, err
		}
		if next.Cursor == "" && len(next.Found) > 0 {
			return next.window(who.Team), nil
		}
		if next.beyond(reached.Swap(&next)) {
			activity.RecordHeartbeat(ctx, next)
		}
		if next.Cursor == "" {
			return Window{}, again(ErrTypeNothingNew, "nothing new in channel "+in.Channel, in.Interval)
		}
		if err := s.Reading.next(in.Account, in.Channel); err != nil {
			return Window{}, err
		}
	}
}

// oldest returns the ts, exclusive, where a poll begins to read.
func (in PollInput) oldest(p progress, now time.Time) string {
	if in.BackTo == "" {
		return p.Watermark
	}
	return min(p.Watermark, max(in.BackTo, triage.TimestampOf(now.Add(-in.When.ReactionsCountFor()))))
}

// readInTurn reads the next page when the channel may be read.
func (s *Slack) readInTurn(
	ctx context.Context, client *slack.Client, in PollInput, p progress, counts func(slack.Message) bool,
) (progress, error) {
	if err := s.Reading.turn(ctx, in.Account, in.Channel); err != nil {
		return progress{}, err
	}
	next, err := readPage(ctx, client, in.Channel, in.oldest(p, s.now()), p, counts)
	if err != nil {
		err = slackError("reading channel "+in.Channel, err)
	}
	if s.Reading.isNarrow(in.Account) {
		next.ReadAt = s.now()
	}
	return next, s.Reading.heard(in.Account, in.Channel, err)
}

var errNoCursor = errors.New("there are more messages, and no cursor leads to them")

// readPage reads the next page of the window, or the first one again when Slack has forgotten the cursor.
func readPage(
	ctx context.Context, client *slack.Client, channel, oldest string, p progress, counts func(slack.Message) bool,
) (progress, error) {
	page, err := client.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: channel, Oldest: oldest, Cursor: p.Cursor, Limit: pageSize,
	})
	if slackCode(err) == "invalid_cursor" && p.Cursor != "" {
		return readPage(ctx, client, channel, oldest, progress{PollTrouble: p.PollTrouble, Watermark: p.Watermark}, counts)
	}
	if err != nil {
		return progress{}, err
	}
	cursor := page.ResponseMetaData.NextCursor
	if page.HasMore && cursor == "" {
		return progress{}, errNoCursor
	}
	if !page.HasMore {
		cursor = ""
	}
	return p.with(page.Messages, cursor, counts), nil
}

// messageOf translates slack-go's message. Timestamps stay text: they have more digits than a float.
func messageOf(team, channel string, m slack.Message) triage.Message {
	out := triage.Message{
		Key:  triage.Key{Team: team, Channel: channel, TS: m.Timestamp},
		User: m.User, BotID: m.BotID, Subtype: m.SubType, Text: m.Text, ThreadTS: m.ThreadTimestamp,
	}
	if m.Edited != nil {
		out.EditedAt = m.Edited.Timestamp
	}
	for _, r := range m.Reactions {
		out.Reactions = append(out.Reactions, triage.Reaction{Name: r.Name, Users: r.Users})
	}
	for _, f := range m.Files {
		out.Files = append(out.Files, triage.File{ID: f.ID, Name: f.Name, MIMEType: f.Mimetype, Size: int64(f.Size), Permalink: f.Permalink})
	}
	return out
}
