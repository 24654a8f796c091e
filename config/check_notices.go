package config

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// Notices say whom to tell of trouble, and how often.
type Notices struct {
	// Escalation is when people hear again of trouble that goes on, each counted from the first notice.
	Escalation []time.Duration `yaml:"escalation" json:"escalation"`
	// Quiet is how long after a notice of recovery no new trouble is announced.
	Quiet time.Duration `yaml:"quiet" json:"quiet"`
	// Targets has an entry after Load: the log, where none was written.
	Targets map[string]NoticeTarget `yaml:"targets" json:"targets"` // name → target
}

// The types of targets.
const (
	TargetLog     = "log"
	TargetWebhook = "webhook"
	TargetSlack   = "slack"
	TargetEmail   = "email"
)

// NoticeTarget is a place where people read notices.
type NoticeTarget struct {
	Type string `yaml:"type" json:"type"`
	// URL, or URLEnv for one that is a secret itself, is where a webhook takes them.
	URL    string `yaml:"url" json:"url,omitempty"`
	URLEnv string `yaml:"url_env" json:"url_env,omitempty"`
	// SecretEnv or SecretFile has what signs them: whsec_ and base64.
	SecretEnv  string `yaml:"secret_env" json:"secret_env,omitempty"`
	SecretFile string `yaml:"secret_file" json:"secret_file,omitempty"`
	// Account posts them into Channel, a Slack channel id.
	Account credential.AccountID `yaml:"account" json:"account,omitzero"`
	Channel string               `yaml:"channel" json:"channel,omitempty"`
	// Host and Port are of the mail server; after Load the port is there. TLS is [MailStartTLS], [MailImplicitTLS] or [MailNoTLS].
	Host string `yaml:"host" json:"host,omitempty"`
	Port int    `yaml:"port" json:"port,omitempty"`
	TLS  string `yaml:"tls" json:"tls,omitempty"`
	// Username signs in with what PasswordEnv or PasswordFile has; "" where the server wants none.
	Username     string `yaml:"username" json:"username,omitempty"`
	PasswordEnv  string `yaml:"password_env" json:"password_env,omitempty"`
	PasswordFile string `yaml:"password_file" json:"password_file,omitempty"`
	// From is an address, or a name and an address; To are addresses.
	From string   `yaml:"from" json:"from,omitempty"`
	To   []string `yaml:"to" json:"to,omitempty"`

	address, secret credential.Secret
}

// Address returns the URL that Load read, wherever it was written.
func (t NoticeTarget) Address() credential.Secret { return t.address }

// Secret returns what signs, or the password of the mail server, as Load read it.
func (t NoticeTarget) Secret() credential.Secret { return t.secret }

// hint answers the keys that would put a secret into the file.
func (*NoticeTarget) hint(key string) advice {
	switch key {
	case "secret", "password":
		return advice{"a secret must never stand in this file",
			"put it into an environment variable and write " + key + "_env: NAME; if this file was shared, make a new one at the receiver", key + "_env"}
	}
	return advice{}
}

// keysOf are the keys that each type of target has a use for.
var keysOf = map[string][]string{
	TargetLog:     {},
	TargetWebhook: {"url", "url_env", "secret_env", "secret_file"},
	TargetSlack:   {"account", "channel"},
	TargetEmail:   {"host", "port", "tls", "username", "password_env", "password_file", "from", "to"},
}

const (
	minEscalation = time.Minute
	maxEscalation = 90 * 24 * time.Hour
	maxQuiet      = 24 * time.Hour
)

func (k *checker) notices() {
	n := &k.config.Notices
	k.escalation(n.Escalation)
	if path := "notices.quiet"; !k.refused[path] && (n.Quiet < 0 || n.Quiet > maxQuiet) {
		k.add(path, fmt.Sprintf("%s is outside 0s to %s", n.Quiet, maxQuiet), "write for example 15m")
	}
	if len(n.Targets) == 0 {
		n.Targets = map[string]NoticeTarget{TargetLog: {Type: TargetLog}}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(n.Targets)) {
		path := join("notices.targets", name)
		if !validSegment(name) {
			k.add(path, quote(name)+" is no name of a target", "write "+segmentRule)
			continue
		}
		n.Targets[name] = k.noticeTarget(path, n.Targets[name])
	}
}

