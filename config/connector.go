package config

import (
	"cmp"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

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
