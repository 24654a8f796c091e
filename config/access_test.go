package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const adminToken = "s3cr3t-of-operators-s3cr3t-of-operators"

// certificateFiles returns two PEM files that belong together, with names of their own in each call.
func certificateFiles(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "keeper"}, DNSNames: []string{"keeper.example.com"},
		NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certificate, key = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	write(t, certificate, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), 0o644)
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), 0o600)
	return certificate, key
}

const listenLine = "  listen: 127.0.0.1:8780\n  public_url: http://127.0.0.1:8780\n"

// served returns the good file with another gateway.
func served(t *testing.T, lines ...string) string {
	t.Helper()
	return edit(t, good, listenLine, "  "+strings.Join(lines, "\n  ")+"\n")
}

func TestGatewayBeyondLoopback(t *testing.T) {
	certificate, key := certificateFiles(t)
	behind := mustLoad(t, served(t, "listen: :8780", "public_url: https://keeper.example.com", "trusted_proxies: [10.0.0.7, 10.1.2.3/16, '::1']",
		"admin_token_env: TOKENKEEPER_ADMIN_TOKEN")).Gateway
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("::1/128")}
	if !slices.Equal(behind.Proxies(), want) || !behind.AsksWho() || behind.Local() || !behind.Exposed() || behind.TLS.On() {
		t.Errorf("gateway = %+v", behind)
	}
	alone := mustLoad(t, served(t, "listen: 0.0.0.0:8780", "public_url: https://keeper.example.com", "tls: {certificate: "+certificate+", key: "+key+"}",
		"admin_token_env: TOKENKEEPER_ADMIN_TOKEN", "viewer_token_env: TOKENKEEPER_VIEWER_TOKEN")).Gateway
	if !alone.TLS.On() || len(alone.Certificate().Certificate) != 1 || alone.ViewerToken().Reveal() != "viewer-"+adminToken {
		t.Errorf("gateway = %+v", alone)
	}
	if onLoopback := mustLoad(t, good).Gateway; !onLoopback.Local() || onLoopback.Exposed() {
		t.Errorf("gateway = %+v", onLoopback)
	}
	signedIn := mustLoad(t, served(t, "admin_token_env: TOKENKEEPER_ADMIN_TOKEN")).Gateway
	if signedIn.Local() || signedIn.PublicURL != "http://127.0.0.1:8780" {
		t.Errorf("gateway = %+v", signedIn)
	}
	if https := mustLoad(t, served(t, "tls: {certificate: "+certificate+", key: "+key+"}")).Gateway; https.PublicURL != "https://127.0.0.1:8780" {
		t.Errorf("gateway = %+v", https)
	}
}

// A certificate and tokens are renewed while the gateway serves; whether there are any is settled at the start.
func TestKeepOfTheGateway(t *testing.T) {
	certificate, key := certificateFiles(t)
	token := filepath.Join(t.TempDir(), "token")
	write(t, token, adminToken, 0o600)
	text := served(t, "tls: {certificate: "+certificate+", key: "+key+"}", "admin_token_file: "+token)
	old := mustLoad(t, text)

	renewed, renewedKey := certificateFiles(t)
	overwrite(t, renewed, certificate)
	overwrite(t, renewedKey, key)
	write(t, token, "another-"+adminToken, 0o600)
	if old.Sources().Equal(old.Sources().Now()) {
		t.Error("nobody sees that the files changed")
	}
	next := mustLoad(t, text)
	next.Vault = old.Vault // each file of the tests has a folder of its own
	if kept := next.Keep(old); kept != nil {
		t.Errorf("kept %v", kept)
	}
	if next.Gateway.AdminToken().Reveal() != "another-"+adminToken {
		t.Error("the new token is not in force")
	}
	if slices.Equal(next.Gateway.Certificate().Certificate[0], old.Gateway.Certificate().Certificate[0]) {
		t.Error("the new certificate is not in force")
	}

	bare := mustLoad(t, good)
	bare.Vault = old.Vault
	kept := bare.Keep(old)
	if want := []string{"gateway.public_url", "gateway.tls", "gateway.admin_token"}; !slices.Equal(kept, want) {
		t.Errorf("kept %v, want %v", kept, want)
	}
	if !bare.Gateway.AsksWho() || !bare.Gateway.TLS.On() {
		t.Errorf("a file without a token opened the gateway: %+v", bare.Gateway)
	}
}

