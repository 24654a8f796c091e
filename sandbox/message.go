package sandbox

import "time"

// Message is something a person or another app says in a channel, before it has a ts.
type Message struct {
	// Ref is a name by which later messages can speak of this one with ReplyTo and EditOf.
	Ref string `json:"ref,omitempty"`
	// Kind is what [People] meant by it; the sandbox does not look at it.
	Kind Kind `json:"kind,omitempty"`
	// User is a user id, or a name; a new one joins the workspace.
	User string `json:"user,omitempty"`
	// Text is in Slack's mrkdwn, with & < > escaped as Slack stores them.
	Text string `json:"text"`
	// Bot is the name of another app that posts instead of a person.
	Bot     string `json:"bot,omitempty"`
	Subtype string `json:"subtype,omitempty"`
	Files   []File `json:"files,omitempty"`
	// Forwards are messages that it passes on; Text is then a comment on them, or "".
	Forwards []Forward `json:"forwards,omitempty"`
	// ThreadTS makes it a reply to the message with this ts; ReplyTo does the same by Ref.
	ThreadTS string `json:"thread_ts,omitempty"`
	ReplyTo  string `json:"reply_to,omitempty"`
	// EditOf replaces the text of an earlier message, which keeps its ts.
	EditOf string `json:"edit_of,omitempty"`
	// Lag is for how long after it was posted the history of the channel does not show it, whatever was posted since.
	Lag time.Duration `json:"lag,omitempty"` // nanoseconds
	// Report says that the person means a bug report: the truth against which the books count.
	Report bool `json:"report,omitempty"`
}

// File is something attached to a message.
type File struct {
	Name     string `json:"name"`
	Mimetype string `json:"mimetype,omitempty"`
	Size     int    `json:"size,omitempty"`
}

// Forward is a message of another channel that somebody passes on.
type Forward struct {
	User  string `json:"user,omitempty"` // who wrote it
	Text  string `json:"text"`
	Files []File `json:"files,omitempty"`
	// Linked says that the sender only typed a link to it, under which Slack shows it.
	Linked bool `json:"linked,omitempty"`
}

// Posted tells where a message ended up.
type Posted struct {
	Team    string `json:"team"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Edited  bool   `json:"edited,omitempty"`
}

// Key is the written name of the message, as it stands in the marker of its issue.
func (p Posted) Key() string { return p.Team + "/" + p.Channel + "/" + p.TS }
