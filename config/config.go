package config

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
	"tokenkeeper/triage"
)

// Config is a file that [Load] found no fault in, with defaults filled in, file names absolute and secrets read.
type Config struct {
	// Path is the file as it was named to Load.
	Path       string               `yaml:"-" json:"path"`
	Temporal   Temporal             `yaml:"temporal" json:"temporal"`
	Vault      Vault                `yaml:"vault" json:"vault"`
	Gateway    Gateway              `yaml:"gateway" json:"gateway"`
	Links      Links                `yaml:"links" json:"links"`
	Notices    Notices              `yaml:"notices" json:"notices"`
	Connectors map[string]Connector `yaml:"connectors" json:"connectors"` // name → connector
	Model      Model                `yaml:"model" json:"model,omitzero"`
	Providers  []provider.Provider  `yaml:"providers" json:"providers"` // the user's own, beside the catalogue
	Triages    map[string]Triage    `yaml:"triages" json:"triages"`     // organization/name → triage

	catalogue *provider.Catalogue
	places    map[string]place // path → where it stands
	sources   Sources
}

// Temporal is what the Temporal client does not learn from TEMPORAL_* variables or its own profile.
type Temporal struct {
	TaskQueue string `yaml:"task_queue" json:"task_queue"`
	// UIURL is the address of Temporal's Web UI, "" for none.
	UIURL string `yaml:"ui_url" json:"ui_url,omitempty"`
}

// Vault says where the encrypted credentials are, and the key to them.
type Vault struct {
	// Path is the file of a SQLite vault, "" when URLEnv is there.
	Path string `yaml:"path" json:"path,omitempty"`
	// URLEnv names the environment variable with the connection string of a PostgreSQL database.
	URLEnv string `yaml:"url_env" json:"url_env,omitempty"`
	Keyset string `yaml:"keyset" json:"keyset"`
	// KMS is the URI of the key that the keyset is encrypted with, "" for a keyset in the clear.
	KMS string `yaml:"kms" json:"kms,omitempty"`

	url credential.Secret
}

// URL returns the connection string that Load read; zero where the vault is a file.
func (v Vault) URL() credential.Secret { return v.url }

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

// Proxies returns TrustedProxies, a single address as the network that has no other.
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
	return err != nil || !IsLoopback(host)
}

// BehindProxy reports whether something else speaks TLS for the gateway: a reverse proxy, or a tunnel.
func (g Gateway) BehindProxy() bool { return strings.HasPrefix(g.PublicURL, "https:") && !g.TLS.On() }

// OnLoopback reports whether browsers reach the gateway on this machine only.
func (g Gateway) OnLoopback() bool {
	u, err := url.Parse(g.PublicURL)
	if err != nil {
		return false
	}
	return IsLoopback(u.Hostname())
}

// RedirectURL returns the URL to register at a connector's provider. Each connector has its own, so that a code which one
// provider had sent is not believed to be another's (RFC 9700 §4.4.2).
func (g Gateway) RedirectURL(connector string) string {
	return g.PublicURL + callbackPath + "/" + connector
}

// SignInURL returns the URL to register at the OpenID provider.
func (g Gateway) SignInURL() string { return g.PublicURL + "/login/callback" }

const callbackPath = "/oauth/callback"

// Links lead people to a consent.
type Links struct {
	// Lifetime is how long one may be opened.
	Lifetime time.Duration `yaml:"lifetime" json:"lifetime"`
	// RequireCode has no link work without a confirmation code, which its sender tells by another way.
	RequireCode bool `yaml:"require_code" json:"require_code"`
	// RequireSignIn has nobody go on from a link who did not sign in at the OpenID provider.
	RequireSignIn bool `yaml:"require_sign_in" json:"require_sign_in"`
}

