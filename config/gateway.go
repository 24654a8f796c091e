package config

import (
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// Gateway is the HTTP side that people and providers meet.
type Gateway struct {
	// Listen is a host and a port. Beyond loopback Load demands that people sign in, and that nothing travels in clear.
	Listen string `yaml:"listen" json:"listen"`
	// PublicURL is how a browser reaches the gateway, without a slash at the end. Listen with its scheme by default.
	PublicURL string `yaml:"public_url" json:"public_url"`
	TLS       TLS    `yaml:"tls" json:"tls,omitzero"`
	// TrustedProxies are the addresses and networks whose X-Forwarded-For and X-Forwarded-Proto are believed.
	TrustedProxies []string `yaml:"trusted_proxies" json:"trusted_proxies,omitempty"`
	// The tokens that people and programs sign in with: as an operator, or to look only.
	AdminTokenEnv   string `yaml:"admin_token_env" json:"admin_token_env,omitempty"`
	AdminTokenFile  string `yaml:"admin_token_file" json:"admin_token_file,omitempty"`
	ViewerTokenEnv  string `yaml:"viewer_token_env" json:"viewer_token_env,omitempty"`
	ViewerTokenFile string `yaml:"viewer_token_file" json:"viewer_token_file,omitempty"`
	// OIDC lets people sign in at the OpenID provider of their organization.
	OIDC OIDC `yaml:"oidc" json:"oidc,omitzero"`

	proxies       []netip.Prefix
	admin, viewer credential.Secret
	certificate   tls.Certificate
}

// TLS names the files that the gateway serves TLS from, both PEM; both are "" where it serves plain http.
type TLS struct {
	// Certificate holds the gateway's own first, then the chain.
	Certificate string `yaml:"certificate" json:"certificate,omitempty"`
	Key         string `yaml:"key" json:"key,omitempty"`
}

// On reports whether the gateway itself serves TLS.
func (t TLS) On() bool { return t.Certificate != "" }

// Proxies returns TrustedProxies as networks, a single address as one that holds nothing else.
func (g Gateway) Proxies() []netip.Prefix { return g.proxies }

// AdminToken returns the token of operators that Load read; zero where there is none.
func (g Gateway) AdminToken() credential.Secret { return g.admin }

// ViewerToken returns the token of viewers that Load read; zero where there is none.
func (g Gateway) ViewerToken() credential.Secret { return g.viewer }

// Certificate returns what TLS names, as Load read it.
func (g Gateway) Certificate() *tls.Certificate { return &g.certificate }

// AsksWho reports whether people sign in. Where they do not, whoever is on this machine is an operator, and everybody else
// a stranger.
func (g Gateway) AsksWho() bool { return g.HasTokens() || g.OIDC.On() }

// HasTokens reports whether people and programs can sign in with a token.
func (g Gateway) HasTokens() bool { return !g.admin.IsZero() || !g.viewer.IsZero() }

// Local reports whether the pages are for the people on this machine, whom nobody asks who they are.
func (g Gateway) Local() bool { return g.OnLoopback() && !g.AsksWho() }

// Exposed reports whether other machines can connect to the gateway.
func (g Gateway) Exposed() bool {
	host, _, err := net.SplitHostPort(g.Listen)
	return err != nil || !provider.IsLoopback(host)
}

// BehindProxy reports whether something else speaks TLS for the gateway: a reverse proxy, or a tunnel.
func (g Gateway) BehindProxy() bool { return strings.HasPrefix(g.PublicURL, "https:") && !g.TLS.On() }

// OnLoopback reports whether browsers reach the gateway on this machine only.
func (g Gateway) OnLoopback() bool {
	u, err := url.Parse(g.PublicURL)
	if err != nil {
		return false
	}
	return provider.IsLoopback(u.Hostname())
}

// RedirectURL returns the URL to register at a connector's provider. Each connector has its own, so that a code which one
// provider issued is not taken for another's (RFC 9700 §4.4.2).
func (g Gateway) RedirectURL(connector string) string {
	return g.PublicURL + callbackPath + "/" + connector
}

// SignInURL returns the URL to register at the OpenID provider.
func (g Gateway) SignInURL() string { return g.PublicURL + "/login/callback" }

const callbackPath = "/oauth/callback"
