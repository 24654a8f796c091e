package sandbox

import (
	"net/http"
	"strings"
)

// slackToken is oauth.v2.access: both grants, errors inside HTTP 200.
func (s *Sandbox) slackToken(c *call) answer {
	a := s.apps[Slack]
	switch a.authenticate(c) {
	case clientUnknown:
		return slackFailure("invalid_client_id")
	case clientSecretWrong:
		return slackFailure("bad_client_secret")
	case clientOK:
	}
	switch c.params.Get("grant_type") {
	case "", "authorization_code":
		return s.slackExchange(a, c)
	case "refresh_token":
		return s.slackRefresh(a, c)
	default:
		return slackFailure("invalid_grant_type")
	}
}

func (s *Sandbox) slackExchange(a *app, c *call) answer {
	code, failure := a.redeem(c.params, s.now())
	switch failure {
	case exchangeBadCode:
		return slackFailure("invalid_code")
	case exchangeBadRedirect:
		return slackFailure("bad_redirect_uri")
	case exchangeBadVerifier:
		return slackFailure("invalid_code_verifier")
	case exchangeOK:
	}
	return jsonAnswer(http.StatusOK, s.slackTokens(s.exchanged(a, code)))
}

func (s *Sandbox) slackRefresh(a *app, c *call) answer {
	p, ok := s.renewed(a, c.params.Get("refresh_token"))
	if !ok {
		return slackFailure("invalid_refresh_token")
	}
	return jsonAnswer(http.StatusOK, s.slackTokens(p))
}

func (s *Sandbox) slackTokens(p pair) map[string]any {
	g := p.access.grant
	fields := map[string]any{
		"ok": true, "access_token": p.access.value, "token_type": "bot", "scope": strings.Join(g.scopes, ","),
		"bot_user_id": botUserID, "app_id": slackAppID, "is_enterprise_install": false, "enterprise": nil,
		"team":        map[string]any{"id": g.subject, "name": s.teamName(g.subject)},
		"authed_user": map[string]any{"id": s.workspace.installer()},
	}
	if !p.access.expires.IsZero() {
		fields["expires_in"] = seconds(p.access)
	}
	if p.refresh != nil {
		fields["refresh_token"] = p.refresh.value
	}
	return fields
}

// slackRevoke is auth.revoke. With rotation it ends the one token it was given, access or refresh; without, the grant.
func (s *Sandbox) slackRevoke(c *call) answer {
	t := s.apps[Slack].tokens[c.slackToken()]
	switch {
	case c.slackToken() == "":
		return slackFailure("not_authed")
	case t == nil:
		return slackFailure("invalid_auth")
	case t.state(s.now()) == tokenRevoked:
		return slackFailure("token_revoked")
	case t.state(s.now()) == tokenExpired:
		return slackFailure("token_expired")
	}
	dryRun := truth(c.params.Get("test"))
	if !dryRun {
		t.revoked = true
		t.grant.revoked = t.grant.revoked || s.apps[Slack].Rotation == RotationNone
	}
	return jsonAnswer(http.StatusOK, map[string]any{"ok": true, "revoked": !dryRun})
}
