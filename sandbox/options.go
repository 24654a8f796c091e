package sandbox

import (
	"crypto/rsa"
	"strings"
	"time"
)

// App names one of the simulated providers, and the OAuth app that is registered there.
type App string

// The apps. Nobody consents at Google: its app is a service account. At OpenID people say who they are, and grant nothing. Model
// has a key alone, its client secret.
const (
	Slack   App = "slack"
	GitHub  App = "github"
	Google  App = "google"
	Zendesk App = "zendesk"
	OpenID  App = "openid"
	Model   App = "model"
)

// Rotation is what becomes of a refresh token that was used.
type Rotation string

// The kinds of rotation.
const (
	// RotationNone: no refresh token is issued.
	RotationNone Rotation = "none"
	// RotationStatic: the refresh token stays; answers to a refresh omit it.
	RotationStatic Rotation = "static"
	// RotationSingleUse: used once, then refused.
	RotationSingleUse Rotation = "single_use"
	// RotationRevokeFamily: used once; a second use is taken for theft and revokes every token of the grant (RFC 9700 §4.14.2).
	RotationRevokeFamily Rotation = "revoke_family"
	// RotationGrace: still good for AppOptions.Grace after its first use.
	RotationGrace Rotation = "grace"
	// RotationGraceRevokeFamily: still good for AppOptions.Grace after its first use; a use after that revokes every token of the
	// grant, as at Okta and Auth0.
	RotationGraceRevokeFamily Rotation = "grace_revoke_family"
)

// OldAccess is what a refresh does to the access token before it.
type OldAccess string

// The two habits.
const (
	OldAccessLives OldAccess = "lives" // until its own end, as at Slack
	OldAccessEnds  OldAccess = "ends"  // at once, as with GitHub Apps
)

// ClientAuthentication is how the token endpoint wants to learn who the client is (RFC 7591 §2 names).
type ClientAuthentication string

// The accepted styles. The zero value accepts both.
const (
	ClientSecretBasic ClientAuthentication = "client_secret_basic"
	ClientSecretPost  ClientAuthentication = "client_secret_post"
)

// NeverExpires as a lifetime issues tokens without an end.
const NeverExpires time.Duration = -1

// AppOptions is one registered OAuth app and how its provider treats tokens. Zero fields take what the real provider does.
type AppOptions struct {
	Name                 string
	ClientID             string
	ClientSecret         string
	ClientAuthentication ClientAuthentication
	// AccessLifetime is 12 h at Slack, 8 h at GitHub and 30 min at Zendesk by default.
	AccessLifetime time.Duration
	// RefreshLifetime never ends at Slack and is 183 days at GitHub, 30 days at Zendesk by default.
	RefreshLifetime time.Duration
	// Rotation is grace at Slack and single use at GitHub and Zendesk by default.
	Rotation Rotation
	// Grace is how long a used refresh token stays good with the rotations that have one; 30 s by default.
	Grace     time.Duration
	OldAccess OldAccess
	// ActiveTokens is how many access tokens of a grant live side by side; one more ends the oldest. 2 at Slack, no limit
	// (-1) at GitHub by default.
	ActiveTokens int
	// Key is what the app's signatures are checked with; without one, none is good.
	Key *rsa.PublicKey
	// MintedLifetime is that of tokens which need no consent; 1 h by default.
	MintedLifetime time.Duration
}

// Channel is a Slack channel.
type Channel struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// BotAbsent: the app was not invited; reading and writing answer not_in_channel.
	BotAbsent bool `json:"bot_absent,omitempty"`
	Archived  bool `json:"archived,omitempty"`
}

// User is a person in the Slack workspace.
type User struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Real string `json:"real_name"`
}