func overwrite(t *testing.T, from, to string) {
	t.Helper()
	data, err := read(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(data), 0o600)
}

func TestFaultsOfAccess(t *testing.T) {
	certificate, key := certificateFiles(t)
	_, otherKey := certificateFiles(t)
	const at = "tokenkeeper.yaml:"
	serve := func(lines ...string) string { return "  " + strings.Join(lines, "\n  ") + "\n" }
	testFaults(t, []fault{
		{"open and nobody asked", listenLine, serve("listen: 0.0.0.0:8780"), []string{
			at + `6:1: gateway.public_url: this is missing; fix: write what browsers open, for example https://tokenkeeper.example.com`,
			at + `7:11: gateway.listen: "0.0.0.0:8780" is open to other machines, and nobody would be asked who they are; fix: write oidc: or admin_token_env: NAME under gateway, or listen on 127.0.0.1`,
			at + `7:11: gateway.listen: "0.0.0.0:8780" is open to other machines, and tokens would travel in clear; fix: write tls: {certificate: FILE, key: FILE} under gateway; or trusted_proxies: [ADDRESS], of the reverse proxy with TLS in front; or listen on 127.0.0.1`,
		}},
		{"in clear", listenLine, serve("listen: :8780", "public_url: https://keeper.example.com", "admin_token_env: TOKENKEEPER_ADMIN_TOKEN"), []string{
			at + `7:11: gateway.listen: ":8780" is open to other machines, and tokens would travel in clear; fix: write tls: {certificate: FILE, key: FILE} under gateway; or trusted_proxies: [ADDRESS], of the reverse proxy with TLS in front; or listen on 127.0.0.1`,
		}},
		{"short token", listenLine, serve("admin_token_env: SHORT_TOKEN"), []string{
			at + `7:20: gateway.admin_token_env: this token has 6 characters, and fewer than 32 can be guessed; fix: make one with: openssl rand -base64 32`,
		}},
		{"token of two words", listenLine, serve("viewer_token_env: SPACED_TOKEN"), []string{
			at + `7:21: gateway.viewer_token_env: this token has a character that does not fit a header, such as a space; fix: make one with: openssl rand -base64 32`,
		}},
		{"one token for both", listenLine, serve("admin_token_env: TOKENKEEPER_ADMIN_TOKEN", "viewer_token_env: TOKENKEEPER_ADMIN_TOKEN"), []string{
			at + `8:21: gateway.viewer_token_env: this is the admin token, and every viewer would be an operator; fix: make one with: openssl rand -base64 32`,
		}},
		{"token in the file", listenLine, serve("admin_token: hunter2"), []string{
			at + `7:3: gateway.admin_token: a secret must never stand in this file; fix: put a new one into an environment variable and write admin_token_env: NAME, or into a file of mode 600 and write admin_token_file: PATH`,
		}},
		{"proxy by name", listenLine, serve("trusted_proxies: [proxy.example.com, 0.0.0.0/0]"), []string{
			at + `7:21: gateway.trusted_proxies[0]: "proxy.example.com" is neither an address nor a network; fix: write for example 10.0.0.7 or 10.0.0.0/24; names are not looked up`,
			at + `7:40: gateway.trusted_proxies[1]: "0.0.0.0/0" is everybody, and everybody could write the headers of a proxy; fix: write the address of the proxy, for example 10.0.0.7`,
		}},
		{"key of another certificate", listenLine, serve("tls: {certificate: " + certificate + ", key: " + otherKey + "}"), []string{
			at + `7:22: gateway.tls.certificate: this certificate and key cannot be used: private key does not match public key; fix: name two PEM files that belong together, the certificate of the gateway first in its file`,
		}},
		{"no certificate there", listenLine, serve("tls: {certificate: " + certificate + "x, key: " + key + "}"), []string{
			at + `7:22: gateway.tls.certificate: ` + certificate + `x cannot be read: no such file or directory; fix: name the PEM file with the certificate and its chain`,
		}},
		{"TLS at an address with http", listenLine, serve("public_url: http://127.0.0.1:8780", "tls: {certificate: "+certificate+", key: "+key+"}"), []string{
			at + `7:15: gateway.public_url: the gateway serves TLS, and no browser gets there with http; fix: write https, or delete gateway.tls`,
		}},
	})
}