// slackTargets checks the accounts and scopes of Slack targets, once the connectors are known. If every target went
// through the same Slack app, nobody would hear of its end.
func (k *checker) slackTargets() {
	connectors := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(k.config.Notices.Targets)) {
		t := k.config.Notices.Targets[name]
		if t.Type != TargetSlack {
			connectors[""] = true
			continue
		}
		connectors[t.Account.Connector] = true
		path := join("notices.targets", name)
		if at := join(path, "account"); !t.Account.IsZero() && !k.refused[at] {
			k.account(at, t.Account, "", "slack")
			k.scopesOfNotices(at, t.Account)
		}
	}
	if len(connectors) == 1 && !connectors[""] && !k.refused["notices"] && !k.refused["notices.targets"] {
		k.add("notices.targets", "every target goes through the same Slack app, so that nobody would hear of its end",
			"add a target that needs no account, for example log: {type: log}")
	}
}

func (k *checker) escalation(steps []time.Duration) {
	for i, step := range steps {
		path := fmt.Sprintf("notices.escalation[%d]", i)
		switch {
		case k.refused[path]:
		case step < minEscalation || step > maxEscalation:
			k.add(path, fmt.Sprintf("%s is outside %s to %s", step, minEscalation, maxEscalation), "write for example [1h, 24h, 72h], or [] to tell once")
		case i > 0 && step <= steps[i-1]:
			k.add(path, fmt.Sprintf("%s comes after %s, and each is counted from the first notice", step, steps[i-1]), "write them in rising order")
		}
	}
}

func (k *checker) noticeTarget(path string, t NoticeTarget) NoticeTarget {
	at := join(path, "type")
	types := slices.Sorted(maps.Keys(keysOf))
	if k.refused[path] || !k.require(at, t.Type, "write type: and one of "+strings.Join(types, ", ")) {
		return t
	}
	if _, known := keysOf[t.Type]; !known {
		k.add(at, quote(t.Type)+" is no type of target"+didYouMean(t.Type, types), "write one of "+strings.Join(types, ", "))
		return t
	}
	k.uselessKeys(path, t.Type)
	switch t.Type {
	case TargetWebhook:
		t.address = k.webhookAddress(path, t)
		t.secret = k.webhookSecret(path, t)
	case TargetSlack:
		k.slackTarget(path, t)
	case TargetEmail:
		return k.emailTarget(path, t)
	}
	return t
}

// uselessKeys reports keys that belong to another type of target.
func (k *checker) uselessKeys(path, kind string) {
	for _, other := range slices.Sorted(maps.Keys(keysOf)) {
		for _, key := range keysOf[other] {
			at := join(path, key)
			if _, written := k.places[at]; written && !k.refused[at] && !slices.Contains(keysOf[kind], key) {
				k.add(at, "a target of type "+kind+" has no "+key, "delete it, or write type: "+other)
			}
		}
	}
}

func (k *checker) webhookAddress(path string, t NoticeTarget) credential.Secret {
	at, text := join(path, "url"), t.URL
	byEnv := join(path, "url_env")
	switch {
	case k.refused[at], k.refused[byEnv]:
		return credential.Secret{}
	case t.URLEnv != "" && t.URL != "":
		k.add(byEnv, "url is there too, and one of them would be ignored", "delete one of the two")
		return credential.Secret{}
	case t.URLEnv != "":
		at = byEnv
		if text = k.variable(byEnv, t.URLEnv); text == "" {
			return credential.Secret{}
		}
	case !k.require(at, text, "write url: https://…, or url_env: NAME where the URL is a secret"):
		return credential.Secret{}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		k.add(at, "this is no absolute URL with http or https", "write the URL as the receiver shows it")
	case u.Scheme == "http" && !provider.IsLoopback(u.Hostname()):
		k.add(at, "http would send the link to consent in clear", "write https; http is for 127.0.0.1, [::1] and localhost")
	default:
		return credential.NewSecret(text)
	}
	return credential.Secret{}
}

// The bounds of the Standard Webhooks specification for a secret, in bytes.
const minWebhookKey, maxWebhookKey = 24, 64

func (k *checker) webhookSecret(path string, t NoticeTarget) credential.Secret {
	const where = "the receiver shows it, or make one with: echo whsec_$(openssl rand -base64 32)"
	secret := k.eventSecret(path, "secret", t.SecretEnv, t.SecretFile, where)
	at := given(join(path, "secret"), t.SecretFile)
	if secret.IsZero() || k.refused[at] {
		return secret
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	switch {
	case err != nil:
		k.add(at, "the secret is not whsec_ and base64", where)
	case len(key) < minWebhookKey || len(key) > maxWebhookKey:
		k.add(at, fmt.Sprintf("the secret has %d bytes, Standard Webhooks wants %d to %d", len(key), minWebhookKey, maxWebhookKey), where)
	}
	return secret
}
