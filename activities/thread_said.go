package activities

import (
	"encoding/json"
	"slices"

	"github.com/slack-go/slack"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// conversation is what was said in a thread, as far as it was read: it travels from one attempt to the next until the thread
// was read to its end.
type conversation struct {
	// Cursor leads to the next page; "" before the first one, and after the last.
	Cursor string           `json:"cursor,omitempty"`
	Root   triage.Message   `json:"root,omitzero"`    // the report
	People []triage.Message `json:"people,omitempty"` // what they contributed, oldest first
	// More says that people contributed more than one look takes: what is newer than in People.
	More     bool            `json:"more,omitempty"`
	Reply    ourReply        `json:"reply,omitzero"`
	Followed triage.Followed `json:"followed,omitzero"`
	// Told is the state that the thread knows of, and ToldAt the ts of the message that told it.
	Told   string `json:"told"`
	ToldAt string `json:"told_at,omitempty"`
	// Asked are the closings after which people were asked.
	Asked []string `json:"asked,omitempty"`
	// Refused is the ts of our last message that says that the issue cannot be reopened; "" for none.
	Refused string `json:"refused,omitempty"`
}

// ourReply is our answer in a thread, with the link to the issue.
type ourReply struct {
	TS    string `json:"ts,omitempty"`
	Text  string `json:"text,omitempty"`
	Issue string `json:"issue,omitempty"` // its URL
	// Account is the one that filed it; zero where the reply does not say it.
	Account credential.AccountID `json:"account,omitzero"`
}

// maxConversation bounds, in bytes, what people say in one look. Temporal takes heartbeats of 2 MiB.
const maxConversation = 256 << 10

// bound keeps a conversation below maxConversation. It drops first what comments hold already, and then what is newest, so
// that the next look begins there.
func (c *conversation) bound() {
	if text, err := json.Marshal(c.People); err == nil && len(text) <= maxConversation {
		return
	}
	c.People = slices.DeleteFunc(slices.Clone(c.People), func(m triage.Message) bool { return m.TS <= c.Followed.Upto })
	kept := oldest(c.People, maxConversation)
	c.More = c.More || len(kept) < len(c.People)
	c.People = kept
}

// take adds one message of the thread to the conversation.
func (th *thread) take(m slack.Message) {
	message := messageOf(th.key.Team, th.key.Channel, m)
	switch {
	case m.Timestamp == th.key.TS:
		th.Root = message // its tombstone where it was deleted: its issue and those who wrote here go on being told
	case th.who.wrote(m):
		th.takeOurs(m)
	case !th.More && triage.Contribution(message, th.who.Self):
		th.People = append(th.People, message)
	}
}

// takeOurs adds a message of ours. Our reply's metadata note the state of the issue that the thread was told, with the ts of
// the message that told it; a state message newer than that counts more.
func (th *thread) takeOurs(m slack.Message) {
	text := func(name string) string { return said(m, name) }
	if text("report") != th.key.String() {
		return
	}
	switch m.Metadata.EventType {
	case replyEvent:
		account, _ := credential.ParseAccountID(text("account")) // replies of before say none
		th.Reply = ourReply{TS: m.Timestamp, Text: m.Text, Issue: text("issue"), Account: account}
		th.Followed = triage.Followed{Upto: text("upto"), Edited: text("edited")}
		if state := text("state"); state != "" {
			th.Told, th.ToldAt = state, text("told")
		}
	case stateEvent:
		if m.Timestamp > th.ToldAt {
			th.Told, th.ToldAt = text("state"), m.Timestamp
		}
	case askEvent:
		th.Asked = append(th.Asked, text("closing"))
	case refuseEvent:
		th.Refused = max(th.Refused, m.Timestamp)
	}
}
