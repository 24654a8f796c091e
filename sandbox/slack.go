package sandbox

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// slackError is an error code of the Web API; it goes out inside HTTP 200.
type slackError string

func (e slackError) Error() string { return string(e) }

// slackMethod is one method of the Web API and the scope it asks for; "" asks for a token only.
type slackMethod struct {
	scope string
	run   func(*call, *grant) (map[string]any, error)
}

func (s *Sandbox) slackMethods() map[string]slackMethod {
	return map[string]slackMethod{
		"auth.test":             {"", s.authTest},
		"conversations.history": {"channels:history", s.conversationsHistory},
		"conversations.replies": {"channels:history", s.conversationsReplies},
		"conversations.info":    {"channels:read", s.conversationsInfo},
		"conversations.list":    {"channels:read", s.conversationsList},
		"conversations.members": {"channels:read", s.conversationsMembers},
		"users.info":            {"users:read", s.usersInfo},
		"chat.postMessage":      {"chat:write", s.chatPostMessage},
		"chat.update":           {"chat:write", s.chatUpdate},
		"chat.delete":           {"chat:write", s.chatDelete},
		"chat.getPermalink":     {"", s.chatGetPermalink},
		endpointReact:           {"reactions:write", s.reactionsAdd},
		"reactions.remove":      {"reactions:write", s.reactionsRemove},
		"reactions.get":         {"reactions:read", s.reactionsGet},
	}
}

// slackAPI routes /slack/api/{method}: the token endpoint and revocation have an authentication of their own.
func (s *Sandbox) slackAPI() http.HandlerFunc {
	methods := s.slackMethods()
	return func(w http.ResponseWriter, r *http.Request) {
		switch name := r.PathValue("method"); name {
		case "oauth.v2.access":
			s.serve(w, r, Slack, endpointToken, s.slackToken)
		case "auth.revoke":
			s.serve(w, r, Slack, name, s.slackRevoke)
		default:
			s.serve(w, r, Slack, name, func(c *call) answer { return s.slackCall(c, methods) })
		}
	}
}

func (s *Sandbox) slackCall(c *call, methods map[string]slackMethod) answer {
	method, known := methods[c.endpoint]
	if !known {
		return jsonAnswer(http.StatusOK, map[string]any{"ok": false, "error": "unknown_method", "req_method": c.endpoint})
	}
	t, state := s.apps[Slack].accessState(c.slackToken(), s.now())
	if state != tokenLive {
		s.ledger.authFailed(c, state)
		return slackFailure(slackTokenError(state))
	}
	if method.scope != "" && !slices.Contains(t.grant.scopes, method.scope) {
		return slackMissingScope(method.scope, t.grant.scopes)
	}
	if wait := s.readTooOften(c); wait > 0 {
		return slackFailure("ratelimited").as(http.StatusTooManyRequests).retryAfter(wait)
	}
	s.ledger.authAccepted(c)
	return slackAnswer(method.run(c, t.grant)).
		with("X-OAuth-Scopes", strings.Join(t.grant.scopes, ",")).
		with("X-Accepted-OAuth-Scopes", method.scope)
}

// slackToken is the token of a call: from the header or, as older clients send it, a parameter.
func (c *call) slackToken() string {
	if token := c.bearer(); token != "" {
		return token
	}
	return c.params.Get("token")
}

func slackTokenError(state tokenState) string {
	switch state {
	case tokenMissing:
		return "not_authed"
	case tokenExpired:
		return "token_expired"
	case tokenRevoked:
		return "token_revoked"
	default:
		return "invalid_auth"
	}
}

func slackAnswer(fields map[string]any, err error) answer {
	if code, isCode := errors.AsType[slackError](err); isCode {
		return slackFailure(string(code))
	}
	fields["ok"] = true
	return jsonAnswer(http.StatusOK, fields)
}

func slackFailure(code string) answer {
	return jsonAnswer(http.StatusOK, map[string]any{"ok": false, "error": code})
}

func slackMissingScope(needed string, provided []string) answer {
	return jsonAnswer(http.StatusOK, map[string]any{
		"ok": false, "error": "missing_scope", "needed": needed, "provided": strings.Join(provided, ","),
	})
}

// visible finds the channel a call names. A token of another workspace sees none of ours.
func (s *Sandbox) visible(c *call, g *grant) (*channel, error) {
	ch := s.workspace.channel(c.params.Get("channel"))
	if ch == nil || g.subject != s.options.Team {
		return nil, slackError("channel_not_found")
	}
	return ch, nil
}

// joined is visible for what only members may do.
func (s *Sandbox) joined(c *call, g *grant) (*channel, error) {
	ch, err := s.visible(c, g)
	if err != nil {
		return nil, err
	}
	if ch.BotAbsent {
		return nil, slackError("not_in_channel")
	}
	return ch, nil
}

func (s *Sandbox) teamName(team string) string {
	if team == s.options.Team {
		return s.options.TeamName
	}
	return "Elsewhere"
}

// truth reads the booleans of the Web API.
func truth(value string) bool { return value == "1" || value == "true" }

func itoa(n int) string { return strconv.Itoa(n) }
