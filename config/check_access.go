package config

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"unicode/utf8"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// exposed demands what a gateway needs that other machines can reach: people sign in, and neither tokens nor cookies
// travel in the clear.
func (k *checker) exposed() {
	const path = "gateway.listen"
	g := &k.config.Gateway
	if g.AdminTokenEnv == "" && g.AdminTokenFile == "" && !k.oidcWritten() {
		k.add(path, quote(g.Listen)+" is open to other machines, and nobody would be asked who they are",
			"write oidc: or admin_token_env: NAME under gateway, or listen on 127.0.0.1")
	}
	if g.TLS == (TLS{}) && len(g.TrustedProxies) == 0 {
		k.add(path, quote(g.Listen)+" is open to other machines, and tokens would travel in clear",
			"write tls: {certificate: FILE, key: FILE} under gateway; or trusted_proxies: [ADDRESS], of the reverse proxy with TLS in front; or listen on 127.0.0.1")
	}
	k.exposedURL()
}

// exposedURL demands a public URL, because none can be derived from an address such as 0.0.0.0.
func (k *checker) exposedURL() {
	const path = "gateway.public_url"
	public := k.config.Gateway.PublicURL
	if !k.require(path, public, "write what browsers open, for example https://tokenkeeper.example.com") {
		return
	}
	if u, err := url.Parse(public); err == nil && u.Scheme == "http" && provider.IsLoopback(u.Hostname()) {
		k.add(path, "browsers on other machines do not reach "+quote(public), "write what they open, with https; or listen on 127.0.0.1")
	}
}

// tls reads the certificate once, so that a wrong file is a problem with a line and not an alert at a browser's end.
func (k *checker) tls() {
	const path, byCertificate, byKey = "gateway.tls", "gateway.tls.certificate", "gateway.tls.key"
	t := &k.config.Gateway.TLS
	if *t == (TLS{}) || k.refusedUnder(path) {
		return
	}
	t.Certificate, t.Key = k.file(byCertificate, t.Certificate), k.file(byKey, t.Key)
	if t.Certificate == "" || t.Key == "" {
		return
	}
	chain, key := k.publicFile(byCertificate, t.Certificate), k.secretFile(byKey, t.Key)
	if len(chain) == 0 || key == "" {
		return
	}
	pair, err := tls.X509KeyPair(chain, []byte(key))
	if err != nil {
		k.add(byCertificate, "this certificate and key cannot be used: "+strings.TrimPrefix(err.Error(), "tls: "),
			"name two PEM files that belong together, the certificate of the gateway first in its file")
	}
	k.config.Gateway.certificate = pair
}

// publicFile returns the content of a file that need not be secret, nil after a problem.
func (k *checker) publicFile(path, name string) []byte {
	const fix = "name the PEM file with the certificate and its chain"
	if _, err := os.Stat(name); err == nil && !isRegular(name) { // reading a pipe would wait for ever
		k.add(path, name+" is no regular file", fix)
		return nil
	}
	data, err := read(name)
	if err != nil {
		k.add(path, name+" cannot be read: "+reason(err), fix)
		return nil
	}
	k.sources.note(name, data)
	if len(data) == 0 {
		k.add(path, name+" is empty", fix)
	}
	return data
}

func (k *checker) trustedProxies() {
	const path = "gateway.trusted_proxies"
	g := &k.config.Gateway
	for i, text := range g.TrustedProxies {
		at := fmt.Sprintf("%s[%d]", path, i)
		if k.refused[at] {
			continue
		}
		network, err := parseNetwork(text)
		switch {
		case err != nil:
			k.add(at, quote(text)+" is neither an address nor a network", "write for example 10.0.0.7 or 10.0.0.0/24; names are not looked up")
		case network.Bits() == 0:
			k.add(at, quote(text)+" is everybody, and everybody could write the headers of a proxy", "write the address of the proxy, for example 10.0.0.7")
		default:
			g.proxies = append(g.proxies, network)
		}
	}
}

// parseNetwork reads a network, or a single address as the network that holds nothing else.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Unmap().Prefix(address.Unmap().BitLen())
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err
}

// minToken is the number of characters below which a token could be guessed: 32 of base64 are 192 random bits.
const minToken = 32

func (k *checker) tokens() {
	g := &k.config.Gateway
	g.admin = k.token("gateway.admin_token", g.AdminTokenEnv, g.AdminTokenFile)
	g.viewer = k.token("gateway.viewer_token", g.ViewerTokenEnv, g.ViewerTokenFile)
	if !g.viewer.IsZero() && g.viewer.Equal(g.admin) {
		k.add(given("gateway.viewer_token", g.ViewerTokenFile), "this is the admin token, and every viewer would be an operator", makeToken)
	}
}

const makeToken = "make one with: openssl rand -base64 32"

func (k *checker) token(stem, variable, file string) credential.Secret {
	token, _ := k.secret(stem, variable, file)
	switch length := utf8.RuneCountInString(token.Reveal()); {
	case token.IsZero():
	case length < minToken:
		k.add(given(stem, file), fmt.Sprintf("this token has %d characters, and fewer than %d can be guessed", length, minToken), makeToken)
	case strings.ContainsFunc(token.Reveal(), notInHeader):
		k.add(given(stem, file), "this token has a character that does not fit a header, such as a space", makeToken)
	}
	return token
}

// given returns which of two keys a secret stands behind.
func given(stem, file string) string {
	if file != "" {
		return stem + "_file"
	}
	return stem + "_env"
}

// notInHeader reports whether a character cannot be in what "Authorization: Bearer" carries.
func notInHeader(r rune) bool { return r <= ' ' || r > '~' }
