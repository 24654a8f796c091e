package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const formType = "application/x-www-form-urlencoded; charset=utf-8"

// gitHubToken is /login/oauth/access_token: errors inside HTTP 200, and a form for an answer unless JSON is asked for.
func (s *Sandbox) gitHubToken(c *call) answer {
	a := s.apps[GitHub]
	if a.authenticate(c) != clientOK {
		return gitHubTokenFailure(c, "incorrect_client_credentials")
	}
	switch c.params.Get("grant_type") {
	case "", "authorization_code":
		return s.gitHubExchange(a, c)
	case "refresh_token":
		return s.gitHubRefresh(a, c)
	default:
		return gitHubTokenFailure(c, "unsupported_grant_type")
	}
}

func (s *Sandbox) gitHubExchange(a *app, c *call) answer {
	code, failure := a.redeem(c.params, s.now())
	switch failure {
	case exchangeBadCode, exchangeBadVerifier:
		return gitHubTokenFailure(c, "bad_verification_code")
	case exchangeBadRedirect:
		return gitHubTokenFailure(c, "redirect_uri_mismatch")
	case exchangeOK:
	}
	return gitHubTokens(c, s.exchanged(a, code))
}

func (s *Sandbox) gitHubRefresh(a *app, c *call) answer {
	p, ok := s.renewed(a, c.params.Get("refresh_token"))
	if !ok {
		return gitHubTokenFailure(c, "bad_refresh_token")
	}
	return gitHubTokens(c, p)
}

func gitHubTokens(c *call, p pair) answer {
	// A GitHub App's user token has no scopes; the field is always there and always empty.
	fields := map[string]any{"access_token": p.access.value, "scope": "", "token_type": "bearer"}
	if !p.access.expires.IsZero() {
		fields["expires_in"] = seconds(p.access)
	}
	if p.refresh != nil {
		fields["refresh_token"] = p.refresh.value
		if !p.refresh.expires.IsZero() {
			fields["refresh_token_expires_in"] = seconds(p.refresh)
		}
	}
	return formOrJSON(c, fields)
}

func gitHubTokenFailure(c *call, code string) answer {
	descriptions := map[string]string{
		"bad_refresh_token":            "The refresh token passed is incorrect or expired.",
		"bad_verification_code":        "The code passed is incorrect or expired.",
		"incorrect_client_credentials": "The client_id and/or client_secret passed are incorrect.",
		"redirect_uri_mismatch":        "The redirect_uri MUST match the registered callback URL for this application.",
		"unsupported_grant_type":       "The grant_type is not supported.",
	}
	return formOrJSON(c, map[string]any{
		"error": code, "error_description": descriptions[code],
		"error_uri": "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/",
	})
}

func formOrJSON(c *call, fields map[string]any) answer {
	if strings.Contains(c.request.Header.Get("Accept"), "json") {
		return jsonAnswer(http.StatusOK, fields)
	}
	form := url.Values{}
	for key, value := range fields {
		form.Set(key, fmt.Sprint(value))
	}
	return textAnswer(http.StatusOK, formType, form.Encode())
}

// gitHubRevokeToken is DELETE /applications/{client_id}/token: the one access token.
func (s *Sandbox) gitHubRevokeToken(c *call) answer {
	return s.gitHubRevoke(c, func(t *token) { t.revoked = true })
}

// gitHubRevokeGrant is DELETE /applications/{client_id}/grant: every token of the app for the user of this one.
func (s *Sandbox) gitHubRevokeGrant(c *call) answer {
	return s.gitHubRevoke(c, func(t *token) {
		for _, g := range t.grant.app.grants {
			if g.subject == t.grant.subject {
				g.revoke()
			}
		}
	})
}

func (s *Sandbox) gitHubRevoke(c *call, revoke func(*token)) answer {
	a := s.apps[GitHub]
	id, secret, basic := c.request.BasicAuth()
	if !basic || id != a.ClientID || !same(a.ClientSecret, secret) {
		return gitHubFailure(http.StatusUnauthorized, "Bad credentials")
	}
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if json.Unmarshal(c.body, &body) != nil || body.AccessToken == "" {
		return gitHubInvalid("OauthAccess", "access_token", "missing_field", "")
	}
	t, state := a.accessState(body.AccessToken, s.now())
	if state != tokenLive || c.request.PathValue("client_id") != a.ClientID {
		return gitHubFailure(http.StatusNotFound, "Not Found")
	}
	revoke(t)
	return answer{status: http.StatusNoContent, header: http.Header{}}
}
