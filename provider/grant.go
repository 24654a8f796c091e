package provider

import (
	"slices"
	"time"
)

// Grant is how a connector gets tokens, and gets them again.
type Grant string

// The grants.
const (
	// GrantAuthorizationCode: a person consents (RFC 6749 §4.1). Refresh tokens renew, where there are any.
	GrantAuthorizationCode Grant = "authorization_code"
	// GrantClientCredentials: the app acts for itself (RFC 6749 §4.4).
	GrantClientCredentials Grant = "client_credentials"
	// GrantJWTBearer: the app signs who it acts for (RFC 7523 §2.1), as Google's service accounts do.
	GrantJWTBearer Grant = "jwt_bearer"
	// GrantGitHubInstallation: the app signs who it is and names one of its installations.
	GrantGitHubInstallation Grant = "github_installation"
)

// Mints reports whether tokens come without a person's consent: as often as wanted, and none is lost with an answer.
func (g Grant) Mints() bool {
	switch g {
	case GrantClientCredentials, GrantJWTBearer, GrantGitHubInstallation:
		return true
	case GrantAuthorizationCode:
	}
	return false
}

// Signs reports whether the grant needs a private key.
func (g Grant) Signs() bool { return g == GrantJWTBearer || g == GrantGitHubInstallation }

func (g Grant) known() bool { return g == GrantAuthorizationCode || g.Mints() }

// Assertion is what a signed assertion (RFC 7523 §3) looks like where it differs from the usual.
type Assertion struct {
	// Audience is the claim aud; the token endpoint when empty.
	Audience string `yaml:"audience,omitempty"`
	// Lifetime is how long an assertion is good for, from a minute ago; 5 m when zero. One is signed for each request.
	Lifetime time.Duration `yaml:"lifetime,omitempty"`
	// ScopeClaim puts the scopes into the claim scope, and not into the request.
	ScopeClaim bool `yaml:"scope_claim,omitempty"`
}

const (
	// minAssertion leaves a minute for clocks that differ and a minute for the request.
	minAssertion = 2 * time.Minute
	// maxAssertion is the longest that Google takes, and far above what one request needs.
	maxAssertion = time.Hour
)

// GoodFor returns how long an assertion is good for.
func (a Assertion) GoodFor() time.Duration {
	if a.Lifetime == 0 {
		return 5 * time.Minute
	}
	return a.Lifetime
}

// AllowedGrants returns the grants that a connector may choose from; the first is the default.
func (p Provider) AllowedGrants() []Grant {
	if len(p.Grants) == 0 {
		return []Grant{GrantAuthorizationCode}
	}
	return p.Grants
}

// Allows reports whether a connector may choose g.
func (p Provider) Allows(g Grant) bool { return slices.Contains(p.AllowedGrants(), g) }

// grants checks the list of grants, and that the other fields have what each of them needs.
func (v *validation) grants(p Provider) {
	seen := map[Grant]bool{}
	for _, g := range p.Grants {
		switch {
		case !g.known():
			v.addf("grants", "%q is unknown; write authorization_code, client_credentials, jwt_bearer or github_installation", g)
		case seen[g]:
			v.addf("grants", "%s stands there twice; delete one of them", g)
		}
		seen[g] = true
	}
	if p.Allows(GrantClientCredentials) && p.ClientAuthentication == ClientPublic {
		v.addf("client_authentication", "client credentials prove nothing with none (RFC 6749 §4.4); write client_secret_basic or client_secret_post")
	}
	if p.Allows(GrantGitHubInstallation) && !slices.Contains(placeholdersOf(p.Endpoints.Token), installationPlaceholder) {
		v.addf("endpoints.token", "does not hold {installation_id}; write the URL of access_tokens of an installation")
	}
	v.assertion(p)
}

func (v *validation) assertion(p Provider) {
	switch {
	case p.Assertion == Assertion{}:
	case !p.Allows(GrantJWTBearer) && !p.Allows(GrantGitHubInstallation):
		v.addf("assertion", "has a meaning with grants jwt_bearer and github_installation only; remove it or add one of them to grants")
	case p.Assertion.GoodFor() < minAssertion || p.Assertion.GoodFor() > maxAssertion:
		v.addf("assertion.lifetime", "want 2m to 1h; write a duration such as 5m")
	}
}
