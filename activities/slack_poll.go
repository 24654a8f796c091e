package activities

import (
	"context"
	"slices"
	"time"

	"github.com/slack-go/slack"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

const (
	pageSize = 200 // Slack recommends no more
	// maxWindow bounds one result. What is beyond it is newer than what is in it, and comes with the next poll.
	maxWindow = 500
)

// PollInput asks for what was posted to a channel after a message.
type PollInput struct {
	Account  credential.AccountID `json:"account"`
	Channel  string               `json:"channel"`
	After    string               `json:"after"` // ts, exclusive
	Interval time.Duration        `json:"interval"`
}

// Window is what a poll found: messages that may be reports, oldest first.
type Window struct {
	Team     string   `json:"team"`
	Messages []string `json:"messages,omitempty"` // ts
	// Watermark is the ts up to which everything was looked at.
	Watermark string `json:"watermark"`
}

// Poll returns the next window that holds a message worth a look. While there is none it fails with
// [ErrTypeNothingNew] and asks to be retried after the interval: Temporal's own retry is the polling loop, and writes
// nothing to history. How far it got meanwhile travels from attempt to attempt in the heartbeat details.
//
// Slack gives the newest messages first, so the watermark may move only when all pages were read.
// Errors: also [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected].
func (s *Slack) Poll(ctx context.Context, in PollInput) (Window, error) {
	after := in.After
	var reached string
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &reached) == nil {
		after = max(after, reached)
	}
	defer beat(ctx, after)()
	client, err := s.client(in.Account)
	if err != nil {
		return Window{}, err
	}
	who, err := s.identity(ctx, client, in.Account)
	if err != nil {
		return Window{}, err
	}
	messages, err := drain(ctx, client, in.Channel, after)
	if err != nil {
		return Window{}, slackError("reading channel "+in.Channel, err)
	}
	window := windowOf(messages, who, in.Channel, after)
	if len(window.Messages) == 0 {
		activity.RecordHeartbeat(ctx, window.Watermark)
		return Window{}, again(ErrTypeNothingNew, "nothing new in channel "+in.Channel, in.Interval)
	}
	return window, nil
}

// drain reads every page of the window after a ts.
func drain(ctx context.Context, client *slack.Client, channel, after string) ([]slack.Message, error) {
	var all []slack.Message
	params := &slack.GetConversationHistoryParameters{ChannelID: channel, Oldest: after, Limit: pageSize}
	for {
		page, err := client.GetConversationHistoryContext(ctx, params)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Messages...)
		params.Cursor = page.ResponseMetaData.NextCursor
		if !page.HasMore || params.Cursor == "" {
			return all, nil
		}
	}
}

// windowOf keeps what may be a report, oldest first, and says how far that goes.
func windowOf(messages []slack.Message, who identity, channel, after string) Window {
	window := Window{Team: who.Team, Watermark: after}
	for _, m := range messages {
		window.Watermark = max(window.Watermark, m.Timestamp)
		if ok, _ := triage.Candidate(messageOf(who.Team, channel, m), who.Self); ok {
			window.Messages = append(window.Messages, m.Timestamp)
		}
	}
	slices.Sort(window.Messages)
	if len(window.Messages) > maxWindow {
		window.Messages = window.Messages[:maxWindow]
		window.Watermark = window.Messages[maxWindow-1]
	}
	return window
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
	for _, f := range m.Files {
		out.Files = append(out.Files, triage.File{ID: f.ID, Name: f.Name, MIMEType: f.Mimetype, Size: int64(f.Size), Permalink: f.Permalink})
	}
	return out
}