// Connector is one OAuth app registration of ours at a provider.
type Connector struct {
	// Name is the key in the file, and the last part of the account ids that use it.
	Name       string `yaml:"-" json:"name"`
	ProviderID string `yaml:"provider" json:"provider"`
	// ClientID is there after Load, wherever it was written.
	ClientID         string `yaml:"client_id" json:"client_id"`
	ClientIDEnv      string `yaml:"client_id_env" json:"client_id_env,omitempty"`
	ClientSecretEnv  string `yaml:"client_secret_env" json:"client_secret_env,omitempty"`
	ClientSecretFile string `yaml:"client_secret_file" json:"client_secret_file,omitempty"`
	// Grant is how tokens are got. After Load it is there: the provider's first, where none was written.
	Grant provider.Grant `yaml:"grant" json:"grant,omitempty"`
	// The private key that signs, for the grants that need one: PEM, or what Google hands out for a service account.
	PrivateKeyFile     string `yaml:"private_key_file" json:"private_key_file,omitempty"`
	PrivateKeyEnv      string `yaml:"private_key_env" json:"private_key_env,omitempty"`
	ServiceAccountFile string `yaml:"service_account_file" json:"service_account_file,omitempty"`
	// Subject is whom the app acts for, with jwt_bearer; with client_credentials it names the app itself.
	Subject string `yaml:"subject" json:"subject,omitempty"`
	// Audience is whom assertions are for, where the provider's entry does not say it right.
	Audience       string             `yaml:"audience" json:"audience,omitempty"`
	InstallationID string             `yaml:"installation_id" json:"installation_id,omitempty"`
	Scopes         []string           `yaml:"scopes" json:"scopes"`
	Endpoints      provider.Endpoints `yaml:"endpoints" json:"endpoints"`
	// Variables fill the {placeholders} of the provider's endpoints.
	Variables map[string]string `yaml:"variables" json:"variables,omitempty"`
	// Timeout bounds one HTTP request to the provider's authorization server.
	Timeout time.Duration `yaml:"timeout" json:"timeout"`
	// TokenRate is how many requests a second the token endpoint gets, from all workers together. After Load it is there, the
	// provider's where none was written; and so is TokenConcurrency, how many of them one worker has under way.
	TokenRate        float64 `yaml:"token_rate" json:"token_rate"`
	TokenConcurrency int     `yaml:"token_concurrency" json:"token_concurrency"`
	// ValidateEvery is how often the provider is asked whether an account's token still works; 0 for never.
	ValidateEvery time.Duration `yaml:"validate_every" json:"validate_every"`
	// CreatesPerHour is how many issues and comments an account may create at GitHub; 0 for any number.
	CreatesPerHour int `yaml:"creates_per_hour" json:"creates_per_hour"`
	// HistoryRate is how many requests a minute an account may send to Slack's conversations.history; 0 has it found out from
	// the answers.
	HistoryRate int `yaml:"history_rate" json:"history_rate,omitempty"`
	// Events are what the provider tells by itself, signed.
	Events Events `yaml:"events" json:"events,omitzero"`
	// Provider is the catalogue's or the user's entry with Endpoints and Variables applied.
	Provider provider.Provider `yaml:"-" json:"-"`

	secret credential.Secret
	key    credential.SigningKey
	keyID  string
	issuer string
}

// ClientSecret returns the secret that Load read; zero where the provider authenticates no client.
func (c Connector) ClientSecret() credential.Secret { return c.secret }

// SigningKey returns the private key that Load read, and the provider's name for it; zero where the grant signs nothing.
func (c Connector) SigningKey() (key credential.SigningKey, id string) { return c.key, c.keyID }

// Issuer returns who signs: the service account, or else the client.
func (c Connector) Issuer() string { return cmp.Or(c.issuer, c.ClientID) }

// Triage turns the bug reports of some channels into issues.
type Triage struct {
	// Name is the key in the file, organization/name; its Workflow id is "triage/" and the name.
	Name   string               `yaml:"-" json:"name"`
	Slack  credential.AccountID `yaml:"slack" json:"slack"`
	GitHub credential.AccountID `yaml:"github" json:"github"`
	// PollInterval is the pause between two looks at a channel with nothing new.
	PollInterval time.Duration `yaml:"poll_interval" json:"poll_interval"`
	// Lookback is how far back the very first start reads.
	Lookback time.Duration `yaml:"lookback" json:"lookback"`
	// Follow is for how long after a report its thread is followed; 0 for not at all.
	Follow time.Duration `yaml:"follow" json:"follow"`
	// Threshold is the confidence in percent below which an issue gets the label needs-triage.
	Threshold int `yaml:"threshold" json:"threshold"`
	// Teams are people that routes can ask for.
	Teams map[string][]string `yaml:"teams" json:"teams,omitempty"` // :: name → Slack user ids
	// Logins are people whose name at GitHub is known.
	Logins map[string]string `yaml:"logins" json:"logins,omitempty"` // :: Slack user id → GitHub login
	Routes []Route           `yaml:"routes" json:"routes"`
}

