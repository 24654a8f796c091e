package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tokenkeeper/provider"
)

// hint answers the keys that would put a secret into the file, and some that exist elsewhere.
func (*Connector) hint(key string) advice {
	switch key {
	case "client_secret", "secret", "client_secret_value":
		return advice{"a secret must never stand in this file",
			"put it into an environment variable and write client_secret_env: NAME, or into a file of mode 600 and write client_secret_file: PATH; " +
				"if this file was shared, make a new secret at the provider", "client_secret_env"}
	case "token", "access_token", "refresh_token", "bot_token", "api_key":
		return advice{"a token must never stand in this file",
			"delete it; tokens come from tokenkeeper account connect and live in the vault", ""}
	case "private_key", "signing_key", "pem", "service_account", "service_account_json":
		return advice{"a key must never stand in this file",
			"put it into a file of mode 600 and write private_key_file: PATH or service_account_file: PATH, or private_key_env: NAME; " +
				"if this file was shared, make a new key at the provider", "private_key_file"}
	case "redirect_url", "redirect_uri", "callback_url":
		return advice{"unknown key, the redirect URL follows from gateway.public_url", "delete it", ""}
	}
	return advice{}
}

// maxTimeout keeps one HTTP request shorter than the attempt of an activity around it.
const maxTimeout = 30 * time.Second

func (k *checker) connector(name string, c Connector) Connector {
	path := join("connectors", name)
	c.Name = name
	if k.refused[path] {
		return c
	}
	if !validSegment(name) {
		k.note(lookup(k.places, path), path, quote(name)+" cannot be a connector's name: it is part of account ids", "use "+segmentRule)
	}
	if at := join(path, "timeout"); !k.refused[at] && (c.Timeout < 100*time.Millisecond || c.Timeout > maxTimeout) {
		k.add(at, fmt.Sprintf("%s is outside 100ms to %s", c.Timeout, maxTimeout), "write for example 10s")
	}
	k.validateEvery(join(path, "validate_every"), c.ValidateEvery)
	k.createsPerHour(join(path, "creates_per_hour"), c)
	k.historyRate(join(path, "history_rate"), c)
	c.ClientID = k.clientID(path, c)
	usable := k.endpoints(join(path, "endpoints"), c.Endpoints)
	found, ok := k.known(path, c)
	c = k.care(path, c, found.Token)
	if ok {
		k.scopes(join(path, "scopes"), c.Scopes, found)
		c = k.grant(path, c, found)
	}
	if ok && usable {
		c.Provider = k.applied(path, c, found)
	}
	if ok {
		c.Events = k.events(join(path, "events"), c)
	}
	c.secret = k.clientSecret(path, c, ok && found.ClientAuthentication != provider.ClientPublic)
	return c
}

// apps refuses a second connector of one app. A grant is of an app and a subject: two connectors would each have an account own it, and
// the end of one would be the end of both.
func (k *checker) apps() {
	first := map[[2]string]string{} // :: token endpoint and client id → the connector of the app
	for _, name := range k.inOrder("connectors", slices.Sorted(maps.Keys(k.config.Connectors))) {
		c := k.config.Connectors[name]
		app := [2]string{c.Provider.Endpoints.Token, c.ClientID}
		if app[0] == "" || app[1] == "" || c.Grant.Mints() {
			continue
		}
		before, taken := first[app]
		if !taken {
			first[app] = name
			continue
		}
		path := join(join("connectors", name), "client_id")
		if c.ClientIDEnv != "" {
			path += "_env"
		}
		k.add(path, fmt.Sprintf("connectors %s and %s have the same app, and each consent to it would have two owners", before, name),
			fmt.Sprintf("delete one of the two and connect its accounts through the other, as in organization/user/%s, or register a second app", before))
	}
}

