package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

// wireMessage is a message as the Web API shows it.
type wireMessage struct {
	Type            string          `json:"type"`
	Subtype         string          `json:"subtype,omitempty"`
	Hidden          bool            `json:"hidden,omitempty"`
	User            string          `json:"user,omitempty"`
	Text            string          `json:"text"`
	TS              string          `json:"ts"`
	ClientMsgID     string          `json:"client_msg_id,omitempty"`
	Team            string          `json:"team,omitempty"`
	BotID           string          `json:"bot_id,omitempty"`
	AppID           string          `json:"app_id,omitempty"`
	BotProfile      *wireBot        `json:"bot_profile,omitempty"`
	ThreadTS        string          `json:"thread_ts,omitempty"`
	ParentUserID    string          `json:"parent_user_id,omitempty"`
	ReplyCount      int             `json:"reply_count,omitempty"`
	ReplyUsersCount int             `json:"reply_users_count,omitempty"`
	ReplyUsers      []string        `json:"reply_users,omitempty"`
	LatestReply     string          `json:"latest_reply,omitempty"`
	Edited          *wireEdit       `json:"edited,omitempty"`
	Files           []wireFile      `json:"files,omitempty"`
	Upload          bool            `json:"upload,omitempty"`
	Attachments     []wireForward   `json:"attachments,omitempty"`
	Reactions       []reaction      `json:"reactions,omitempty"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
}

type wireBot struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	AppID   string `json:"app_id"`
	UserID  string `json:"user_id"`
	TeamID  string `json:"team_id"`
	Deleted bool   `json:"deleted"`
	Updated int64  `json:"updated"`
}

type wireEdit struct {
	User string `json:"user"`
	TS   string `json:"ts"`
}

type wireFile struct {
	ID                 string `json:"id"`
	Created            int64  `json:"created"`
	Timestamp          int64  `json:"timestamp"`
	Name               string `json:"name"`
	Title              string `json:"title"`
	Mimetype           string `json:"mimetype"`
	Filetype           string `json:"filetype"`
	PrettyType         string `json:"pretty_type"`
	User               string `json:"user"`
	Mode               string `json:"mode"`
	Size               int    `json:"size"`
	IsExternal         bool   `json:"is_external"`
	URLPrivate         string `json:"url_private"`
	URLPrivateDownload string `json:"url_private_download"`
	Permalink          string `json:"permalink"`
}

// wireForward is the attachment that holds a forwarded message (github.com/slackapi/java-slack-sdk/issues/1179).
type wireForward struct {
	ID          int        `json:"id"`
	TS          string     `json:"ts"`
	ChannelID   string     `json:"channel_id"`
	AuthorID    string     `json:"author_id"`
	AuthorName  string     `json:"author_name"`
	FromURL     string     `json:"from_url"`
	IsMsgUnfurl bool       `json:"is_msg_unfurl"`
	IsShare     bool       `json:"is_share,omitempty"`
	Text        string     `json:"text"`
	Fallback    string     `json:"fallback"`
	MrkdwnIn    []string   `json:"mrkdwn_in"`
	Files       []wireFile `json:"files,omitempty"`
}

func (s *Sandbox) wireAll(c *call, messages []*message, withMetadata bool) []wireMessage {
	all := make([]wireMessage, 0, len(messages))
	for _, m := range messages {
		all = append(all, s.wire(c, m, withMetadata))
	}
	return all
}

func (s *Sandbox) wire(c *call, m *message, withMetadata bool) wireMessage {
	w := wireMessage{
		Type: "message", Subtype: m.Subtype, User: m.User, Text: m.Text, TS: m.ts, Team: s.options.Team,
		Hidden: m.deleted, Reactions: m.reactions,
	}
	s.wireAuthor(&w, m)
	wireThread(&w, m)
	if m.editedTS != "" {
		w.Edited = &wireEdit{User: m.editedBy, TS: m.editedTS}
	}
	if len(m.Files) > 0 {
		w.Files, w.Upload = s.wireFiles(c, m, m.Files), true
	}
	w.Attachments = s.wireForwards(c, m)
	if withMetadata {
		w.Metadata = m.metadata
	}
	return w
}

// wireAuthor tells people from apps as Slack does today: what people type has a client_msg_id, what apps post has a
// bot_id and a profile, and neither has a subtype for it.
func (s *Sandbox) wireAuthor(w *wireMessage, m *message) {
	switch {
	case m.deleted:
	case m.ours:
		w.BotID, w.AppID = botID, slackAppID
		w.BotProfile = &wireBot{ID: botID, Name: s.apps[Slack].Name, AppID: slackAppID, UserID: botUserID}
	case m.Bot != "":
		w.BotID, w.AppID = slackID("B0", m.Bot), slackID("A0", m.Bot)
		w.BotProfile = &wireBot{ID: w.BotID, Name: m.Bot, AppID: w.AppID, UserID: m.User}
	case m.Subtype == "":
		w.ClientMsgID = clientMsgID(m.key(s.options.Team))
	}
	if w.BotProfile != nil {
		w.BotProfile.TeamID, w.BotProfile.Updated = s.options.Team, 1700000000
	}
}

// clientMsgID is a UUID that is always the same for the same message.
func clientMsgID(key string) string {
	sum := sha256.Sum256([]byte(key))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80 // version 4, RFC 9562 §5.4
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func wireThread(w *wireMessage, m *message) {
	if m.ThreadTS != "" {
		w.ThreadTS = m.ThreadTS
		if root := m.channel.byTS[m.ThreadTS]; root != nil {
			w.ParentUserID = root.User
		}
		return
	}
	if len(m.replies) == 0 {
		return
	}
	w.ThreadTS, w.ReplyCount = m.ts, len(m.replies)
	w.LatestReply = m.replies[len(m.replies)-1].ts
	seen := map[string]bool{}
	for _, reply := range m.replies {
		if !seen[reply.User] {
			seen[reply.User] = true
			w.ReplyUsers = append(w.ReplyUsers, reply.User)
		}
	}
	w.ReplyUsersCount = len(w.ReplyUsers)
}

// wireForwards shows what a message passes on, as Slack does for people who may read it where it was posted.
func (s *Sandbox) wireForwards(c *call, m *message) []wireForward {
	var forwards []wireForward
	for i, f := range m.Forwards {
		author := s.workspace.person(f.User)
		forwards = append(forwards, wireForward{
			ID: i + 1, TS: formatTS(m.micros - 60_000_000), ChannelID: "C0ELSEWHERE", AuthorID: author.ID, AuthorName: author.Name,
			FromURL: c.base + "/archives/C0ELSEWHERE", IsMsgUnfurl: true, IsShare: !f.Linked, Text: f.Text,
			Fallback: "[a minute ago] " + author.Name + ": " + f.Text, MrkdwnIn: []string{"text"}, Files: s.wireFiles(c, m, f.Files),
		})
	}
	return forwards
}

func (s *Sandbox) wireFiles(c *call, m *message, attached []File) []wireFile {
	files := make([]wireFile, 0, len(attached))
	for i, f := range attached {
		id := fmt.Sprintf("F%s%02d", strings.ReplaceAll(m.ts, ".", ""), i)
		link := c.base + "/files/" + id + "/" + f.Name
		filetype := strings.TrimPrefix(path.Ext(f.Name), ".")
		files = append(files, wireFile{
			ID: id, Created: m.micros / 1e6, Timestamp: m.micros / 1e6, Name: f.Name, Title: f.Name,
			Mimetype: f.Mimetype, Filetype: filetype, PrettyType: strings.ToUpper(filetype), User: m.User,
			Mode: "hosted", Size: f.Size, URLPrivate: link, URLPrivateDownload: link, Permalink: link,
		})
	}
	return files
}
