package triage

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Message is one message of a Slack channel as conversations.history gives it, with the names behind its ids where they
// are known.
type Message struct {
	Key
	ChannelName string `json:"channel_name,omitempty"` // without '#'; the id is shown where it is empty
	User        string `json:"user,omitempty"`
	UserName    string `json:"user_name,omitempty"`
	Login       string `json:"login,omitempty"` // the author's at GitHub, where it is known
	BotID       string `json:"bot_id,omitempty"`
	Subtype     string `json:"subtype,omitempty"`
	Text        string `json:"text,omitempty"` // Slack's mrkdwn, still with &lt; and <@U1>
	// Forwarded are the texts of messages that it passes on, in mrkdwn as well. Text is then what its author says about them, or
	// nothing.
	Forwarded []string `json:"forwarded,omitempty"`
	ThreadTS  string   `json:"thread_ts,omitempty"`
	Permalink string   `json:"permalink,omitempty"`
	EditedAt  string   `json:"edited_at,omitempty"` // the ts of the last edit; empty when there was none
	Files     []File   `json:"files,omitempty"`
	// Reactions are the emoji that people put on it. Where there are very many, Slack names not everybody.
	Reactions []Reaction `json:"reactions,omitempty"`
	// Names gives people's names for the ids that the text mentions; ids without one are shown as they are.
	Names map[string]string `json:"names,omitempty"` // :: user id → display name
}

// File is an attachment. Slack's files are private to the workspace, so an issue can only point to them.
type File struct {
	ID        string `json:"id,omitempty"`
	Name      string `json:"name,omitempty"`
	MIMEType  string `json:"mime_type,omitempty"`
	Size      int64  `json:"size,omitempty"` // in bytes; 0 when unknown
	Permalink string `json:"permalink,omitempty"`
}

// Self is who this agent is in the workspace, as auth.test tells.
type Self struct {
	UserID string `json:"user_id,omitempty"`
	BotID  string `json:"bot_id,omitempty"`
}

// The reasons for which [Candidate] passes a message over.
const (
	SkipKey     = "key"     // the message has no valid key
	SkipOwn     = "own"     // this agent wrote it
	SkipBot     = "bot"     // another bot wrote it
	SkipSubtype = "subtype" // a join, a topic change, a broadcast of a reply …
	SkipReply   = "reply"   // a reply in a thread
	SkipEmpty   = "empty"   // neither text nor file, of its own or forwarded
)

// slackbot posts as a user without a bot id.
const slackbot = "USLACKBOT"

// Candidate reports whether a message may be a bug report at all, and returns the reason, one of the Skip constants, when
// it may not. It looks at who wrote the message and of which kind it is; [Classify] looks at what it says.
func Candidate(m Message, self Self) (bool, string) {
	reason := skip(m, self)
	return reason == "", reason
}

func skip(m Message, self Self) string {
	switch {
	case m.Validate() != nil:
		return SkipKey
	case isOwn(m, self):
		return SkipOwn
	case m.BotID != "" || m.User == slackbot:
		// A bot's post carries no subtype any more; its bot_id is what tells.
		return SkipBot
	case !isPost(m.Subtype):
		return SkipSubtype
	case m.ThreadTS != "" && m.ThreadTS != m.TS:
		return SkipReply
	case strings.TrimSpace(clean(m.mrkdwn())) == "" && len(m.Files) == 0:
		return SkipEmpty
	}
	return ""
}

// mrkdwn is all that stands in a message: what its author says, and what is forwarded.
func (m Message) mrkdwn() string {
	return spaced(append([]string{m.Text}, m.Forwarded...))
}

// spaced puts an empty line between texts that say something.
func spaced(texts []string) string {
	var said []string
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			said = append(said, text)
		}
	}
	return strings.Join(said, "\n\n")
}

// Mentioned returns the ids of up to limit users that the message mentions.
func (m Message) Mentioned(limit int) []string {
	var ids []string
	for _, mention := range mention.FindAllStringSubmatch(m.mrkdwn(), limit) {
		ids = append(ids, mention[1])
	}
	return ids
}

var mention = regexp.MustCompile(`<@([UW][A-Z0-9]+)`)

func isOwn(m Message, self Self) bool {
	return self.UserID != "" && m.User == self.UserID || self.BotID != "" && m.BotID == self.BotID
}

// isPost reports whether messages of this subtype are written by people as posts of their own. A thread_broadcast is not:
// it is a reply that is shown twice.
func isPost(subtype string) bool {
	return subtype == "" || subtype == "file_share" || subtype == "me_message"
}

// sentAt returns the time in a Slack ts, and reports whether there is one.
func sentAt(ts string) (time.Time, bool) {
	seconds, _, _ := strings.Cut(ts, ".")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || unix <= 0 || len(seconds) > 12 {
		return time.Time{}, false
	}
	return time.Unix(unix, 0).UTC(), true
}

// writtenTime returns a ts for people, or the ts itself where it holds no time.
func writtenTime(ts string) string {
	if at, ok := sentAt(ts); ok {
		return at.Format("2006-01-02 15:04 UTC")
	}
	return ts
}

// channelTitle returns "#bug-reports", or "#C1" where the name is unknown.
func (m Message) channelTitle() string {
	if m.ChannelName != "" {
		return "#" + strings.TrimPrefix(m.ChannelName, "#")
	}
	return "#" + m.Channel
}

// author returns the best name there is for who wrote the message.
func (m Message) author() string {
	for _, name := range []string{m.UserName, m.Names[m.User], m.User} {
		if name = oneLine(name); name != "" {
			return name
		}
	}
	return "an unknown person"
}