// care fills in and checks the rate and concurrency of requests to the token endpoint; the provider's apply where the
// connector sets none.
func (k *checker) care(path string, c Connector, t provider.Token) Connector {
	if c.TokenRate == fromProvider {
		c.TokenRate = t.RequestRate()
	}
	if c.TokenConcurrency == fromProvider {
		c.TokenConcurrency = t.AtOnce()
	}
	for _, own := range []struct {
		key string
		err error
		fix string
	}{
		{"token_rate", provider.CheckRate(c.TokenRate), fmt.Sprintf("write for example 5, or delete the line to have the provider's %v", t.RequestRate())},
		{
			"token_concurrency", provider.CheckConcurrency(c.TokenConcurrency),
			fmt.Sprintf("write for example 8, or delete the line to have the provider's %d", t.AtOnce()),
		},
	} {
		at := join(path, own.key)
		if _, written := k.places[at]; written && !k.refused[at] && own.err != nil {
			k.add(at, own.err.Error(), own.fix)
		}
	}
	return c
}

// createsPerHour checks a limit that is for connectors that file issues.
func (k *checker) createsPerHour(path string, c Connector) {
	_, written := k.places[path]
	switch {
	case !written, k.refused[path]:
	case c.ProviderID != "" && !inFamily(c.ProviderID, "github"):
		k.add(path, "tokenkeeper creates nothing at provider "+c.ProviderID, "delete it; it is for connectors of GitHub")
	case c.CreatesPerHour < 0:
		k.add(path, fmt.Sprintf("%d is negative", c.CreatesPerHour),
			fmt.Sprintf("write for example %d, or 0 for any number where the server has no such limit", DefaultCreatesPerHour))
	}
}

// maxHistoryRate is what Slack grants an ordinary app (tier 3).
const maxHistoryRate = 50

// historyRate checks a limit that is for connectors that read channels.
func (k *checker) historyRate(path string, c Connector) {
	_, written := k.places[path]
	switch {
	case !written, k.refused[path]:
	case c.ProviderID != "" && !inFamily(c.ProviderID, "slack"):
		k.add(path, "tokenkeeper reads no channels at provider "+c.ProviderID, "delete it; it is for connectors of Slack")
	case c.HistoryRate < 0 || c.HistoryRate > maxHistoryRate:
		k.add(path, fmt.Sprintf("%d is outside 0 to %d", c.HistoryRate, maxHistoryRate),
			"write 1 for an app outside Slack's Marketplace, or 0 to have the limit found out")
	}
}

func (k *checker) clientID(path string, c Connector) string {
	byValue, byEnv := join(path, "client_id"), join(path, "client_id_env")
	switch {
	case k.refused[byValue], k.refused[byEnv]:
	case c.ClientID != "" && c.ClientIDEnv != "":
		k.add(byEnv, "client_id is there too, and one of them would be ignored", "delete one of the two")
	case c.ClientIDEnv != "":
		return k.variable(byEnv, c.ClientIDEnv)
	case c.ServiceAccountFile != "": // it names the client
	default:
		k.require(byValue, c.ClientID, "write client_id (it is no secret) or client_id_env; it is on the app's page at the provider")
	}
	return c.ClientID
}

// endpoints checks the connector's own endpoints; a placeholder in one stands for any part of it.
func (k *checker) endpoints(path string, e provider.Endpoints) bool {
	good := true
	for _, own := range []struct{ key, url string }{
		{"authorize", e.Authorize}, {"token", e.Token}, {"revoke", e.Revoke}, {"identity", e.Identity}, {"api", e.API},
	} {
		if own.url != "" {
			bare := placeholder.ReplaceAllString(own.url, "x")
			good = k.address(join(path, own.key), bare, "write the whole URL, for example https://github.example.com/login/oauth/authorize") && good
		}
	}
	return good && !k.refusedUnder(path)
}

// scopes checks that each entry is one scope (RFC 6749 §3.3).
func (k *checker) scopes(path string, scopes []string, p provider.Provider) {
	separator := p.Authorization.ScopeSeparator
	seen := map[string]bool{}
	for i, scope := range scopes {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case k.refused[at]:
		case scope == "":
			k.add(at, "this scope is empty", "delete it")
		case strings.ContainsAny(scope, " \t\r\n\"\\") || (separator != "" && strings.Contains(scope, separator)):
			k.add(at, quote(scope)+" is not one scope", "write one scope for each entry of the list")
		case seen[scope]:
			k.add(at, "scope "+quote(scope)+" is there already", "delete one of them")
		}
		seen[scope] = true
	}
}
