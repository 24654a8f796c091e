package config

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// How the connection to a mail server is encrypted.
const (
	MailStartTLS    = "starttls"
	MailImplicitTLS = "implicit"
	MailNoTLS       = "none"
)

// mailPorts are the usual ports: submission (RFC 6409), submissions (RFC 8314) and that of a server on this machine.
var mailPorts = map[string]int{MailStartTLS: 587, MailImplicitTLS: 465, MailNoTLS: 25}

func (k *checker) slackTarget(path string, t NoticeTarget) {
	k.require(join(path, "account"), t.Account.String(), "write the account that posts as organization/user/connector, for example acme/ops/slack")
	k.channel(join(path, "channel"), t.Channel)
}

// scopesOfNotices are what posting takes, and finding again what was posted.
func (k *checker) scopesOfNotices(at string, account credential.AccountID) {
	connector, known := k.config.Connectors[account.Connector]
	if !known || k.refused[at] {
		return
	}
	history := slices.Contains(connector.Scopes, "channels:history") || slices.Contains(connector.Scopes, "groups:history")
	switch {
	case !slices.Contains(connector.Scopes, "chat:write"):
		k.lacksScope(at, account, "chat:write", "post")
	case !history:
		k.lacksScope(at, account, "channels:history", "find what was posted before, and not post it twice")
	}
}

func (k *checker) lacksScope(at string, account credential.AccountID, scope, purpose string) {
	k.add(at, fmt.Sprintf("connector %s has not the scope %s, without which nobody can %s", account.Connector, scope, purpose),
		"add it to the scopes of the connector and of the Slack app, then reauthorize account "+account.String())
}

func (k *checker) emailTarget(path string, t NoticeTarget) NoticeTarget {
	if t.TLS == "" {
		t.TLS = MailStartTLS
	}
	k.mailServer(path, t)
	if at := join(path, "port"); t.Port == 0 && !k.refused[at] {
		t.Port = mailPorts[t.TLS]
	}
	t.secret = k.mailPassword(path, t)
	k.mailFrom(join(path, "from"), t.From)
	k.mailTo(join(path, "to"), t.To)
	return t
}

func (k *checker) mailServer(path string, t NoticeTarget) {
	host, encryption, port := join(path, "host"), join(path, "tls"), join(path, "port")
	named := k.require(host, t.Host, "write the name of the mail server, for example smtp.example.com")
	if named && strings.ContainsAny(t.Host, ":/@ ") && !strings.HasPrefix(t.Host, "::") {
		k.add(host, quote(t.Host)+" is no name of a machine", "write the name alone; the port is under port")
	}
	switch _, known := mailPorts[t.TLS]; {
	case k.refused[encryption], k.refused[host]:
	case !known:
		k.add(encryption, quote(t.TLS)+" is no way to encrypt", "write starttls, implicit (from the first byte on, port 465) or none (a server on this machine)")
	case t.TLS == MailNoTLS && named && !provider.IsLoopback(t.Host):
		k.add(encryption, "without TLS the link to consent would travel in clear", "write starttls or implicit; none is for 127.0.0.1, ::1 and localhost")
	}
	if _, written := k.places[port]; written && !k.refused[port] {
		k.between(port, t.Port, 1, 65535, "write the port of the mail server, or delete it: 587 for starttls, 465 for implicit")
	}
}

func (k *checker) mailPassword(path string, t NoticeTarget) credential.Secret {
	user, byEnv := join(path, "username"), join(path, "password_env")
	secret, given := k.secret(join(path, "password"), t.PasswordEnv, t.PasswordFile)
	switch {
	case given && t.Username == "" && !k.refused[user]:
		k.add(user, "there is a password, and no user whose it is", "write username: and the name to sign in with")
	case !given && t.Username != "" && !k.refused[byEnv] && !k.refused[join(path, "password_file")]:
		k.add(byEnv, "the password is missing", "write password_env: NAME or password_file: PATH, or delete username where the server wants none")
	}
	return secret
}

func (k *checker) mailFrom(path, from string) {
	const fix = "write the address that notices come from, for example tokenkeeper@example.com"
	if !k.require(path, from, fix) {
		return
	}
	if _, err := mail.ParseAddress(from); err != nil {
		k.add(path, quote(from)+" is no address of e-mail", fix)
	}
}

// maxRecipients keeps a list from becoming a mailing list: each gets a mail, and a delivery, of their own.
const maxRecipients = 20

func (k *checker) mailTo(path string, to []string) {
	const fix = "write addresses without names, for example [ops@example.com]; for more people take a mailing list"
	switch {
	case k.refused[path]:
	case len(to) == 0:
		k.add(path, "nobody would get it", fix)
	case len(to) > maxRecipients:
		k.add(path, fmt.Sprintf("%d addresses are more than %d", len(to), maxRecipients), fix)
	}
	for i, address := range to {
		at := fmt.Sprintf("%s[%d]", path, i)
		parsed, err := mail.ParseAddress(address)
		switch {
		case k.refused[at]:
		case err != nil || parsed.Address != address:
			k.add(at, quote(address)+" is no address of e-mail", fix)
		case slices.Contains(to[:i], address):
			k.add(at, address+" is there already", "delete one of them")
		}
	}
}
