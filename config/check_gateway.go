package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"tokenkeeper/provider"
)

func (k *checker) gateway() {
	k.tls()
	k.trustedProxies()
	k.tokens()
	k.oidc()
	if k.listen() && k.config.Gateway.Exposed() {
		k.exposed()
	}
	k.publicURL()
}

// listen reports whether there is an address to listen on.
func (k *checker) listen() bool {
	const path = "gateway.listen"
	fix := "write host:port, for example 127.0.0.1:8780"
	listen := k.config.Gateway.Listen
	if !k.require(path, listen, fix) {
		return false
	}
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		k.add(path, quote(listen)+" is not host:port", fix)
		return false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		k.add(path, quote(port)+" is no port from 1 to 65535", "write a fixed one: the redirect URL registered at the providers holds it")
		return false
	}
	return true
}

func (k *checker) publicURL() {
	const path = "gateway.public_url"
	g := &k.config.Gateway
	if k.refused[path] {
		return
	}
	if g.PublicURL == "" {
		g.PublicURL = g.publicURL()
		return
	}
	fix := "write what a browser opens, for example https://tokenkeeper.example.com"
	if !k.address(path, g.PublicURL, fix) {
		return
	}
	if u, err := url.Parse(g.PublicURL); err == nil && (u.RawQuery != "" || u.ForceQuery) {
		k.add(path, "the address of the gateway has no query", "delete everything from the '?'")
	}
	if g.TLS.On() && !strings.HasPrefix(g.PublicURL, "https:") {
		k.add(path, "the gateway serves TLS, and no browser gets there with http", "write https, or delete gateway.tls")
	}
	g.PublicURL = strings.TrimRight(g.PublicURL, "/")
	if address, rest, found := strings.Cut(g.PublicURL, callbackPath); found && !strings.Contains(strings.TrimPrefix(rest, "/"), "/") {
		k.add(path, "this is a redirect URL, the address of the gateway is the part before", "write "+address)
	}
}

// hint leads from the words that other programs use.
func (*Gateway) hint(key string) advice {
	switch key {
	case "port", "host", "address", "bind":
		return advice{"unknown key, host and port are one value here", "write listen: 127.0.0.1:8780", "listen"}
	case "redirect_url", "redirect_uri", "callback_url":
		return advice{"unknown key, the redirect URL follows from public_url", "delete it, and register public_url + /oauth/callback/ + the connector's name", ""}
	case "admin_token", "viewer_token", "token", "password", "secret":
		return advice{"a secret must never stand in this file",
			"put a new one into an environment variable and write admin_token_env: NAME, or into a file of mode 600 and write admin_token_file: PATH", ""}
	case "certificate", "cert", "cert_file", "key", "key_file":
		return advice{"unknown key", "write tls: {certificate: FILE, key: FILE}", "tls"}
	case "openid", "sso", "oauth", "login":
		return advice{"unknown key", "write oidc: with issuer, client_id, client_secret_env, and operators or viewers", "oidc"}
	}
	return advice{}
}

// address reports whether raw is an absolute URL that secrets may travel to: https, or http that stays on this machine.
func (k *checker) address(path, raw, fix string) bool {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Host == "", u.Hostname() == "", u.Scheme != "http" && u.Scheme != "https":
		k.add(path, "this is no absolute URL with http or https", fix)
	case u.User != nil:
		k.add(path, "a URL in this file holds no user name or password", "delete everything up to the '@'")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		k.add(path, "the URL has a fragment", "delete everything from the '#'")
	case u.Scheme == "http" && !provider.IsLoopback(u.Hostname()):
		k.add(path, "http would send codes and secrets in clear to "+quote(u.Hostname()), "write https; http is for 127.0.0.1, [::1] and localhost")
	default:
		return true
	}
	return false
}
