package oauth

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// grantTypeJWTBearer is the grant_type of RFC 7523 §2.1.
const grantTypeJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer" //nolint:gosec // a name, and no credential

// assertionOnly stands for no client authentication: the assertion already says who the client is (RFC 7523 §2.1 makes
// authentication optional).
const assertionOnly provider.ClientAuthentication = "assertion"

// Mint gets tokens by the grant of the registration, without a refresh token and without a person. It may be repeated, so
// no failure is ambiguous; and what would be a dead grant elsewhere is a dead client, because only the operator can fix
// it.
func (c *Client) Mint(ctx context.Context) (credential.Tokens, error) {
	switch c.registration.Grant {
	case provider.GrantClientCredentials:
		return c.ClientCredentials(ctx)
	case provider.GrantJWTBearer:
		return c.JWTBearer(ctx)
	case provider.GrantGitHubInstallation:
		return c.MintInstallation(ctx)
	case provider.GrantAuthorizationCode:
	}
	return credential.Tokens{}, c.misuse(opMint, "the grant of the connector needs a person's consent; connect the account")
}

// ClientCredentials asks for tokens for the app itself (RFC 6749 §4.4).
func (c *Client) ClientCredentials(ctx context.Context) (credential.Tokens, error) {
	form := parameters(c.provider.Token.MintParameters)
	form.Set("grant_type", "client_credentials")
	if len(c.registration.Scopes) > 0 {
		form.Set("scope", c.provider.Authorization.JoinScopes(c.registration.Scopes))
	}
	return c.mint(ctx, form, c.provider.ClientAuthentication)
}

// JWTBearer presents a signed assertion that names the registration's subject (RFC 7523 §2.1). Without a subject the
// issuer acts for itself.
func (c *Client) JWTBearer(ctx context.Context) (credential.Tokens, error) {
	form := parameters(c.provider.Token.MintParameters)
	form.Set("grant_type", grantTypeJWTBearer)
	claims := jwt.MapClaims{"aud": c.audience(), "sub": c.subject()}
	if scopes := c.provider.Authorization.JoinScopes(c.registration.Scopes); scopes != "" {
		if c.provider.Assertion.ScopeClaim {
			claims["scope"] = scopes
		} else {
			form.Set("scope", scopes)
		}
	}
	assertion, failure := c.assertion(opMint, claims)
	if failure != nil {
		return credential.Tokens{}, failure
	}
	form.Set("assertion", assertion.Reveal())
	style := c.provider.ClientAuthentication
	if style == provider.ClientPublic {
		style = assertionOnly
	}
	return c.mint(ctx, form, style, assertion)
}

// mint posts the form to the token endpoint. A refresh token in the answer is dropped: there should be none (RFC 6749
// §4.4.3), and nobody would use it.
func (c *Client) mint(ctx context.Context, form url.Values, style provider.ClientAuthentication, sent ...credential.Secret) (credential.Tokens, error) {
	tokens, failure := c.present(ctx, form, style, grant{op: opMint, secrets: sent})
	if failure != nil {
		return credential.Tokens{}, failure.ofMint()
	}
	tokens.Refresh, tokens.RefreshExpiresAt = credential.Secret{}, time.Time{}
	if tokens.ExpiresAt.IsZero() {
		tokens.ExpiresAt = after(tokens.IssuedAt, c.provider.Token.Lifetime)
	}
	return tokens, nil
}

// ofMint adapts a failure to a request that may be repeated and that nobody's consent can fix.
func (e *Error) ofMint() *Error {
	if e.Kind == credential.DeadGrant {
		e.Kind = credential.DeadClient
	}
	if e.Kind == credential.DeadClient && e.reason == "" {
		e.reason = "the provider refuses the app; check client id, secret or private key of the connector, and this machine's clock"
	}
	return e.repeatable()
}

