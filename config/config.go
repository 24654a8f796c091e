package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
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

// Links lead people to a consent.
type Links struct {
	// Lifetime is how long one may be opened.
	Lifetime time.Duration `yaml:"lifetime" json:"lifetime"`
	// RequireCode has no link work without a confirmation code, which its sender tells by another way.
	RequireCode bool `yaml:"require_code" json:"require_code"`
	// RequireSignIn has nobody go on from a link who did not sign in at the OpenID provider.
	RequireSignIn bool `yaml:"require_sign_in" json:"require_sign_in"`
}

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