// Options describes a sandbox. The zero value is ready for use: a workspace with two channels that the app is in and one
// that it is not in, the repository acme/app, and tokens that live as long as the real ones.
type Options struct {
	// Now is the clock of tokens, messages and limits; nil means the real one.
	Now func() time.Time
	// PublicURL stands before every link the sandbox writes; empty means the host each request came to.
	PublicURL string

	Slack   AppOptions
	GitHub  AppOptions
	Google  AppOptions
	Zendesk AppOptions
	OpenID  AppOptions
	Model   AppOptions // Name is the model's

	Team     string // Slack team id; T0SANDBOX
	TeamName string
	Channels []Channel
	Users    []User

	// Repositories are those the GitHub App may use, "owner/name".
	Repositories []string
	// Files are in the default branch of repositories.
	Files []RepositoryFile
	// Renamed leads from the former names of repositories to those they have: requests for the former are redirected.
	Renamed map[string]string
	// Milestones are the titles of open milestones, in every repository.
	Milestones []string
	// IssueTypes are those of the organization; without any, GitHub passes over the field.
	IssueTypes []string
	// IssuesDisabled are repositories that answer 410 to issues.
	IssuesDisabled []string
	// Inaccessible are repositories that exist and answer 404, as GitHub does to a token without access.
	Inaccessible []string
	// PullOnly are repositories where the app may open issues and not sort them: a label that is not there is refused, all
	// other labels, assignees, the milestone and the type are dropped without a word.
	PullOnly []string
	// GitHubLogin is the user on whose behalf the GitHub App acts.
	GitHubLogin string
	// ZendeskUser is the e-mail address of the agent on whose behalf the Zendesk client acts.
	ZendeskUser string
	// GitHubInstallation is the id of the one installation of the GitHub App; 51000001 by default.
	GitHubInstallation string

	// SearchLag is how long a new issue stays unknown to search; 10 s by default, negative for none.
	SearchLag time.Duration
	// RateLimit is GitHub's primary limit of requests in an hour; 5000 by default.
	RateLimit int
	// CreationsPerMinute and CreationsPerHour are GitHub's secondary limits of issues and comments together for one
	// credential; 80 and 500 by default, negative for none.
	CreationsPerMinute int
	CreationsPerHour   int
	// ReadsPerMinute is how often each of the methods that read messages may be called in a minute; 0 for any number. With
	// five or fewer a page holds 15 messages at most, as for apps outside the Marketplace, whose number is 1.
	ReadsPerMinute int
	// HistoryWindow hides messages older than it, as free workspaces do; 0 hides none.
	HistoryWindow time.Duration
}

func (o Options) withDefaults() Options {
	o.Now = orElse(o.Now == nil, time.Now, o.Now)
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	o.Slack = o.Slack.withDefaults(slackAppDefaults())
	o.GitHub = o.GitHub.withDefaults(gitHubAppDefaults())
	o.Google = o.Google.withDefaults(googleAppDefaults())
	o.Zendesk = o.Zendesk.withDefaults(zendeskAppDefaults())
	o.OpenID = o.OpenID.withDefaults(openIDAppDefaults())
	o.Model = o.Model.withDefaults(modelDefaults())
	o.ZendeskUser = orDefault(o.ZendeskUser, "support-agent@acme.example")
	o.GitHubInstallation = orDefault(o.GitHubInstallation, "51000001")
	o.Team = orDefault(o.Team, "T0SANDBOX")
	o.TeamName = orDefault(o.TeamName, "Acme")
	o.GitHubLogin = orDefault(o.GitHubLogin, "triage-agent")
	o.SearchLag = orDefault(o.SearchLag, 10*time.Second)
	o.RateLimit = orDefault(o.RateLimit, 5000)
	o.CreationsPerMinute = orDefault(o.CreationsPerMinute, 80)
	o.CreationsPerHour = orDefault(o.CreationsPerHour, 500)
	o.Channels = orElse(len(o.Channels) == 0, defaultChannels(), o.Channels)
	o.Users = orElse(len(o.Users) == 0, roster(), o.Users)
	o.Repositories = orElse(len(o.Repositories) == 0, []string{"acme/app"}, o.Repositories)
	return o
}