// MintInstallation asks GitHub for a token of the registration's installation. Its scopes are the permissions that the
// installation granted, written "issues:write".
func (c *Client) MintInstallation(ctx context.Context) (credential.Tokens, error) {
	if c.registration.InstallationID == "" {
		return credential.Tokens{}, c.misuse(opMint, "the connector has no installation_id; set it")
	}
	assertion, failure := c.assertion(opMint, nil)
	if failure != nil {
		return credential.Tokens{}, failure
	}
	endpoint := strings.ReplaceAll(c.provider.Endpoints.Token, "{installation_id}", url.PathEscape(c.registration.InstallationID))
	request, failure := c.call(ctx, opMint, http.MethodPost, endpoint, assertion)
	if failure != nil {
		return credential.Tokens{}, failure
	}
	r, failure := c.send(ctx, opMint, request)
	if failure != nil {
		return credential.Tokens{}, failure.ofMint()
	}
	tokens, failure := c.installationTokens(r)
	if failure != nil {
		return credential.Tokens{}, failure.ofMint()
	}
	return tokens, nil
}

func (c *Client) installationTokens(r reply) (credential.Tokens, *Error) {
	a := parseAnswer(r.header, r.body)
	token := a.token("token")
	if !r.succeeded() {
		return credential.Tokens{}, c.notMinted(r)
	}
	if token == "" || !vschar(token) {
		failure := c.failure(opMint, r, "")
		failure.Kind = credential.Malformed
		return credential.Tokens{}, failure
	}
	now := c.now()
	return credential.Tokens{
		Access: credential.NewSecret(token), Type: "Bearer", Scopes: permissions(a.object("permissions")),
		IssuedAt: now, ExpiresAt: after(now, cmp.Or(timeLeft(r, a.token("expires_at"), now), c.provider.Token.Lifetime)),
	}, nil
}

// notMinted classifies a refusal by GitHub, which has no codes.
func (c *Client) notMinted(r reply) *Error {
	failure := c.failure(opMint, r, "")
	switch failure.Kind = c.statusKind(r, failure); r.status {
	case http.StatusUnauthorized:
		failure.Kind = credential.DeadClient
		failure.reason = "GitHub does not accept the app's signature; check client_id and private key of the connector, and this machine's clock"
	case http.StatusForbidden:
		if failure.Kind == credential.Misconfigured {
			failure.reason = "GitHub refuses tokens of this installation; see whether it is suspended"
		}
	case http.StatusNotFound:
		failure.reason = "the app has no such installation; install it again and set its installation_id"
	}
	return failure
}

// timeLeft returns how long a token lives by the clock of the server that issued it, 0 where the answer does not say.
func timeLeft(r reply, expires string, now time.Time) time.Duration {
	end, err := time.Parse(time.RFC3339, expires)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(r.header.Get("Date")); err == nil {
		now = date
	}
	return end.Sub(now)
}

func permissions(granted answer) []string {
	var scopes []string
	for _, name := range slices.Sorted(maps.Keys(granted)) {
		if level := granted.token(name); level != "" {
			scopes = append(scopes, name+":"+level)
		}
	}
	return scopes
}

// IdentifyMinted says whose the tokens of [Client.Mint] are: the installation or the subject that the request named. For
// client credentials it is the configured subject, else what the provider answers, else the client itself.
func (c *Client) IdentifyMinted(ctx context.Context, access credential.Secret) (Identity, error) {
	switch c.registration.Grant {
	case provider.GrantGitHubInstallation:
		return named("installation/" + c.registration.InstallationID), nil
	case provider.GrantJWTBearer:
		return named(c.subject()), nil
	case provider.GrantClientCredentials, provider.GrantAuthorizationCode:
	}
	if c.registration.Subject != "" || c.provider.Identity.Subject == "" {
		return named(cmp.Or(c.registration.Subject, c.registration.ClientID)), nil
	}
	return c.Identify(ctx, access)
}

func named(subject string) Identity {
	return Identity{Subject: credential.Subject(subject), Display: subject}
}

// subject is whom an assertion speaks for.
func (c *Client) subject() string { return cmp.Or(c.registration.Subject, c.issuer()) }
