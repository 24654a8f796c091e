package activities

import (
	"context"
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
	// maxNoticePages bounds how many pages of a channel are searched for the message of a trouble. Where it is further back,
	// what follows is posted as a message of its own.
	maxNoticePages = 20
	// freshNotice is for how long after a first notice nobody can have posted it before, so that it need not be searched
	// for.
	freshNotice = time.Minute
	// lateNotice is from what age on a post says when it was written: what it tells may be over by now.
	lateNotice = 5 * time.Minute
)

// Send implements [Target]. It has to be called inside an Activity with a heartbeat timeout. What it reads shares Slack's limit with
// the polls, and goes on in the next attempt where this one came to.
// Errors: [ErrTypeNotConfigured], [ErrTypeRejected], [ErrTypeRateLimited], [ErrTypeOutOfTurn], [ErrTypeProviderUnavailable].
func (c *SlackChannel) Send(ctx context.Context, l Letter) error {
	client, err := c.Slack.client(c.Account)
	if err != nil {
		return err
	}
	doing := "posting notice " + l.ID + " to Slack channel " + c.Channel
	looked := resumeHalfway[searched](ctx)
	post := posting{SlackChannel: c, client: client, letter: l, late: c.Slack.now().Sub(l.At) > lateNotice}
	_, err = Write[struct{}]{
		Doing:     doing,
		LookFirst: !l.opens(c.Slack.now()),
		Reached:   looked.reached,
		Find: func(ctx context.Context) (struct{}, bool, error) {
			if err := post.look(ctx, looked); err != nil {
				return struct{}{}, false, slackError("looking for notice "+l.ID+" in Slack channel "+c.Channel, err)
			}
			return struct{}{}, post.Posted, nil
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

// opens reports whether a letter is the first about its trouble and is sent in time, so that no message of the trouble can
// exist.
func (l Letter) opens(now time.Time) bool {
	return l.Stage == 0 && !l.Recovery && l.Deadline.IsZero() && now.Sub(l.At) < freshNotice
}

// posting is one letter on its way into a channel.
type posting struct {
	*SlackChannel
	searched

	client *slack.Client
	letter Letter
	late   bool
}

// searched is what was found of a letter, and how far the search came.
type searched struct {
	Posted bool `json:"posted,omitempty"` // the letter is there
	// Root is the message of its trouble; nil where none was found.
	Root *root `json:"root,omitempty"`
	// Pages counts those that were read of the channel; Cursor leads to the next one, of the thread where InThread is true.
	Pages    int    `json:"pages,omitempty"`
	Cursor   string `json:"cursor,omitempty"`
	InThread bool   `json:"in_thread,omitempty"`
}

// root is the message of a trouble.
type root struct {
	TS      string `json:"ts"`
	Replies int    `json:"replies,omitempty"`
	Notice  string `json:"notice"` // whose it is
	Text    string `json:"text"`   // what it said at first
}

// look looks for the message of the letter's trouble, and for the letter, from where the attempt before this one came to.
func (p *posting) look(ctx context.Context, looked *halfway[searched]) error {
	p.searched, _ = looked.get()
	for {
		more, err := p.page(ctx)
		if slackCode(err) == "invalid_cursor" && p.Cursor != "" {
			p.searched = searched{}
			continue
		}
		if err != nil {
			return err
		}
		if !more {
			looked.done() // whatever becomes of the letter, the next attempt has to see how it is then
			return nil
		}
		looked.set(p.searched)
	}
}

// page reads the next page, first of the channel and then of the thread of the trouble, and reports whether there is another.
func (p *posting) page(ctx context.Context) (more bool, err error) {
	if p.InThread {
		thread := triage.Key{Channel: p.Channel, TS: p.Root.TS}
		page, next, err := p.Slack.replies(ctx, p.client, p.Account, thread, p.Cursor)
		if err != nil {
			return false, err
		}
		p.see(page)
		p.Cursor = next
		return next != "" && !p.Posted, nil
	}
	began := p.letter.Began
	if began.IsZero() {
		began = p.letter.At
	}
	page, err := p.Slack.history(ctx, p.client, p.Account, &slack.GetConversationHistoryParameters{
		ChannelID: p.Channel, Cursor: p.Cursor, Limit: pageSize, IncludeAllMetadata: true,
		Oldest: triage.TimestampOf(began.Add(-time.Minute)), Latest: openEnd, // clocks differ
	})
	if err != nil {
		return false, err
	}
	p.see(page.Messages)
	if p.Pages++; p.Pages < maxNoticePages && page.HasMore && page.ResponseMetaData.NextCursor != "" {
		p.Cursor = page.ResponseMetaData.NextCursor
	} else {
		p.Cursor, p.InThread = "", p.Root != nil && p.Root.Replies > 0
	}
	return !p.Posted && (p.Cursor != "" || p.InThread), nil
}

// see takes messages for what they are. Of several that began a trouble the oldest has the thread; pages of a channel come newest first.
func (p *posting) see(page []slack.Message) {
	for _, m := range page {
		if m.Metadata.EventType != noticeEvent || said(m, "episode") != p.letter.Episode {
			continue
		}
		if said(m, "notice") == p.letter.ID {
			p.Posted = true
		}
		if m.ThreadTimestamp == "" || m.ThreadTimestamp == m.Timestamp {
			p.Root = &root{TS: m.Timestamp, Replies: m.ReplyCount, Notice: said(m, "notice"), Text: said(m, "text")}
		}
	}
}

// post posts the letter. Where the trouble is over, its message says so first, so that an attempt in between is repeated.
func (p *posting) post(ctx context.Context) error {
	if p.Root == nil {
		return p.say(ctx, "")
	}
	if p.letter.Recovery {
		if err := p.close(ctx); err != nil {
			return err
		}
	}
	err := p.say(ctx, p.Root.TS)
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
		if !p.letter.Recovery {
			options = append(options, slack.MsgOptionBroadcast())
		}
		_, err := p.Slack.postUnder(ctx, p.Account, p.Channel, thread, options...)
		return err
	}
	_, _, err := p.client.PostMessageContext(ctx, p.Channel, options...)
	return err
}

// close edits the message of a trouble, so that it says that the trouble is over and shows no link any more. One that may
// not be edited stays as it is.
func (p *posting) close(ctx context.Context) error {
	text := p.letter.mrkdwn() + "\n_Before: " + slackEscape.Replace(oneLine(p.Root.Text)) + "_"
	_, ts, _, err := p.client.UpdateMessageContext(ctx, p.Channel, p.Root.TS, slack.MsgOptionText(text, false),
		slack.MsgOptionMetadata(p.metadata(p.Root.Notice, p.Root.Text)))
	if ts != "" || isUneditable(err) {
		return nil
	}
	return err
}

func (p *posting) metadata(notice, text string) slack.SlackMetadata {
	return slack.SlackMetadata{EventType: noticeEvent, EventPayload: map[string]any{
		"notice": notice, "episode": p.letter.Episode, "text": strings.ToValidUTF8(text, ""),
	}}
}
