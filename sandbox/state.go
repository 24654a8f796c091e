package sandbox

import "time"

// State is all that a person may see of the sandbox, for GET /control/state and the pages.
type State struct {
	Team     string        `json:"team"`
	TeamName string        `json:"team_name"`
	Apps     []AppView     `json:"apps"`
	Channels []ChannelView `json:"channels"`
	Issues   []IssueView   `json:"issues"`
	Tickets  []Ticket      `json:"tickets"`
	Faults   []FaultState  `json:"faults"`
}

// AppView is a registered app, without its secret.
type AppView struct {
	App      App    `json:"app"`
	ClientID string `json:"client_id"`
	Rotation string `json:"rotation"`
	Access   string `json:"access_lifetime"`
	Grants   int    `json:"grants"` // not revoked
}

// ChannelView is a channel with its messages, replies under their parents.
type ChannelView struct {
	Channel
	Messages []MessageView `json:"messages"`
}

// MessageView is a message as people see it.
type MessageView struct {
	TS        string        `json:"ts"`
	Key       string        `json:"key"`
	URL       string        `json:"url"`
	Time      time.Time     `json:"time"`
	Author    string        `json:"author"`
	ByApp     bool          `json:"by_app,omitempty"`
	Text      string        `json:"text"`
	Edited    bool          `json:"edited,omitempty"`
	Report    bool          `json:"report,omitempty"`
	Files     []string      `json:"files,omitempty"`
	Forwarded []string      `json:"forwarded,omitempty"` // texts
	Reactions []string      `json:"reactions,omitempty"`
	Replies   []MessageView `json:"replies,omitempty"`
}

// IssueView is an issue as people see it.
type IssueView struct {
	Repository string        `json:"repository"`
	Number     int           `json:"number"`
	URL        string        `json:"url"`
	Title      string        `json:"title"`
	Body       string        `json:"body"`
	Author     string        `json:"author"`
	Labels     []string      `json:"labels"`
	Assignees  []string      `json:"assignees,omitempty"`
	Milestone  string        `json:"milestone,omitempty"`
	Type       string        `json:"type,omitempty"`
	State      string        `json:"state"`
	Reason     string        `json:"state_reason,omitempty"`
	Pull       bool          `json:"pull_request,omitempty"`
	Created    time.Time     `json:"created"`
	Key        string        `json:"key,omitempty"` // of the message it was filed for
	Comments   []CommentView `json:"comments,omitempty"`
}

// CommentView is a comment as people see it.
type CommentView struct {
	Author  string    `json:"author"`
	Body    string    `json:"body"`
	Created time.Time `json:"created"`
}

// state copies everything out under the lock; base stands before the links.
func (s *Sandbox) state(base string) State {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := State{Team: s.options.Team, TeamName: s.options.TeamName, Faults: s.faultStates()}
	for _, name := range []App{Slack, GitHub, Zendesk} {
		v.Apps = append(v.Apps, s.apps[name].view())
	}
	for _, ch := range s.workspace.channels {
		v.Channels = append(v.Channels, ChannelView{Channel: ch.Channel, Messages: s.views(ch, base)})
	}
	for _, r := range s.hub.repositories {
		for _, i := range r.issues {
			v.Issues = append(v.Issues, i.view(base))
		}
	}
	v.Tickets = append([]Ticket{}, s.desk.tickets...)
	return v
}

func (a *app) view() AppView {
	v := AppView{App: a.name, ClientID: a.ClientID, Rotation: string(a.Rotation), Access: a.AccessLifetime.String()}
	if a.AccessLifetime == NeverExpires {
		v.Access = "never expires"
	}
	for _, g := range a.grants {
		if !g.revoked {
			v.Grants++
		}
	}
	return v
}

func (s *Sandbox) views(ch *channel, base string) []MessageView {
	views := []MessageView{}
	for _, m := range ch.messages {
		if m.ThreadTS == "" {
			views = append(views, s.view(m, base))
		}
	}
	return views
}

func (s *Sandbox) view(m *message, base string) MessageView {
	v := MessageView{
		TS: m.ts, Key: m.key(s.options.Team), URL: base + m.path(), Time: time.UnixMicro(m.micros).UTC(),
		Author: s.author(m), ByApp: m.ours && !m.deleted || m.Bot != "", Text: m.Text, Edited: m.editedTS != "", Report: m.Report,
	}
	for _, f := range m.Files {
		v.Files = append(v.Files, f.Name)
	}
	for _, f := range m.Forwards {
		v.Forwarded = append(v.Forwarded, f.Text)
	}
	for _, r := range m.reactions {
		v.Reactions = append(v.Reactions, r.Name)
	}
	for _, reply := range m.replies {
		v.Replies = append(v.Replies, s.view(reply, base))
	}
	return v
}

func (s *Sandbox) author(m *message) string {
	switch {
	case m.deleted:
		return "Slackbot"
	case m.ours:
		return s.apps[Slack].Name
	case m.Bot != "":
		return m.Bot
	default:
		return s.workspace.person(m.User).Real
	}
}

func (i *issue) view(base string) IssueView {
	v := IssueView{
		Repository: i.repository.fullName(), Number: i.number, URL: base + i.path(), Title: i.title, Body: i.body,
		Author: i.author, Labels: append([]string{}, i.labels...), State: i.state, Pull: i.pull, Created: i.created, Key: i.key(),
		Assignees: i.assignees, Milestone: i.milestone, Type: i.kind, Reason: i.reason,
	}
	for _, m := range i.comments {
		v.Comments = append(v.Comments, CommentView{Author: m.author, Body: m.body, Created: m.created})
	}
	return v
}
