package openid

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// Registration is our client at the provider, and what we want to know of people.
type Registration struct {
	// Issuer is where the provider's discovery document lies below, written exactly as the provider writes it.
	Issuer       string
	ClientID     string
	ClientSecret credential.Secret
	RedirectURL  string
	Scopes       []string
	// GroupsClaim is the claim that lists a person's groups; "groups" when empty.
	GroupsClaim string
	// Groups are those that matter.
	Groups []string
}

func (r Registration) groupsClaim() string { return cmp.Or(r.GroupsClaim, "groups") }

// Options are knobs of a [Provider]. The zero value is ready for use.
type Options struct {
	// Timeout is the limit of one request to the provider; 10 s when zero.
	Timeout time.Duration
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Provider is an OpenID provider. It is safe for concurrent use.
type Provider struct {
	registration func() Registration
	http         *http.Client
	now          func() time.Time

	mu    sync.Mutex
	known *metadata // guarded by mu; nil until the provider has answered
}

// New returns a provider, and asks it nothing. The registration is read at each step; its issuer must stay the same.
func New(registration func() Registration, o Options) *Provider {
	p := &Provider{registration: registration, http: &http.Client{Timeout: cmp.Or(o.Timeout, 10*time.Second)}, now: o.Now}
	if p.now == nil {
		p.now = time.Now
	}
	return p
}

// Issuer returns the issuer identifier.
func (p *Provider) Issuer() string { return p.registration().Issuer }

// Host returns where the provider is, for people.
func (p *Provider) Host() string {
	u, err := url.Parse(p.Issuer())
	if err != nil {
		return p.Issuer()
	}
	return u.Host
}

// Check reports why nobody can sign in now. Every error of this package is an [*Error].
func (p *Provider) Check(ctx context.Context) error {
	if _, failure := p.discover(ctx); failure != nil {
		return failure
	}
	return nil
}

// discoveryLife is how long endpoints are taken for the provider's. Keys are asked for anew whenever an unknown one signed.
const discoveryLife = 24 * time.Hour

// metadata is what the provider says of itself (OpenID Connect Discovery 1.0 §3, RFC 9207 §3).
type metadata struct {
	*oidc.Provider

	Authentication []string `json:"token_endpoint_auth_methods_supported"`
	NamesIssuer    bool     `json:"authorization_response_iss_parameter_supported"`
	Keys           string   `json:"jwks_uri"`

	at time.Time
}

// discover asks the provider for its metadata, once in a while. After a failure the next one asks again.
func (p *Provider) discover(ctx context.Context) (*metadata, *Error) {
	p.mu.Lock()
	known := p.known
	p.mu.Unlock()
	if known != nil && p.now().Sub(known.at) < discoveryLife {
		return known, nil
	}
	issuer := p.Issuer()
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.http), issuer)
	if err != nil {
		return nil, undiscovered(err)
	}
	known = &metadata{Provider: found, at: p.now()}
	if err := found.Claims(known); err != nil {
		return nil, undiscovered(err)
	}
	if failure := known.protected(issuer); failure != nil {
		return nil, failure
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = known
	return known, nil
}

// protected refuses endpoints that are worse protected than the issuer: codes and our secret go there, and keys come from there.
func (m *metadata) protected(issuer string) *Error {
	base, err := url.Parse(issuer)
	if err != nil {
		return &Error{Kind: Misconfigured, reason: "the issuer is no URL"}
	}
	for name, endpoint := range map[string]string{
		"authorization_endpoint": m.Endpoint().AuthURL, "token_endpoint": m.Endpoint().TokenURL, "jwks_uri": m.Keys,
	} {
		if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != base.Scheme {
			return &Error{Kind: Misconfigured, reason: fmt.Sprintf("%s in its discovery document is no URL with https", name)}
		}
	}
	return nil
}

// authentication returns how our client proves itself: client_secret_basic where the provider does not say.
func (m *metadata) authentication() provider.ClientAuthentication {
	post := string(provider.ClientSecretPost)
	if slices.Contains(m.Authentication, post) && !slices.Contains(m.Authentication, string(provider.ClientSecretBasic)) {
		return provider.ClientSecretPost
	}
	return provider.ClientSecretBasic
}
