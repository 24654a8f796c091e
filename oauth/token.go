package oauth

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// Exchange turns the code of a callback into tokens (RFC 6749 §4.1.3). A code is good once, so no failure of an exchange
// is worth a second try: the person begins again.
func (c *Client) Exchange(ctx context.Context, code string, verifier credential.Secret) (credential.Tokens, error) {
	form, g := c.exchange(code, verifier)
	return tokensOr(c.present(ctx, form, c.provider.ClientAuthentication, g))
}

// exchange returns what a code is presented with.
func (c *Client) exchange(code string, verifier credential.Secret) (url.Values, grant) {
	form := parameters(c.provider.Token.ExchangeParameters)
	form.Set("grant_type", "authorization_code")
	form.Set("code", code)
	if c.registration.RedirectURL != "" {
		form.Set("redirect_uri", c.registration.RedirectURL)
	}
	if c.provider.Authorization.PKCE && !verifier.IsZero() {
		form.Set("code_verifier", verifier.Reveal())
	}
	return form, grant{op: opExchange, secrets: []credential.Secret{credential.NewSecret(code), verifier}}
}

// Refresh presents a refresh token, once (RFC 6749 §6). An answer without a new one brings back the one presented; then
// RefreshExpiresAt may be zero although the caller knows better.
func (c *Client) Refresh(ctx context.Context, refresh credential.Secret) (credential.Tokens, error) {
	if refresh.IsZero() {
		return credential.Tokens{}, c.misuse(opRefresh, "there is no refresh token to present; reauthorize the account")
	}
	form := parameters(c.provider.Token.RefreshParameters)
	form.Set("grant_type", "refresh_token")
	form.Set("refresh_token", refresh.Reveal())
	return tokensOr(c.present(ctx, form, c.provider.ClientAuthentication,
		grant{op: opRefresh, refresh: refresh, secrets: []credential.Secret{refresh}}))
}

// grant is what a call presents to the token endpoint.
type grant struct {
	op      string
	refresh credential.Secret   // zero where none is presented
	secrets []credential.Secret // all that must not come back in an error
}

func parameters(from map[string]string) url.Values {
	form := make(url.Values, len(from)+6)
	for name, value := range from {
		form.Set(name, value)
	}
	return form
}

// tokensOr keeps a nil *Error from becoming an error that is not nil.
func tokensOr(tokens credential.Tokens, failure *Error) (credential.Tokens, error) {
	if failure != nil {
		return credential.Tokens{}, failure
	}
	return tokens, nil
}

// present posts the form to the token endpoint.
func (c *Client) present(ctx context.Context, form url.Values, style provider.ClientAuthentication, g grant) (credential.Tokens, *Error) {
	r, failure := c.submit(ctx, form, style, g)
	if failure != nil {
		return credential.Tokens{}, failure
	}
	return c.read(r, g)
}

// submit posts the form to the token endpoint and returns the answer as it is.
func (c *Client) submit(ctx context.Context, form url.Values, style provider.ClientAuthentication, g grant) (reply, *Error) {
	request, failure := c.post(ctx, g.op, c.provider.Endpoints.Token, form, style)
	if failure != nil {
		return reply{}, failure
	}
	return c.send(ctx, g.op, request)
}

// post builds a form request with explicit client authentication (RFC 6749 §2.3.1).
func (c *Client) post(ctx context.Context, op, endpoint string, form url.Values, style provider.ClientAuthentication) (*http.Request, *Error) {
	secret := c.registration.ClientSecret
	if style != provider.ClientPublic && style != assertionOnly && secret.IsZero() {
		return nil, c.misuse(op, "the connector has no client secret; set it, the provider wants "+string(style))
	}
	if style != provider.ClientSecretBasic && style != assertionOnly {
		form.Set("client_id", c.registration.ClientID)
	}
	if style == provider.ClientSecretPost {
		form.Set("client_secret", secret.Reveal())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, c.misuse(op, "the endpoint is no URL; check the endpoints of the connector")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if style == provider.ClientSecretBasic {
		request.SetBasicAuth(url.QueryEscape(c.registration.ClientID), url.QueryEscape(secret.Reveal()))
	}
	return request, nil
}

// read returns the tokens in an answer of the token endpoint, or the failure that it is.
func (c *Client) read(r reply, g grant) (credential.Tokens, *Error) {
	a := parseAnswer(r.header, r.body)
	holder := c.holder(a)
	access := holder.token("access_token")
	refused := a.token("error") != "" || (c.provider.Errors.Style == provider.ErrorOKFalse && a.isFalse("ok"))
	if !r.succeeded() || refused || access == "" {
		return credential.Tokens{}, c.failure(g.op, r, a.code(c.provider.Errors.Fields()), g.secrets...)
	}
	refresh := holder.token("refresh_token")
	if !vschar(access) || !vschar(refresh) {
		failure := c.failure(g.op, r, "")
		failure.reason = "the answer's tokens hold characters that RFC 6749 forbids; they were not stored"
		return credential.Tokens{}, failure
	}
	return c.assemble(holder, g.refresh), nil
}

// holder returns the part of the answer that has the tokens.
func (c *Client) holder(a answer) answer {
	if under := c.provider.Token.AnswerUnder; under != "" && a.token("access_token") == "" {
		return a.object(under)
	}
	return a
}

// assemble builds the tokens. §6: where no refresh token is issued, the presented one stays.
func (c *Client) assemble(holder answer, presented credential.Secret) credential.Tokens {
	facts, now := c.provider.Token, c.now()
	tokens := credential.Tokens{
		Access:   credential.NewSecret(holder.token("access_token")),
		Refresh:  credential.NewSecret(holder.token("refresh_token")),
		Type:     tokenType(holder.token("token_type")),
		Scopes:   c.scopes(holder),
		IssuedAt: now,
	}
	fresh := tokens.Refreshable()
	if !fresh {
		tokens.Refresh = presented
	}
	lifetime := holder.seconds("expires_in")
	if lifetime == 0 && tokens.Refreshable() {
		lifetime = facts.Lifetime
	}
	tokens.ExpiresAt = after(now, lifetime)
	if tokens.Refreshable() {
		tokens.RefreshExpiresAt = after(now, refreshLifetime(facts, holder.seconds("refresh_token_expires_in"), fresh))
	}
	return tokens
}

// refreshLifetime returns how long the refresh token lives from now, used or not: what the answer says, or else the
// provider's limit, which says nothing about a token issued earlier. How long it lives without being used is in no
// answer: see [provider.Token.RefreshIdleLifetime].
func refreshLifetime(facts provider.Token, answered time.Duration, fresh bool) time.Duration {
	if answered == 0 && fresh {
		return facts.RefreshLifetime
	}
	return answered
}

func after(now time.Time, lifetime time.Duration) time.Time {
	if lifetime <= 0 {
		return time.Time{}
	}
	return now.Add(lifetime)
}

// tokenType returns the authentication scheme for the Authorization header. Slack says "bot" and "user", GitHub "bearer".
func tokenType(answered string) string {
	switch strings.ToLower(answered) {
	case "dpop":
		return "DPoP" // RFC 9449 §7.1
	case "mac":
		return "MAC"
	}
	return "Bearer"
}

// scopes reads the scope as text, or as a list as some servers send it.
func (c *Client) scopes(holder answer) []string {
	list, isList := holder["scope"].([]any)
	if !isList {
		return c.provider.SplitScopes(holder.token("scope"))
	}
	var scopes []string
	for _, item := range list {
		if scope, ok := item.(string); ok && scope != "" {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}
