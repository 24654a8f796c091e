package provider

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tokenkeeper/credential"
)

// providerID keeps ids safe in file names, metrics and shells.
var providerID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Validate reports everything that is wrong with p, each line naming the field and the fix. It returns nil for a
// provider that can be used.
func (p Provider) Validate() error {
	v := &validation{provider: p.ID}
	v.names(p)
	v.endpoints(p)
	v.grants(p)
	v.clientAuthentication("client_authentication", p.ClientAuthentication, false)
	v.parameters(p)
	v.token(p.Token)
	v.care(p.Token)
	v.errors(p.Errors)
	v.identity(p)
	v.revocation(p)
	v.api(p.API)
	return errors.Join(v.problems...)
}

// validation collects problems, so that a person fixes a file in one go.
type validation struct {
	provider string
	problems []error
}

func (v *validation) addf(field, format string, args ...any) {
	v.problems = append(v.problems, fmt.Errorf("provider %q: %s: %s", v.provider, field, fmt.Sprintf(format, args...)))
}

func (v *validation) names(p Provider) {
	if !providerID.MatchString(p.ID) {
		v.addf("id", "want 1 to 64 of a-z, 0-9, '.', '_', '-', starting with a letter or digit")
	}
	if strings.TrimSpace(p.Name) == "" {
		v.addf("name", "is missing; write the name that people know the provider by")
	}
}

func (v *validation) endpoints(p Provider) {
	v.endpoint("endpoints.authorize", p.Endpoints.Authorize, p.Allows(GrantAuthorizationCode))
	v.endpoint("endpoints.token", p.Endpoints.Token, true)
	v.endpoint("endpoints.identity", p.Endpoints.Identity, true)
	v.endpoint("endpoints.revoke", p.Endpoints.Revoke, p.Revocation.Style != "" && p.Revocation.Style != RevokeNone)
	v.endpoint("endpoints.api", p.Endpoints.API, false)
	v.endpoint("authorization.issuer", p.Authorization.Issuer, false)
	if strings.Contains(p.Authorization.Issuer, "?") {
		v.addf("authorization.issuer", "holds a query, which RFC 9207 §2 forbids; remove everything from the '?'")
	}
}

func (v *validation) endpoint(field, endpoint string, required bool) {
	if endpoint == "" {
		if required {
			v.addf(field, "is missing; write the URL from the provider's documentation")
		}
		return
	}
	bare := placeholder.ReplaceAllString(endpoint, "x")
	if strings.ContainsAny(bare, "{}") {
		v.addf(field, "a placeholder is written {name} with a-z, 0-9 and '_'")
		return
	}
	u, err := url.Parse(bare)
	if err != nil || u.Hostname() == "" {
		v.addf(field, "want a full URL such as https://example.com/oauth/token")
		return
	}
	v.endpointURL(field, u)
}

func (v *validation) endpointURL(field string, u *url.URL) {
	if u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Hostname())) {
		v.addf(field, "tokens travel here: use https (http is accepted for loopback addresses only)")
	}
	if u.User != nil {
		v.addf(field, "holds a user name or password; remove it, the connector's client id and secret are sent separately")
	}
	if u.Fragment != "" {
		v.addf(field, "holds a fragment, which RFC 6749 §3 forbids; remove everything from the '#'")
	}
}

func (v *validation) clientAuthentication(field string, style ClientAuthentication, optional bool) {
	switch style {
	case ClientSecretBasic, ClientSecretPost, ClientPublic:
	case "":
		if !optional {
			v.addf(field, "is missing; write client_secret_basic, client_secret_post or none, it is never guessed")
		}
	default:
		v.addf(field, "%q is unknown; write client_secret_basic, client_secret_post or none", style)
	}
}

// parameters keeps the catalogue from speaking for the protocol: these names belong to the client.
func (v *validation) parameters(p Provider) {
	authorize := []string{"client_id", "redirect_uri", "response_type", "state", "code_challenge", "code_challenge_method", p.Authorization.ScopeName()}
	token := []string{"client_id", "client_secret", "grant_type", "code", "redirect_uri", "code_verifier", "refresh_token"}
	v.reserved("authorization.parameters", p.Authorization.Parameters, authorize)
	v.reserved("token.exchange_parameters", p.Token.ExchangeParameters, token)
	v.reserved("token.refresh_parameters", p.Token.RefreshParameters, token)
	v.reserved("token.mint_parameters", p.Token.MintParameters, append(token, "assertion", "scope"))
}

