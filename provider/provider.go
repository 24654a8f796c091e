package provider

import (
	"slices"
	"strings"
	"time"
)

// Provider is how one SaaS does OAuth. Treat it as read-only: copies share their lists.
type Provider struct {
	// ID names the provider in connectors, metrics and errors, for example "github-app".
	ID string `yaml:"id"`
	// Name is for people, for example "GitHub App".
	Name string `yaml:"name"`
	// Grants are those that a connector may choose from, the default first; authorization_code when empty.
	Grants               []Grant              `yaml:"grants,omitempty"`
	Endpoints            Endpoints            `yaml:"endpoints"`
	ClientAuthentication ClientAuthentication `yaml:"client_authentication"`
	Authorization        Authorization        `yaml:"authorization,omitempty"`
	Assertion            Assertion            `yaml:"assertion,omitempty"`
	Token                Token                `yaml:"token,omitempty"`
	Errors               Errors               `yaml:"errors,omitempty"`
	Identity             Identity             `yaml:"identity,omitempty"`
	Revocation           Revocation           `yaml:"revocation,omitempty"`
	API                  API                  `yaml:"api,omitempty"`
}

// Endpoints are the provider's URLs. They may hold {placeholders} that a connector fills; {client_id} in Revoke and
// {installation_id} in Token are filled with the connector's own client_id and installation_id.
type Endpoints struct {
	Authorize string `yaml:"authorize,omitempty"`
	Token     string `yaml:"token,omitempty"`
	Revoke    string `yaml:"revoke,omitempty"`
	Identity  string `yaml:"identity,omitempty"`
	// API is the base of the product's API and ends in a slash. Endpoints that lie below it move with it, see
	// [Provider.Override].
	API string `yaml:"api,omitempty"`
}

// ClientAuthentication is how a client proves itself at the token endpoint, by the names of RFC 7591 §2. It is
// always explicit: probing would present a refresh token once for each style.
type ClientAuthentication string

// The styles of client authentication.
const (
	ClientSecretBasic ClientAuthentication = "client_secret_basic"
	ClientSecretPost  ClientAuthentication = "client_secret_post"
	ClientPublic      ClientAuthentication = "none"
)

// Authorization is the request that a person's browser carries (RFC 6749 §4.1.1).
type Authorization struct {
	// PKCE adds an S256 challenge (RFC 7636).
	PKCE bool `yaml:"pkce,omitempty"`
	// ScopeParameter is "scope" when empty.
	ScopeParameter string `yaml:"scope_parameter,omitempty"`
	// ScopeSeparator is a space when empty.
	ScopeSeparator string            `yaml:"scope_separator,omitempty"`
	Parameters     map[string]string `yaml:"parameters,omitempty"`
	// Issuer is what the provider calls itself in iss of every answer (RFC 9207 §2); empty where it sends none, or not always.
	Issuer string `yaml:"issuer,omitempty"`
}

// ScopeName returns the query parameter that carries the scopes.
func (a Authorization) ScopeName() string {
	if a.ScopeParameter == "" {
		return "scope"
	}
	return a.ScopeParameter
}

// JoinScopes returns the value of that parameter.
func (a Authorization) JoinScopes(scopes []string) string {
	return strings.Join(scopes, a.separator())
}

func (a Authorization) separator() string {
	if a.ScopeSeparator == "" {
		return " "
	}
	return a.ScopeSeparator
}

// Rotation is what becomes of a refresh token that was used.
type Rotation string

// The kinds of rotation. Anything else, the empty word included, is treated as [RotationSingleUse].
const (
	// RotationNone: no refresh token is issued.
	RotationNone Rotation = "none"
	// RotationStatic: the same refresh token stays good, answers may omit it.
	RotationStatic Rotation = "static"
	// RotationSingleUse: each refresh brings a new one, and the old one is dead at once.
	RotationSingleUse Rotation = "single_use"
	// RotationGrace: each refresh brings a new one, and the old one stays good for a while.
	RotationGrace Rotation = "grace"
)

