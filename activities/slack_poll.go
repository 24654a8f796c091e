package activities

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

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
	Overlap  Overlap              `json:"overlap,omitzero"`
	Interval time.Duration        `json:"interval"`
	When     triage.When          `json:"when,omitzero"` // which messages count
	// Rules say it instead of When where it is not the same for all routes of the channel.
	Rules []triage.Rule `json:"rules,omitempty"`
	// Since is from when on messages are too old to be taken.
	Since triage.Since `json:"since,omitzero"`
	// BackTo is the ts, exclusive, from which on messages up to After are looked at again for a new reaction; "" where
	// reactions do not matter. Taken are those among them whose reaction was handed over already.
	BackTo string   `json:"back_to,omitempty"`
	Taken  []string `json:"taken,omitempty"` // ts
	// Told is since when the polls have failed, once people were told; zero otherwise. The first poll that works then
	// returns at once, so that people hear of it.
	Told time.Time `json:"told,omitzero"`
}

func (in PollInput) rules() []triage.Rule {
	if len(in.Rules) > 0 {
		return in.Rules
	}
	return []triage.Rule{{When: in.When}}
}

// Window is what a poll found: messages that count, oldest first.
type Window struct {
	Team     string   `json:"team"`
	Messages []string `json:"messages,omitempty"` // ts
	// Marked are the messages among them that a reaction is on; nil where reactions do not matter, and from an older worker.
	Marked []string `json:"marked,omitzero"` // ts
	// Contents are the oldest messages as they were read, as many as fit. To read each of them again would cost a request
	// for each report, under the limit that the polls need too.
	Contents []triage.Message `json:"contents,omitempty"`
	// Watermark is the ts up to which everything was looked at. Messages may hold some from before the watermark that the poll
	// began with: they came late.
	Watermark string  `json:"watermark"`
	Overlap   Overlap `json:"overlap,omitzero"`
	// Hidden is the ts before which Slack's free plan hides what was posted; "" where nothing is known to be hidden.
	Hidden string `json:"hidden,omitempty"`
	// LeftOut is what was too old to be taken; nil for nothing.
	LeftOut *LeftOut `json:"left_out,omitempty"`
	// Recovered says that this poll worked, after people were told that polls fail.
	Recovered bool `json:"recovered,omitempty"`
}

// Content returns a message of the window as it was read, nil where it was not brought along.
func (w Window) Content(ts string) *triage.Message {
	i := slices.IndexFunc(w.Contents, func(m triage.Message) bool { return m.TS == ts })
	if i < 0 {
		return nil
	}
	return &w.Contents[i]
}

// Poll returns the next window that holds a message worth a look. While there is none it fails with
// [ErrTypeNothingNew] and asks to be retried after the interval: Temporal's own retry is the polling loop, and writes
// nothing to history.
//
// Slack gives the newest messages first, so the watermark may move only when all pages were read, and it may show a message after
// a newer one, so each poll reads the last minute before the watermark once more: see [Overlap]. How far a poll got
// travels from attempt to attempt in the heartbeat details, page by page: an app that may read one page a minute would
// otherwise begin at the first one for ever.
//
// A poll that panics, or takes too long, fails by itself, so that what it means is judged; of polls whose workers die the next
// one finds out.
// Errors: also [ErrTypePollsFail], [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable],
// [ErrTypeRejected].
func (s *Slack) Poll(ctx context.Context, in PollInput) (Window, error) {
	var reached atomic.Pointer[progress]
	reached.Store(resume(ctx, in))
	if err := s.unended(ctx, in, *reached.Load()); err != nil {
		return Window{}, err
	}
	stop := beatWith(ctx, func() []any { return []any{*reached.Load()} })
	window, err := guarded(ctx, "reading channel "+in.Channel, func(ctx context.Context) (Window, error) { return s.pollOnce(ctx, in, &reached) })
	stop()
	p := *reached.Load()
	window, err = s.judge(in, &p, window, err)
	if p.end(activity.GetInfo(ctx).Attempt, s.lastRead(in)); p.beyond(reached.Load()) && err != nil {
		activity.RecordHeartbeat(ctx, p)
	}
	return window, err
}

func (s *Slack) pollOnce(ctx context.Context, in PollInput, reached *atomic.Pointer[progress]) (Window, error) {
	pages, err := s.pages(ctx, in)
	if err != nil {
		return Window{}, err
	}
	for {
		next, err := pages.readInTurn(ctx, *reached.Load())
		if err != nil {
			return Window{}, err
		}
		if next.Cursor == "" && len(next.Found) > 0 {
			return pages.window(next), nil
		}
		if next.beyond(reached.Swap(&next)) {
			activity.RecordHeartbeat(ctx, next)
		}
		if next.Cursor == "" && !next.more {
			return pages.idle(next)
		}
		if err := s.Reading.next(in.Account, in.Channel); err != nil {
			return Window{}, err
		}
	}
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
	out.Files = filesOf(m.Files)
	forward(&out, m.Attachments)
	return out
}

// Bounds of what a message forwards.
const (
	maxForwards    = 3
	maxForwardText = 4000 // characters of each
)

// forward adds the messages that a message passes on. Slack puts them into attachments, as it does with those that it shows
// under a link to them; the text is what is said about them, if anything (github.com/slackapi/java-slack-sdk/issues/1179).
func forward(out *triage.Message, attachments []slack.Attachment) {
	left := maxForwards
	for _, a := range attachments {
		if left == 0 || !a.IsShare && !a.IsMsgUnfurl {
			continue
		}
		left--
		if text := cmp.Or(a.Text, a.Fallback); text != "" {
			out.Forwarded = append(out.Forwarded, clipped(text, maxForwardText))
		}
		out.Files = append(out.Files, filesOf(a.Files)...)
	}
}

// clipped returns at most limit characters of a text.
func clipped(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

func filesOf(files []slack.File) []triage.File {
	var out []triage.File
	for _, f := range files {
		out = append(out, triage.File{ID: f.ID, Name: f.Name, MIMEType: f.Mimetype, Size: int64(f.Size), Permalink: f.Permalink})
	}
	return out
}
