package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

func (s *Sandbox) reactionsAdd(c *call, g *grant) (map[string]any, error) {
	m, err := s.reactable(c, g)
	if err != nil {
		return nil, err
	}
	name, err := emoji(c)
	if err != nil {
		return nil, err
	}
	if !m.react(botUserID, name) {
		return nil, slackError("already_reacted")
	}
	return map[string]any{}, nil
}

func (s *Sandbox) reactionsRemove(c *call, g *grant) (map[string]any, error) {
	m, err := s.reactable(c, g)
	if err != nil {
		return nil, err
	}
	name, err := emoji(c)
	if err != nil {
		return nil, err
	}
	i := m.reaction(name)
	if i < 0 || !slices.Contains(m.reactions[i].Users, botUserID) {
		return nil, slackError("no_reaction")
	}
	r := &m.reactions[i]
	r.Users = slices.DeleteFunc(r.Users, func(user string) bool { return user == botUserID })
	r.Count = len(r.Users)
	if r.Count == 0 {
		m.reactions = slices.Delete(m.reactions, i, i+1)
	}
	return map[string]any{}, nil
}

func (s *Sandbox) reactionsGet(c *call, g *grant) (map[string]any, error) {
	m, err := s.reactedTo(c, g)
	if err != nil {
		return nil, err
	}
	return map[string]any{"type": "message", "channel": m.channel.ID, "message": s.wire(c, m, false)}, nil
}

// reactable is reactedTo for who changes reactions.
func (s *Sandbox) reactable(c *call, g *grant) (*message, error) {
	m, err := s.reactedTo(c, g)
	if err == nil && m.channel.Archived {
		return nil, slackError("is_archived")
	}
	return m, err
}

func (s *Sandbox) reactedTo(c *call, g *grant) (*message, error) {
	ts := c.params.Get("timestamp")
	if ts == "" {
		return nil, slackError("no_item_specified")
	}
	ch, err := s.joined(c, g)
	if err != nil {
		return nil, err
	}
	m := ch.byTS[ts]
	if m == nil {
		return nil, slackError("message_not_found")
	}
	return m, nil
}

func (m *message) reaction(name string) int {
	return slices.IndexFunc(m.reactions, func(r reaction) bool { return r.Name == name })
}

func emoji(c *call) (string, error) {
	name := strings.Trim(c.params.Get("name"), ":")
	if name == "" {
		return "", slackError("invalid_name")
	}
	return name, nil
}

// React puts the reaction of a person on a message, as they do with a click.
func (s *Sandbox) React(channelID, ts, user, name string) error {
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
	name = strings.Trim(name, ":")
	if name == "" {
		return errors.New("emoji: want a name such as white_check_mark")
	}
	m.react(s.workspace.person(user).ID, name)
	return nil
}

// react reports whether the reaction is a new one.
func (m *message) react(user, name string) bool {
	i := m.reaction(name)
	if i < 0 {
		m.reactions = append(m.reactions, reaction{Name: name})
		i = len(m.reactions) - 1
	}
	r := &m.reactions[i]
	if slices.Contains(r.Users, user) {
		return false
	}
	r.Users = append(r.Users, user)
	r.Count = len(r.Users)
	return true
}