func (v *validation) reserved(field string, parameters map[string]string, names []string) {
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if slices.Contains(names, name) {
			v.addf(field+"."+name, "is set by the protocol itself; remove it")
		}
	}
}

func (v *validation) token(t Token) {
	switch t.Rotation {
	case "", RotationNone, RotationStatic, RotationSingleUse, RotationGrace:
	default:
		v.addf("token.rotation", "%q is unknown; write none, static, single_use or grace, or leave it out to be treated as single_use", t.Rotation)
	}
	if t.Grace != 0 && t.Rotation != RotationGrace {
		v.addf("token.grace", "has a meaning with rotation grace only; remove it or set token.rotation: grace")
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"token.lifetime", t.Lifetime},
		{"token.grace", t.Grace},
		{"token.refresh_lifetime", t.RefreshLifetime},
		{"token.refresh_idle_lifetime", t.RefreshIdleLifetime},
	} {
		if d.value < 0 {
			v.addf(d.field, "is negative; write a duration such as 30m or 12h")
		}
	}
}

func (v *validation) errors(e Errors) {
	switch e.Style {
	case "", ErrorRFC6749, ErrorOKFalse:
	default:
		v.addf("errors.style", "%q is unknown; write rfc6749 or ok_false", e.Style)
	}
	seen := map[string]credential.FailureKind{} // code → kind that lists it
	for kind, codes := range e.lists() {
		for _, code := range codes {
			if code == "" {
				v.addf("errors."+string(kind), "lists an empty code; remove it")
			} else if other, twice := seen[code]; twice {
				v.addf("errors."+string(kind), "%q is listed under %s already; keep one of them", code, other)
			}
			seen[code] = kind
		}
	}
}

func (v *validation) identity(p Provider) {
	i := p.Identity
	switch i.Method {
	case "", http.MethodGet, http.MethodPost:
	default:
		v.addf("identity.method", "%q is not supported; write GET or POST", i.Method)
	}
	if len(i.SubjectFields()) == 0 && (i.Subject != "" || p.Allows(GrantAuthorizationCode)) {
		v.addf("identity.subject", "names no field; write a template such as \"{id}\", it tells one grant from another")
	}
}

func (v *validation) revocation(p Provider) {
	switch p.Revocation.Style {
	case RevokeRFC7009, RevokeSlack, RevokeGitHub, RevokeGitHubInstallation, RevokeNone:
	case "":
		if p.Endpoints.Revoke != "" {
			v.addf("revocation.style", "is missing beside endpoints.revoke; write rfc7009, slack, github, github_installation or none")
		}
	default:
		v.addf("revocation.style", "%q is unknown; write rfc7009, slack, github, github_installation or none", p.Revocation.Style)
	}
	v.clientAuthentication("revocation.client_authentication", p.Revocation.ClientAuthentication, true)
}

func (v *validation) api(a API) {
	for _, host := range a.Hosts {
		u, err := url.Parse("https://" + placeholder.ReplaceAllString(host, "x"))
		if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
			v.addf("api.hosts", "%q: want a host, or host:port, without scheme and path", host)
		} else if strings.Contains(host, "*") {
			v.addf("api.hosts", "%q: wildcards are not supported; list each host that may receive a token", host)
		}
	}
	for _, code := range a.DeadToken.Unsure {
		if !slices.Contains(a.DeadToken.Codes, code) {
			v.addf("api.dead_token.unsure", "%q is none of the codes; add it to api.dead_token.codes, or remove it here", code)
		}
	}
	for _, status := range a.DeadToken.Statuses {
		if status < 400 || status > 499 || status == http.StatusTooManyRequests {
			v.addf("api.dead_token.statuses", "%d never means a dead token; list statuses such as 401", status)
		}
	}
}