// Channels returns the channels that the triage reads, each once, in the order of its routes.
func (t Triage) Channels() []string {
	var channels []string
	for _, r := range t.Routes {
		if !slices.Contains(channels, r.Channel) {
			channels = append(channels, r.Channel)
		}
	}
	return channels
}

// Members returns the Slack user ids of some teams.
func (t Triage) Members(teams []string) []string {
	var members []string
	for _, team := range teams {
		members = append(members, t.Teams[team]...)
	}
	return members
}

// Route says which channel, or which reports of it, feed which repository.
type Route struct {
	Channel    string   `yaml:"channel" json:"channel"`       // Slack's id, not the name
	Repository string   `yaml:"repository" json:"repository"` // owner/name
	Labels     []string `yaml:"labels" json:"labels"`
	// SeverityLabels adds one label by severity: critical, high, medium, low.
	SeverityLabels map[string]string `yaml:"severity_labels" json:"severity_labels"` // :: severity → label
	// ComponentLabels adds one label by component. Its keys, and what matches name, are the components there are.
	ComponentLabels map[string]string `yaml:"component_labels" json:"component_labels"` // :: component → label
	Assignees       []string          `yaml:"assignees" json:"assignees"`               // GitHub logins
	Milestone       string            `yaml:"milestone" json:"milestone"`               // the title of an open one
	IssueType       string            `yaml:"issue_type" json:"issue_type"`             // one of the organization's
	// AssignReporter adds the reporter to the assignees, where Logins knows them.
	AssignReporter bool  `yaml:"assign_reporter" json:"assign_reporter,omitempty"`
	Match          Match `yaml:"match" json:"match,omitzero"`
	// Template is the file in .github/ISSUE_TEMPLATE that issues are written by, or auto, or none.
	Template string `yaml:"template" json:"template"`
	// When says which messages count, DryRun that what would be filed is only logged.
	When triage.When `yaml:"when" json:"when,omitzero"`
	// Mode is [ModeFile] or [ModePropose]; Propose is of the latter.
	Mode    string          `yaml:"mode" json:"mode"`
	Propose triage.Proposal `yaml:"propose" json:"propose,omitzero"`
	DryRun  bool            `yaml:"dry_run" json:"dry_run"`
}

// Match says which reports of the channel a route takes: all of them, unless a condition is there.
type Match struct {
	Patterns   []string `yaml:"patterns" json:"patterns,omitempty"`     // regular expressions, one of which has to be found
	Components []string `yaml:"components" json:"components,omitempty"` // one of which the report has to be about
	Teams      []string `yaml:"teams" json:"teams,omitempty"`           // one of which the author has to be in
}

// IsZero reports whether every report matches.
func (m Match) IsZero() bool { return len(m.Patterns)+len(m.Components)+len(m.Teams) == 0 }

// The modes of a route.
const (
	ModeFile    = "file"    // what is a report becomes an issue
	ModePropose = "propose" // people are asked in the thread first
)

// Catalogue returns every provider a connector may name: the embedded ones and the user's own.
func (c *Config) Catalogue() *provider.Catalogue { return c.catalogue }

// Triage returns the triage with that name, organization/name.
func (c *Config) Triage(name string) (Triage, bool) {
	t, ok := c.Triages[name]
	return t, ok
}

// Connector returns the connector with that name.
func (c *Config) Connector(name string) (Connector, bool) {
	connector, ok := c.Connectors[name]
	return connector, ok
}

// ConnectorOf returns the connector that account is connected through, or an error that names those there are.
func (c *Config) ConnectorOf(account credential.AccountID) (Connector, error) {
	connector, ok := c.Connectors[account.Connector]
	if !ok {
		return Connector{}, fmt.Errorf("account %s: %s has no connector %q%s; connectors: %s", account, c.Path,
			account.Connector, didYouMean(account.Connector, c.connectorNames()), listing(c.connectorNames()))
	}
	return connector, nil
}

func (c *Config) connectorNames() []string { return slices.Sorted(maps.Keys(c.Connectors)) }

// listing writes names for a message; "none" when there are none.
func listing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
