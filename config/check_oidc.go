package config

import (
	"fmt"
	"slices"
	"strings"

	"tokenkeeper/credential"
)

// OIDC is the OpenID provider of an organization, our client there, and what its people may do here.
type OIDC struct {
	Issuer           string `yaml:"issuer" json:"issuer"`
	ClientID         string `yaml:"client_id" json:"client_id"`
	ClientSecretEnv  string `yaml:"client_secret_env" json:"client_secret_env,omitempty"`
	ClientSecretFile string `yaml:"client_secret_file" json:"client_secret_file,omitempty"`
	// Scopes are what is asked for; openid is among them after Load.
	Scopes []string `yaml:"scopes" json:"scopes"`
	// GroupsClaim is the claim that lists a person's groups.
	GroupsClaim string `yaml:"groups_claim" json:"groups_claim"`
	// Operators use the buttons, Viewers look. Whoever is neither does not get in.
	Operators People `yaml:"operators" json:"operators"`
	Viewers   People `yaml:"viewers" json:"viewers"`

	secret credential.Secret
}

// People are those to whom any of the lists applies. Addresses and domains are in lower case after Load.
type People struct {
	Emails  []string `yaml:"emails" json:"emails,omitempty"`
	Domains []string `yaml:"domains" json:"domains,omitempty"` // of addresses, without subdomains
	Groups  []string `yaml:"groups" json:"groups,omitempty"`
}

// On reports whether people can sign in there.
func (o OIDC) On() bool { return o.Issuer != "" }

// IsZero reports whether there is no provider, whatever the defaults.
func (o OIDC) IsZero() bool { return !o.On() }

// ClientSecret returns the secret that Load read.
func (o OIDC) ClientSecret() credential.Secret { return o.secret }

// Groups returns every group that gives somebody a right.
func (o OIDC) Groups() []string { return slices.Concat(o.Operators.Groups, o.Viewers.Groups) }

// Include reports whether a person is among them. The address has to be verified, and "" where it is not.
func (p People) Include(email string, groups []string) bool {
	email = strings.ToLower(email)
	at := strings.LastIndexByte(email, '@')
	return at > 0 && (slices.Contains(p.Emails, email) || slices.Contains(p.Domains, email[at+1:])) ||
		slices.ContainsFunc(groups, func(group string) bool { return slices.Contains(p.Groups, group) })
}

func (p People) nobody() bool { return len(p.Emails)+len(p.Domains)+len(p.Groups) == 0 }

// sameClient reports whether it is the same client at the same provider, whoever may sign in there.
func (o OIDC) sameClient(other OIDC) bool {
	return o.Issuer == other.Issuer && o.ClientID == other.ClientID && o.ClientSecretEnv == other.ClientSecretEnv &&
		o.ClientSecretFile == other.ClientSecretFile && o.GroupsClaim == other.GroupsClaim && slices.Equal(o.Scopes, other.Scopes)
}

// hint leads from the words that other programs use.
func (*OIDC) hint(key string) advice {
	switch key {
	case "client_secret", "secret":
		return advice{"a secret must never stand in this file",
			"put a new one into an environment variable and write client_secret_env: NAME, or into a file of mode 600 and write client_secret_file: PATH",
			"client_secret_env"}
	case "issuer_url", "url", "provider_url", "discovery_url":
		return advice{"unknown key", "write issuer, without /.well-known/openid-configuration", "issuer"}
	case "redirect_url", "redirect_uri", "callback_url":
		return advice{"unknown key, the redirect URL follows from gateway.public_url", "delete it, and register public_url + /login/callback at the provider", ""}
	}
	return advice{}
}

const oidcPath = "gateway.oidc"

// oidcWritten reports whether the file says anything of a provider, right or wrong.
func (k *checker) oidcWritten() bool {
	for path := range k.places {
		if strings.HasPrefix(path, oidcPath+".") {
			return true
		}
	}
	return k.refusedUnder(oidcPath)
}

