package provider

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// MayReceiveToken reports whether a request to u may carry an access token of this provider: its host and port are one
// that an endpoint or the host list names, and the way there is encrypted or never leaves this machine.
func (p Provider) MayReceiveToken(u *url.URL) bool {
	if u == nil || u.User != nil || u.Hostname() == "" {
		return false
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Hostname())) {
		return false
	}
	host := writtenHost(u.Scheme, u.Host)
	return slices.Contains(p.API.Hosts, host) || slices.Contains(p.hosts(), host)
}

// hosts returns the written form of every host that may receive an access token. The authorize and token endpoints never
// see one, so they do not count.
func (p Provider) hosts() []string {
	hosts := p.endpointHosts()
	for _, host := range p.API.Hosts {
		if host = writtenHost("https", host); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

func (p Provider) endpointHosts() []string {
	var hosts []string
	for _, endpoint := range []string{p.Endpoints.API, p.Endpoints.Identity, p.Endpoints.Revoke} {
		if host := endpointHost(endpoint); host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// withHosts returns p with every host listed.
func (p Provider) withHosts() Provider {
	p.API.Hosts = p.hosts()
	return p
}

// endpointHost works on the text because a {placeholder} is no valid host for net/url.
func endpointHost(endpoint string) string {
	scheme, rest, found := strings.Cut(endpoint, "://")
	if !found {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return writtenHost(scheme, rest)
}

// writtenHost returns "host", or "host:port" where the port is not 443, in lower case.
func writtenHost(scheme, host string) string {
	host = strings.ToLower(host)
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		return host + ":80"
	}
	return host
}

// IsLoopback reports whether what is sent to a host stays on this machine. Names below localhost are none (RFC 6761 §6.3 would
// have it otherwise), because Go asks DNS for them.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
