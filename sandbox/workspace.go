package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Who the app is in the workspace once installed.
const (
	botUserID  = "U0TRIAGEBOT"
	botID      = "B0TRIAGEBOT"
	botName    = "triage_agent"
	slackAppID = "A0TRIAGEAPP"
)

// workspace is what Slack knows.
type workspace struct {
	team     string
	channels []*channel
	users    []User
	refs     map[string]*message    // :: Message.Ref → message
	reads    map[string][]time.Time // :: method → when it was called in the last minute
}

type channel struct {
	Channel
	messages []*message // in order of ts, thread replies included
	removed  []*message // deleted, with nothing left of them
	latest   int64      // micros of the newest message that there ever was
	byTS     map[string]*message
}

// message is a Message with all that Slack adds to it.
type message struct {
	Message
	channel   *channel
	ts        string
	micros    int64 // ts in microseconds, for comparing
	ours      bool  // posted by the app
	broadcast bool  // a reply that also shows in the channel
	deleted   bool
	editedBy  string
	editedTS  string
	metadata  json.RawMessage
	reactions []reaction
	replies   []*message
}

type reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
	Count int      `json:"count"`
}

func newWorkspace(o Options) *workspace {
	w := &workspace{team: o.Team, users: slices.Clone(o.Users), refs: map[string]*message{}, reads: map[string][]time.Time{}}
	for _, c := range o.Channels {
		w.channels = append(w.channels, &channel{Channel: c, byTS: map[string]*message{}})
	}
	return w
}

// channel finds by id or by name, with or without #.
func (w *workspace) channel(id string) *channel {
	name := strings.TrimPrefix(id, "#")
	i := slices.IndexFunc(w.channels, func(c *channel) bool { return c.ID == id || c.Name == name })
	if i < 0 {
		return nil
	}
	return w.channels[i]
}

// person finds a user by id or name; somebody new joins.
func (w *workspace) person(who string) User {
	if who == "" {
		return w.users[0]
	}
	if i := slices.IndexFunc(w.users, func(u User) bool { return u.ID == who || u.Name == who }); i >= 0 {
		return w.users[i]
	}
	joined := User{ID: slackID("U0", who), Name: who, Real: who}
	w.users = append(w.users, joined)
	return joined
}

func (w *workspace) installer() string { return w.users[0].ID }

var notInID = regexp.MustCompile(`[^A-Z0-9]`)

// slackID makes an id that is the same for the same name; a name without a letter that ids have becomes a hash.
func slackID(prefix, name string) string {
	id := notInID.ReplaceAllString(strings.ToUpper(name), "")
	if id == "" {
		id = fmt.Sprintf("%X", sha256.Sum256([]byte(name)))[:10]
	}
	return prefix + strings.TrimPrefix(id, prefix)
}

// append gives m the next ts of its channel and puts it at the end, and into its thread.
func (c *channel) append(m *message, now time.Time) {
	m.channel = c
	m.micros = max(now.UnixMicro(), c.latest+1)
	c.latest = m.micros
	m.ts = formatTS(m.micros)
	c.messages = append(c.messages, m)
	c.byTS[m.ts] = m
	if root := c.byTS[m.ThreadTS]; root != nil {
		root.replies = append(root.replies, m)
	}
}

// root returns the ts under which a reply to ts hangs: a reply to a reply belongs to the same thread.
func (c *channel) root(ts string) (string, bool) {
	m, known := c.byTS[ts]
	if !known {
		return "", false
	}
	return cmp.Or(m.ThreadTS, m.ts), true
}

func (m *message) key(team string) string {
	return Posted{Team: team, Channel: m.channel.ID, TS: m.ts}.Key()
}

// inHistory reports whether conversations.history shows the message: replies stay in their thread unless broadcast, and Slack takes
// its time.
func (m *message) inHistory(now time.Time) bool {
	return (m.ThreadTS == "" || m.broadcast) && (m.Lag == 0 || m.micros+m.Lag.Microseconds() <= now.UnixMicro())
}

