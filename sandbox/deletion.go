package sandbox

import (
	"fmt"
	"slices"
)

// Delete takes a message away as its author does. One that has replies leaves a tombstone, which says that it was deleted and
// keeps the thread; it goes with the last of them.
func (s *Sandbox) Delete(channelID, ts string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.workspace.channel(channelID)
	if c == nil {
		return fmt.Errorf("channel %q: no such channel", channelID)
	}
	m := c.byTS[ts]
	if m == nil || m.deleted {
		return fmt.Errorf("message %s: no such message in channel %s", ts, c.ID)
	}
	s.deleteLocked(m)
	return nil
}

func (s *Sandbox) deleteLocked(m *message) {
	c := m.channel
	m.deleted = true
	if len(m.replies) > 0 {
		m.User, m.Text, m.Subtype, m.Bot = slackbot, "This message was deleted.", "tombstone", ""
		m.Files, m.Forwards, m.editedTS, m.metadata, m.reactions = nil, nil, "", nil, nil
	} else {
		c.remove(m)
	}
	if !c.BotAbsent {
		s.tellLocked(Slack, m.deletion(formatTS(max(s.now().UnixMicro(), m.micros+1))))
	}
}

// slackbot is whose tombstones are.
const slackbot = "USLACKBOT"

func (c *channel) remove(m *message) {
	is := func(other *message) bool { return other == m }
	c.messages = slices.DeleteFunc(c.messages, is)
	delete(c.byTS, m.ts)
	c.removed = append(c.removed, m)
	root := c.byTS[m.ThreadTS]
	if root == nil {
		return
	}
	root.replies = slices.DeleteFunc(root.replies, is)
	if root.deleted && len(root.replies) == 0 {
		c.remove(root)
	}
}

// deletion is what an app is told of a message that was deleted (docs.slack.dev/reference/events/message/message_deleted): of
// a tombstone, that it changed.
func (m *message) deletion(at string) Event {
	now := m.event().Body
	now["type"] = "message"
	body := map[string]any{"hidden": true, "channel": m.channel.ID, "ts": at, "event_ts": at}
	if m.Subtype == "tombstone" {
		now["hidden"], now["thread_ts"] = true, m.ts
		body["subtype"], body["message"] = "message_changed", now
	} else {
		body["subtype"], body["deleted_ts"], body["previous_message"] = "message_deleted", m.ts, now
	}
	return Event{Name: "message", Body: body}
}
