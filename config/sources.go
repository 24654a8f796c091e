package config

import (
	"hash/maphash"
	"maps"
	"os"
	"reflect"
	"slices"
)

// Sources are the files that a configuration was read from, its own and those with secrets and keys, each with a digest of
// what it held.
type Sources map[string]uint64

// sourceSeed differs in each process, so that a digest that strays into a log reveals nothing about a secret.
var sourceSeed = maphash.MakeSeed()

// Sources returns what Load read. A configuration that came through a pipe is not among it, because it comes only once.
func (c *Config) Sources() Sources { return c.sources }

// Now returns the same files as they are at this moment. One that cannot be read has digest 0.
func (s Sources) Now() Sources {
	now := Sources{}
	for name := range s {
		now[name] = sourceNow(name)
	}
	return now
}

// Equal reports whether these are the same files with the same content.
func (s Sources) Equal(other Sources) bool { return maps.Equal(s, other) }

// note remembers what the file held.
func (s Sources) note(name string, data []byte) {
	if isRegular(name) {
		s[name] = sourceDigest(data)
	}
}

func sourceNow(name string) uint64 {
	if !isRegular(name) {
		return 0
	}
	data, err := read(name)
	if err != nil {
		return 0
	}
	return sourceDigest(data)
}

func sourceDigest(data []byte) uint64 { return maphash.Bytes(sourceSeed, data) }

// isRegular keeps everybody away from pipes, which would be waited for.
func isRegular(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// Keep takes over from old what a running process cannot change, and returns the keys that would have changed.
func (c *Config) Keep(old *Config) (kept []string) {
	if c.Temporal.TaskQueue != old.Temporal.TaskQueue {
		kept = append(kept, "temporal.task_queue")
	}
	if !c.Vault.same(old.Vault) {
		kept = append(kept, "vault")
	}
	kept = append(kept, c.Gateway.keep(old.Gateway)...)
	if c.Links.RequireCode != old.Links.RequireCode {
		kept = append(kept, "links.require_code")
	}
	if c.Links.RequireSignIn != old.Links.RequireSignIn {
		kept = append(kept, "links.require_sign_in")
	}
	c.Temporal.TaskQueue, c.Vault = old.Temporal.TaskQueue, old.Vault
	c.Links.RequireCode, c.Links.RequireSignIn = old.Links.RequireCode, old.Links.RequireSignIn
	return kept
}

// keep takes over everything from old but the content of files that both name, and who may sign in: a certificate, tokens
// and people may change while the gateway serves. Whether there are any is settled at the start.
func (g *Gateway) keep(old Gateway) (kept []string) {
	next := *g
	*g = old
	for _, part := range []struct {
		key  string
		same bool
		take func()
	}{
		{"gateway.listen", next.Listen == old.Listen, nil},
		{"gateway.public_url", next.PublicURL == old.PublicURL, nil},
		{"gateway.trusted_proxies", slices.Equal(next.TrustedProxies, old.TrustedProxies), nil},
		{"gateway.tls", next.TLS == old.TLS, func() { g.certificate = next.certificate }},
		{"gateway.admin_token", next.AdminTokenEnv == old.AdminTokenEnv && next.AdminTokenFile == old.AdminTokenFile, func() { g.admin = next.admin }},
		{"gateway.viewer_token", next.ViewerTokenEnv == old.ViewerTokenEnv && next.ViewerTokenFile == old.ViewerTokenFile, func() { g.viewer = next.viewer }},
		{"gateway.oidc", next.OIDC.sameClient(old.OIDC), func() { g.OIDC = next.OIDC }},
	} {
		switch {
		case !part.same:
			kept = append(kept, part.key)
		case part.take != nil:
			part.take()
		}
	}
	return kept
}

func (v Vault) same(other Vault) bool {
	return v.Path == other.Path && v.URLEnv == other.URLEnv && v.Keyset == other.Keyset && v.KMS == other.KMS && v.url.Equal(other.url)
}

// Same reports whether nothing of a connector differs: neither what the file says of it, nor its secret and key, nor its
// provider.
func (c Connector) Same(other Connector) bool { return reflect.DeepEqual(c, other) }