// Token is how the provider's tokens live.
type Token struct {
	// Lifetime is assumed for an access token that comes with a refresh token and without an expiry. One that comes
	// with neither does not expire.
	Lifetime time.Duration `yaml:"lifetime,omitempty"`
	Rotation Rotation      `yaml:"rotation,omitempty"`
	// Grace is how long a used refresh token stays good where Rotation is "grace"; zero when the provider does not say.
	Grace time.Duration `yaml:"grace,omitempty"`
	// ReuseRevokesGrant: presenting a spent refresh token ends every token of the grant (RFC 9700 §4.14.2).
	ReuseRevokesGrant bool `yaml:"reuse_revokes_grant,omitempty"`
	// RefreshEndsAccessToken: the old access token dies with the refresh, so calls in flight get a 401.
	RefreshEndsAccessToken bool `yaml:"refresh_ends_access_token,omitempty"`
	// RefreshLifetime is how long a refresh token lives from its issue, used or not, assumed where the answer does not
	// say. Where Rotation is static it is the end of the grant, and only a person can set it anew.
	RefreshLifetime time.Duration `yaml:"refresh_lifetime,omitempty"`
	// RefreshIdleLifetime is how long a refresh token lives without being used.
	RefreshIdleLifetime time.Duration `yaml:"refresh_idle_lifetime,omitempty"`
	// Rate is how many requests a second the token endpoint gets of one app, from all workers together; see
	// [Token.RequestRate].
	Rate float64 `yaml:"rate,omitempty"`
	// Concurrency is how many of them one worker has under way; see [Token.AtOnce].
	Concurrency int `yaml:"concurrency,omitempty"`
	// ScopeSeparator separates the scopes in an answer; the one of the authorization request when empty.
	ScopeSeparator string `yaml:"scope_separator,omitempty"`
	// ScopeNames holds the scopes that answers call by another name than requests; "" for one that no answer names.
	ScopeNames map[string]string `yaml:"scope_names,omitempty"`
	// AnswerUnder names the object of an answer that holds the tokens when its top level has none.
	AnswerUnder        string            `yaml:"answer_under,omitempty"`
	ExchangeParameters map[string]string `yaml:"exchange_parameters,omitempty"`
	RefreshParameters  map[string]string `yaml:"refresh_parameters,omitempty"`
	// MintParameters are sent along with the grants client_credentials and jwt_bearer.
	MintParameters map[string]string `yaml:"mint_parameters,omitempty"`
}

// SplitScopes reads the scope of a token answer. It returns nil for a blank text: the answer does not say.
func (p Provider) SplitScopes(text string) []string {
	separator := p.Token.ScopeSeparator
	if separator == "" {
		separator = p.Authorization.separator()
	}
	var scopes []string
	for part := range strings.SplitSeq(text, separator) {
		if part = strings.TrimSpace(part); part != "" {
			scopes = append(scopes, part)
		}
	}
	return scopes
}

// Ungranted returns those of the scopes asked for that a token answer, which granted others, does not name.
func (p Provider) Ungranted(asked, granted []string) []string {
	var missing []string
	for _, scope := range asked {
		name, other := p.Token.ScopeNames[scope]
		known := slices.Contains(granted, scope) || other && (name == "" || slices.Contains(granted, name))
		if !known {
			missing = append(missing, scope)
		}
	}
	return missing
}

// Identity is the call that tells whose token this is.
type Identity struct {
	// Method is GET or POST; GET when empty.
	Method string `yaml:"method,omitempty"`
	// Subject is a template over the fields of the JSON answer, for example "{team_id}/{user_id}" or "{user.id}". It
	// must name the same subject for as long as the grant lives. It may be empty where nobody consents, and the call then
	// tells only whether the token is good: who mints tokens knows whose they are.
	Subject string `yaml:"subject,omitempty"`
	// Display is a template for people; the subject is shown where it cannot be filled.
	Display string `yaml:"display,omitempty"`
	// ScopesHeader names the response header that lists the token's scopes, if there is one.
	ScopesHeader string `yaml:"scopes_header,omitempty"`
}

// RevocationStyle is the dialect of the revocation endpoint.
type RevocationStyle string

// The dialects of revocation. The empty word means [RevokeNone].
const (
	RevokeNone RevocationStyle = "none"
	// RevokeRFC7009: POST token and token_type_hint.
	RevokeRFC7009 RevocationStyle = "rfc7009"
	// RevokeSlack: auth.revoke, which ends the one token that carries the call.
	RevokeSlack RevocationStyle = "slack"
	// RevokeGitHub: DELETE with HTTP Basic and the access token in a JSON body.
	RevokeGitHub RevocationStyle = "github"
	// RevokeGitHubInstallation: DELETE, which ends the one token that carries the call.
	RevokeGitHubInstallation RevocationStyle = "github_installation"
)

// Revocation is how tokens are given back.
type Revocation struct {
	Style RevocationStyle `yaml:"style,omitempty"`
	// ClientAuthentication is the provider's own when empty. Used by RFC 7009 only.
	ClientAuthentication ClientAuthentication `yaml:"client_authentication,omitempty"`
}

// API is the product's API, as far as it concerns tokens.
type API struct {
	// Hosts may receive an access token besides those of the endpoints: "host", or "host:port" where the port is not
	// 443. Entries of a [Catalogue] and results of [Provider.Override] list all of them, those of the endpoints included.
	Hosts     []string  `yaml:"hosts,omitempty"`
	DeadToken DeadToken `yaml:"dead_token,omitempty"`
}

// DeadToken is how the API says that an access token is no longer good.
type DeadToken struct {
	// Statuses are HTTP statuses; 401 when there are neither statuses nor codes.
	Statuses []int `yaml:"statuses,omitempty"`
	// Codes are values of "error" in an answer with "ok": false.
	Codes []string `yaml:"codes,omitempty"`
	// Unsure are those of Codes that a good token gets as well, for example where it comes from an address that the app does
	// not allow. A refresh tells which it is. Where there is none, they are no reason to give up the grant.
	Unsure []string `yaml:"unsure,omitempty"`
}
