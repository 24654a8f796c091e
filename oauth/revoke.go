package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// Revoke has the provider revoke the tokens. It may be repeated, so no failure is ambiguous: a token that the provider
// does not know counts as revoked. At a provider without revocation it does nothing.
func (c *Client) Revoke(ctx context.Context, t credential.Tokens) error {
	var failure *Error
	switch c.provider.Revocation.Style {
	case provider.RevokeRFC7009:
		failure = c.revokeEach(ctx, t, c.revokeRFC7009)
	case provider.RevokeSlack:
		failure = c.revokeEach(ctx, t, c.revokeSlack)
	case provider.RevokeGitHub:
		failure = c.revokeGitHub(ctx, t.Access)
	case provider.RevokeGitHubInstallation:
		failure = c.revokeInstallation(ctx, t.Access)
	case provider.RevokeNone, "":
	}
	if failure != nil {
		return failure.repeatable()
	}
	return nil
}

// repeatable adapts a failure to a request that may be repeated: its outcome does not matter.
func (e *Error) repeatable() *Error {
	if e.Kind == credential.Ambiguous {
		e.Kind = credential.Transient
	}
	return e
}

// revokeEach begins with the refresh token: if only the first call succeeds, what is left cannot be refreshed.
func (c *Client) revokeEach(ctx context.Context, t credential.Tokens, revoke func(context.Context, credential.Secret, string) *Error) *Error {
	if !t.Refresh.IsZero() {
		if failure := revoke(ctx, t.Refresh, "refresh_token"); failure != nil {
			return failure
		}
	}
	if t.Access.IsZero() {
		return nil
	}
	return revoke(ctx, t.Access, "access_token")
}

// revokeRFC7009 follows §2.1 and §2.2: an unknown token is answered with 200 too. Google answers 400 invalid_token for
// it. A server that cannot revoke access tokens answers unsupported_token_type (§2.2.1); they soon expire by themselves.
func (c *Client) revokeRFC7009(ctx context.Context, token credential.Secret, hint string) *Error {
	style := c.provider.Revocation.ClientAuthentication
	if style == "" {
		style = c.provider.ClientAuthentication
	}
	form := url.Values{"token": {token.Reveal()}, "token_type_hint": {hint}}
	request, failure := c.post(ctx, opRevoke, c.revocationURL(), form, style)
	if failure != nil {
		return failure
	}
	r, failure := c.send(ctx, opRevoke, request)
	if failure != nil {
		return failure
	}
	code := parseAnswer(r.header, r.body).code(c.provider.Errors.Fields())
	switch {
	case r.succeeded() && code == "":
		return nil
	case code == "invalid_token", code == "unsupported_token_type" && hint == "access_token":
		return nil
	}
	return c.unlessDead(c.failure(opRevoke, r, code, token))
}

// revokeSlack calls auth.revoke with the token itself.
func (c *Client) revokeSlack(ctx context.Context, token credential.Secret, _ string) *Error {
	request, failure := c.call(ctx, opRevoke, http.MethodPost, c.revocationURL(), token)
	if failure != nil {
		return failure
	}
	r, failure := c.send(ctx, opRevoke, request)
	if failure != nil {
		return failure
	}
	a := parseAnswer(r.header, r.body)
	if ok, _ := a["ok"].(bool); ok && r.succeeded() {
		return nil
	}
	code := a.code(c.provider.Errors.Fields())
	if c.provider.API.DeadToken.Matches(r.status, code) {
		return nil
	}
	return c.unlessDead(c.failure(opRevoke, r, code, token))
}

// revokeGitHub ends the grant that the access token belongs to. 404 and 422 say that there is no such token.
func (c *Client) revokeGitHub(ctx context.Context, token credential.Secret) *Error {
	if token.IsZero() {
		return nil
	}
	request, failure := c.deletion(ctx, token)
	if failure != nil {
		return failure
	}
	r, failure := c.send(ctx, opRevoke, request)
	if failure != nil {
		return failure
	}
	switch {
	case r.succeeded(), r.status == http.StatusNotFound, r.status == http.StatusUnprocessableEntity:
		return nil
	}
	failure = c.failure(opRevoke, r, "", token)
	if r.status == http.StatusUnauthorized { // HTTP Basic with the app's id and secret was refused
		failure.Kind = credential.DeadClient
	}
	return failure
}

// revokeInstallation ends the one token that carries the call. 401 says that it is dead already.
func (c *Client) revokeInstallation(ctx context.Context, token credential.Secret) *Error {
	if token.IsZero() {
		return nil
	}
	request, failure := c.call(ctx, opRevoke, http.MethodDelete, c.revocationURL(), token)
	if failure != nil {
		return failure
	}
	r, failure := c.send(ctx, opRevoke, request)
	if failure != nil {
		return failure
	}
	if r.succeeded() || r.status == http.StatusUnauthorized {
		return nil
	}
	failure = c.failure(opRevoke, r, "", token)
	failure.Kind = c.statusKind(r, failure)
	return failure
}

func (c *Client) deletion(ctx context.Context, token credential.Secret) (*http.Request, *Error) {
	secret := c.registration.ClientSecret
	if secret.IsZero() {
		return nil, c.misuse(opRevoke, "the connector has no client secret; set it, the provider wants it for a revocation")
	}
	body, err := json.Marshal(map[string]string{"access_token": token.Reveal()})
	if err != nil {
		return nil, c.misuse(opRevoke, "the token cannot be encoded")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, c.revocationURL(), bytes.NewReader(body))
	if err != nil {
		return nil, c.misuse(opRevoke, "the endpoint is no URL; check the endpoints of the connector")
	}
	request.Header.Set("Content-Type", "application/json")
	request.SetBasicAuth(c.registration.ClientID, secret.Reveal())
	return request, nil
}

// unlessDead returns nil for a failure that says the grant is gone already.
func (c *Client) unlessDead(failure *Error) *Error {
	if failure.Kind == credential.DeadGrant {
		return nil
	}
	return failure
}

func (c *Client) revocationURL() string {
	return strings.ReplaceAll(c.provider.Endpoints.Revoke, "{client_id}", url.PathEscape(c.registration.ClientID))
}
