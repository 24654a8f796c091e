package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

func (k *checker) gateway() {
	k.listen()
	k.publicURL()
}

// listen allows loopback alone: whoever reaches the gateway can start a login, and nobody is asked who they are.
func (k *checker) listen() {
	const path = "gateway.listen"
	fix := "write host:port, for example 127.0.0.1:8780"
	listen := k.config.Gateway.Listen
	if !k.require(path, listen, fix) {
		return
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		k.add(path, quote(listen)+" is not host:port", fix)
		return
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		k.add(path, quote(port)+" is no port from 1 to 65535", "write a fixed one: the redirect URL registered at the providers holds it")
	}
	if !IsLoopback(host) {
		k.add(path, "the gateway serves loopback only, "+quote(host)+" is not",
			"listen on 127.0.0.1 and put a reverse proxy with TLS and a login in front; its address is gateway.public_url")
	}
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
	g.PublicURL = strings.TrimRight(g.PublicURL, "/")
	if strings.HasSuffix(g.PublicURL, callbackPath) {
		k.add(path, "this is the redirect URL, the address of the gateway is the part before", "delete "+callbackPath)
	}
}

// hint leads from the words that other programs use.
func (*Gateway) hint(key string) advice {
	switch key {
	case "port", "host", "address", "bind":
		return advice{"unknown key, host and port are one value here", "write listen: 127.0.0.1:8780", "listen"}
	case "redirect_url", "redirect_uri", "callback_url":
		return advice{"unknown key, the redirect URL follows from public_url", "write public_url without /oauth/callback", ""}
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
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		k.add(path, "http would send codes and secrets in clear to "+quote(u.Hostname()), "write https; http is for 127.0.0.1, [::1] and localhost")
	default:
		return true
	}
	return false
}

// IsLoopback reports whether a host is this machine alone.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
