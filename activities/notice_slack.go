package activities

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// SlackChannel is a target that is a channel of a Slack workspace, in which one of our accounts posts.
//
// A trouble is one message there. What follows, that it lasts or is over, are replies to it; that it lasts shows in the channel
// as well, and when it is over the message says so. As with replies to reports, Slack's metadata mark what is posted.
type SlackChannel struct {
	Name    string
	Slack   *Slack
	Account credential.AccountID
	Channel string
}

const (
	// noticeEvent marks what is posted as a notice.
	noticeEvent = "tokenkeeper_notice"
	// maxNoticePages bounds how far back a channel is read for the message of a trouble. Where more was written since, what
	// follows is a message of its own.
	maxNoticePages = 20
	// freshNotice is how long nobody can have posted anything about a trouble before its first notice.
	freshNotice = time.Minute
	// lateNotice is from when on a post says when it was written: what it tells may be over.
	lateNotice = 5 * time.Minute
)

// Send implements [Target]. It has to be called inside an Activity with a heartbeat timeout.
// Errors: [ErrTypeNotConfigured], [ErrTypeRejected], [ErrTypeRateLimited], [ErrTypeProviderUnavailable].
func (c *SlackChannel) Send(ctx context.Context, l Letter) error {
	client, err := c.Slack.client(c.Account)
	if err != nil {
		return err
	}
	doing := "posting notice " + l.ID + " to Slack channel " + c.Channel
	post := posting{client: client, channel: c.Channel, letter: l, late: c.Slack.now().Sub(l.At) > lateNotice}
	_, err = Write[struct{}]{
		Doing:     doing,
		LookFirst: !l.opens(c.Slack.now()),
		Find: func(ctx context.Context) (struct{}, bool, error) {
			if err := post.look(ctx); err != nil {
				return struct{}{}, false, slackError("looking for notice "+l.ID+" in Slack channel "+c.Channel, err)
			}
			return struct{}{}, post.posted, nil
		},
		Do:     func(ctx context.Context) (struct{}, error) { return struct{}{}, post.post(ctx) },
		Failed: func(_ time.Duration, err error) error { return slackError(doing, err) },
	}.Once(ctx)
	if errorType(err) == ErrTypeAccountUnavailable { // the news waits until somebody has mended the account that tells it
		return again(ErrTypeProviderUnavailable,
			doing+": "+message(err)+"; it is posted when account "+c.Account.String()+" works again: tokenkeeper account show "+c.Account.String(), refusedPause)
	}
	return err
}

// opens reports whether a letter is the first about its trouble, and in time.
func (l Letter) opens(now time.Time) bool {
	return l.Stage == 0 && !l.Recovery && l.Deadline.IsZero() && now.Sub(l.At) < freshNotice
}

// posting is one letter on its way into a channel.
type posting struct {
	client  *slack.Client
	channel string
	letter  Letter
	late    bool

	root   slack.Message // of the letter's trouble; without a timestamp where there is none
	posted bool          // the letter is there
}

// look looks for the message of the letter's trouble, and for the letter.
func (p *posting) look(ctx context.Context) error {
	began := p.letter.Began
	if began.IsZero() {
		began = p.letter.At
	}
	params := &slack.GetConversationHistoryParameters{
		ChannelID: p.channel, Limit: pageSize, IncludeAllMetadata: true,
		Oldest: triage.TimestampOf(began.Add(-time.Minute)), // clocks differ
	}
	for range maxNoticePages {
		page, err := p.client.GetConversationHistoryContext(ctx, params)
		if err != nil {
			return err
		}
		for _, m := range page.Messages {
			p.see(m)
		}
		if params.Cursor = page.ResponseMetaData.NextCursor; p.posted || !page.HasMore || params.Cursor == "" {
			break
		}
	}
	if p.posted || p.root.ReplyCount == 0 {
		return nil
	}
	return p.lookInThread(ctx)
}

func (p *posting) lookInThread(ctx context.Context) error {
	params := &slack.GetConversationRepliesParameters{
		ChannelID: p.channel, Timestamp: p.root.Timestamp, Limit: pageSize, IncludeAllMetadata: true,
	}
	for {
		replies, more, cursor, err := p.client.GetConversationRepliesContext(ctx, params)
		if err != nil {
			return err
		}
		for _, m := range replies {
			p.see(m)
		}
		if params.Cursor = cursor; p.posted || !more || cursor == "" {
			return nil
		}
	}
}

// see takes a message for what it is. Of several that began a trouble the oldest has the thread; pages come newest first.
func (p *posting) see(m slack.Message) {
	if m.Metadata.EventType != noticeEvent || said(m, "episode") != p.letter.Episode {
		return
	}
	if said(m, "notice") == p.letter.ID {
		p.posted = true
	}
	if m.ThreadTimestamp == "" || m.ThreadTimestamp == m.Timestamp {
		p.root = m
	}
}

// post posts the letter. Where the trouble is over, its message says so first, so that an attempt in between is repeated.
func (p *posting) post(ctx context.Context) error {
	if p.root.Timestamp == "" {
		return p.say(ctx, "")
	}
	if p.letter.Recovery {
		if err := p.close(ctx); err != nil {
			return err
		}
	}
	err := p.say(ctx, p.root.Timestamp)
	if isGone(err) { // somebody deleted the message
		return p.say(ctx, "")
	}
	return err
}

func (p *posting) say(ctx context.Context, thread string) error {
	text := p.letter.mrkdwn()
	if p.late {
		text += "\n_Written " + slackTime(p.letter.At) + "; it could not be posted before._"
	}
	options := []slack.MsgOption{
		slack.MsgOptionText(text, false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(p.metadata(p.letter.ID, p.letter.Text)),
	}
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
		if !p.letter.Recovery {
			options = append(options, slack.MsgOptionBroadcast())
		}
	}
	_, _, err := p.client.PostMessageContext(ctx, p.channel, options...)
	return err
}

// close has the message of a trouble say that it is over, and no longer show a link. One that may not be edited stays.
func (p *posting) close(ctx context.Context) error {
	before := said(p.root, "text")
	text := p.letter.mrkdwn() + "\n_Before: " + slackEscape.Replace(oneLine(before)) + "_"
	_, ts, _, err := p.client.UpdateMessageContext(ctx, p.channel, p.root.Timestamp, slack.MsgOptionText(text, false),
		slack.MsgOptionMetadata(p.metadata(said(p.root, "notice"), before)))
	if ts != "" || slices.Contains(slackUneditable, slackCode(err)) {
		return nil
	}
	return err
}

func (p *posting) metadata(notice, text string) slack.SlackMetadata {
	return slack.SlackMetadata{EventType: noticeEvent, EventPayload: map[string]any{
		"notice": notice, "episode": p.letter.Episode, "text": strings.ToValidUTF8(text, ""),
	}}
}
