package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"tokenkeeper/config"
	"tokenkeeper/provider"
)

func newProviders(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "providers [ID]",
		Aliases: []string{"provider"},
		Short:   "Show the providers that connectors can name",
		Long: `Show the catalogue of providers: how each one does OAuth, how long its tokens live, and what becomes of a refresh
token that was used. Providers that the configuration declares are in the list too.

With --json every fact is printed, under the keys that a provider of your own has in the configuration.`,
		Example: `  tokenkeeper providers
  tokenkeeper providers slack
  tokenkeeper providers github-app --json`,
		ValidArgsFunction: c.completeProvider,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage(cmd.CommandPath()+": want at most one ID, for example slack", cmd.CommandPath()+" --help")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			catalogue, err := c.catalogue(cmd.Flags().Changed("config"))
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return c.listProviders(catalogue.All())
			}
			return c.showProvider(catalogue, args[0])
		},
	}
}

func (c *cli) completeProvider(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	catalogue, err := c.catalogue(false)
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return ids(catalogue), cobra.ShellCompDirectiveNoFileComp
}

func ids(catalogue *provider.Catalogue) []string {
	var names []string
	for _, p := range catalogue.All() {
		names = append(names, p.ID)
	}
	return names
}

// catalogue returns that of the configuration. Whoever is about to write the configuration needs the catalogue first, so
// without one that can be read it is the embedded one, unless the configuration was asked for by name.
func (c *cli) catalogue(named bool) (*provider.Catalogue, error) {
	cfg, err := config.Load(c.configPath, c.env)
	if err == nil {
		return cfg.Catalogue(), nil
	}
	if named {
		return nil, err
	}
	return provider.Embedded()
}

// providersDocument is the list with --json.
type providersDocument struct {
	Providers []json.RawMessage `json:"providers"`
}

func (c *cli) listProviders(all []provider.Provider) error {
	document := providersDocument{}
	rows := make([][]string, len(all))
	for i, p := range all {
		entry, err := asJSON(p)
		if err != nil {
			return err
		}
		document.Providers = append(document.Providers, entry)
		rows[i] = []string{
			p.ID, p.Name, lifetime(p.Token.Lifetime), rotationText(p.Token), string(p.ClientAuthentication),
			yesNo(p.Authorization.PKCE), string(p.Revocation.Style),
		}
	}
	return c.print(document, func(w io.Writer) {
		table(w, []string{"ID", "NAME", "ACCESS TOKEN", "REFRESH TOKEN", "CLIENT AUTHENTICATION", "PKCE", "REVOCATION"}, rows)
	})
}

func (c *cli) showProvider(catalogue *provider.Catalogue, id string) error {
	p, ok := catalogue.Get(id)
	if !ok {
		return failf("tokenkeeper providers", "provider %q is not in the catalogue; there are: %s", id, strings.Join(ids(catalogue), ", "))
	}
	document, err := asJSON(p)
	if err != nil {
		return err
	}
	return c.print(document, func(w io.Writer) { describeProvider(w, p) })
}

// asJSON writes an entry under the keys of the catalogue, which are those of its YAML.
func asJSON(p provider.Provider) (json.RawMessage, error) {
	text, err := yaml.MarshalWithOptions(p, yaml.JSON())
	if err != nil {
		return nil, fmt.Errorf("encoding provider %s: %w", p.ID, err)
	}
	return text, nil
}

func describeProvider(w io.Writer, p provider.Provider) {
	details(w, []fact{
		{"id", p.ID},
		{"name", p.Name},
		{"grants", grantsText(p)},
		{"authorize", p.Endpoints.Authorize},
		{"token", p.Endpoints.Token},
		{"identity", strings.TrimSpace(p.Identity.Method + " " + p.Endpoints.Identity)},
		{"revoke", p.Endpoints.Revoke},
		{"api", p.Endpoints.API},
		{"hosts that get the token", strings.Join(p.API.Hosts, ", ")},
		{"client authentication", string(p.ClientAuthentication)},
		{"pkce", yesNo(p.Authorization.PKCE)},
		{"issuer", p.Authorization.Issuer},
		{"access token", lifetime(p.Token.Lifetime)},
		{"refresh token", rotationText(p.Token)},
		{"refresh token lives", lifetime(p.Token.RefreshLifetime)},
		{"unused it lives", lifetime(p.Token.RefreshIdleLifetime)},
		{"reuse revokes the grant", yesNo(p.Token.ReuseRevokesGrant)},
		{"refresh ends the access token", yesNo(p.Token.RefreshEndsAccessToken)},
		{"token endpoint gets", fmt.Sprintf("%g requests a second, %d at once from each worker", p.Token.RequestRate(), p.Token.AtOnce())},
		{"revocation", string(p.Revocation.Style)},
		{"subject", p.Identity.Subject},
	})
	fmt.Fprintln(w, "\nerror codes")
	details(w, []fact{
		{"  dead grant", strings.Join(p.Errors.DeadGrant, " ")},
		{"  dead client", strings.Join(p.Errors.DeadClient, " ")},
		{"  throttled", strings.Join(p.Errors.Throttled, " ")},
		{"  transient", strings.Join(p.Errors.Transient, " ")},
		{"  ambiguous", strings.Join(p.Errors.Ambiguous, " ")},
		{"  malformed", strings.Join(p.Errors.Malformed, " ")},
		{"  misconfigured", strings.Join(p.Errors.Misconfigured, " ")},
		{"  of the API, for a dead token", strings.Join(p.API.DeadToken.Codes, " ")},
		{"  of these, for a good one too", strings.Join(p.API.DeadToken.Unsure, " ")},
	})
}

// lifetime writes a duration as providers do: "12h", "183d".
func lifetime(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == 0:
		return ""
	case d >= 2*day && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

// rotationText says what becomes of a refresh token that was used.
func rotationText(t provider.Token) string {
	switch t.Rotation {
	case provider.RotationNone:
		return "none"
	case provider.RotationStatic:
		return "stays"
	case provider.RotationGrace:
		return strings.TrimSpace("rotates, grace " + lifetime(t.Grace))
	case provider.RotationSingleUse:
	}
	return "rotates, single use"
}

// grantsText lists the grants that a connector may choose from, the default first.
func grantsText(p provider.Provider) string {
	var names []string
	for _, g := range p.AllowedGrants() {
		names = append(names, string(g))
	}
	return strings.Join(names, ", ")
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