func (o AppOptions) withDefaults(d AppOptions) AppOptions {
	return AppOptions{
		Name:                 orDefault(o.Name, d.Name),
		ClientID:             orDefault(o.ClientID, d.ClientID),
		ClientSecret:         orDefault(o.ClientSecret, d.ClientSecret),
		ClientAuthentication: o.ClientAuthentication,
		AccessLifetime:       orDefault(o.AccessLifetime, d.AccessLifetime),
		RefreshLifetime:      orDefault(o.RefreshLifetime, d.RefreshLifetime),
		Rotation:             orDefault(o.Rotation, d.Rotation),
		Grace:                orDefault(o.Grace, 30*time.Second),
		OldAccess:            orDefault(o.OldAccess, d.OldAccess),
		ActiveTokens:         orDefault(o.ActiveTokens, d.ActiveTokens),
		Key:                  o.Key,
		MintedLifetime:       orDefault(o.MintedLifetime, time.Hour),
	}
}

func slackAppDefaults() AppOptions {
	return AppOptions{ //nolint:gosec // opens nothing but a sandbox
		Name: "Triage Agent", ClientID: "1111111111.2222222222", ClientSecret: "sandbox-slack-client-secret",
		AccessLifetime: 12 * time.Hour, RefreshLifetime: NeverExpires, Rotation: RotationGrace,
		OldAccess: OldAccessLives, ActiveTokens: 2,
	}
}

func gitHubAppDefaults() AppOptions {
	return AppOptions{ //nolint:gosec // opens nothing but a sandbox
		Name: "Triage Agent", ClientID: "Iv23liSandboxTriage0", ClientSecret: "sandbox-github-client-secret",
		AccessLifetime: 8 * time.Hour, RefreshLifetime: 15811200 * time.Second, Rotation: RotationSingleUse,
		OldAccess: OldAccessEnds, ActiveTokens: -1,
	}
}

func googleAppDefaults() AppOptions {
	return AppOptions{
		Name: "Triage Agent", ClientID: "triage-agent@sandbox.iam.gserviceaccount.com", ClientSecret: "sandbox-google-client-secret",
		AccessLifetime: time.Hour, Rotation: RotationNone, OldAccess: OldAccessLives, ActiveTokens: -1,
	}
}

func zendeskAppDefaults() AppOptions {
	return AppOptions{ //nolint:gosec // opens nothing but a sandbox
		Name: "Support Desk", ClientID: "support_desk", ClientSecret: "sandbox-zendesk-client-secret",
		AccessLifetime: 30 * time.Minute, RefreshLifetime: 30 * 24 * time.Hour, Rotation: RotationSingleUse,
		OldAccess: OldAccessEnds, ActiveTokens: -1,
	}
}

func openIDAppDefaults() AppOptions {
	return AppOptions{
		Name: "tokenkeeper", ClientID: "tokenkeeper-gateway", ClientSecret: "sandbox-openid-client-secret",
	}
}

func modelDefaults() AppOptions { return AppOptions{Name: "toy", ClientSecret: "sandbox-model-key"} } //nolint:gosec // as above

func defaultChannels() []Channel {
	return []Channel{
		{ID: "C0BUGREPORTS", Name: "bug-reports"},
		{ID: "C0SUPPORT", Name: "support"},
		{ID: "C0RANDOM", Name: "random", BotAbsent: true},
	}
}

// roster is the people of the default workspace, and those whom [People] speaks for.
func roster() []User {
	return []User{
		{ID: "U0ADA", Name: "ada", Real: "Ada Okafor"},
		{ID: "U0BJORN", Name: "bjorn", Real: "Björn Lindqvist"},
		{ID: "U0CHEN", Name: "chen", Real: "Chen Wei"},
		{ID: "U0DALIA", Name: "dalia", Real: "Dalia Haddad"},
		{ID: "U0ENZO", Name: "enzo", Real: "Enzo Ricci"},
		{ID: "U0FATIMA", Name: "fatima", Real: "Fatima Zahra"},
		{ID: "U0GRETA", Name: "greta", Real: "Greta Nowak"},
		{ID: "U0HIRO", Name: "hiro", Real: "Hiro Tanaka"},
	}
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	return orElse(value == zero, fallback, value)
}

func orElse[T any](missing bool, fallback, value T) T {
	if missing {
		return fallback
	}
	return value
}
