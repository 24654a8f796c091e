package sandbox

import "slices"

func (s *Sandbox) authTest(c *call, g *grant) (map[string]any, error) {
	return map[string]any{
		"url": c.base + "/", "team": s.teamName(g.subject), "team_id": g.subject,
		"user": botName, "user_id": botUserID, "bot_id": botID, "is_enterprise_install": false,
	}, nil
}

func (s *Sandbox) conversationsInfo(c *call, g *grant) (map[string]any, error) {
	ch, err := s.visible(c, g)
	if err != nil {
		return nil, err
	}
	return map[string]any{"channel": s.wireChannel(ch)}, nil
}

// conversationsList answers all channels on one page: a workspace of the sandbox has few.
func (s *Sandbox) conversationsList(c *call, g *grant) (map[string]any, error) {
	listed := []map[string]any{}
	withArchived := !truth(c.params.Get("exclude_archived"))
	for _, ch := range s.workspace.channels {
		if g.subject == s.options.Team && (withArchived || !ch.Archived) {
			listed = append(listed, s.wireChannel(ch))
		}
	}
	return map[string]any{"channels": listed, "response_metadata": map[string]any{"next_cursor": ""}}, nil
}

func (s *Sandbox) conversationsMembers(c *call, g *grant) (map[string]any, error) {
	ch, err := s.visible(c, g)
	if err != nil {
		return nil, err
	}
	return map[string]any{"members": s.members(ch), "response_metadata": map[string]any{"next_cursor": ""}}, nil
}

func (s *Sandbox) members(ch *channel) []string {
	ids := make([]string, 0, len(s.workspace.users)+1)
	for _, u := range s.workspace.users {
		ids = append(ids, u.ID)
	}
	if !ch.BotAbsent {
		ids = append(ids, botUserID)
	}
	return ids
}

func (s *Sandbox) wireChannel(ch *channel) map[string]any {
	return map[string]any{
		"id": ch.ID, "name": ch.Name, "name_normalized": ch.Name, "is_channel": true, "is_group": false, "is_im": false,
		"is_private": false, "is_archived": ch.Archived, "is_general": false, "is_member": !ch.BotAbsent,
		"created": 1700000000, "creator": s.workspace.installer(), "context_team_id": s.options.Team,
		"num_members": len(s.members(ch)), "topic": map[string]any{"value": ""}, "purpose": map[string]any{"value": ""},
	}
}

func (s *Sandbox) usersInfo(c *call, g *grant) (map[string]any, error) {
	id := c.params.Get("user")
	if id == botUserID {
		return map[string]any{"user": s.wireUser(User{ID: id, Name: botName, Real: s.apps[Slack].Name}, true)}, nil
	}
	i := slices.IndexFunc(s.workspace.users, func(u User) bool { return u.ID == id })
	if i < 0 || g.subject != s.options.Team {
		return nil, slackError("user_not_found")
	}
	return map[string]any{"user": s.wireUser(s.workspace.users[i], false)}, nil
}

func (s *Sandbox) wireUser(u User, bot bool) map[string]any {
	return map[string]any{
		"id": u.ID, "team_id": s.options.Team, "name": u.Name, "real_name": u.Real, "deleted": false,
		"is_bot": bot, "is_app_user": false, "tz": "Europe/Berlin", "tz_offset": 3600, "updated": 1700000000,
		"profile": map[string]any{
			"real_name": u.Real, "display_name": u.Name, "real_name_normalized": u.Real, "team": s.options.Team,
		},
	}
}