func (k *checker) oidc() {
	if !k.oidcWritten() || k.refused[oidcPath] {
		return
	}
	o := &k.config.Gateway.OIDC
	k.issuer(o.Issuer)
	const byEnv = oidcPath + ".client_secret_env"
	k.require(oidcPath+".client_id", o.ClientID, "write the id that the provider gave the gateway when it was registered")
	secret, given := k.secret(oidcPath+".client_secret", o.ClientSecretEnv, o.ClientSecretFile)
	if !given && !k.refused[byEnv] && !k.refused[oidcPath+".client_secret_file"] {
		k.add(byEnv, "the client secret is missing",
			"write client_secret_env: NAME or client_secret_file: PATH; the provider shows it where the gateway is registered")
	}
	o.secret = secret
	k.oidcScopes(*o)
	k.require(oidcPath+".groups_claim", o.GroupsClaim, "write the claim that lists a person's groups, or delete the line")
	k.people(oidcPath+".operators", &o.Operators)
	k.people(oidcPath+".viewers", &o.Viewers)
	if o.Operators.nobody() && o.Viewers.nobody() && !k.refusedUnder(oidcPath+".operators") && !k.refusedUnder(oidcPath+".viewers") {
		k.add(oidcPath, "nobody could sign in", "write under operators or viewers who may, by emails, domains or groups")
	}
}

func (k *checker) issuer(issuer string) {
	const path, fix = oidcPath + ".issuer", "write it as the provider's discovery document does, for example https://login.example.com"
	if !k.require(path, issuer, fix) || !k.address(path, issuer, fix) {
		return
	}
	switch {
	case strings.Contains(issuer, "?"):
		k.add(path, "an issuer has no query", "delete everything from the '?'")
	case strings.Contains(issuer, "/.well-known/"):
		k.add(path, "this is the address of the discovery document, the issuer is the part before", "delete /.well-known/openid-configuration")
	}
}

func (k *checker) oidcScopes(o OIDC) {
	const path = oidcPath + ".scopes"
	for i, scope := range o.Scopes {
		at := fmt.Sprintf("%s[%d]", path, i)
		if !k.refused[at] && (scope == "" || strings.ContainsAny(scope, " \t\r\n\"\\")) {
			k.add(at, quote(scope)+" is not one scope", "write one scope for each entry of the list")
		}
	}
	byAddress := len(o.Operators.Emails)+len(o.Operators.Domains)+len(o.Viewers.Emails)+len(o.Viewers.Domains) > 0
	switch {
	case k.refusedUnder(path):
	case !slices.Contains(o.Scopes, "openid"):
		k.add(path, "without scope openid the provider tells nobody's name", "write for example [openid, profile, email]")
	case byAddress && !slices.Contains(o.Scopes, "email"):
		k.add(path, "without scope email the provider tells nobody's address", "add email, or write groups instead of emails and domains")
	}
}

// people checks who may, and writes addresses the way they are compared.
func (k *checker) people(path string, p *People) {
	for i, email := range p.Emails {
		p.Emails[i] = strings.ToLower(email)
		if at := strings.LastIndexByte(email, '@'); at <= 0 || !isDomain(email[at+1:]) || strings.ContainsFunc(email, notInHeader) {
			k.refuse(fmt.Sprintf("%s.emails[%d]", path, i), quote(email)+" is no e-mail address", "write for example jane@example.com")
		}
	}
	for i, domain := range p.Domains {
		p.Domains[i] = strings.ToLower(domain)
		if !isDomain(domain) {
			k.refuse(fmt.Sprintf("%s.domains[%d]", path, i), quote(domain)+" is no domain",
				"write what comes after the @ of addresses, for example example.com; it does not stand for subdomains")
		}
	}
	for i, group := range p.Groups {
		if strings.TrimSpace(group) == "" {
			k.refuse(fmt.Sprintf("%s.groups[%d]", path, i), "this group is empty", "delete it")
		}
	}
}

// refuse adds a problem where there is none yet.
func (k *checker) refuse(path, message, fix string) {
	if !k.refused[path] {
		k.add(path, message, fix)
	}
}

// isDomain reports whether a text looks like the domain of an address: labels of letters, digits and hyphens.
func isDomain(text string) bool {
	labels := strings.Split(text, ".")
	return len(labels) > 1 && !slices.ContainsFunc(labels, func(label string) bool {
		return label == "" || strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
		})
	})
}
