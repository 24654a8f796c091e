package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tokenkeeper/provider"
)

const (
	// minValidateEvery keeps validation from using up the rate limit of the API.
	minValidateEvery = 10 * time.Second
	maxValidateEvery = 24 * time.Hour
)

// grant checks how the connector gets its tokens, and reads what it signs with.
func (k *checker) grant(path string, c Connector, p provider.Provider) Connector {
	at := join(path, "grant")
	if k.refused[at] {
		return c
	}
	if c.Grant == "" {
		c.Grant = p.AllowedGrants()[0]
	}
	if !p.Allows(c.Grant) {
		var names []string
		for _, g := range p.AllowedGrants() {
			names = append(names, string(g))
		}
		k.add(at, fmt.Sprintf("provider %s has no grant %s%s", p.ID, quote(string(c.Grant)), didYouMean(string(c.Grant), names)),
			"write one of: "+listing(names)+"; or delete the line")
		return c
	}
	k.unused(path, c)
	if c.Grant.Signs() {
		c = k.signing(path, c)
	}
	if c.Grant == provider.GrantGitHubInstallation {
		k.installation(join(path, "installation_id"), c.InstallationID)
	}
	if c.Grant == provider.GrantJWTBearer && p.Assertion.ScopeClaim && len(c.Scopes) == 0 && !k.refusedUnder(join(path, "scopes")) {
		k.add(join(path, "scopes"), "there are none, and "+p.Name+" gives no tokens for nothing", "list the scopes that the agent needs")
	}
	return c
}

// unused reports keys that the connector's grant would ignore.
func (k *checker) unused(path string, c Connector) {
	signing := []provider.Grant{provider.GrantJWTBearer, provider.GrantGitHubInstallation}
	for _, own := range []struct {
		key   string
		given bool
		of    []provider.Grant
	}{
		{"private_key_file", c.PrivateKeyFile != "", signing},
		{"private_key_env", c.PrivateKeyEnv != "", signing},
		{"service_account_file", c.ServiceAccountFile != "", []provider.Grant{provider.GrantJWTBearer}},
		{"subject", c.Subject != "", []provider.Grant{provider.GrantJWTBearer, provider.GrantClientCredentials}},
		{"audience", c.Audience != "", []provider.Grant{provider.GrantJWTBearer}},
		{"installation_id", c.InstallationID != "", []provider.Grant{provider.GrantGitHubInstallation}},
		{"scopes", len(c.Scopes) > 0 && c.Grant == provider.GrantGitHubInstallation, nil},
	} {
		if !own.given || slices.Contains(own.of, c.Grant) {
			continue
		}
		fix := "delete it"
		if own.of == nil {
			fix = "delete it; permissions are set at the app"
		}
		k.add(join(path, own.key), fmt.Sprintf("grant %s has no use for this", c.Grant), fix)
	}
}

var digits = regexp.MustCompile(`^[0-9]{1,19}$`)

func (k *checker) installation(path, id string) {
	fix := `write the number at the end of the installation's URL, in quotes: installation_id: "12345678"`
	if k.require(path, id, fix) && !digits.MatchString(id) {
		k.add(path, quote(id)+" is no id of an installation", fix)
	}
}

func (k *checker) validateEvery(path string, every time.Duration) {
	if !k.refused[path] && every != 0 && (every < minValidateEvery || every > maxValidateEvery) {
		k.add(path, fmt.Sprintf("%s is outside %s to %s", every, minValidateEvery, maxValidateEvery), "write for example 15m, or 0s for never")
	}
}

// unescaped restores the line breaks of a key from the environment: many tools keep variables on one line.
func unescaped(text string) string {
	if strings.Contains(text, "\n") {
		return text
	}
	return strings.ReplaceAll(text, `\n`, "\n")
}
