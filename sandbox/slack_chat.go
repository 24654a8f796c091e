package sandbox

import (
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxText is where chat.postMessage ends.
const maxText = 40000

func (s *Sandbox) chatPostMessage(c *call, g *grant) (map[string]any, error) {
	ch, err := s.writable(c, g)
	if err != nil {
		return nil, err
	}
	text, err := messageText(c)
	if err != nil {
		return nil, err
	}
	metadata, err := messageMetadata(c)
	if err != nil {
		return nil, err
	}
	m := &message{
		Message: Message{User: botUserID, Text: text}, ours: true,
		broadcast: truth(c.params.Get("reply_broadcast")), metadata: metadata,
	}
	// What answers a message that is not there stands in the open channel (github.com/slackapi/python-slack-events-api/issues/87).
	m.ThreadTS, _ = ch.root(c.params.Get("thread_ts"))
	ch.append(m, s.now())
	s.tellLocked(Slack, m.event())
	return map[string]any{"channel": ch.ID, "ts": m.ts, "message": s.wire(c, m, true)}, nil
}

func (s *Sandbox) chatUpdate(c *call, g *grant) (map[string]any, error) {
	ch, err := s.writable(c, g)
	if err != nil {
		return nil, err
	}
	m := ch.byTS[c.params.Get("ts")]
	if m == nil {
		return nil, slackError("message_not_found")
	}
	if !m.ours {
		return nil, slackError("cant_update_message")
	}
	text, err := messageText(c)
	if err != nil {
		return nil, err
	}
	metadata, err := messageMetadata(c)
	if err != nil {
		return nil, err
	}
	m.rewrite(s.options.Team, text, s.now())
	if metadata != nil { // what is not sent stays
		m.metadata = metadata
	}
	return map[string]any{"channel": ch.ID, "ts": m.ts, "text": text, "message": s.wire(c, m, true)}, nil
}

func (s *Sandbox) chatDelete(c *call, g *grant) (map[string]any, error) {
	ch, err := s.writable(c, g)
	if err != nil {
		return nil, err
	}
	m := ch.byTS[c.params.Get("ts")]
	if m == nil {
		return nil, slackError("message_not_found")
	}
	if !m.ours || m.deleted {
		return nil, slackError("cant_delete_message")
	}
	s.deleteLocked(m)
	return map[string]any{"channel": ch.ID, "ts": m.ts}, nil
}

func (s *Sandbox) writable(c *call, g *grant) (*channel, error) {
	ch, err := s.joined(c, g)
	if err != nil {
		return nil, err
	}
	if ch.Archived {
		return nil, slackError("is_archived")
	}
	return ch, nil
}

func messageText(c *call) (string, error) {
	text := c.params.Get("text")
	switch {
	case utf8.RuneCountInString(text) > maxText:
		return "", slackError("msg_too_long")
	case text == "" && !c.params.Has("blocks") && !c.params.Has("attachments"):
		return "", slackError("no_text")
	default:
		return text, nil
	}
}

// messageMetadata is the one place a client can leave a key of its own with a message: there is no idempotency key.
func messageMetadata(c *call) (json.RawMessage, error) {
	raw := c.params.Get("metadata")
	if raw == "" {
		return nil, nil
	}
	var metadata struct {
		EventType string `json:"event_type"`
	}
	if json.Unmarshal([]byte(raw), &metadata) != nil || metadata.EventType == "" {
		return nil, slackError("invalid_metadata_format")
	}
	return json.RawMessage(raw), nil
}

func (s *Sandbox) chatGetPermalink(c *call, g *grant) (map[string]any, error) {
	ch, err := s.joined(c, g)
	if err != nil {
		return nil, err
	}
	m := ch.byTS[c.params.Get("message_ts")]
	if m == nil {
		return nil, slackError("message_not_found")
	}
	return map[string]any{"channel": ch.ID, "permalink": c.base + m.path()}, nil
}

// path is the page of a message, in the form of Slack's permalinks.
func (m *message) path() string {
	p := "/archives/" + m.channel.ID + "/p" + strings.ReplaceAll(m.ts, ".", "")
	if m.ThreadTS != "" {
		p += "?" + url.Values{"thread_ts": {m.ThreadTS}, "cid": {m.channel.ID}}.Encode()
	}
	return p
}