func formatTS(micros int64) string { return fmt.Sprintf("%d.%06d", micros/1e6, micros%1e6) }

var tsForm = regexp.MustCompile(`^(\d{1,12})(?:\.(\d{1,6}))?$`)

// parseTS reads a ts into microseconds.
func parseTS(ts string) (micros int64, ok bool) {
	parts := tsForm.FindStringSubmatch(ts)
	if parts == nil {
		return 0, false
	}
	// Cannot fail: at most 18 digits, all of them digits.
	micros, _ = strconv.ParseInt(parts[1]+(parts[2] + "000000")[:6], 10, 64)
	return micros, true
}

// Deliver puts m into a channel (an id or a name), or changes the message that m.EditOf names. A reply or an edit by Ref
// goes to where its message is.
func (s *Sandbox) Deliver(channelID string, m Message) (Posted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.EditOf != "" {
		return s.workspace.edit(m, s.now())
	}
	c := s.workspace.channel(channelID)
	if m.ReplyTo != "" {
		parent := s.workspace.refs[m.ReplyTo]
		if parent == nil {
			return Posted{}, fmt.Errorf("message %q: nothing was posted under this ref", m.ReplyTo)
		}
		c, m.ThreadTS = parent.channel, parent.ts
	}
	if c == nil {
		return Posted{}, fmt.Errorf("channel %q: no such channel", channelID)
	}
	posted, err := s.workspace.deliver(c, m, s.now())
	if err == nil && !c.BotAbsent {
		s.tellLocked(Slack, c.byTS[posted.TS].event())
	}
	return posted, err
}

func (w *workspace) deliver(c *channel, m Message, now time.Time) (Posted, error) {
	if m.ThreadTS != "" {
		root, known := c.root(m.ThreadTS)
		if !known {
			return Posted{}, fmt.Errorf("thread %s: no such message in channel %s", m.ThreadTS, c.ID)
		}
		m.ThreadTS = root
	}
	if m.Bot != "" {
		m.User = slackID("U0", m.Bot)
	} else {
		m.User = w.person(m.User).ID
	}
	posted := &message{Message: m, broadcast: m.Subtype == "thread_broadcast"}
	c.append(posted, now)
	if m.Ref != "" {
		w.refs[m.Ref] = posted
	}
	return Posted{Team: w.team, Channel: c.ID, TS: posted.ts}, nil
}

func (w *workspace) edit(m Message, now time.Time) (Posted, error) {
	target := w.refs[m.EditOf]
	if target == nil || target.deleted {
		return Posted{}, fmt.Errorf("message %q: nothing was posted under this ref", m.EditOf)
	}
	return target.rewrite(w.team, m.Text, now), nil
}

// ChangeChannel has the channel with c's id renamed, archived or brought back, and the app invited to it or removed.
func (s *Sandbox) ChangeChannel(c Channel) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.workspace.channel(c.ID)
	if ch == nil {
		return fmt.Errorf("channel %q: no such channel", c.ID)
	}
	ch.Channel = c
	return nil
}

// Edit replaces the text of a message as its author does: it keeps its ts and gains an edited mark.
func (s *Sandbox) Edit(channelID, ts, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.workspace.channel(channelID)
	if c == nil {
		return fmt.Errorf("channel %q: no such channel", channelID)
	}
	m := c.byTS[ts]
	if m == nil {
		return fmt.Errorf("message %s: no such message in channel %s", ts, c.ID)
	}
	m.rewrite(s.options.Team, text, s.now())
	if !c.BotAbsent {
		s.tellLocked(Slack, m.changed())
	}
	return nil
}

func (m *message) rewrite(team, text string, now time.Time) Posted {
	m.Text, m.editedBy = text, m.User
	m.editedTS = formatTS(max(now.UnixMicro(), m.micros+1))
	return Posted{Team: team, Channel: m.channel.ID, TS: m.ts, Edited: true}
}
